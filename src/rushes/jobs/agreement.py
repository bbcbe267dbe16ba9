"""What was agreed to when a job was stored is checked again right before its create is sent."""

from __future__ import annotations

from rushes.domain.errors import PriceChanged
from rushes.domain.job import Job
from rushes.domain.money import Quote, usd
from rushes.jobs.kit import Kit


async def check_price(kit: Kit, job: Job) -> None:
    """Raise PriceChanged if a clip costs more by now than is held for it, or nobody can tell any more.

    Raises ModelRetired too, and what keeps the price from being read.
    """
    quote = await kit.requote(job)
    if quote is None or quote.free:
        return
    if quote.amount is None and job.quote.amount is not None:
        raise _changed(job, "not known any more")
    hold = job.cost.amount
    if quote.amount is not None and hold is not None and quote.amount > hold:
        raise _changed(job, f"now {usd(quote.amount)}", quote)


def _changed(job: Job, price: str, quote: Quote | None = None) -> PriceChanged:
    agreed = "" if job.cost.amount is None else f"; {usd(job.cost.amount)} was agreed to"
    yes = f"rushes approve {job.id}" + ("" if quote is not None else " --max-usd AMOUNT")
    return PriceChanged(
        f"the price of {job.model} is {price}{agreed}; nothing was sent",
        next=f"{yes} agrees to it; rushes cancel {job.id} ends it, free; rushes models lists cheaper models",
    )
