"""Paid engines at the terminal: the price first, nothing sent without agreement, caps that hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

KEY = "sk-very-secret-4711"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with a paid engine and a key from `.env`."""
    terminal.settings(
        f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\nkey_env = "LAB_KEY"\n'
        "[budget]\nper_day = 1\n"
    )
    (terminal.home / ".env").write_text(f"LAB_KEY={KEY}\n")
    return terminal


def test_nobody_agreed_nothing_sent(paid: Terminal, provider: ProviderProcess) -> None:
    """Without a terminal and without --yes a paid create tells its price and sends nothing."""
    said = paid.run("create", "nobody agreed", "--model", "lab/priced")

    assert said.code == 6
    assert "$0.20" in said.err
    assert "--yes" in said.err
    assert provider.log("nobody agreed") == []
    assert paid.json("jobs") == []


def test_yes_buys_once_and_books_it(paid: Terminal, provider: ProviderProcess) -> None:
    """With --yes one create is sent, its cost is told and booked; the same again costs nothing."""
    words = ("create", "somebody agreed", "--model", "lab/priced", "--yes")
    answer = paid.json(*words)
    paid.json(*words)
    day = next(one for one in paid.json("budget")["caps"] if one["name"] == "day")

    assert len(provider.log("somebody agreed")) == 1
    assert answer["cost"] == {"amount": "0.2", "currency": "USD", "known": True, "basis": "per_use"}
    assert (day["held"], day["spent"], day["left"]) == ("0", "0.2", "0.8")


def test_an_unknown_price_needs_a_bound(paid: Terminal, provider: ProviderProcess) -> None:
    """A price that is not known is never read as nothing: --max-usd is asked for, held and booked."""
    refused = paid.run("create", "unknown price", "--model", "lab/unpriced", "--yes")
    answer = paid.json("create", "unknown price", "--model", "lab/unpriced", "--max-usd", "0.30")

    assert refused.code == 6
    assert "--max-usd" in refused.err
    assert len(provider.log("unknown price")) == 1
    assert answer["cost"]["amount"] == "0.3"


def test_a_bound_below_the_price_sends_nothing(paid: Terminal, provider: ProviderProcess) -> None:
    """--max-usd below the quote is refused with both amounts."""
    said = paid.run("create", "too dear", "--model", "lab/priced", "--max-usd", "0.10")

    assert said.code == 6
    assert "$0.20" in said.err
    assert "--max-usd 0.10" in said.err
    assert provider.log("too dear") == []


def test_takes_above_the_cap_are_all_refused(paid: Terminal, provider: ProviderProcess) -> None:
    """Six takes of $0.20 do not fit a day's dollar: none is stored, not even those that would have fitted."""
    said = paid.run("create", "six takes", "--model", "lab/priced", "--count", "6", "--yes", "--json")

    assert said.code == 6
    assert said.json()["error"]["code"] == "over_budget"
    assert provider.log("six takes") == []
    assert paid.json("jobs") == []


def test_a_lost_answer_is_said_and_settled_by_a_person(paid: Terminal, provider: ProviderProcess) -> None:
    """A create whose answer was lost exits with 4, holds its money, and `reconcile` brings its clip in."""
    provider.script("lost answer", create=[{"drop": True}])
    said = paid.run("create", "lost answer", "--model", "lab/priced", "--yes", "--json")
    id = said.json()["job"]["id"]
    (entry,) = provider.log("lost answer")
    paid.json("reconcile", id, "--accepted", entry["id"])
    answer = paid.json("wait", id)

    assert said.code == 4
    assert said.json()["error"]["billed"] == "unknown"
    assert answer["job"]["state"] == "completed"
    assert len(provider.log("lost answer")) == 1


def test_the_key_is_nowhere(paid: Terminal, tmp_path: Path) -> None:
    """Neither the ledger, the log, a sidecar nor any answer holds the engine's key."""
    said = paid.run("create", "no secrets", "--model", "lab/priced", "--yes", "--json")
    shown = said.out + said.err + paid.run("job", said.json()["job"]["id"]).out + paid.run("config").out
    files = [file for file in paid.home.rglob("*") if file.is_file() and file.name != ".env"]

    assert said.code == 0
    assert KEY not in shown
    assert files
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []


@pytest.mark.parametrize("amount", ["1e30", "inf", "nan", "-1", "1000001"])
def test_a_limit_that_is_none_is_refused_by_name(
    paid: Terminal, provider: ProviderProcess, amount: str
) -> None:
    """(F35) --max-usd out of range is bad input, and no internal error; nothing is sent."""
    said = paid.run("create", "a limit", "--model", "lab/priced", f"--max-usd={amount}")

    assert said.code == 2
    assert "not an amount" in said.err
    assert "internal error" not in said.err
    assert provider.log("a limit") == []


@pytest.mark.parametrize("cap", ["1e30", "inf", "nan", "-1"])
def test_a_cap_that_is_none_is_refused_by_name(paid: Terminal, provider: ProviderProcess, cap: str) -> None:
    """(F35) A cap out of range is named, by `budget` and by a `create` that costs money: nothing is sent."""
    settings = (paid.home / "config.toml").read_text(encoding="utf-8")
    paid.settings(re.sub("per_day = .*", f"per_day = {cap}", settings))

    for words, code in ((("budget",), 8), (("create", "a cap", "--model", "lab/priced", "--yes"), 6)):
        said = paid.run(*words)
        assert said.code == code, said
        assert "budget.per_day" in said.err
        assert "internal error" not in said.err
    assert provider.log("a cap") == []
