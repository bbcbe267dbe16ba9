"""Wishes beyond words and a shape: a style, a clip to go on from, a storyboard, what the provider holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import QUICK, Terminal

MODEL = """
[engines.lab]
engine = "scripted"
base_url = "{}"
[[engines.lab.models]]
id = "all"
seconds = {{ low = 1, high = 20 }}
audio = "always"
resolutions = ["180p"]
styles = true
remix = true
extend = true
shots = 4
remote_references = true
references = {{ subject = 3 }}
price = {{ free = true }}
"""
LAB = ("--model", "lab/all")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log") as one:
        yield one


@pytest.fixture
def lab(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with an engine whose model can do all of it."""
    terminal.settings(MODEL.format(provider.base_url))
    return terminal


def test_every_wish_is_kept_and_shown(lab: Terminal) -> None:
    """What was asked for stands in the quote, in the answer of create, and in what `job` shows a person."""
    board = ("--shot", "5: a boat in the gutter", "--shot", "2.5:it falls: over the edge")
    words = ("keep the same boat", *LAB, "--style", "anime", "--remix", "s_01", *board)
    quote = lab.json("quote", *words)["request"]
    request = lab.json("create", *words, "--no-wait")["job"]["request"]
    shown = lab.run("job", lab.json("jobs")[0]["job"]["id"]).out

    assert quote["shots"] == request["shots"]
    assert request["shots"] == [
        {"seconds": 5.0, "prompt": "a boat in the gutter"},
        {"seconds": 2.5, "prompt": "it falls: over the edge"},
    ]
    assert (request["seconds"], request["style"], request["remix"]) == (7.5, "anime", "s_01")
    assert "style  anime" in shown
    assert "remix of  s_01" in shown
    assert "shot  2.5 s: it falls: over the edge" in shown
    assert "continues  gen_7" in lab.run("quote", "on", *LAB, "--extend", "gen_7").out


def test_another_wish_is_another_job(lab: Terminal) -> None:
    """The same words with another style are a new job; the same style again is the first one."""
    ids = [
        lab.json("create", "a boat", *LAB, *wish, "--no-wait")["job"]["id"]
        for wish in (
            (),
            ("--style", "anime"),
            ("--style", "news"),
            ("--extend", "gen_1"),
            ("--style", "anime"),
        )
    ]

    assert len(set(ids)) == 4
    assert ids[1] == ids[4]


def test_what_the_provider_holds_is_not_handed_in_again(lab: Terminal, provider: ProviderProcess) -> None:
    """A reference by id is neither looked at, copied nor uploaded; a file beside it is."""
    before = provider.stats().get("uploads", 0)
    picture = lab.home / "boat.png"
    Image.new("RGB", (64, 64)).save(picture)
    held = lab.json("create", "the boat again", *LAB, "--reference", "subject=id:gen_42")
    copied = (lab.home / "references").exists()
    both = ("--reference", "subject=id:gen_42", "--reference", f"subject={picture}")
    lab.json("create", "both boats", *LAB, *both)

    assert held["job"]["state"] == "completed"
    assert held["job"]["request"]["references"] == [
        {"role": "subject", "path": None, "sha256": None, "remote": "gen_42"}
    ]
    assert not copied
    assert len(list((lab.home / "references").iterdir())) == 1
    assert provider.stats().get("uploads", 0) == before + 1
    assert "subject  id:gen_42" in lab.run("job", held["job"]["id"]).out


def test_a_model_tells_what_it_takes(lab: Terminal) -> None:
    """`rushes models ADDRESS` names each switch that is on, and of another model none."""
    able = lab.run("models", "lab/all").out
    plain = lab.run("models", "animatic/storyboard").out

    for name in ("styles", "remix", "extend", "shots", "remote references"):
        assert f"{name}  " in able
        assert f"{name}  " not in plain


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--shot", "a boat in the gutter"), "does not begin with its seconds"),
        (("--shot", "five: a boat"), "does not begin with its seconds"),
        (("--shot", "5"), "does not begin with its seconds"),
        (("--shot", "5: "), "the shot's prompt is empty"),
        (("--shot", "5: a", "--seconds", "4"), "last 5 s together, and seconds is 4"),
        (("--remix", "s_1", "--extend", "gen_1"), "remixed or continued"),
        (("--style", ""), "style is empty"),
        (("--style", "anime"), "style is anime; allowed: none"),
        (("--reference", "subject=id:"), "the reference's id is empty"),
        (("--reference", "first_frame=id:gen_1"), "reference is id:gen_1; allowed: files only"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    """Each exits with 2, says what is wrong and what to do, and stores nothing."""
    said = terminal.run("create", "a boat", *words)

    assert said.code == 2
    assert told in said.err
    assert " next: " in said.err
    assert terminal.json("jobs") == []


def test_words_by_pipe_are_the_same_words(terminal: Terminal) -> None:
    """`echo` ends a line: that is no part of the prompt, so the job is the one that the same words made."""
    typed = terminal.json("create", "a forest", *QUICK, "--no-wait")["job"]
    for piped in ("a forest\n", "a forest\r\n", "\ufeffa forest\n"):
        said = terminal.run("create", "-", *QUICK, "--no-wait", "--json", stdin=piped)
        assert (said.json()["job"]["id"], said.json()["job"]["request"]["prompt"]) == (
            typed["id"],
            "a forest",
        )


def test_a_ledger_without_these_wishes_is_still_read(terminal: Terminal) -> None:
    """A job stored before there were styles is shown, and its key still stands for the same words."""
    words = ("create", "a forest", *QUICK, "--seed", "1", "--key", "mine", "--no-wait")
    first = terminal.json(*words)
    with sqlite3.connect(terminal.home / "ledger.db") as ledger:
        ((text,),) = ledger.execute("SELECT request FROM jobs").fetchall()
        later = {"style", "remix", "extend", "storyboard_id", "shots"}
        old = {name: value for name, value in json.loads(text).items() if name not in later}
        ledger.execute("UPDATE jobs SET request = ?", (json.dumps(old),))

    assert later <= set(json.loads(text))
    assert terminal.json("job", first["job"]["id"])["job"]["request"] == first["job"]["request"]
    assert terminal.json(*words)["job"]["id"] == first["job"]["id"]
    assert Path(terminal.json("wait", first["job"]["id"])["clips"][0]["path"]).is_file()
