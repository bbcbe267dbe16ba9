"""`rushes budget`: the caps, and what is held and spent under each."""

from __future__ import annotations

from decimal import Decimal

import click

from rushes.cli.output import common, echo, put_json, put_table
from rushes.domain.money import usd
from rushes.studio import Studio


@click.command()
@common
def budget(as_json: bool) -> int:
    """Show the caps, and what is held by jobs under way and spent by finished ones."""
    with Studio.open() as studio:
        found = studio.budget()
        caps = studio.settings.caps
        path = studio.settings.config
    if as_json:
        per_job = None if caps.per_job is None else str(caps.per_job)
        put_json({"per_job": per_job, **found.as_json()})
        return 0
    rows = [("job", _usd(caps.per_job), "", "", "")]
    rows += [
        (one.name, _usd(one.cap), _usd(one.held), _usd(one.spent), _usd(one.left)) for one in found.standings
    ]
    put_table(rows, ("PER", "CAP", "HELD", "SPENT", "LEFT"))
    echo(f"days and months begin at midnight {found.timezone}; caps are set under [budget] in {path}")
    return 0


def _usd(amount: Decimal | None) -> str:
    return "no cap" if amount is None else usd(amount)
