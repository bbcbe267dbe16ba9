"""The edge of the contract: whatever an engine does, its texts, numbers and mistakes come out as ours."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import httpx
import pytest

from rushes.domain.errors import (
    BadInput,
    BadSettings,
    Billed,
    Busy,
    EngineError,
    EngineFault,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    RushesError,
    SetupError,
    Unreachable,
)
from rushes.domain.model import Model
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.domain.text import RAW_LIMIT, TextFilter
from rushes.engines.contract import (
    Accepted,
    Attempt,
    BaseEngine,
    CancelOutcome,
    Candidate,
    Engine,
    Prepared,
    Progress,
    Recovery,
    RenderState,
    Result,
    Source,
    Ticket,
)
from rushes.engines.edge import GuardedEngine, make_guarded
from rushes.engines.http import answer_client, asking, create_client, sending
from tests.engines.listeners import silent

KEY = "key-id-0123:key-secret-4567"
ECHO = f"\x1b[31mwrong key {KEY}\r\nno"
SAFE = "\\x1b[31mwrong key *** no"
PREPARED = Prepared(request=VideoRequest(prompt="a boat"), model="one")


def guarded(engine: type[BaseEngine], **settings: Any) -> GuardedEngine:
    return make_guarded(lambda: engine("lab", settings), "lab", TextFilter([KEY]))


async def raised(engine: GuardedEngine) -> RushesError:
    """Return what a create ends with."""
    with pytest.raises(RushesError) as caught:
        await engine.submit(PREPARED, key="a-key")
    return caught.value


# --- what it passes on ---


class Loud(BaseEngine):
    """Answers with whatever it is told, in every place that has words or numbers."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.told: Any = None

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        return cast(Accepted, self.told)

    async def poll(self, ticket: Ticket) -> Progress:
        return cast(Progress, self.told)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        return cast(Sequence[Result], self.told)

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        return cast(Sequence[Candidate], self.told)

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        return cast(Quote, self.told)

    async def list_models(self) -> Sequence[Model] | None:
        return cast(Sequence[Model], self.told)

    async def check(self) -> str:
        return cast(str, self.told)


def loud(told: Any) -> GuardedEngine:
    engine = guarded(Loud)
    cast(Loud, engine.adapter).told = told
    return engine


async def test_it_is_the_engine_to_everybody() -> None:
    """Names and bounds are those of the engine, also after they have changed; what it does goes through."""

    class Learning(BaseEngine):
        recovery = Recovery.LOOKUP

        async def check(self) -> str:
            self.recovery = Recovery.ASK
            return "ready; lists nothing"

        async def cancel(self, ticket: Ticket) -> CancelOutcome:
            return CancelOutcome.CONFIRMED

    engine = guarded(Learning, account="mine", base_url="http://127.0.0.1:1")
    assert isinstance(engine, Engine)
    assert (engine.name, engine.account, engine.in_private_network) == ("lab", "mine", True)
    assert (engine.post_timeout, engine.list_delay, engine.key_lifetime) == (60.0, 5.0, 86_400.0)
    recoveries = [engine.recovery]
    assert await engine.check() == "ready; lists nothing"
    assert [*recoveries, engine.recovery] == [Recovery.LOOKUP, Recovery.ASK]
    assert await engine.cancel({}) is CancelOutcome.CONFIRMED
    assert engine.ticket("v1") == {"id": "v1"}
    assert await engine.list_models() is None
    assert await engine.quote(PREPARED.request, "one") is None
    await engine.connect()
    await engine.aclose()


# --- texts ---


async def test_every_text_that_an_engine_hands_on_is_safe() -> None:
    """Reasons, unknown words, warnings, facts, labels, what a check says: no key, one line (B1, F13)."""
    progress = Progress(state=RenderState.FAILED, error=ECHO, unknown_word=ECHO)
    told = await loud(progress).poll({})
    assert (told.error, told.unknown_word) == (SAFE, SAFE)

    accepted = Accepted(ticket={"id": "v1"}, warnings=(ECHO,), facts={"echo": {"deep": [ECHO]}, "left": 3})
    taken = await loud(accepted).submit(PREPARED, key="a-key")
    assert taken.warnings == (SAFE,)
    assert taken.facts == {"echo": {"deep": [SAFE]}, "left": 3}
    assert taken.ticket == {"id": "v1"}

    (result,) = await loud([Result(candidates=[Source(url="https://f.example.com/a", label=ECHO)])]).results(
        {}
    )
    assert result.candidates[0].label == SAFE


