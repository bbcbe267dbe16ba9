"""`rushes create` and `rushes quote`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rushes.catalogue.choice import Candidate
from rushes.catalogue.offer import Offer
from rushes.cli.amount import Amount
from rushes.cli.output import (
    age,
    common,
    one_or_list,
    put_answer,
    put_json,
    put_pairs,
    put_table,
    say,
    wishes,
)
from rushes.cli.watching import exit_code, watch
from rushes.cli.words import out_file, request_from, request_options
from rushes.domain.answer import Answer
from rushes.domain.errors import ApprovalNeeded
from rushes.domain.money import Basis, Quote, usd
from rushes.domain.request import VideoRequest
from rushes.jobs.admission import Admission
from rushes.studio import Studio, takes


@dataclass(frozen=True, kw_only=True)
class How:
    """How `create` goes about it."""

    key: str | None
    again: bool
    out: Path | None
    max_usd: Decimal | None
    yes: bool
    wait: bool
    timeout: float | None


@click.command()
@request_options
@click.option("--key", help="Your own name for this request: the same key is the same job, whenever sent.")
@click.option(
    "--again",
    is_flag=True,
    help="Make another one, even where the same was just made. With --batch: the lines that failed.",
)
@click.option("--out", type=Path, metavar="FILE", help="Put a copy of the clip here, too.")
@click.option(
    "--max-usd", type=Amount(), help="Never pay more for one clip; held where the price is unknown."
)
@click.option("--yes", is_flag=True, help="Agree to the price.")
@click.option("--no-wait", is_flag=True, help="Return once the job is stored.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop watching after that; the job goes on.")
@click.option(
    "--batch",
    type=Path,
    metavar="FILE",
    help="A clip for each line of FILE, JSON objects with prompt, model, seconds … Run again, it goes on.",
)
@click.option("--max-usd-total", type=Amount(), help="With --batch: agree to this much for all of it.")
@common
def create(
    as_json: bool,
    batch: Path | None,
    max_usd_total: Decimal | None,
    key: str | None,
    again: bool,
    out: Path | None,
    max_usd: Decimal | None,
    yes: bool,
    no_wait: bool,
    timeout: float | None,
    count: int,
    **words: Any,
) -> int:
    """Make a clip of PROMPT ("-" reads it from stdin).

    In short: rushes create PROMPT [landscape|portrait|square] [small|medium|large] [N_FRAMES at 30 fps].

    \b
    rushes create "a lighthouse in a storm, slow push in" --seconds 5
    rushes create "a lighthouse in a storm" portrait medium 150
    """
    if batch is not None or max_usd_total is not None:
        from rushes.cli.batch import Batch, run, whole_file

        file = whole_file(batch, given=[*words.values(), key, out, count != 1])
        each = Batch(
            file=file,
            max_usd=max_usd,
            max_usd_total=max_usd_total,
            yes=yes,
            wait=not no_wait,
            timeout=timeout,
            again=again,
        )
        return run(each, as_json=as_json)
    how = How(
        key=key,
        again=again,
        out=out_file(out),
        max_usd=max_usd,
        yes=yes,
        wait=not no_wait,
        timeout=timeout,
    )
    stored: list[str] = []
    try:
        answers = asyncio.run(_create(request_from(**words), count, how, stored))
    except KeyboardInterrupt:
        if not stored:
            raise
        say(f"\nstopped watching; the job goes on. Come back with: rushes wait {' '.join(stored)}")
        sys.exit(130)
    if as_json:
        put_json(one_or_list(answers))
    else:
        for answer in answers:
            put_answer(answer)
    return exit_code(answers) if how.wait else 0


async def _create(request: VideoRequest, count: int, how: How, stored: list[str]) -> list[Answer]:
    async with Studio.open() as studio:
        offer = await studio.quote(request)
        remark(offer)
        ceiling = approve(offer, count, how)
        orders = takes(offer, count, key=how.key, again=how.again, out=how.out, max_usd=ceiling)
        admissions = studio.store(orders)
        stored.extend(admission.job.id for admission in admissions)
        for admission in admissions:
            announce(admission, offer)
        if not how.wait:
            return [studio.answer(id) for id in stored]
        return await watch(studio, stored, how.timeout)


def approve(offer: Offer, count: int, how: How) -> Decimal | None:
    """Have a person agree to the price, once, and return the most that one clip may cost.

    Raises ApprovalNeeded where nobody can be asked.
    """
    dearest = offer.dearest()
    if dearest is None or how.max_usd is not None:
        return how.max_usd
    if not how.yes:
        asked = ", else ".join(f"{one.model.address}: {price(one.quote, count)}" for one in offer.steps)
        confirm(asked, f"{asked}. Make it?")
    return dearest


def confirm(cost: str, question: str, *, next: str | None = None) -> None:
    """Have a person agree to a cost. Raises ApprovalNeeded where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ApprovalNeeded(f"{cost}; nobody has agreed to it", next=next)
    click.confirm(question, abort=True, err=True)


