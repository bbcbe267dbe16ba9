"""`rushes approve`: a person's yes to what an agent wants to buy, or to a job's new price."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import click

from rushes.cli.amount import Amount
from rushes.cli.create import confirm
from rushes.cli.loop import opened
from rushes.cli.output import common, echo, put_json, put_pairs, wishes
from rushes.domain.errors import NotFound
from rushes.domain.job import Job
from rushes.domain.money import usd
from rushes.studio import Studio

IN_A_TERMINAL = "a person runs it in a terminal of theirs: rushes approve {id}"


@click.command()
@click.argument("id", metavar="QUOTE|JOB")
@click.option("--yes", is_flag=True, help="Agree to the price without being asked.")
@click.option("--max-usd", type=Amount(), help="For a JOB: the most that it may cost.")
@common
def approve(as_json: bool, id: str, yes: bool, max_usd: Decimal | None) -> int:
    """Agree to a price.

    QUOTE is what an agent was given: it may then buy exactly that, once. JOB is a job that is blocked because
    its price has changed: it is then sent.
    """
    with opened() as (studio, runner):
        try:
            job = studio.job(id)
        except NotFound:
            return _approve_quote(studio, id, yes=yes, as_json=as_json)
        return _approve_job(studio, runner, job, yes=yes, max_usd=max_usd, as_json=as_json)


def _approve_job(
    studio: Studio, runner: asyncio.Runner, job: Job, *, yes: bool, max_usd: Decimal | None, as_json: bool
) -> int:
    studio.ledger.check_awaits_price(job)
    quote = runner.run(studio.price_now(job.id))
    if quote.amount is not None and max_usd is None:
        price = f"job {job.id} costs {usd(quote.amount)} now"
        if not yes:
            confirm(price, f"{price}. Agree to it?", next=IN_A_TERMINAL.format(id=job.id))
        # What is agreed to is the price that was shown, should it rise again meanwhile.
        max_usd = quote.amount
    job = runner.run(studio.agree_to_price(job.id, max_usd=max_usd))
    held = usd(job.cost.amount or Decimal(0))
    if as_json:
        put_json({"job": job.id, "state": job.state.value, "held": str(job.cost.amount)})
    else:
        echo(f"job {job.id} will be sent at {held}; rushes wait {job.id} watches it")
    return 0


def _approve_quote(studio: Studio, id: str, *, yes: bool, as_json: bool) -> int:
    from rushes.approvals import Approvals
    from rushes.jobs.quotes import price_words

    approvals = Approvals(studio)
    quote = approvals.get(id)
    request = quote.offer.request
    price = price_words(quote)
    if not as_json:
        put_pairs(
            [
                ("price", price),
                ("model", quote.offer.model.address),
                ("clip", f"{quote.count} × {request.seconds:g} s, {request.aspect}, {request.resolution}"),
                ("prompt", request.prompt),
                *wishes(request),
            ]
        )
    if quote.approved_by is None:
        studio.check_ready(quote.offer)
    if quote.approved_by is None and not yes:
        confirm(f"{id} costs {price}", f"{price}. Agree to it?", next=IN_A_TERMINAL.format(id=id))
    quote = approvals.approve(id, "rushes approve --yes" if yes else "a person, with rushes approve")
    if as_json:
        put_json({"quote": quote.id, "price": price, "approved_by": quote.approved_by, "count": quote.count})
    else:
        echo(f"{quote.id} is approved; the agent's create_video with this quote_id makes it")
    return 0
