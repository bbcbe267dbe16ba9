"""Nothing that a server sends is read without an end: bodies, heads, compression, time (F02, F29)."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import inspect
import json
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, cast

import httpx
import pytest

from rushes.domain.errors import (
    Busy,
    EngineError,
    NotDelivered,
    OutcomeUnknown,
    Refused,
    RushesError,
    SetupError,
    Unreachable,
)
from rushes.domain.inflating import Inflater
from rushes.domain.model import Lengths, Model
from rushes.domain.request import VideoRequest
from rushes.domain.text import RAW_LIMIT, TextFilter
from rushes.engines.bodies import LARGEST_ANSWER, LARGEST_WITH_FILE
from rushes.engines.contract import (
    MOST_RESULTS,
    MOST_SOURCES,
    Accepted,
    Attempt,
    BaseEngine,
    Candidate,
    Prepared,
    Progress,
    Result,
    Source,
    Ticket,
)
from rushes.engines.deadlines import DEADLINES_S
from rushes.engines.edge import (
    LARGEST_TICKET,
    MOST_CANDIDATES,
    MOST_MODELS,
    MOST_WARNINGS,
    GuardedEngine,
)
from rushes.engines.http import (
    MAY_HOLD_FILE,
    MOST_VALUES,
    answer,
    answer_client,
    asking,
    classify_create,
    create_client,
    created,
    raw,
    reason,
    sending,
)
from tests.engines.listeners import pouring

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
REFUSAL = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
PIECE = b" " * 65536
SYSTEM_BUFFERS = 16 * 1024 * 1024
"""What may lie between a server and us, neither read nor refused."""

LONGEST_S = 60.0
"""By then a call of these tests hangs."""

Pieces = Iterator[bytes]
PREPARED = Prepared(request=VideoRequest(prompt="a boat"), model="one")


def endless(head: bytes = HEAD, start: bytes = b'{"id": "v1"', piece: bytes = PIECE) -> Pieces:
    """Yield an answer whose body has no end."""
    yield head + b"\r\n" + start
    yield from repeat(piece)


def chunks(size: int, extension: bytes = b"") -> Pieces:
    """Yield chunks of `size` bytes without an end."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    one = b"%x%s\r\n%s\r\n" % (size, extension, b" " * size)
    yield from repeat(one * max(1, 65536 // len(one)))


def bomb(compress: Callable[[bytes], bytes], encoding: bytes) -> Pieces:
    """Yield one short answer that expands to 32 MB."""
    body = compress(b'{"status": "' + b" " * (32 * 1024 * 1024))
    yield HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)) + body


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def empty_blocks() -> Pieces:
    """Yield gzip that goes on for ever and expands to nothing."""
    packer = zlib.compressobj(wbits=31)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    yield HEAD + b"Content-Encoding: gzip\r\n\r\n" + start
    yield from repeat(b"\x00\x00\x00\xff\xff" * 13_000)


BODIES: dict[str, Callable[[], Pieces]] = {
    "no end": endless,
    "a length of ten gigabytes": lambda: endless(HEAD + b"Content-Length: 10000000000\r\n"),
    "chunks": lambda: chunks(65536),
    "chunks of a byte": lambda: chunks(1),
    "chunk extensions": lambda: chunks(1, b";" + b"x" * 60_000),
    "gzip bomb": lambda: bomb(gzip.compress, b"gzip"),
    "deflate bomb": lambda: bomb(zlib.compress, b"deflate"),
    "raw deflate bomb": lambda: bomb(raw_deflate, b"deflate"),
    "gzip of nothing": empty_blocks,
}


@pytest.mark.parametrize("pieces", BODIES.values(), ids=BODIES.keys())
async def test_an_answer_without_an_end_is_not_read_to_it(pieces: Callable[[], Pieces]) -> None:
    """F02: the call ends as Unreachable, in plain words, and the server sends no more than the limit."""
    with pouring(pieces) as server:
        async with asyncio.timeout(LONGEST_S), answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable, match=r"more than 4.*, and was not read to its end"), asking():
                await client.get("/job")
        # An extension is no part of a body: of such chunks only the number is counted.
        most = 5_000 * 60_100 if pieces is BODIES["chunk extensions"] else LARGEST_ANSWER
        assert server.sent <= most + SYSTEM_BUFFERS


