"""Where the money went: spent and held, by day of one's own time zone, by engine, by model."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATE = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
"""Already the eleventh in Berlin."""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal in Berlin whose ledger holds two clips, of 0.20 and 0.30, and a lost create of 0.40.

    The first was charged at noon of 10 March, the second late that day; the third is held since then.
    """
    terminal = Terminal(home=tmp_path_factory.mktemp("books"))
    with running(terminal.home / "creates.log", footage="160x96x0.5") as provider:
        terminal.settings(
            '[budget]\ntimezone = "Europe/Berlin"\n'
            f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n'
            f'[engines.den]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n'
        )
        _buy(terminal, provider)
        terminal.stop_worker()
    return terminal


def _buy(terminal: Terminal, provider: ProviderProcess) -> None:
    provider.script("lost", create=[{"drop": True}])
    bought = (
        ("noon", "lab/priced", "2", NOON),
        ("late", "den/unpriced", "3", LATE),
        ("lost", "lab/priced", "4", LATE),
    )
    for prompt, model, seconds, at in bought:
        words = ("create", prompt, "--model", model, "--seconds", seconds, "--json")
        said = terminal.run(*words, *(("--max-usd", "0.30") if model == "den/unpriced" else ("--yes",)))
        assert said.code == (4 if prompt == "lost" else 0), said
        _date(terminal, said.json()["job"]["id"], at)


def _date(terminal: Terminal, id: str, at: datetime) -> None:
    """Have a job's money stand in the ledger as of a moment."""
    with sqlite3.connect(terminal.home / "ledger.db") as ledger:
        ledger.execute("UPDATE spend SET spent_at = ? WHERE job_id = ?", (at.timestamp(), id))
        ledger.execute("UPDATE holds SET held_at = ? WHERE job_id = ?", (at.timestamp(), id))
    ledger.close()


def lines(books: Terminal, *words: str) -> list[tuple[str, int, str, int, str]]:
    found = books.json("spend", *words)
    return [(one["name"], one["jobs"], one["spent"], one["open"], one["held"]) for one in found["lines"]]


def test_days_are_those_of_the_time_zone(books: Terminal) -> None:
    """What was charged half an hour before midnight UTC is the next day's in Berlin."""
    assert lines(books) == [("2026-03-10", 1, "0.2", 0, "0"), ("2026-03-11", 1, "0.3", 1, "0.4")]


def test_since_leaves_earlier_days_out(books: Terminal) -> None:
    """--since counts from that day's midnight in Berlin."""
    assert [line[0] for line in lines(books, "--since", "2026-03-11")] == ["2026-03-11"]
    assert lines(books, "--since", "2026-03-12") == []


@pytest.mark.parametrize(
    ("by", "names"), [("engine", ["lab", "den"]), ("model", ["lab/priced", "den/unpriced"])]
)
def test_engines_and_models_stand_dearest_first(books: Terminal, by: str, names: list[str]) -> None:
    """Spent and held add up per engine and per model, the dearest first."""
    amounts = [(1, "0.2", 1, "0.4"), (1, "0.3", 0, "0")]
    assert lines(books, "--by", by) == [(name, *rest) for name, rest in zip(names, amounts, strict=True)]


def test_the_total_is_what_the_ledger_holds(books: Terminal) -> None:
    """The total adds all lines up; what no provider named is told as unconfirmed, what is held as held."""
    total = books.json("spend")["total"]
    budget = books.json("budget")["caps"][0]

    assert (total["spent"], total["held"], total["unconfirmed"]) == ("0.5", "0.4", "0.3")
    assert total["held"] == budget["held"]


def test_csv_is_read_by_a_program(books: Terminal) -> None:
    """A head and plain numbers, whose sum is the total."""
    rows = list(csv.DictReader(io.StringIO(books.run("spend", "--by", "model", "--csv").out)))

    assert [row["model"] for row in rows] == ["lab/priced", "den/unpriced"]
    assert sum(Decimal(row["spent"]) + Decimal(row["held"]) for row in rows) == Decimal("0.9")


def test_bars_are_as_long_as_the_money(books: Terminal) -> None:
    """The dearest day fills the chart, spent full and held light; the other is as much shorter."""
    first, second = [line for line in books.run("spend").out.splitlines() if line.startswith("2026-")]

    assert second.count("█") + second.count("░") == 24
    assert (second.count("█"), second.count("░")) == (10, 14)
    assert (first.count("█"), first.count("░")) == (7, 0)
    assert "$0.40" in second


def test_nothing_spent_is_said(terminal: Terminal) -> None:
    """An empty ledger has a sentence, and lists without lines; two formats at once are refused."""
    assert "nothing was spent" in terminal.run("spend").out
    assert terminal.json("spend")["lines"] == []
    assert terminal.run("spend", "--csv").out == "day,jobs,spent,unconfirmed,open,held\n"
    assert terminal.run("spend", "--csv", "--json").code == 2