async def test_what_reads_an_answer_in_place_of_a_file_is_guarded() -> None:
    """It is called by the download, and may repeat a secret like every other part of an engine."""

    def read(response: httpx.Response) -> Sequence[Source]:
        if response.is_success:
            return [Source(url="https://f.example.com/b", label=ECHO)]
        raise Unreachable(ECHO) if response.status_code == 503 else KeyError(ECHO)

    source = Source(url="https://f.example.com/a", read_answer=read)
    (result,) = await loud([Result(candidates=[source])]).results({})
    guarded_read = result.candidates[0].read_answer
    assert guarded_read is not None
    (place,) = guarded_read(httpx.Response(200))
    assert place.label == SAFE
    with pytest.raises(Unreachable) as caught:
        guarded_read(httpx.Response(503))
    assert caught.value.message == SAFE
    with pytest.raises(EngineFault, match="failed while reading what was sent in place of a file") as mistake:
        guarded_read(httpx.Response(404))
    assert KEY not in str(mistake.value)
    found = Candidate(ticket={"id": "v1"}, created_at=datetime.now(UTC), prompt=ECHO, facts={"echo": ECHO})
    attempt = Attempt(request=PREPARED.request, model="one", posted_at=datetime.now(UTC))
    (candidate,) = await loud([found]).lookup(attempt)
    # The prompt is compared with the job's own, and shown to nobody.
    assert (candidate.facts, candidate.prompt) == ({"echo": SAFE}, ECHO)
    assert await loud(ECHO).check() == SAFE


@pytest.mark.parametrize("error", [Busy, QuotaExhausted, OutcomeUnknown, BadInput, Unreachable, EngineError])
async def test_every_text_of_an_error_is_safe(error: type[RushesError]) -> None:
    """Message, next and the raw answer, of a create and of a poll; class, bill and cause stay (B1, F13)."""

    class Echoing(BaseEngine):
        async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
            found = error(ECHO, next=ECHO, billed=Billed.YES)
            if isinstance(found, OutcomeUnknown):
                found.raw = ECHO + "x" * 100_000
            raise found

        async def poll(self, ticket: Ticket) -> Progress:
            raise error(ECHO, next=ECHO, billed=Billed.YES)

    engine = guarded(Echoing)
    with pytest.raises(error) as polled:
        await engine.poll({})
    for found in (await raised(engine), polled.value):
        assert type(found) is error
        assert (found.message, str(found), found.next, found.billed) == (SAFE, SAFE, SAFE, Billed.YES)
        assert KEY not in json.dumps(found.as_json()) + repr(found)
        raw = getattr(found, "raw", None)
        assert raw is None or (raw.startswith("\\x1b[31mwrong key ***\nno") and len(raw) <= RAW_LIMIT + 3)


# --- numbers ---

HUGE = Decimal("9e12")
NUMBERS: list[tuple[str, Any, Any]] = [
    ("cost", Decimal("0.25"), Decimal("0.25")),
    ("cost", Decimal(0), Decimal(0)),
    ("cost", HUGE, None),
    ("cost", Decimal("-1"), None),
    ("cost", Decimal("NaN"), None),
    ("cost", Decimal("sNaN"), None),
    ("cost", Decimal("Infinity"), None),
    ("cost", 0.5, Decimal("0.5")),
    ("cost", "much", None),
    ("fraction", 0.5, 0.5),
    ("fraction", 1, 1.0),
    ("fraction", 75, None),
    ("fraction", -0.1, None),
    ("fraction", float("nan"), None),
    ("fraction", "0.5", None),
    ("queue_position", 3, 3),
    ("queue_position", -1, None),
    ("queue_position", 2**70, None),
    ("queue_position", True, None),
    ("ask_after", 2.5, 2.5),
    ("ask_after", -1, None),
    ("ask_after", float("nan"), None),
    ("ask_after", float("inf"), 86_400.0),
    ("ask_after", 1e9, 86_400.0),
]


