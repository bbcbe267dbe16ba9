"""`rushes cancel`: what was canceled already, what has ended, and all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from filelock import FileLock

from tests.cli.keyboard import typing
from tests.cli.terminal import QUICK, Terminal


@pytest.fixture
def waiting(terminal: Terminal) -> Iterator[list[str]]:
    """Three jobs that no worker takes up, since another program has its lock; their ids."""
    with FileLock(terminal.home / "worker.lock"):
        stored = terminal.json("create", "a boat", *QUICK, "--count", "3", "--no-wait")
        yield [one["job"]["id"] for one in stored]


def test_a_job_is_canceled_once(terminal: Terminal, waiting: list[str]) -> None:
    """Canceled again it is already canceled, which is no error; another typo cancels nothing."""
    typo = terminal.run("cancel", waiting[1], "nope")
    first, second = terminal.run("cancel", waiting[0]), terminal.run("cancel", waiting[0])

    assert (typo.code, first.code, second.code) == (2, 0, 0)
    assert "already canceled" not in first.out
    assert f"job {waiting[0]} is already canceled" in second.out
    assert terminal.json("job", waiting[1])["job"]["state"] == "waiting"


def test_of_a_completed_job_there_is_nothing_to_cancel(stocked: Terminal) -> None:
    """It is said plainly, with the command that shows what came of it."""
    id = stocked.json("jobs")[0]["job"]["id"]
    said = stocked.run("cancel", id)

    assert said.code == 2
    assert f"job {id} is completed: there is nothing to cancel" in said.err
    assert f"rushes job {id}" in said.err


def test_all_are_canceled_only_if_that_was_said(terminal: Terminal, waiting: list[str]) -> None:
    """Without --yes, and nobody to ask, none is; with it all that are in the state; then there are none."""
    asked = terminal.run("cancel", "--all")
    none = terminal.run("cancel", "--all", "--state", "running", "--yes")
    done = terminal.json("cancel", "--all", "--state", "waiting", "--yes")

    assert asked.code == 6
    assert "3 jobs would be canceled (3 waiting); nothing was canceled" in asked.err
    assert (none.code, none.out.strip()) == (0, "no running jobs")
    assert {one["job"]["id"] for one in done} == set(waiting)
    assert {one["job"]["state"] for one in done} == {"canceled"}
    assert terminal.run("cancel", "--all").out.strip() == "no jobs to cancel"
    assert terminal.run("jobs", "--state", "waiting").out.strip() == "no waiting jobs"


@pytest.mark.skipif(sys.platform != "linux", reason="types on a pseudo-terminal of Linux")
@pytest.mark.parametrize(("key", "left"), [("n\n", 3), ("y\n", 0)])
def test_a_person_is_asked(terminal: Terminal, waiting: list[str], key: str, left: int) -> None:
    """A no cancels nothing, a yes all."""
    with typing(terminal, "cancel", "--all") as keys:
        keys.until("Cancel 3 jobs (3 waiting)? [y/N]: ")
        keys.type(key)
        keys.end(limit_s=20)

    assert len(terminal.json("jobs", "--state", "waiting")) == left


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--state", "waiting"),
        ("j", "--yes"),
        ("--all", "j"),
        ("--all", "--abandon"),
        ("--charged", "1", "j"),
    ],
)
def test_options_that_contradict_each_other_are_refused(stocked: Terminal, words: tuple[str, ...]) -> None:
    """Nothing is canceled then."""
    assert stocked.run("cancel", *words).code == 2