@pytest.mark.parametrize("pieces", BODIES.values(), ids=BODIES.keys())
async def test_a_create_with_such_an_answer_is_unknown_and_its_beginning_kept(
    pieces: Callable[[], Pieces],
) -> None:
    """F02: it may have been accepted; what a person has to look at stands in the job."""
    with pouring(pieces) as server:
        async with asyncio.timeout(LONGEST_S), create_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(OutcomeUnknown, match="more than 4") as caught, sending():
                created(await client.post("/create", json={}))
    assert caught.value.raw is not None


async def test_the_beginning_that_is_kept_is_that_of_the_answer() -> None:
    """F02: with the id in it, if the server said one."""
    with pouring(endless) as server:
        async with create_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(OutcomeUnknown) as caught, sending():
                await client.post("/create", json={})
    assert (caught.value.raw or "").startswith('{"id": "v1"')


async def test_a_refusal_is_one_however_long_it_is() -> None:
    """F02: 400 says that nothing was accepted; no money hangs on how many words it comes with."""
    with pouring(lambda: endless(REFUSAL, b"no such model ", b"really " * 9000)) as server:
        async with create_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Refused, match="no such model"), sending():
                await client.post("/create", json={})


async def test_a_clip_in_the_answer_may_be_larger_than_other_answers() -> None:
    """Servers that put the file itself into the job are read; those without an end are not."""
    film = json.dumps({"status": "completed", "b64_json": "A" * (3 * LARGEST_ANSWER)}).encode()
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(film)
    with pouring(lambda: iter([head, film])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with asking():
                response = await client.get("/job", extensions=MAY_HOLD_FILE)
    assert len(answer(response)["b64_json"]) == 3 * LARGEST_ANSWER
    with pouring(endless) as server:
        async with asyncio.timeout(LONGEST_S), answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable, match="more than 64 MB"), asking():
                await client.get("/job", extensions=MAY_HOLD_FILE)
        assert server.sent <= LARGEST_WITH_FILE + SYSTEM_BUFFERS


async def test_of_answers_with_a_clip_in_them_one_is_read_at_a_time() -> None:
    """F02: several that never end hold the memory of one."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> Pieces:
        yield HEAD + b"\r\n"
        for _ in range(6 * LARGEST_ANSWER // len(PIECE)):
            yield PIECE
        begun.release()
        go_on.wait(LONGEST_S)
        yield from repeat(PIECE)

    with pouring(slow) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            asked = [asyncio.create_task(client.get("/job", extensions=MAY_HOLD_FILE)) for _ in range(4)]
            assert await asyncio.to_thread(begun.acquire, timeout=LONGEST_S)
            # The system takes some megabytes off each of them, and nobody reads those.
            most = 6 * LARGEST_ANSWER + 3 * (LARGEST_ANSWER + SYSTEM_BUFFERS)
            assert server.sent <= most
            go_on.set()
            outcomes = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), LONGEST_S)
    assert all(isinstance(one, httpx.TransportError) for one in outcomes)


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip"])
async def test_compression_that_cannot_be_decoded_in_steps_is_not_decoded(encoding: bytes) -> None:
    """F02: we ask for none; a decoder that returns all it has is no bound."""
    head = HEAD + b"Content-Encoding: %s\r\nContent-Length: 2\r\n\r\n{}" % encoding
    with pouring(lambda: iter([head])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable, match="not asked for"), asking():
                await client.get("/job")
        assert "accept-encoding: identity" in server.heard[0].lower()


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [
        (gzip.compress, "gzip"),
        (gzip.compress, "X-GZip"),
        (zlib.compress, "deflate"),
        (raw_deflate, "deflate"),
        (bytes, "identity"),
        (bytes, "utf-8"),
    ],
)
async def test_what_is_compressed_all_the_same_is_read(
    compress: Callable[[bytes], bytes], encoding: str
) -> None:
    """Some servers compress whatever they are asked for, and some name what is no compression."""
    body = compress(json.dumps({"status": "completed", "word": "ü" * 200_000}).encode())
    head = HEAD + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with pouring(lambda: iter([head, body[:7], body[7:]])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with asking():
                response = await client.get("/job")
    assert answer(response)["word"] == "ü" * 200_000


def test_a_decoder_gives_no_more_than_a_step_at_once() -> None:
    """F02: a piece of 64 kB may be 64 MB."""
    parts = list(Inflater().decode(gzip.compress(b"a" * 10_000_000)))
    assert b"".join(parts) == b"a" * 10_000_000
    assert max(map(len, parts)) <= 65536


@pytest.mark.parametrize(("codec", "compress"), [("zlib_codec", zlib.compress), ("bz2_codec", bz2.compress)])
async def test_a_codec_that_is_no_charset_decodes_nothing(
    codec: str, compress: Callable[[bytes], bytes]
) -> None:
    """F02: Python knows decompressors by name, and the name comes from the server."""
    body = compress(b"words " * 500_000)
    head = b"HTTP/1.1 500 Oh\r\nContent-Type: text/plain; charset=%s\r\n" % codec.encode()
    with pouring(lambda: iter([head + b"Content-Length: %d\r\n\r\n" % len(body), body])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with asking():
                response = await client.get("/job")
    assert len(response.text) <= len(body)


async def test_json_that_is_nested_too_deep_is_no_json() -> None:
    """F02: it has no place to stop at but Python's own stack."""
    deep = b"[" * 1_000_000
    with pouring(lambda: iter([HEAD + b"Content-Length: %d\r\n\r\n" % len(deep), deep])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable, match="not a JSON object"), asking():
                answer(await client.get("/job"))


