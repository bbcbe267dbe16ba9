"""Engines whose clips are part of a plan, engines that lack a package, and those nobody configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.domain.extras import command_to_install, install_command
from tests.cli.planned import install
from tests.cli.terminal import Terminal

PLAN = "[engines.planned]\n"


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal where the engines of `planned` are installed, and one of them is configured."""
    one = Terminal(home=tmp_path / "home", variables=install(tmp_path / "site"))
    one.home.mkdir()
    one.settings(PLAN)
    yield one
    one.stop_worker()


def test_a_plan_says_what_is_left(planned: Terminal) -> None:
    """A quote asks the engine what is left; the clip and its job tell what the provider said on accepting."""
    quote = planned.json("quote", "a forest", "--model", "planned/one")
    made = planned.run("create", "a forest", "--model", "planned/one")
    id = planned.json("jobs")[0]["job"]["id"]
    shown = planned.run("job", id)

    assert (quote["quote"]["basis"], quote["quote"]["quota_left"]) == ("included_in_plan", 29)
    assert "included in your plan, 29 left" in made.err
    assert "in your plan, 28 left" in made.out
    assert "in your plan, 28 left" in shown.out
    assert "quota left 28, priority 1" in shown.out
    assert planned.json("wait", id)["job"]["facts"] == {"quota_left": 28, "priority": 1}


def test_a_provider_that_says_nothing_is_not_quoted(planned: Terminal) -> None:
    """Without facts there are none in the answer, and nobody reads a number that was not said."""
    answer = planned.json("create", "a forest says nothing", "--model", "planned/one")
    shown = planned.run("job", answer["job"]["id"])

    assert answer["job"]["facts"] == {}
    assert "in your plan" in shown.out
    assert " left" not in shown.out


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("nobody is signed in", "nobody is signed in"),
        ("a mistake", "the engine planned failed while asking for the price: KeyError: 'remaining' (at cli/"),
    ],
)
def test_an_engine_that_cannot_answer_keeps_no_quote_back(planned: Terminal, prompt: str, told: str) -> None:
    """The quote of a plan is given without what is left, and says why that is not known."""
    said = planned.run("quote", prompt, "--model", "planned/one", "--json")

    assert said.code == 0, said
    assert said.json()["quote"]["basis"] == "included_in_plan"
    assert said.json()["quote"]["quota_left"] is None
    assert f"what is left of your plan is not known: {told}" in said.err


def test_a_package_that_is_missing_is_said_with_its_cure(planned: Terminal) -> None:
    """An engine of another maker that lacks a package is not ready, and doctor and create say the cure."""
    planned.settings("[engines.lacking]\n")
    doctor = planned.run("doctor")
    made = planned.run("create", "a forest", "--model", "lacking/one")

    for said in (doctor.out, made.err):
        assert "'a_package_that_is_not_there', which is not installed" in said
        assert command_to_install("a_package_that_is_not_there") in said
    assert (doctor.code, made.code) == (8, 8)


def test_a_shipped_engine_names_its_own_extra(tmp_path: Path) -> None:
    """Without the browser's package the engine that needs it is not ready, and the cure is its extra."""
    (tmp_path / "sitecustomize.py").write_text('import sys\nsys.modules["playwright"] = None\n')
    bare = Terminal(home=tmp_path, variables={"PYTHONPATH": str(tmp_path)})
    bare.settings("[engines.sora-web]\n")
    statuses = {one["name"]: one["status"] for one in bare.json("engines")["engines"]}

    assert statuses["animatic"] == "ready"
    assert "'playwright', which is not installed" in statuses["sora-web"]
    assert install_command("sora") in statuses["sora-web"]


def test_a_retired_engine_says_so_on_a_bare_machine(terminal: Terminal) -> None:
    """Asked for without a settings table, a shipped model is known and is refused for what it is: retired."""
    made = terminal.run("create", "a boat", "--model", "sora-web/sy_8_20260301", "--json")
    error = made.json()["error"]

    assert made.code == 2
    assert error["code"] == "model_retired"
    assert "sora-web/sy_8_20260301 was retired on 2026-04-26" in error["message"]
    assert "rushes config set openrouter.key" in error["next"]
    assert "rushes config set engines.sora-web.base_url URL" in error["next"]
    assert terminal.json("jobs") == []


def test_only_configured_engines_are_listed(terminal: Terminal) -> None:
    """A shipped kind that nobody configured is told of when asked for, and in no list."""
    models = [one["model"] for one in terminal.json("models")]
    shown = terminal.json("models", "sora-web/sy_ore")
    unknown = terminal.run("models", "sora-web/sy_9")

    assert models == ["animatic/storyboard"]
    assert (shown["model"], shown["retires_on"]) == ("sora-web/sy_ore", "2026-04-26")
    assert "did you mean sora-web/sy_" in unknown.err
    assert [one["name"] for one in terminal.json("engines")["engines"]] == ["animatic"]
    assert "sora-web" not in terminal.run("doctor").out


def test_what_nobody_saw_work_is_said(terminal: Terminal) -> None:
    """A quote tells which of the values asked for are unconfirmed, as text on stderr and in its JSON."""
    terminal.settings(
        '[engines.lab]\nengine = "scripted"\n'
        '[[engines.lab.models]]\nid = "bold"\nresolutions = ["480p", "720p"]\naudio = "always"\n'
        'unconfirmed = ["1:1", "720p", "20 s"]\nprice = { free = true }\n'
    )
    words = ("a boat", "--model", "lab/bold")
    bold = terminal.run("quote", *words, "--seconds", "20", "--aspect", "1:1", "--json")
    plain = terminal.run("quote", *words)
    made = terminal.run("create", *words, "--resolution", "720p", "--no-wait")

    assert "unconfirmed: 1:1, 20 s;" in bold.err
    assert bold.json()["unconfirmed"] == ["1:1", "20 s"]
    assert "unconfirmed" not in plain.out + plain.err
    assert "unconfirmed: 720p;" in made.err
