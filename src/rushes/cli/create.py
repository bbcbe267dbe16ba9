"""`rushes create` and `rushes quote`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rushes.catalogue.choice import Candidate
from rushes.catalogue.offer import Offer
from rushes.cli.amount import Amount
from rushes.cli.loop import opened
from rushes.cli.output import (
    agrees,
    common,
    echo,
    one_or_list,
    put_answer,
    put_json,
    put_pairs,
    put_table,
    say,
    say_next,
    style,
    warn_of,
    wishes,
)
from rushes.cli.paths import PATH, force_option
from rushes.cli.values import WAIT, Text
from rushes.cli.watching import exit_code, watch
from rushes.cli.words import request_from, request_options
from rushes.domain.answer import Answer
from rushes.domain.destination import CLIP, Destination
from rushes.domain.errors import ApprovalNeeded, BadInput, SetupError
from rushes.domain.job import age
from rushes.domain.money import Quote, usd
from rushes.domain.request import VideoRequest
from rushes.domain.understanding import Understanding
from rushes.jobs.admission import Admission
from rushes.studio import Order, Studio, takes


@dataclass(frozen=True, kw_only=True)
class How:
    """How `create` goes about it."""

    key: str | None
    again: bool
    out: Destination | None
    max_usd: Decimal | None
    yes: bool
    wait: bool
    timeout: float | None


@click.command()
@request_options
@click.option("--key", type=Text(), help="Idempotency key: the same key always returns the same job.")
@click.option(
    "--again",
    is_flag=True,
    help="Make and pay for another clip, even if this request was paid for before."
    " With --batch: retry failed lines.",
)
@click.option(
    "--out",
    metavar="FILE|FOLDER/",
    help="Also copy the clip to this file, or under its own name into this folder; a missing folder is made.",
)
@force_option
@click.option(
    "--max-usd",
    type=Amount(),
    help="Maximum price per clip in USD; held in full if the price is unknown.",
)
@click.option("--yes", is_flag=True, help="Agree to the price without being asked.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the job is stored.")
@click.option("--timeout", type=WAIT, metavar="SECONDS", help="Stop watching after that; the job continues.")
@click.option(
    "--batch",
    type=PATH,
    metavar="FILE",
    help="A clip for each line of FILE, JSON objects with prompt, model, seconds … Run again, it continues.",
)
@click.option("--max-usd-total", type=Amount(), help="With --batch: agree to this much for all of it.")
@common
def create(
    as_json: bool,
    batch: Path | None,
    max_usd_total: Decimal | None,
    key: str | None,
    again: bool,
    out: str | None,
    force: bool,
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

        file = whole_file(batch, given=[*words.values(), key, out, force, count != 1])
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
    if force and out is None:
        raise BadInput("--force goes with --out", next="name the file with --out, or leave out --force")
    how = How(
        key=key,
        again=again,
        out=None if out is None else Destination.read(out, CLIP, force=force),
        max_usd=max_usd,
        yes=yes,
        wait=not no_wait,
        timeout=timeout,
    )
    stored: list[str] = []
    try:
        answers, offer = _create(request_from(**words), count, how, stored)
    except KeyboardInterrupt:
        if stored:
            say("")
            say(f"stopped watching; the job continues. Come back with: rushes wait {' '.join(stored)}")
        else:
            say("")
            say("stopped; nothing was sent")
        sys.exit(130)
    if as_json:
        put_json(one_or_list(answers))
    else:
        for answer in answers:
            put_answer(answer)
    advise(offer)
    return exit_code(answers) if how.wait else 0


def _create(request: VideoRequest, count: int, how: How, stored: list[str]) -> tuple[list[Answer], Offer]:
    with opened() as (studio, runner):
        offer = runner.run(studio.quote(request))
        orders = takes(offer, count, key=how.key, again=how.again, out=how.out, max_usd=how.max_usd)
        same = studio.find_same(orders)
        studio.check_destinations(orders, same)
        new = same.count(None)
        # What was made before is answered with that job: nothing is bought, so nothing is asked.
        if new:
            studio.check_ready(offer)
            remark(offer)
            ceiling = approve(offer, new, how)
            orders = [replace(order, max_usd=ceiling) for order in orders]
        return runner.run(_make(studio, offer, orders, how, stored)), offer


async def _make(
    studio: Studio, offer: Offer, orders: Sequence[Order], how: How, stored: list[str]
) -> list[Answer]:
    """Store the jobs and watch them. On the loop, Ctrl-C is heard only once all of them are in `stored`."""
    admissions = studio.store(orders)
    stored.extend(admission.job.id for admission in admissions)
    for admission in admissions:
        announce(admission, offer, how.key)
    if any(admission.fresh for admission in admissions):
        tell_understanding(studio.understanding(offer))
    await studio.make_copies(stored)
    if not how.wait:
        warn_of(studio.silent_worker())
        return [studio.answer(id) for id in stored]
    return await watch(studio, stored, how.timeout)


def approve(offer: Offer, count: int, how: How) -> Decimal | None:
    """Have a person agree to the price, once, and return the most that one clip may cost.

    What several clips cost in all is shown in any case. Raises ApprovalNeeded.
    """
    dearest = offer.dearest()
    most = dearest if how.max_usd is None else how.max_usd
    if most is None:
        return None
    total = ", else ".join(
        f"{one.model.address}: {price(one.quote, count, how.max_usd)}" for one in offer.steps
    )
    if how.max_usd is None and not how.yes:
        confirm(total, f"{total}. Make {'it' if count == 1 else 'them'}?")
    elif count > 1:
        say(total)
    return most


def confirm(cost: str, question: str, *, next: str | None = None) -> None:
    """Have a person agree to a cost. Call it outside of the event loop, which would keep Ctrl-C back.

    Raises ApprovalNeeded after a no, and where nobody can be asked; KeyboardInterrupt after Ctrl-C.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ApprovalNeeded(f"{cost}; nobody has agreed to it", next=next)
    try:
        agreed = agrees(question)
    except click.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        raise ApprovalNeeded(
            "not approved; nothing was sent",
            next="ask for less (a shorter clip, another model), or run it again and answer y",
        )