async def test_json_of_millions_of_values_is_no_json() -> None:
    """F02: two bytes of an answer become a hundred of memory; 64 MB of empty lists took 2 GB and 14 s."""
    many = b'{"id": "v1", "all": [' + b"[]," * MOST_VALUES + b"0]}"
    with pouring(lambda: iter([HEAD + b"Content-Length: %d\r\n\r\n" % len(many), many])) as server:
        async with answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable, match="not a JSON object"), asking():
                answer(await client.get("/job"))


def test_of_a_refusal_as_large_as_an_answer_only_the_beginning_is_made_safe() -> None:
    """F01: to write out every character of it, the event loop of all jobs would stand still for seconds."""
    request = httpx.Request("POST", "http://localhost/", headers={"Authorization": "Bearer abcdefgh"})
    content = json.dumps({"error": "\u202e" * 1_000_000}, ensure_ascii=False).encode()
    response = httpx.Response(400, content=content, request=request)
    text = httpx.Response(500, content="\u202e".encode() * 1_000_000, request=request)
    tracemalloc.start()
    try:
        assert reason(response).startswith("400: \\u202e\\u202e")
        assert raw(text).startswith("\\u202e\\u202e")
        assert tracemalloc.get_traced_memory()[1] < 8 * len(content)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "value", [f"Thu, 01 Jan 2026 00:00:00 +{10**20}", f"Thu, 01 Jan {10**20} 00:00:00 GMT"]
)
def test_a_time_that_no_clock_has_leaves_a_refusal_one(value: str) -> None:
    """F02: the header of a 429 must not turn a create that bought nothing into one of unknown outcome."""
    request = httpx.Request("POST", "http://localhost/")
    with pytest.raises(Busy) as caught:
        classify_create(httpx.Response(429, headers={"Retry-After": value}, request=request))
    assert caught.value.ask_after is None


def headers_without_end() -> Pieces:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from repeat(b"X-More: " + b"x" * 1000 + b"\r\n")


def one_long_header() -> Pieces:
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    yield from repeat(b"x" * 65536)


def trailers() -> Pieces:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    yield from repeat(b"X-More: " + b"x" * 1000 + b"\r\n")


HEADS = {"many headers": headers_without_end, "one long header": one_long_header, "trailers": trailers}