@pytest.mark.parametrize(("field", "told", "meant"), NUMBERS)
async def test_a_number_out_of_its_range_is_none(field: str, told: Any, meant: Any) -> None:
    """What was charged, how far it is, its place in line, when to ask again: before any arithmetic (F06)."""
    progress = replace(Progress(state=RenderState.RUNNING), **{field: told})
    assert getattr(await loud(progress).poll({}), field) == meant


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ((1280, 720), (1280, 720)),
        ([1280, 720], (1280, 720)),
        ((0, 720), None),
        ((-1, 720), None),
        ((2**40, 720), None),
        (("1280", "720"), None),
        ((1280,), None),
        ("1280x720", None),
        (None, None),
    ],
)
async def test_a_size_that_no_clip_has_is_none(size: Any, meant: Any) -> None:
    """So nothing is held against it (B10)."""
    (result,) = await loud([Result(candidates=[], size=size)]).results({})
    assert result.size == meant


@pytest.mark.parametrize("amount", [HUGE, Decimal("NaN"), Decimal(-1), Decimal("Infinity")])
async def test_a_price_that_cannot_be_leaves_the_catalogues(amount: Decimal) -> None:
    """A live quote out of range is none; one that is not known stays not known (F06, F34)."""
    quote = Quote(amount=amount, basis=Basis.PER_USE, source=ECHO)
    assert await loud(quote).quote(PREPARED.request, "one") is None
    unknown = await loud(replace(quote, amount=None)).quote(PREPARED.request, "one")
    assert unknown == Quote(amount=None, basis=Basis.PER_USE, source=SAFE)
    accepted = Accepted(ticket={"id": "v1"}, quoted_cost=amount)
    assert (await loud(accepted).submit(PREPARED, key="a-key")).quoted_cost is None


async def test_a_wait_that_a_refusal_asks_for_has_a_range() -> None:
    """`Retry-After` of a thousand years is one of a day (F06)."""

    class Later(BaseEngine):
        async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
            raise Busy("later", ask_after=1e12)

    error = await raised(guarded(Later))
    assert isinstance(error, Busy)
    assert error.ask_after == 86_400.0


# --- mistakes of its own ---


class Creating(BaseEngine):
    """Sends its creates by our client; makes the mistake `mistake` before or after (`late`)."""

    async def connect(self) -> None:
        self.client = create_client(self.settings["base_url"], 0.3)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        if not self.settings.get("late"):
            raise self.settings["mistake"]
        with pytest.raises(OutcomeUnknown), sending():
            await self.client.post("/create", json={})
        raise self.settings["mistake"]

    async def aclose(self) -> None:
        await self.client.aclose()


MISTAKES = [
    KeyError("id"),
    TypeError("no"),
    AttributeError("no"),
    ValueError("no"),
    OSError("no"),
    TimeoutError(),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: type(one).__name__)
async def test_a_mistake_before_anything_left_is_a_setup_error(mistake: Exception) -> None:
    """It names file and line of the engine, nothing is billed, and nobody has to look for it anywhere."""
    with silent() as server:
        engine = guarded(Creating, base_url=f"http://{server.place}", mistake=mistake)
        await engine.connect()
        error = await raised(engine)
        await engine.aclose()
        assert not server.heard
    assert type(error) is SetupError
    assert error.billed is Billed.NO
    assert "the engine lab failed before it sent anything" in error.message
    assert re.search(rf"{type(mistake).__name__}.* \(at engines/test_edge\.py:\d+\)$", error.message)
    assert error.__cause__ is mistake


