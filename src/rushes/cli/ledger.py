"""`rushes ledger`: whether the ledger can be trusted, and what a copied or restored one does."""

from __future__ import annotations

import click

from rushes.cli.output import common, echo, put_json, put_pairs
from rushes.domain.errors import BadInput, LedgerInDoubt
from rushes.studio import Studio


@click.command()
@click.option("--continue", "continues", is_flag=True, help="This ledger is the one that continues.")
@click.option("--copy", "copies", is_flag=True, help="It is a copy: cancel its unsent paid jobs, free.")
@common
def ledger(as_json: bool, continues: bool, copies: bool) -> int:
    """Check the ledger, or decide what it does after it was copied or restored.

    If a ledger was copied or restored from a backup, another one may send, or may have sent, the jobs that
    wait here. Nothing paid is sent until you decide: with --continue they are sent from here, with --copy
    they are canceled here. Use --continue for one of two copies only.
    """
    if continues and copies:
        raise BadInput("--continue and --copy contradict each other", next="give one of them")
    with Studio.open() as studio:
        if continues:
            return _tell("continued", studio.continue_ledger(), as_json)
        if copies:
            return _tell("canceled", studio.split_ledger(), as_json)
        return _show(studio, as_json)


def _tell(done: str, ids: list[str], as_json: bool) -> int:
    if as_json:
        put_json({"done": done, "jobs": ids})
        return 0
    jobs = "no job waited for this" if not ids else f"{done}: {', '.join(ids)}"
    echo(f"paid work is sent from this ledger again; {jobs}")
    return 0


def _show(studio: Studio, as_json: bool) -> int:
    """Check every page and index, and the files of the library; show what was found."""
    trust = studio.ledger.trust
    trust.inspect()
    doubt, unsent = trust.doubt(), trust.unsent()
    if as_json:
        shape = {"ledger": str(studio.settings.ledger), "id": trust.id(), "unsent": unsent}
        put_json({**shape, "error": None if doubt is None else doubt.error.as_json()})
    else:
        pairs = [
            ("ledger", str(studio.settings.ledger)),
            ("id", trust.id()),
            ("unsent", f"{len(unsent)} paid jobs" + (f": {', '.join(unsent[:10])}" if unsent else "")),
            ("found", "no problems found" if doubt is None else doubt.error.message),
        ]
        put_pairs(pairs if doubt is None else [*pairs, ("next", doubt.error.next)])
    return 0 if doubt is None else LedgerInDoubt.exit_code
