"""What a batch costs: every line quoted, the whole held against the caps, agreed to once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rushes.catalogue.check import problem
from rushes.catalogue.offer import Offer, amount_to_hold
from rushes.cli.batch_file import Line, Problem, refuse
from rushes.cli.create import advise, confirm, price, remark
from rushes.cli.output import say
from rushes.domain.errors import BadInput, MoneyError, OverBudget, SetupError
from rushes.domain.money import usd
from rushes.domain.request import VideoRequest
from rushes.jobs.admission import digest
from rushes.jobs.tally import Known
from rushes.studio import Studio


@dataclass(frozen=True, kw_only=True)
class Priced:
    """A line, what would be made of it, what is held for it, and the most that a step of it may cost.

    `again`: its job came to nothing, and it is to be tried once more.
    """

    line: Line
    offer: Offer
    hold: Decimal
    most: Decimal
    again: bool = False


class Quoter:
    """Quotes requests; those that differ in their words and seeds only are quoted once."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._offers: dict[VideoRequest, Offer] = {}

    async def offer(self, request: VideoRequest) -> Offer:
        """Return what `Studio.quote` says. Raises what it raises."""
        shape = replace(request, prompt="any", seed=None if request.seed is None else 0)
        if shape in self._offers:
            like = self._offers[shape]
            asked = replace(like.request, prompt=request.prompt, seed=request.seed)
            if problem(asked, like.model) is None:
                return replace(like, request=asked)
        offer = await self._studio.quote(request)
        self._offers.setdefault(shape, offer)
        return offer

    def remark(self) -> None:
        """Say what nobody is sure of, once for each model."""
        said = {
            (one.model.address, one.unconfirmed, one.quota_unknown, one.replaces, one.advice): one
            for one in self._offers.values()
        }
        for offer in said.values():
            remark(offer)
        for offer in {one.advice: one for one in said.values()}.values():
            advise(offer)


async def quoted(
    studio: Studio,
    lines: Sequence[Line],
    unread: Sequence[Problem],
    known: Mapping[tuple[str, int], Known],
    max_usd: Decimal | None,
) -> list[Priced]:
    """Return the lines that have no job yet, priced. Raises BadInput that names every bad one, `unread` too.

    A line whose key was made from its own words is the job it has, whatever the default model is by now. A
    caller's own key has to stand for the same request as it did. Raises what `Studio.check_ready` does.
    """
    quoter = Quoter(studio)
    priced: list[Priced] = []
    problems = list(unread)
    for line in lines:
        there = known.get((line.key, line.ordinal))
        if there is not None and not line.own_key:
            continue
        try:
            offer = await quoter.offer(line.request)
            if there is not None:
                _check_same(line, offer, there)
                continue
            holds = [amount_to_hold(one.quote, max_usd) for one in offer.steps]
        except (BadInput, MoneyError, SetupError) as error:
            problems.append(Problem(number=line.number, message=error.message, next=error.next))
            continue
        priced.append(Priced(line=line, offer=offer, hold=holds[0], most=max(holds)))
    refuse(problems)
    studio.check_ready(*(one.offer for one in priced))
    quoter.remark()
    return priced


def _check_same(line: Line, offer: Offer, there: Known) -> None:
    if digest(offer.request, line.ordinal) != there.digest:
        raise BadInput(
            f"its key {line.key} was already used for another request (job {there.id})",
            next="use a new key, or leave it out",
        )


def put_prices(priced: Sequence[Priced]) -> None:
    """Say what the new lines cost, a line for each model and price, and all of it together."""
    counts = Counter((one.offer.model.address, one.offer.quote, one.hold) for one in priced)
    for (address, quote, hold), count in counts.items():
        unknown = quote.amount is None and not quote.free
        cost = f"price not known, at most {usd(hold)} each" if unknown else price(quote, count)
        say(f"{count} × {address}: {cost}" if quote.free or unknown else f"{address}: {cost}")
    turned = (
        " at most, whatever fallbacks are turned to" if any(one.offer.fallbacks for one in priced) else ""
    )
    say(f"in all: {usd(whole(priced))}{turned}")


def whole(priced: Iterable[Priced]) -> Decimal:
    """Return what all of them cost at most, in dollars."""
    return sum((one.most for one in priced), Decimal(0))


def check_caps(studio: Studio, priced: Sequence[Priced]) -> None:
    """Raise OverBudget where the whole does not fit the caps, so that no half of it is made.

    The ledger checks every job again while it is stored: what others spend meanwhile counts there.
    """
    allowance = studio.ledger.allowance(studio.settings.caps)
    for one in priced:
        try:
            allowance.take(one.offer.model.engine, one.hold)
        except OverBudget as error:
            raise OverBudget(
                f"all of it may cost {usd(whole(priced))}; line {one.line.number} is the first that the caps"
                f" do not fit, with the lines before it held: {error.message}",
                next=error.next,
            ) from error


def agree(amount: Decimal, count: int, *, yes: bool, most: Decimal | None) -> None:
    """Have a person agree to the whole, once. Raises ApprovalNeeded where nobody can be asked."""
    if not amount:
        return
    if most is not None:
        if amount > most:
            raise OverBudget(
                f"these {count} lines cost {usd(amount)}, more than --max-usd-total {most:f};"
                " nothing was sent",
                next="raise --max-usd-total, or ask for less",
            )
        return
    if yes:
        return
    confirm(
        f"these {count} lines cost {usd(amount)}",
        f"{usd(amount)} for {count} clips. Make them?",
        next="when a person has agreed: the same again with --max-usd-total AMOUNT, or with --yes",
    )
