"""A batch: checked as a whole, agreed to once, bought once however often it is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with a paid engine, ten cents a second, and a dollar a day."""
    terminal.settings(
        f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n[budget]\nper_day = 1\n'
    )
    return terminal


def shots(mark: str, count: int, **fields: Any) -> Lines:
    """Return lines of a second each, told apart by their prompts."""
    common = {"model": "lab/priced", "seconds": 1, **fields}
    return [{"prompt": f"{mark} {number}", **common} for number in range(count)]


def write(terminal: Terminal, lines: Lines) -> str:
    (terminal.home / "shots.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "shots.jsonl"


def results(terminal: Terminal) -> Lines:
    text = (terminal.home / "shots.results.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_becomes_a_clip_and_a_result(paid: Terminal, provider: ProviderProcess) -> None:
    """Three lines, agreed to once: three creates, and a result for each line in its order, with its clip."""
    file = write(paid, [*shots("three", 2), {**shots("three", 1)[0], "prompt": "three last", "out": "last"}])
    said = paid.run("create", "--batch", file, "--yes", "--json")
    found = results(paid)

    assert said.code == 0, said
    assert said.json()["states"] == {"completed": 3}
    assert said.json()["spent"] == "0.3"
    assert "in all: $0.30" in said.err
    assert [one["line"] for one in found] == [1, 2, 3]
    assert all(Path(one["clip"]).is_file() and one["error"] is None for one in found)
    assert [one["cost"]["amount"] for one in found] == ["0.1"] * 3
    assert (paid.home / "last.mp4").is_file()
    assert len(provider.log("three")) == 3


def test_run_again_it_buys_only_what_is_new(paid: Terminal, provider: ProviderProcess) -> None:
    """Run again as it is nothing is sent; turned round and with another line, one create more."""
    lines = shots("again", 3)
    paid.run("create", "--batch", write(paid, lines), "--yes")
    first = {one["job"] for one in results(paid)}
    same = paid.run("create", "--batch", write(paid, lines))
    again = {one["job"] for one in results(paid)}
    longer = [*reversed(lines), *shots("again more", 1)]
    paid.run("create", "--batch", write(paid, longer), "--max-usd-total", "0.10")
    last = {one["job"] for one in results(paid)}

    assert same.code == 0, same
    assert first == again < last
    assert len(last) == 4
    assert len(provider.log("again")) == 4


def test_the_same_line_twice_is_two_clips(paid: Terminal, provider: ProviderProcess) -> None:
    """Two equal lines are two takes, and stay these two when it is run again."""
    file = write(paid, shots("twice", 1) * 2)
    for _ in range(2):
        assert paid.run("create", "--batch", file, "--yes").code == 0

    assert len({one["job"] for one in results(paid)}) == 2
    assert len(provider.log("twice")) == 2


def test_every_bad_line_is_named_and_nothing_is_stored(paid: Terminal, provider: ProviderProcess) -> None:
    """Broken JSON, a wrong type, what no model can, a model nobody has, an unknown price: all told."""
    file = write(paid, shots("bad", 1))
    with (paid.home / file).open("a") as more:
        more.write('{"prompt": \n\n{"prompt": "bad", "seconds": "5"}\n{"prompt": "bad", "colour": 1}\n')
        more.write('{"prompt": "bad", "model": "lab/priced", "aspect": "1:1"}\n{"seconds": 5}\n')
        more.write('{"prompt": "bad", "model": "lab/none"}\n{"prompt": "bad", "model": "lab/unpriced"}\n')
        more.write('{"prompt": "bad", "references": [{"role": "subject", "path": "none.png"}]}\n')
    said = paid.run("create", "--batch", file, "--yes")

    assert said.code == 2
    assert [number for number in range(1, 11) if f"line {number}:" in said.err] == [2, 4, 5, 6, 7, 8, 9, 10]
    assert paid.json("jobs") == []
    assert provider.log("bad") == []


def test_nobody_agreed_nothing_stored(paid: Terminal, provider: ProviderProcess) -> None:
    """Without --yes and above --max-usd-total the whole price is told, and nothing is stored."""
    file = write(paid, shots("agreed", 4))
    asked = paid.run("create", "--batch", file)
    bounded = paid.run("create", "--batch", file, "--max-usd-total", "0.39", "--yes")

    assert (asked.code, bounded.code) == (6, 6)
    assert "$0.40" in asked.err
    assert "--max-usd-total 0.39" in bounded.err
    assert paid.json("jobs") == []
    assert provider.log("agreed") == []


def test_what_does_not_fit_the_cap_is_not_begun(paid: Terminal, provider: ProviderProcess) -> None:
    """Eleven clips of ten cents go over a day's dollar: not even those that would have fitted are stored."""
    said = paid.run("create", "--batch", write(paid, shots("fit", 11)), "--yes")

    assert said.code == 6
    assert "$1.10" in said.err
    assert paid.json("jobs") == []
    assert provider.log("fit") == []


def test_a_key_of_ones_own_stands_for_one_request(paid: Terminal, provider: ProviderProcess) -> None:
    """A line's own key is the job it was; with other words under it the line is refused by its number."""
    (line,) = shots("own", 1, key="mine")
    assert paid.run("create", "--batch", write(paid, [line]), "--yes").code == 0
    other = {**line, "prompt": "own, but another"}
    said = paid.run("create", "--batch", write(paid, [*shots("own more", 1), other]), "--yes")

    assert said.code == 2
    assert "line 2:" in said.err
    assert "mine" in said.err
    assert len(provider.log("own")) == 1


def test_one_that_fails_keeps_its_error_and_the_others_go_on(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """A refused line is failed with its reason in the results; the other two have their clips."""
    provider.script("fails 1", create=[{"accept": False, "status": 422}])
    said = paid.run("create", "--batch", write(paid, shots("fails", 3)), "--yes", "--json")
    found = results(paid)

    assert said.code == 5
    assert said.json()["states"] == {"completed": 2, "failed": 1}
    assert [one["state"] for one in found] == ["completed", "failed", "completed"]
    assert found[1]["error"]["billed"] == "no"
    assert said.json()["spent"] == "0.2"


def test_again_makes_only_the_lines_that_came_to_nothing(paid: Terminal, provider: ProviderProcess) -> None:
    """One line fails; run again it stays so, and with --again that line alone is made anew, and answers."""
    refusal = {"accept": False, "status": 422, "times": 1}
    provider.script("came 1", create=[refusal])
    file = write(paid, shots("came", 3))
    first = paid.run("create", "--batch", file, "--yes")
    failed = results(paid)
    same = paid.run("create", "--batch", file, "--yes")
    before = len(provider.log("came"))
    again = paid.run("create", "--batch", file, "--yes", "--again")
    made = results(paid)

    assert (first.code, same.code, again.code) == (5, 5, 0), again
    assert [one["state"] for one in failed] == ["completed", "failed", "completed"]
    assert (before, len(provider.log("came"))) == (2, 3)
    assert [one["state"] for one in made] == ["completed"] * 3
    kept = [old["job"] == new["job"] for old, new in zip(failed, made, strict=True)]
    assert kept == [True, False, True]


def test_a_line_turns_to_the_engines_it_names(paid: Terminal, provider: ProviderProcess) -> None:
    """A line's fallback is used for that line, and its result's job tells it."""
    provider.script("turned", create=[{"accept": False, "status": 422}])
    (line,) = shots("turned", 1, fallback=["animatic/storyboard"], resolution="720p")
    said = paid.run("create", "--batch", write(paid, [line]), "--yes")
    (found,) = results(paid)

    assert said.code == 0, said
    assert provider.log("turned") == []
    assert paid.json("job", found["job"])["job"]["model"] == "animatic/storyboard"


def test_what_a_fallback_may_cost_is_agreed_to(paid: Terminal, provider: ProviderProcess) -> None:
    """A line that is free where it is sent first, and paid where it may be turned to, asks for the price."""
    (line,) = shots("turned dear", 1, model="animatic/storyboard", resolution="720p")
    file = write(paid, [{**line, "fallback": ["lab/priced"]}])
    asked = paid.run("create", "--batch", file)
    bounded = paid.run("create", "--batch", file, "--max-usd-total", "0.05")

    assert (asked.code, bounded.code) == (6, 6)
    assert "in all: $0.10 at most, whatever fallbacks are turned to" in asked.err
    assert paid.json("jobs") == []


def test_a_picture_is_the_same_wherever_it_lies(paid: Terminal, provider: ProviderProcess) -> None:
    """A reference beside the batch is found; renamed it is the same line; with another content a new one."""
    for name, colour in (("one.png", "red"), ("same.png", "red"), ("other.png", "blue")):
        Image.new("RGB", (64, 64), colour).save(paid.home / name)
        line = shots("picture", 1, references=[{"role": "subject", "path": name}])
        assert paid.run("create", "--batch", write(paid, line), "--yes").code == 0

    assert len(provider.log("picture")) == 2


def test_ctrl_c_stops_watching_only(paid: Terminal, provider: ProviderProcess) -> None:
    """Interrupted while it watches it exits with 130; run again it finds its jobs and their clips."""
    provider.script("interrupt", render={"seconds": 3.0})
    file = write(paid, shots("interrupt", 2))
    watching = subprocess.Popen(
        paid.command("create", "--batch", file, "--yes"),
        env=paid.environ,
        cwd=paid.home,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stderr is not None
    for line in watching.stderr:
        if "of 2 done" in line:
            break
    os.kill(watching.pid, signal.SIGINT)
    _, err = watching.communicate(timeout=60)
    said = paid.run("create", "--batch", file)

    assert watching.returncode == 130
    assert "the jobs go on" in err
    assert said.code == 0, said
    assert [one["state"] for one in results(paid)] == ["completed"] * 2
    assert len(provider.log("interrupt")) == 2


def test_words_of_a_clip_do_not_go_with_it(terminal: Terminal) -> None:
    """A prompt, --count or --key beside --batch, and --max-usd-total without it, are refused."""
    file = write(terminal, [{"prompt": "a boat"}])
    for words in (("a boat",), ("--count", "2"), ("--key", "k"), ("--seconds", "5")):
        assert terminal.run("create", *words, "--batch", file).code == 2
    assert terminal.run("create", "a boat", "--max-usd-total", "1").code == 2
    assert terminal.json("jobs") == []


def test_a_line_that_was_paid_for_elsewhere_buys_nothing(paid: Terminal, provider: ProviderProcess) -> None:
    """(F15, U4.1) What `create` bought answers for the line of a batch: nothing is asked or sent."""
    (line,) = shots("elsewhere", 1)
    bought = paid.json("create", line["prompt"], "--model", line["model"], "--seconds", "1", "--yes")
    said = paid.run("create", "--batch", write(paid, [line]))
    assert said.code == 0, said
    assert results(paid)[0]["job"] == bought["job"]["id"]
    assert len(provider.log("elsewhere")) == 1


def test_the_same_words_are_not_asked_for_twice(paid: Terminal, provider: ProviderProcess) -> None:
    """(F15) What was paid for answers without a yes: the answer says what it cost."""
    words = ("create", "asked once", "--model", "lab/priced", "--seconds", "1")
    paid.json(*words, "--yes")
    again = paid.run(*words)
    assert again.code == 0, again
    assert "already made" in again.err
    assert "$0.10" in again.err
    assert len(provider.log("asked once")) == 1