@pytest.mark.parametrize("pieces", HEADS.values(), ids=HEADS.keys())
async def test_a_head_without_an_end_is_not_read_to_it(pieces: Callable[[], Pieces]) -> None:
    """F02: the client's own limit for a head holds for trailers, too."""
    with pouring(pieces) as server:
        async with asyncio.timeout(LONGEST_S), answer_client(f"http://{server.place}", 30.0) as client:
            with pytest.raises(Unreachable), asking():
                await client.get("/job")
        assert server.sent <= SYSTEM_BUFFERS


# --- time ---


def trickle() -> Pieces:
    """Yield a byte from time to time: no read waits long, and the answer never ends."""
    yield HEAD + b"\r\n"
    for _ in iter(lambda: threading.Event().wait(0.02), True):
        yield b" "


def informational(status: bytes) -> Callable[[], Pieces]:
    return lambda: repeat(b"HTTP/1.1 " + status + b"\r\n\r\n")


ENDLESS_ANSWERS = {
    "a byte from time to time": trickle,
    "100 without an end": informational(b"100 Continue"),
    "102 without an end": informational(b"102 Processing"),
}


class Asking(BaseEngine):
    """Asks its server in every call of the contract, and ends no call by itself."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.post_timeout = float(settings.get("post_timeout", 0.3))
        self.list_delay = 0.0
        self.client = answer_client(settings["base_url"], LONGEST_S)
        self.creates = create_client(settings["base_url"], LONGEST_S)

    async def _ask(self, *given: Any) -> Any:
        with asking():
            return await self.client.get("/")

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        return await self._ask()  # type: ignore[no-any-return]

    connect = poll = results = cancel = lookup = quote = list_models = check = aclose = _ask  # type: ignore

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        with sending():
            return Accepted(ticket=created(await self.creates.post("/create", json={})))


CALLS: dict[str, tuple[Any, ...]] = {
    "prepare": (PREPARED.request, "one"),
    "connect": (),
    "poll": ({},),
    "results": ({},),
    "cancel": ({},),
    "lookup": (None,),
    "quote": (PREPARED.request, "one"),
    "list_models": (),
    "check": (),
    "aclose": (),
}


def hurried(engine: type[BaseEngine], **settings: Any) -> GuardedEngine:
    """Return an engine behind the edge whose deadlines are a third of a second."""
    made = engine("lab", settings)
    return GuardedEngine(made, TextFilter(), deadlines=dict.fromkeys(DEADLINES_S, 0.3))


def test_every_call_of_the_contract_has_a_deadline() -> None:
    """F02: a call that is added later needs one before it can be made."""
    calls = {name for name, one in vars(BaseEngine).items() if inspect.iscoroutinefunction(one)}
    assert calls == {*DEADLINES_S, "submit"} == {*CALLS, "submit"}


@pytest.mark.parametrize("pieces", ENDLESS_ANSWERS.values(), ids=ENDLESS_ANSWERS.keys())
async def test_no_call_outlives_its_deadline(pieces: Callable[[], Pieces]) -> None:
    """F02: however often something arrives; a create may have been accepted, all others are asked again."""
    with pouring(pieces) as server:
        engine = hurried(Asking, base_url=f"http://{server.place}")
        async with asyncio.timeout(LONGEST_S):
            for call, given in CALLS.items():
                if call == "aclose":
                    await engine.aclose()
                    continue
                with pytest.raises(RushesError, match=r"too long.*, and was stopped") as caught:
                    await getattr(engine, call)(*given)
                assert isinstance(caught.value, SetupError if call == "connect" else Unreachable)
            with pytest.raises(OutcomeUnknown, match=r"no answer to the create within 0\.3 s"):
                await engine.submit(PREPARED, key="a-key")


class Hanging(BaseEngine):
    """Never answers; `stubborn` ignores that it is canceled, `late` then answers all the same."""

    post_timeout = 0.2
    ended = False

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.begun = asyncio.Event()

    async def poll(self, ticket: Ticket) -> Progress:
        await self._hang()
        raise AssertionError

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        create_client("http://127.0.0.1:9", 5)
        await self._hang()
        return Accepted(ticket={"id": "v1"})

    async def _hang(self) -> None:
        self.begun.set()
        while True:
            try:
                await asyncio.sleep(LONGEST_S)
            except asyncio.CancelledError:
                if self.settings.get("late"):
                    return
                if not self.settings.get("stubborn"):
                    self.ended = True
                    raise


async def test_what_hangs_before_it_sends_anything_has_sent_nothing() -> None:
    """A create that was stopped on the way to its server can be sent again."""
    with pytest.raises(NotDelivered, match="nothing had been sent"):
        await asyncio.wait_for(hurried(Hanging).submit(PREPARED, key="a-key"), LONGEST_S)


async def test_an_engine_that_ignores_its_end_holds_nobody_up() -> None:
    """F02: whoever asked goes on; of its create nobody can say that it will not be sent yet."""
    engine = hurried(Hanging, stubborn=True)
    try:
        with pytest.raises(Unreachable, match="took too long asking how far it is"):
            await asyncio.wait_for(engine.poll({}), LONGEST_S)
        with pytest.raises(OutcomeUnknown, match=r"within 0\.2 s"):
            await asyncio.wait_for(engine.submit(PREPARED, key="a-key"), LONGEST_S)
    finally:
        engine.adapter.settings = {"late": True}


async def test_a_ticket_that_comes_with_the_deadline_is_kept() -> None:
    """It is worth a clip."""
    accepted = await asyncio.wait_for(hurried(Hanging, late=True).submit(PREPARED, key="a-key"), LONGEST_S)
    assert accepted.ticket == {"id": "v1"}


async def test_a_call_ends_with_whoever_asked_for_it() -> None:
    """A job that is ended, or a worker that stops, leaves no call behind."""
    adapter = Hanging("lab", {})
    asked = asyncio.create_task(GuardedEngine(adapter, TextFilter()).poll({}))
    await adapter.begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert adapter.ended


# --- numbers of things ---


class Generous(BaseEngine):
    """Answers with far more of everything than anybody asked for."""

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        return Prepared(request=request, model=model, notes={"known": ["x" * 1000] * 10_000})

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        ticket: Ticket = {"id": "x" * (LARGEST_TICKET if self.settings.get("long_id") else 10)}
        facts = {str(number): "x" * 900 for number in range(1000)}
        return Accepted(ticket=ticket, warnings=tuple(map(str, range(1000))), facts=facts)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        sources = [Source(url=f"https://cdn.example.com/{n}.mp4") for n in range(120)]
        return [Result(candidates=sources) for _ in range(120)]

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        now = datetime.now(UTC)
        return [
            Candidate(ticket={"id": "x" * LARGEST_TICKET}, created_at=now),
            *(Candidate(ticket={"id": str(n)}, created_at=now) for n in range(10_000)),
        ]

    async def list_models(self) -> Sequence[Model]:
        lengths = Lengths(low=1, high=60)
        return [Model(engine="lab", id=str(n), provider="lab", lengths=lengths) for n in range(10_000)]


async def test_an_engine_hands_on_no_more_than_can_be_kept() -> None:
    """F29: files, places, warnings, facts, what is listed: each has a number or a size that is enough."""
    engine = GuardedEngine(Generous("lab", {}), TextFilter())
    offered = await engine.results({})
    assert (len(offered), {len(one.candidates) for one in offered}) == (MOST_RESULTS + 1, {MOST_SOURCES})
    accepted = await engine.submit(PREPARED, key="a-key")
    assert (len(accepted.warnings), accepted.facts) == (MOST_WARNINGS, {})
    listed = await engine.lookup(cast(Attempt, None))
    assert (len(listed), listed[0].ticket) == (MOST_CANDIDATES - 1, {"id": "0"})
    assert len(await engine.list_models() or ()) == MOST_MODELS
    with pytest.raises(EngineError, match="notes more than"):
        await engine.prepare(PREPARED.request, "one")


async def test_a_ticket_that_is_no_id_is_put_to_a_person() -> None:
    """F29: it is in the ledger for ever, and in every line that names the job."""
    engine = GuardedEngine(Generous("lab", {"long_id": True}), TextFilter())
    with pytest.raises(OutcomeUnknown, match="more than 262,144 characters") as caught:
        await engine.submit(PREPARED, key="a-key")
    assert len(caught.value.raw or "") == RAW_LIMIT
