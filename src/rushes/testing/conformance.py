"""What every engine must do, as tests. Derive a class from `EngineConformance` and say which engine.

    class TestMine(EngineConformance):
        def subject(self, tmp_path):
            return Subject(make=lambda: MyEngine("mine", {...}), model="one", request=VideoRequest(...))

pytest with pytest-asyncio in auto mode runs it; the engine speaks to a double of its service or, for a
local one, to nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest
from rushes.engines.contract import (
    Accepted,
    Attempt,
    CancelOutcome,
    Engine,
    Prepared,
    Progress,
    Recovery,
    RenderState,
    Result,
    Source,
    Ticket,
)

ENDED = frozenset(RenderState) - {RenderState.QUEUED, RenderState.RUNNING}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The engine under test: how to make one (each call a new instance), a model of its and a request.

    `failing` is a request whose render fails, `listed` how many seconds pass at most until a lookup shows
    an accepted create, `patience` until a render has ended. `creates` returns how many creates its service
    has accepted so far, where it can tell.
    """

    make: Callable[[], Engine]
    model: str
    request: VideoRequest
    failing: VideoRequest | None = None
    listed: float = 5.0
    patience: float = 60.0
    creates: Callable[[], int] | None = None


class EngineConformance:
    """Derive from this, and override `subject`."""

    def subject(self, tmp_path: Path) -> Subject:
        """Return the engine under test, new for each test."""
        raise NotImplementedError("override subject()")

    async def test_it_says_who_it_is(self, tmp_path: Path) -> None:
        """An engine has a name, an account, a way to recover, and sane bounds in seconds."""
        engine = self.subject(tmp_path).make()
        assert isinstance(engine, Engine)
        assert isinstance(engine.name, str)
        assert engine.name
        assert "/" not in engine.name
        assert isinstance(engine.account, str)
        assert engine.account
        assert isinstance(engine.recovery, Recovery)
        assert engine.post_timeout > 0
        assert engine.list_delay >= 0
        assert engine.key_lifetime > 0
        await engine.aclose()

    async def test_prepare_can_be_repeated_and_creates_nothing(self, tmp_path: Path) -> None:
        """Preparing twice gives the same request twice, and no create reaches the service."""
        subject = self.subject(tmp_path)
        engine = subject.make()
        before = _count(subject)
        first = await engine.prepare(subject.request, subject.model)
        second = await engine.prepare(subject.request, subject.model)
        assert isinstance(first, Prepared)
        assert first.request == second.request == subject.request
        assert first.model == second.model
        assert _count(subject) == before
        await engine.aclose()

    async def test_submit_gives_a_ticket_that_outlives_the_process(self, tmp_path: Path) -> None:
        """A ticket goes through JSON unchanged, and a new instance of the engine can poll it."""
        subject = self.subject(tmp_path)
        ticket = await _accepted(subject, subject.request)
        engine = subject.make()
        assert isinstance(await engine.poll(ticket), Progress)
        await engine.aclose()

    async def test_submit_sends_one_create(self, tmp_path: Path) -> None:
        """One submit is one create at the service, whatever the client library would like to retry."""
        subject = self.subject(tmp_path)
        before = _count(subject)
        await _accepted(subject, subject.request)
        assert _count(subject) in (before + 1, 0)

    async def test_a_finished_render_offers_files(self, tmp_path: Path) -> None:
        """What has succeeded has results, each with candidates that say where its bytes are."""
        subject = self.subject(tmp_path)
        ticket = await _accepted(subject, subject.request)
        engine = subject.make()
        assert (await _end(subject, engine, ticket)).state is RenderState.SUCCEEDED
        offered = await engine.results(ticket)
        assert offered
        for result in offered:
            assert isinstance(result, Result)
            assert result.candidates
            assert all(_places(source) == 1 for source in result.candidates)
            assert result.size is None or min(result.size) > 0
        await engine.aclose()

    async def test_results_can_be_asked_again(self, tmp_path: Path) -> None:
        """Addresses run out, and a worker may be stopped: results are offered as often as one asks."""
        subject = self.subject(tmp_path)
        ticket = await _accepted(subject, subject.request)
        engine = subject.make()
        await _end(subject, engine, ticket)
        first, second = await engine.results(ticket), await engine.results(ticket)
        assert [len(one.candidates) for one in first] == [len(one.candidates) for one in second]
        await engine.aclose()

    async def test_a_failed_render_is_an_answer(self, tmp_path: Path) -> None:
        """A render that failed is told by the poll, which does not raise."""
        subject = self.subject(tmp_path)
        if subject.failing is None:
            return
        ticket = await _accepted(subject, subject.failing)
        engine = subject.make()
        assert (await _end(subject, engine, ticket)).state is RenderState.FAILED
        await engine.aclose()

    async def test_cancel_tells_what_became_of_the_wish(self, tmp_path: Path) -> None:
        """Cancelling answers with one of three outcomes; where it is confirmed, the render has ended."""
        subject = self.subject(tmp_path)
        ticket = await _accepted(subject, subject.request)
        engine = subject.make()
        outcome = await engine.cancel(ticket)
        assert isinstance(outcome, CancelOutcome)
        if outcome is CancelOutcome.CONFIRMED:
            assert (await engine.poll(ticket)).state in ENDED
        await engine.aclose()

    async def test_lookup_finds_what_was_accepted(self, tmp_path: Path) -> None:
        """Where an engine recovers by lookup, its list shows the create in time; else it shows nothing."""
        subject = self.subject(tmp_path)
        engine = subject.make()
        prepared = await engine.prepare(subject.request, subject.model)
        attempt = Attempt(
            request=subject.request,
            model=subject.model,
            posted_at=datetime.now(UTC) - timedelta(seconds=1),
            notes=_through_json(prepared.notes),
        )
        ticket = (await engine.submit(prepared, key=secrets.token_hex(8))).ticket
        if engine.recovery is Recovery.LOOKUP:
            await _listed(subject, engine, ticket, attempt)
        else:
            assert list(await engine.lookup(attempt)) == []
        await engine.aclose()

    async def test_a_lost_answer_can_be_made_good(self, tmp_path: Path) -> None:
        """Where an engine recovers by sending again, the same key gives the same ticket."""
        subject = self.subject(tmp_path)
        engine = subject.make()
        if engine.recovery in (Recovery.REPLAY_KEY, Recovery.RERUN_FREE):
            before = _count(subject)
            prepared = await engine.prepare(subject.request, subject.model)
            key = secrets.token_hex(8)
            first = await engine.submit(prepared, key=key)
            again = subject.make()
            prepared = await again.prepare(subject.request, subject.model)
            second = await again.submit(prepared, key=key)
            assert first.ticket == second.ticket
            assert _count(subject) in (before + 1, 0)
            await again.aclose()
        await engine.aclose()

    async def test_a_free_rerun_gives_the_same_bytes(self, tmp_path: Path) -> None:
        """A local engine that is asked again for the same ticket gives the same file, byte for byte."""
        subject = self.subject(tmp_path)
        engine = subject.make()
        if engine.recovery is Recovery.RERUN_FREE:
            ticket = await _accepted(subject, subject.request)
            first = await _bytes(subject, engine, ticket)
            again = subject.make()
            assert await _bytes(subject, again, ticket) == first
            await again.aclose()
        await engine.aclose()

    async def test_a_live_price_is_a_quote(self, tmp_path: Path) -> None:
        """An engine either tells a price or says nothing; it never makes one up as 0."""
        subject = self.subject(tmp_path)
        engine = subject.make()
        quote = await engine.quote(subject.request, subject.model)
        assert quote is None or isinstance(quote, Quote)
        assert quote is None or quote.free or quote.amount is None or quote.amount > 0
        await engine.aclose()

    async def test_it_can_be_closed_twice(self, tmp_path: Path) -> None:
        """Closing is safe on an engine that was never used, and a second time."""
        engine = self.subject(tmp_path).make()
        await engine.aclose()
        await engine.aclose()


