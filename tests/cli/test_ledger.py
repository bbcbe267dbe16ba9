"""`rushes ledger` and `doctor`: what a person is told of a copied or damaged ledger, and how he decides."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import QUICK, Terminal

SETTINGS = '[engines.lab]\nengine = "scripted"\nbase_url = "{base_url}"\nconcurrency = {concurrency}\n'


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


def store(terminal: Terminal, prompt: str) -> str:
    words = ("create", prompt, "--model", "lab/priced", "--seconds", "1", "--yes", "--no-wait")
    return str(terminal.json(*words)["job"]["id"])


def test_a_copied_home_asks_a_person(terminal: Terminal, provider: ProviderProcess, tmp_path: Path) -> None:
    """F17: `cp -a` of a home with a job waiting: bought once; the copy says why it waits, and ends it."""
    terminal.settings(SETTINGS.format(base_url=provider.base_url, concurrency=1))
    provider.script("takes long", render={"seconds": 600})
    store(terminal, "takes long")
    id = store(terminal, "the boat")
    terminal.stop_worker()
    copy = Terminal(home=tmp_path / "copy")
    shutil.copytree(terminal.home, copy.home)
    for home in (terminal, copy):
        home.settings(SETTINGS.format(base_url=provider.base_url, concurrency=4))
    try:
        bought = terminal.run("wait", id)
        waits = copy.run("wait", id)
        why = copy.run("why", id)
        refused = copy.run("create", "another", "--model", "lab/priced", "--yes")
        free = copy.run("create", "a forest", *QUICK, "--model", "animatic/storyboard")
        shown = copy.run("ledger")
        doctor = copy.run("doctor")
        canceled = copy.run("ledger", "--copy")
        after = copy.run("create", "another", "--model", "lab/priced", "--yes")
        state = copy.json("job", id)["job"]["state"]
    finally:
        copy.stop_worker()

    assert bought.code == 0, bought
    assert len(provider.log("the boat")) == 1
    assert (waits.code, refused.code, shown.code, doctor.code) == (11, 11, 11, 8)
    for said in (waits.out, why.out, refused.err, shown.out, doctor.out):
        assert "rushes ledger --continue" in " ".join(said.split())
    assert str(terminal.home) in " ".join(refused.err.split())
    assert free.code == 0, free
    assert (canceled.code, state) == (0, "canceled")
    assert id in canceled.out
    assert after.code == 0, after


def test_a_damaged_ledger_is_told_and_nothing_paid_is_sent(
    terminal: Terminal, provider: ProviderProcess
) -> None:
    """F39: a table that lost rows: `doctor` and `ledger` say what to do, and no word makes it send."""
    terminal.settings(SETTINGS.format(base_url=provider.base_url, concurrency=4))
    terminal.json("create", "before the damage", "--model", "lab/priced", "--yes")
    terminal.stop_worker()
    ledger = terminal.home / "ledger.db"
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'spend'").fetchone()
    with ledger.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(bytes(size))
    doctor = terminal.run("doctor")
    word = terminal.run("ledger", "--continue")
    refused = terminal.run("create", "after the damage", "--model", "lab/priced", "--yes")

    assert (doctor.code, word.code, refused.code) == (8, 11, 11)
    assert "is damaged" in doctor.out
    assert "rushes library rebuild" in " ".join(doctor.out.split())
    assert provider.log("after the damage") == []


def test_an_unreadable_row_stops_no_command(terminal: Terminal) -> None:
    """(class of F39) One row of the ledger that is no JSON: the others are listed, and it can be ended."""
    bad = terminal.json("create", "a forest", *QUICK)["job"]["id"]
    good = terminal.json("create", "a lake", *QUICK)["job"]["id"]
    with closing(sqlite3.connect(terminal.home / "ledger.db")) as connection, connection:
        connection.execute("UPDATE jobs SET request = '{', state = 'queued' WHERE id = ?", [bad])
    listed = terminal.run("jobs")
    shown = {one["job"]["id"]: one for one in terminal.json("jobs")}
    why = terminal.run("why", bad)
    refused = terminal.run("cancel", bad)
    ended = terminal.run("cancel", "--abandon", bad)

    assert (listed.code, why.code, refused.code, ended.code) == (0, 0, 11, 0)
    assert {bad, good} <= shown.keys()
    assert shown[bad]["error"]["code"] == "row_unreadable"
    assert f"rushes cancel --abandon {bad}" in why.out
    assert terminal.json("job", bad)["job"]["state"] == "failed"
