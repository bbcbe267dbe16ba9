"""`rushes approve`: a person's yes to what an agent wants to buy."""

from __future__ import annotations

import sys

import click

from rushes.cli.output import common, put_json, put_pairs, wishes
from rushes.domain.errors import ApprovalNeeded
from rushes.studio import Studio


@click.command()
@click.argument("quote")
@click.option("--yes", is_flag=True, help="Agree to the price without being asked.")
@common
def approve(as_json: bool, quote: str, yes: bool) -> int:
    """Agree to the price of QUOTE, which an agent was given; it may then buy exactly that, once."""
    from rushes.approvals import Approvals
    from rushes.jobs.quotes import price_words

    with Studio.open() as studio:
        approvals = Approvals(studio)
        kept = approvals.get(quote)
        request = kept.offer.request
        price = price_words(kept)
        if not as_json:
            put_pairs(
                [
                    ("price", price),
                    ("model", kept.offer.model.address),
                    ("clip", f"{kept.count} × {request.seconds:g} s, {request.aspect}, {request.resolution}"),
                    ("prompt", request.prompt),
                    *wishes(request),
                ]
            )
        if kept.approved_by is None and not yes:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise ApprovalNeeded(
                    f"{quote} costs {price}; nobody has agreed to it",
                    next=f"a person runs it in a terminal of theirs: rushes approve {quote}",
                )
            click.confirm(f"{price}. Agree to it?", abort=True, err=True)
        kept = approvals.approve(quote, "rushes approve --yes" if yes else "a person, with rushes approve")
    if as_json:
        put_json({"quote": kept.id, "price": price, "approved_by": kept.approved_by, "count": kept.count})
    else:
        click.echo(f"{kept.id} is agreed to; the agent's create_video with this quote_id makes it")
    return 0
