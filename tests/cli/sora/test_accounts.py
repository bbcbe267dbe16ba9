"""A job is made with the account that it was asked for with, whoever has signed in since."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rushes.testing.sora_process import SoraProcess
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Said, Terminal

SHAPE = ("landscape", "small", "150", "--model", "sora-web/sy_8")


@pytest.fixture
def other(terminal: Terminal, emulator: SoraProcess) -> Iterator[SoraHome]:
    """A home in which one of two persons has signed in; jobs that are blocked are seen by no worker."""
    one = SoraHome(terminal=replace(terminal, variables={"RUSHES_IDLE_S": "20"}), emulator=emulator)
    one.configure()
    assert one.sign_in().code == 0
    yield one
    terminal.stop_worker()
    emulator.clear()


def test_a_job_waits_for_its_own_account(other: SoraHome) -> None:
    """Neither a create nor a poll of one person's job uses another's account; each goes on with its own."""
    director = replace(other, email=f"{secrets.token_hex(4)}@example.com")
    other.emulator.fault("never-ends", match="a boat under way")
    under_way = create(other, "a boat under way", "--no-wait").json()["job"]
    until_running(other, under_way["id"])

    assert director.sign_in().code == 0
    blocked = other.terminal.run("wait", under_way["id"], "--timeout", "60")
    assert f"is for {other.email}, and {director.email} is signed in" in blocked.out
    assert f"sign in as {other.email}: rushes sora login" in blocked.out
    listed = other.terminal.run("jobs").out
    assert f"blocked (sign in as {other.email})"[:36] in listed
    assert create(director, "a boat of the other person").code == 0

    said = other.sign_in()
    assert "1 job waited for this" in said.out
    assert until_running(other, under_way["id"])["account"] == under_way["account"]
    makers = {one["prompt"]: one["account"] for one in other.emulator.log("a boat")}
    assert makers == {"a boat under way": other.email, "a boat of the other person": director.email}


def test_what_was_not_sent_is_never_made_with_another_account(other: SoraHome) -> None:
    """A job stored by one and not sent yet waits; collecting it does not move it, `--again` makes it anew."""
    other.sora("logout")
    unbound = create(other, "a kite at noon").json()["job"]
    assert (unbound["state"], unbound["key_source"]) == ("blocked", None)
    other.sign_in()
    assert other.terminal.run("wait", unbound["id"], "--timeout", "60").code == 0
    assert other.terminal.json("job", unbound["id"])["job"]["key_source"] == other.email

    other.emulator.fault("quota", 900, match="a kite at night")
    stored = create(other, "a kite at night").json()["job"]
    assert stored["state"] == "blocked"
    other.emulator.clear()
    director = replace(other, email=f"{secrets.token_hex(4)}@example.com")
    assert "none waited for this" in director.sign_in().out
    other.terminal.run("collect", stored["id"])
    waits = other.terminal.run("wait", stored["id"], "--timeout", "60")
    assert (waits.code, other.emulator.log("a kite at night")) == (7, [])
    assert f"is for {other.email}" in waits.out

    made = create(director, "a kite at night", "--again")
    assert made.code == 0, made
    (log,) = other.emulator.log("a kite at night")
    assert log["account"] == director.email


def create(home: SoraHome, prompt: str, *words: str) -> Said:
    return home.terminal.run("create", prompt, *SHAPE, "--json", *words)


def until_running(home: SoraHome, id: str) -> dict[str, Any]:
    """Return a job once the service has it, as `rushes job` shows it."""
    while (found := home.terminal.json("job", id)["job"])["state"] != "running":
        assert found["state"] in {"waiting", "submitting", "queued", "blocked"}, found
    return dict(found)