def _count(subject: Subject) -> int:
    return subject.creates() if subject.creates is not None else 0


async def _accepted(subject: Subject, request: VideoRequest) -> Ticket:
    """Submit `request` with an engine of its own and return its ticket as the ledger would give it back."""
    engine = subject.make()
    accepted = await engine.submit(await engine.prepare(request, subject.model), key=secrets.token_hex(8))
    await engine.aclose()
    assert isinstance(accepted, Accepted)
    ticket = _through_json(accepted.ticket)
    assert ticket == accepted.ticket
    assert ticket
    return ticket


def _through_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` as the ledger would give it back."""
    return cast(dict[str, Any], json.loads(json.dumps(dict(data))))


async def _end(subject: Subject, engine: Engine, ticket: Ticket) -> Progress:
    async with asyncio.timeout(subject.patience):
        while True:
            progress = await engine.poll(ticket)
            assert progress.fraction is None or 0 <= progress.fraction <= 1
            if progress.state in ENDED:
                return progress
            await asyncio.sleep(progress.ask_after or 0.1)


async def _listed(subject: Subject, engine: Engine, ticket: Ticket, attempt: Attempt) -> None:
    async with asyncio.timeout(subject.listed):
        while True:
            found = await engine.lookup(attempt)
            if ticket in [one.ticket for one in found]:
                return
            await asyncio.sleep(0.05)


async def _bytes(subject: Subject, engine: Engine, ticket: Ticket) -> bytes:
    await _end(subject, engine, ticket)
    source = (await engine.results(ticket))[0].candidates[0]
    if source.data is not None:
        return source.data
    if source.file is not None:
        return await asyncio.to_thread(source.file.read_bytes)
    import httpx

    async with httpx.AsyncClient(follow_redirects=True) as client:
        return (await client.get(source.url or "", headers=dict(source.headers))).content


def _places(source: Source) -> int:
    return sum(place is not None for place in (source.url, source.file, source.data))