def announce(admission: Admission, offer: Offer, key: str | None) -> None:
    """Say which job stands for what was asked, and whether it is a new one."""
    job = admission.job
    if admission.fresh:
        say(f"job {job.id}  {offer.model.address} ({offer.chosen})  {price(offer.quote, 1)}")
        return
    say(f"job {job.id}  {job.answers_again(age(job.created_at), 'another --key' if key else '--again')}")


def remark(offer: Offer) -> None:
    """Say what is made instead of what was asked for, and what nobody is sure of, before anything is sent."""
    if offer.replacing:
        say(offer.replacing)
    if offer.unconfirmed:
        said = ", ".join(offer.unconfirmed)
        say(f"unconfirmed: {said}; sent as asked, not confirmed to work with {offer.model.address}")
    if offer.quota_unknown:
        say(f"what is left of your plan is not known: {offer.quota_unknown}")


def advise(offer: Offer) -> None:
    """Say how to get generated video, if an offer is a storyboard only because nothing else is set up."""
    if offer.advice:
        say_next(f"for generated video: {offer.advice}")


def tell_understanding(understanding: Understanding | None) -> None:
    """Say which words of the prompt will be seen, and which will not."""
    for name, phrases in understanding.lines() if understanding else ():
        say(f"{name}: {phrases}")


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
    with opened() as (studio, runner):
        offer = runner.run(studio.quote(request))
        missing = _missing(studio, offer)
        understanding = studio.understanding(offer)
    remark(offer)
    if as_json:
        shape = {
            "model": offer.model.address,
            "chosen": offer.chosen,
            "request": offer.request.as_json(),
            "count": count,
            "quote": offer.quote.as_json(),
            "unconfirmed": list(offer.unconfirmed),
            "replaces": offer.replaces,
            "advice": offer.advice,
            "missing": missing.as_json() if missing else None,
            "fallbacks": [
                {"model": one.model.address, "quote": one.quote.as_json()} for one in offer.fallbacks
            ],
            **(understanding.as_json() if understanding else {}),
        }
        put_json(shape | {"candidates": [one.as_json() for one in candidates]} if explain else shape)
    else:
        put_offer(offer, count, understanding)
        if missing:
            echo(f"{style('note', fg='yellow')}: {missing.message}; {missing.next}")
    advise(offer)
    return 0


def _missing(studio: Studio, offer: Offer) -> SetupError | None:
    """Return what keeps this offer from being made, or None."""
    try:
        studio.check_ready(offer)
    except SetupError as error:
        return error
    return None


def put_offer(offer: Offer, count: int, understanding: Understanding | None = None) -> None:
    """Print what would be made and what it costs."""
    times = "" if count == 1 else f"{count} × "
    shape = f"{times}{offer.request.seconds:g} s, {offer.request.aspect}, {offer.request.resolution}"
    source = offer.quote.source + (f", {offer.quote.as_of}" if offer.quote.as_of else "")
    put_pairs(
        [
            ("model", f"{offer.model.address} ({offer.chosen})"),
            ("clip", shape + (", with sound" if offer.request.audio else ", silent")),
            *wishes(offer.request),
            *(understanding.lines() if understanding else ()),
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
            one.why_not or style("can be used", fg="green"),
        )
        for one in sorted(candidates, key=order)
    ]
    put_table(rows, ("CANDIDATE", "PRICE", "WHY NOT"))
    echo()


def _candidates(request: VideoRequest) -> list[Candidate]:
    with Studio.open() as studio:
        return studio.candidates(request)


def price(quoted: Quote, count: int, max_usd: Decimal | None = None) -> str:
    """Return a quote in words; `max_usd` is what is held for one clip if its price is not known."""
    if quoted.free:
        left = f", {quoted.quota_left} left" if quoted.quota_left is not None else ""
        return f"{quoted.words}{left}"
    amount = max_usd if quoted.amount is None else quoted.amount
    if amount is None:
        return "price not known; give --max-usd"
    total = usd(amount) if count == 1 else f"{count} × {usd(amount)} = {usd(amount * count)}"
    return total if quoted.known else f"price not known, at most {total}"