@pytest.mark.parametrize("mistake", [*MISTAKES, SetupError("no"), BadInput("no"), Unreachable("no")])
async def test_the_same_mistake_after_a_request_has_left_is_unknown(mistake: Exception) -> None:
    """Whatever an engine raises then, even a set-up error: the create may have been accepted."""
    with silent() as server:
        engine = guarded(Creating, base_url=f"http://{server.place}", mistake=mistake, late=True)
        await engine.connect()
        error = await raised(engine)
        await engine.aclose()
        assert server.heard
    assert type(error) is OutcomeUnknown
    assert error.billed is Billed.UNKNOWN


@pytest.mark.parametrize(
    ("mistake", "meant"),
    [
        (SetupError("no"), SetupError),
        (BadInput("no"), BadInput),
        (Unreachable("no"), NotDelivered),
        (QuotaExhausted("no"), QuotaExhausted),
        (EngineError("no"), SetupError),
    ],
)
async def test_an_error_of_ours_before_anything_left_says_so(
    mistake: RushesError, meant: type[RushesError]
) -> None:
    """What an engine classified stays what it is, if it means that nothing was accepted."""
    engine = guarded(Creating, base_url="http://127.0.0.1:9", mistake=mistake)
    await engine.connect()
    error = await raised(engine)
    await engine.aclose()
    assert type(error) is meant
    assert (error.message, error.billed) == ("no", Billed.NO)


async def test_an_engine_with_a_client_of_its_own_is_never_taken_to_have_sent_nothing() -> None:
    """Nobody saw what it sent: its mistakes stay unknown, whatever our other clients saw."""

    class Own(BaseEngine):
        async def prepare(self, request: VideoRequest, model: str) -> Prepared:
            async with answer_client("http://127.0.0.1:9", 1) as client:
                with pytest.raises(Unreachable), asking():
                    await client.get("/models")
            return PREPARED

        async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
            async with httpx.AsyncClient(base_url=self.settings["base_url"], timeout=0.3) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.post("/create", json={})
            raise KeyError("id")

    with silent() as server:
        engine = guarded(Own, base_url=f"http://{server.place}")
        await engine.prepare(PREPARED.request, "one")
        error = await raised(engine)
        assert server.heard
    assert type(error) is OutcomeUnknown
    assert "KeyError: 'id' (at engines/test_edge.py:" in error.message


@pytest.mark.parametrize("told", [None, {"id": "v1"}], ids=["nothing", "another shape"])
async def test_an_answer_of_another_shape_is_a_mistake_of_the_engine(told: Any) -> None:
    """A create may have been accepted; a poll is asked again."""
    engine = loud(told)
    assert type(await raised(engine)) is OutcomeUnknown
    with pytest.raises(EngineError, match="in place of Progress"):
        await engine.poll({})


async def test_a_mistake_in_any_other_call_says_what_and_where() -> None:
    """Type, its own words made safe, file and line; those that repeat a header are not repeated (B1)."""

    class Mistaken(BaseEngine):
        async def poll(self, ticket: Ticket) -> Progress:
            raise ValueError(ECHO)

        async def check(self) -> str:
            return str(KEY.encode() + "é".encode("ascii"))

        async def connect(self) -> None:
            raise RuntimeError("no client")

    engine = guarded(Mistaken)
    with pytest.raises(EngineError) as polled:
        await engine.poll({})
    # Nor does a traceback show it.
    assert KEY not in "".join(traceback.format_exception(polled.value))
    assert f"failed while asking how far it is: ValueError: {SAFE} (at engines/test_edge.py:" in str(
        polled.value
    )
    with pytest.raises(EngineError) as checked:
        await engine.check()
    assert "UnicodeEncodeError (at engines/test_edge.py:" in str(checked.value)
    with pytest.raises(SetupError, match="nothing was sent: RuntimeError: no client"):
        await engine.connect()


def test_settings_that_an_engine_cannot_read_are_named() -> None:
    """What its constructor raises is about its table of the settings file."""

    class Strict(BaseEngine):
        def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
            super().__init__(name, settings)
            self.post_timeout = float(settings["post_timeout"])

    with pytest.raises(BadSettings, match="the engine lab cannot be made from its settings") as caught:
        guarded(Strict, post_timeout="soon")
    assert "engines.lab" in caught.value.next
