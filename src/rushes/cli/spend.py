"""`rushes spend`: where the money went."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import click

from rushes.cli.output import common, echo, put_json, put_lines, put_table
from rushes.cli.values import Day
from rushes.domain.errors import BadInput
from rushes.domain.money import usd
from rushes.jobs.spending import By, Spending, Spent, spending
from rushes.studio import Studio

BAR_WIDTH = 24
"""Characters of the longest bar."""


@click.command()
@click.option(
    "--by",
    type=click.Choice([one.value for one in By]),
    default=By.DAY.value,
    show_default=True,
    help="What a line stands for.",
)
@click.option("--since", type=Day(), metavar="DATE", help="From this day on.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the lines as CSV on stdout.")
@common
def spend(as_json: bool, by: str, since: datetime | None, as_csv: bool) -> int:
    """Show what was spent and what is held, by day, engine or model.

    Days are those of the time zone in the settings. HELD is set aside for jobs under way, or whose bill is
    not known.
    """
    if as_json and as_csv:
        raise BadInput("--json and --csv exclude each other", next="give one of them")
    with Studio.open() as studio:
        found = spending(studio.ledger.database, By(by), _day(since), studio.settings.caps.timezone)
    if as_json:
        put_json(found.as_json())
    elif as_csv:
        _put_csv(found)
    else:
        _put_lines(found)
    return 0


def _day(since: datetime | None) -> date | None:
    return None if since is None else since.date()


def _put_csv(found: Spending) -> None:
    """Print a head and the lines, amounts in US dollars; no total, so that a program can add them up."""
    table = io.StringIO()
    out = csv.writer(table, lineterminator="\n")
    out.writerow([found.by.value, "jobs", "spent", "unconfirmed", "open", "held"])
    for line in found.lines:
        values = (line.spent, line.unconfirmed, line.held)
        spent, unconfirmed, held = (f"{amount:f}" for amount in values)
        out.writerow([line.name, line.jobs, spent, unconfirmed, line.open, held])
    put_lines(table.getvalue())


def _put_lines(found: Spending) -> None:
    if not found.lines:
        since = f" since {found.since}" if found.since else ""
        echo(f"nothing was spent{since} and nothing is held; rushes budget shows the caps")
        return
    longest = max(line.spent + line.held for line in found.lines)
    rows = [(*_cells(line), _bar(line, longest)) for line in found.lines]
    if len(rows) > 1:
        rows.append((*_cells(found.total), ""))
    put_table(rows, (found.by.value.upper(), "JOBS", "SPENT", "HELD", ""))
    if found.total.unconfirmed:
        echo(
            f"of that {usd(found.total.unconfirmed)} is what was held: the providers did not say what they"
            " charged"
        )
    for charge in found.unusual:
        echo(
            f"job {charge.job} was charged {usd(charge.charged)}, and {usd(charge.held)} was expected;"
            f" if that is wrong: rushes reconcile {charge.job} --charged AMOUNT"
        )
    if found.by is By.DAY:
        echo(f"days begin at midnight {found.timezone}")


def _cells(line: Spent) -> tuple[str, str, str, str]:
    held = usd(line.held) if line.held else ""
    return line.name, str(line.jobs), usd(line.spent), held


def _bar(line: Spent, longest: Decimal) -> str:
    """Return a bar: full for what is spent, light for what is held. Whatever is not nothing can be seen."""
    if not longest:
        return ""
    spent, held = (
        max(1, round(amount / longest * BAR_WIDTH)) if amount > 0 else 0 for amount in (line.spent, line.held)
    )
    return "█" * spent + "░" * held