def announce(admission: Admission, offer: Offer) -> None:
    """Say which job stands for what was asked, and whether it is a new one."""
    job = admission.job
    if admission.fresh:
        say(f"job {job.id}  {offer.model.address} ({offer.chosen})  {price(offer.quote, 1)}")
        return
    when = f"you started {age(job.created_at)}" if not job.state.ended else f"you made {age(job.created_at)}"
    another = "another --key makes another" if job.key else "--again makes another"
    say(f"job {job.id}  this is the job {when}; nothing spent; {another}")


def remark(offer: Offer) -> None:
    """Say what nobody is sure of, before anything is sent."""
    if offer.unconfirmed:
        said = ", ".join(offer.unconfirmed)
        say(f"unconfirmed: {said}; sent as asked, though nobody saw {offer.model.address} do it")
    if offer.quota_unknown:
        say(f"what is left of your plan is not known: {offer.quota_unknown}")


@click.command()
@request_options
@click.option("--explain", is_flag=True, help="Show every model that could be meant, and why not.")
@common
def quote(as_json: bool, explain: bool, count: int, **words: Any) -> int:
    """Say what a clip of PROMPT would cost, and send nothing."""
    request = request_from(**words)
    candidates = _candidates(request) if explain else []
    if candidates and not as_json:
        put_candidates(candidates)
    offer = asyncio.run(_quote(request))
    remark(offer)
    if as_json:
        shape = {
            "model": offer.model.address,
            "chosen": offer.chosen,
            "request": offer.request.as_json(),
            "count": count,
            "quote": offer.quote.as_json(),
            "unconfirmed": list(offer.unconfirmed),
            "fallbacks": [
                {"model": one.model.address, "quote": one.quote.as_json()} for one in offer.fallbacks
            ],
        }
        put_json(shape | {"candidates": [one.as_json() for one in candidates]} if explain else shape)
    else:
        put_offer(offer, count)
    return 0


def put_offer(offer: Offer, count: int) -> None:
    """Print what would be made and what it costs."""
    times = "" if count == 1 else f"{count} × "
    shape = f"{times}{offer.request.seconds:g} s, {offer.request.aspect}, {offer.request.resolution}"
    source = offer.quote.source + (f", {offer.quote.as_of}" if offer.quote.as_of else "")
    put_pairs(
        [
            ("model", f"{offer.model.address} ({offer.chosen})"),
            ("clip", shape + (", with sound" if offer.request.audio else ", silent")),
            *wishes(offer.request),
            ("price", price(offer.quote, count) + (f" ({source})" if source else "")),
            *(("else", f"{one.model.address}: {price(one.quote, count)}") for one in offer.fallbacks),
        ]
    )


def put_candidates(candidates: Sequence[Candidate]) -> None:
    """Print every model that was weighed, those that can be used first, the cheapest before the others."""

    def order(one: Candidate) -> tuple[bool, bool, Decimal]:
        return one.why_not is not None, one.quote.amount is None, one.quote.amount or Decimal(0)

    rows = [
        (
            one.model.address,
            price(one.quote, 1) if one.quote.known else "not known",
            one.why_not or click.style("can be used", fg="green"),
        )
        for one in sorted(candidates, key=order)
    ]
    put_table(rows, ("CANDIDATE", "PRICE", "WHY NOT"))
    click.echo()


def _candidates(request: VideoRequest) -> list[Candidate]:
    with Studio.open() as studio:
        return studio.candidates(request)


async def _quote(request: VideoRequest) -> Offer:
    async with Studio.open() as studio:
        return await studio.quote(request)


def price(quoted: Quote, count: int) -> str:
    """Return a quote in words."""
    if quoted.basis is Basis.FREE:
        return "free"
    if quoted.basis is Basis.INCLUDED_IN_PLAN:
        left = f", {quoted.quota_left} left" if quoted.quota_left is not None else ""
        return f"included in your plan{left}"
    if quoted.amount is None:
        return "price not known; give --max-usd"
    each = usd(quoted.amount)
    return each if count == 1 else f"{count} × {each} = {usd(quoted.amount * count)}"
