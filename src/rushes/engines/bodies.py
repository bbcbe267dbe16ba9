"""What an answer may hold: its body is read whole, up to a limit that counts what comes out of compression.

Whoever answers decides how much that is, so nothing here trusts a length that a header tells, or a decoder
that returns all that it has.
"""

from __future__ import annotations

import codecs
import re
import zlib
from asyncio import Lock
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import httpx

from rushes.domain.inflating import ENCODINGS, Inflater
from rushes.domain.text import one_line

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer, decoded or not, unless a call says otherwise: polls, creates, refusals, prices."""

LARGEST_LIST = 16 * 1024 * 1024
"""The same for lists of models, which describe each of them."""

LARGEST_WITH_FILE = 64 * 1024 * 1024
"""The same where the answer may have the clip itself in it, as base64: some 48 MB of video."""

MOST_PIECES = 4096
SMALLEST_PIECE = 512
"""How many pieces a body may have of any size, and the bytes that each further one has on the average. A
piece costs more time than the bytes in it, and may have a hundred times as much around it."""

BEGINNING = 64 * 1024
"""Bytes that are kept of an answer that is too large."""

NOT_DECODED = frozenset({"br", "zstd", "compress", "x-compress"})

CHARSETS = re.compile(r"utf[-_]?(8|16|32)|(us-?)?ascii|iso-?8859|latin|windows-|cp125|gb|big5|shift|euc|koi8")
"""What a server may name as its charset. Python's codecs have decompressors among them."""

LENGTH_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class AnswerTooLarge(httpx.TransportError):
    """An answer has more bytes, or pieces, than any of its kind; `response` has the beginning of it."""

    def __init__(self, what: str, response: httpx.Response) -> None:
        super().__init__(f"its answer has {what}, and was not read to its end")
        self.response = response


class BodyReader:
    """Reads the bodies of one client's answers; of those above `LARGEST_ANSWER` one at a time."""

    def __init__(self) -> None:
        self._alone = Lock()

    async def read(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Return the same answer with its body, decoded.

        The request's extension `largest_body` may set another limit. Raises AnswerTooLarge, DecodingError,
        and what reading raises.
        """
        limit = int(request.extensions.get("largest_body", LARGEST_ANSWER))
        body, arrived = bytearray(), _Arrived()
        decode = _decoder(response.headers.get("content-encoding", ""))
        assert isinstance(response.stream, AsyncIterable)
        async with AsyncExitStack() as alone:
            waits = limit > LARGEST_ANSWER
            async for piece in response.stream:
                for part in decode(piece):
                    body += part
                    if len(body) > limit:
                        break
                excess = arrived.excess(piece, len(body), limit)
                if excess is not None:
                    raise AnswerTooLarge(excess, _with_body(request, response, body[:BEGINNING]))
                if waits and len(body) > LARGEST_ANSWER:
                    await alone.enter_async_context(self._alone)
                    waits = False
            return _with_body(request, response, body)


class _Arrived:
    """Counts what arrives, which may be decoded to nothing, and in how many pieces."""

    def __init__(self) -> None:
        self._bytes = 0
        self._pieces = 0

    def excess(self, piece: bytes, decoded: int, limit: int) -> str | None:
        """Count a piece, and return what of the answer is too much, in words."""
        self._bytes += len(piece)
        self._pieces += 1
        if max(self._bytes, decoded) > limit:
            return f"more than {limit // 1024**2} MB"
        if self._pieces > MOST_PIECES + self._bytes // SMALLEST_PIECE:
            return f"more than {MOST_PIECES:,} tiny pieces"
        return None


def _with_body(request: httpx.Request, response: httpx.Response, body: bytearray) -> httpx.Response:
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in LENGTH_HEADERS]
    whole = httpx.Response(
        response.status_code,
        headers=headers,
        content=bytes(body),
        request=request,
        extensions=response.extensions,
    )
    whole.encoding = _charset(whole)
    return whole


def _charset(response: httpx.Response) -> str:
    """Return the charset that an answer names; UTF-8 for none, and for a codec that is no charset."""
    named = (response.charset_encoding or "").strip().lower()
    try:
        return codecs.lookup(named).name if CHARSETS.match(named) else "utf-8"
    except LookupError:
        return "utf-8"


def _decoder(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    """Return what decodes a body piece by piece. Raises DecodingError for compression nobody asked for."""
    names = [name for part in encoding.lower().split(",") if (name := part.strip())]
    compressed = [name for name in names if name in ENCODINGS or name in NOT_DECODED]
    if not compressed:
        return _plain
    if len(compressed) > 1 or compressed[0] in NOT_DECODED:
        how = one_line(encoding, 40)
        raise httpx.DecodingError(f"it is compressed in a way that was not asked for ({how})")
    return partial(_inflate, Inflater())


def _plain(piece: bytes) -> Iterator[bytes]:
    yield piece


def _inflate(inflater: Inflater, piece: bytes) -> Iterator[bytes]:
    """Yield what a piece is decoded to, in small steps. Raises DecodingError."""
    try:
        yield from inflater.decode(piece)
    except zlib.error as error:
        raise httpx.DecodingError("it is not compressed in the way that it says") from error
