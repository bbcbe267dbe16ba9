"""Quotes that are kept: agreed to in time, bought once, exactly as they were."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest

from rushes.catalogue.offer import Offer, listed_offer
from rushes.database.database import Database
from rushes.domain.errors import ApprovalNeeded, KeyConflict, NotFound, PriceUnknown
from rushes.domain.model import Model
from rushes.domain.request import Shot, VideoRequest
from rushes.jobs.quotes import LASTS_S, KeptQuote, Quotes, price_words
from rushes.testing.scripted import ScriptedEngine

MODELS = {model.address: model for model in ScriptedEngine.models}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quotes(tmp_path: Path, clock: Clock) -> Iterator[Quotes]:
    database = Database(tmp_path / "ledger.db")
    yield Quotes(database, clock, MODELS.__getitem__)
    database.close()


def test_a_ledger_from_before_quotes_keeps_them(tmp_path: Path, clock: Clock) -> None:
    """A home of an earlier rushes gets the table when it is opened."""
    first = resources.files("rushes.database") / "schema" / "0001.sql"
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as earlier:
        earlier.executescript(first.read_text(encoding="utf-8") + "PRAGMA user_version = 1;")
    with closing(Database(tmp_path / "ledger.db")) as database:
        quotes = Quotes(database, clock, MODELS.__getitem__)
        kept = quotes.add(offer(), 1, None)
        assert quotes.get(kept.id) == kept


def offer(model: str = "scripted/priced", **asked: object) -> Offer:
    found: Model = MODELS[model]
    return listed_offer(VideoRequest(prompt="a kite", model=model, **asked), found, "asked for")  # type: ignore[arg-type]


def test_what_is_kept_is_what_was_offered(quotes: Quotes) -> None:
    """Request, price, model and fallbacks come back as they were."""
    other = offer("scripted/free", seconds=4)
    first = replace(offer(shots=(Shot(seconds=4, prompt="it rises"),)), fallbacks=(other,))
    kept = quotes.get(quotes.add(first, 3, None).id)

    assert kept.offer == first
    assert (kept.count, kept.most, kept.total) == (3, Decimal("0.4"), Decimal("1.2"))
    assert price_words(kept) == "3 × $0.40 = $1.20"


def test_nobody_agreed_nothing_is_claimed(quotes: Quotes) -> None:
    """A quote without a yes buys nothing."""
    kept = quotes.add(offer(), 1, None)

    with pytest.raises(ApprovalNeeded, match=r"nobody has agreed to it"):
        quotes.claim(kept.id, "k")
    assert quotes.get(kept.id).key is None


def test_a_quote_runs_out(quotes: Quotes, clock: Clock) -> None:
    """After an hour it can neither be agreed to nor bought, agreed to or not."""
    agreed, late = quotes.add(offer(), 1, None), quotes.add(offer(), 1, None)
    quotes.approve(agreed.id, "a person")
    clock.now += LASTS_S

    for try_ in (
        lambda: quotes.claim(agreed.id, "k"),
        lambda: quotes.approve(agreed.id, "a person"),
        lambda: quotes.approve(late.id, "a person"),
    ):
        with pytest.raises(ApprovalNeeded, match="expired"):
            try_()


def test_a_price_lasts_no_longer_than_its_provider_says(quotes: Quotes, clock: Clock) -> None:
    """Where the provider's price ends in a minute, the quote does."""
    ends = datetime.fromtimestamp(clock.now, UTC) + timedelta(minutes=1)
    limited = offer()
    kept = quotes.add(replace(limited, quote=replace(limited.quote, expires_at=ends)), 1, None)

    assert kept.expires_at == ends


def test_one_key_buys_it(quotes: Quotes, tmp_path: Path, clock: Clock) -> None:
    """Of twenty callers with a key each, at once, one gets it; its key may be claimed again."""
    kept = quotes.approve(quotes.add(offer(), 1, None).id, "a person")

    def claim(number: int) -> str | None:
        database = Database(tmp_path / "ledger.db")
        try:
            Quotes(database, clock, MODELS.__getitem__).claim(kept.id, f"key {number}")
        except KeyConflict:
            return None
        finally:
            database.close()
        return f"key {number}"

    with ThreadPoolExecutor(8) as pool:
        (won,) = [key for key in pool.map(claim, range(20)) if key]
    quotes.claim(kept.id, won)

    assert quotes.get(kept.id).key == won


def test_an_unknown_price_is_bounded_first(quotes: Quotes) -> None:
    """What has no price cannot be agreed to; with a bound, the bound is what is agreed to."""
    unknown = quotes.add(offer("scripted/unpriced"), 2, None)
    bounded = quotes.add(offer("scripted/unpriced"), 2, Decimal("0.30"))

    with pytest.raises(PriceUnknown):
        quotes.approve(unknown.id, "a person")
    assert price_words(quotes.approve(bounded.id, "a person")) == (
        "a price that is not known ($0.60 is held; it may be more)"
    )


def test_the_first_yes_stays(quotes: Quotes) -> None:
    """Who agreed first is who agreed."""
    kept: KeptQuote = quotes.add(offer(), 1, None)
    quotes.approve(kept.id, "the first")

    assert quotes.approve(kept.id, "the second").approved_by == "the first"


def test_what_nobody_agreed_to_is_forgotten(quotes: Quotes, clock: Clock) -> None:
    """Quotes that came to nothing do not pile up; those that were agreed to stay."""
    idle, agreed = quotes.add(offer(), 1, None), quotes.add(offer(), 1, None)
    quotes.approve(agreed.id, "a person")
    clock.now += 3 * 86_400
    quotes.forget()

    assert quotes.get(agreed.id).approved_by == "a person"
    with pytest.raises(NotFound):
        quotes.get(idle.id)
