"""Downloading, once for all engines: streamed, resumed, checked, renamed.

Blocking, for a thread: a synchronous stream of 64 KiB pieces is three times as fast as an asynchronous one
and close to curl (measured on loopback, 500 MB). A partial file and what is known of it (`.part`,
`.part.json`) survive a kill; the next try continues where it stopped if the server still has the same file.

A server that sends too little, or too much, is given up: see `Transfer`.

What arrived is judged by its first bytes, never by the name or the media type that it came under.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import Event
from urllib.parse import unquote_to_bytes

import httpx

from rushes.database.database import translated
from rushes.domain.errors import ResultBroken, ResultGone, Unreachable
from rushes.domain.inflating import ENCODINGS
from rushes.engines.contract import Source
from rushes.engines.transports import PrivateAddress, RoutedTransport, host_in, notes_of
from rushes.jobs.compression import GZIP, NotCompressed, expanded
from rushes.jobs.part_file import PartFile
from rushes.jobs.transfer import BrokenOff, TooSlow, Transfer
from rushes.media.signature import HEAD_BYTES, is_text, is_video

REDIRECTS = 5

LONGEST_DATA = 350 * 1024 * 1024
"""Characters of a data: address that are decoded: some 260 MB of video."""

EXPANSION = 20
"""How many times its compressed size a file may have; no video shrinks to a tenth."""

EXPANDED_BYTES = 64 * 1024 * 1024
"""What a compressed file may have in any case."""

LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer in place of a file that are read: JSON may have the file in it."""

LONGEST_REFUSAL = 64 * 1024

LEAST_SPEED = 1000.0
"""Bytes a second: a clip of 10 MB takes three hours at it."""

SPARE_BYTES = 16 * 1024 * 1024
"""What a download leaves free on the disk: the ledger needs some of it."""


BROKEN = (httpx.TransportError, BrokenOff)
"""What a connection that ends too early raises."""


class FileElsewhere(Exception):
    """The file is not at this source; its engine knows `sources` to try beside the other candidates."""

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__(f"the file is elsewhere: {len(sources)} places")
        self.sources = sources


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """Fetches sources into files. `tries` counts broken connections that brought next to nothing.

    A server may be silent for `silence_s` seconds, and for twice as long with every further try, up to eight
    times: some stores fetch a file from afar when it is first asked for. Beyond that it is given up if it
    sends less than `least_speed` bytes of the file a second, on average over `window_s` seconds; `connect_s`
    bounds its handshakes.
    `spare_bytes` of the disk stay free.
    """

    tries: int = 5
    silence_s: float = 30.0
    connect_s: float = 10.0
    least_speed: float = LEAST_SPEED
    window_s: float = 60.0
    spare_bytes: int = SPARE_BYTES
    pause: Callable[[int], None] = lambda tries: time.sleep(min(5.0, 0.1 * 2**tries))
    running: set[Transfer] = field(default_factory=set)
    closed: Event = field(default_factory=Event)

    @cached_property
    def client(self) -> httpx.Client:
        """The client, made with the first URL: it takes a tenth of a second, and files need none."""
        return httpx.Client(transport=RoutedTransport())

    def close(self) -> None:
        """Stop what is still being fetched, and close the connections."""
        self.closed.set()
        for transfer in tuple(self.running):
            transfer.stop()
        if "client" in self.__dict__:
            self.client.close()

    def fetch(
        self,
        source: Source,
        destination: Path,
        *,
        public_only: bool = False,
        transfer: Transfer | None = None,
    ) -> Path:
        """Bring `source` to `destination`; it is there whole, and begins as a video does, or not at all.

        With `public_only` nothing is asked of a private network, redirected there or not: a service on the
        public one has no business there. `transfer` has the terms, and tells how far it is.

        Raises ResultGone (a refusal such as 403, 404 or 425, or words or nothing in place of the video: not
        there yet, or no longer; ask the engine for a fresh address later), ResultBroken (bytes that are no
        video, too many of them, or no address), Unreachable (tried and tried, or too slow), DiskFull,
        ReadOnly, Stopped. If the source reads answers itself, FileElsewhere and what its `read_answer` raises
        come in place of the first two and of tries.
        """
        part = PartFile(
            path=destination.with_name(destination.name + ".part"),
            source=source,
            transfer=transfer or Transfer(),
            spare_bytes=self.spare_bytes,
        )
        with translated(destination), self._counted(part.transfer):
            if source.file is not None:
                _take_file(source, part.path)
            elif source.data is not None:
                part.path.write_bytes(source.data)
            elif source.url is not None and source.url[:5].lower() == "data:":
                part.path.write_bytes(_decoded(source.url, source))
            else:
                self._stream_with_resume(part, public_only)
            _check_is_video(part)
            with part.path.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(part.path, destination)
            part.forget_notes()
        return destination

    @contextmanager
    def _counted(self, transfer: Transfer) -> Iterator[None]:
        """Have `close` know of a download."""
        self.running.add(transfer)
        if self.closed.is_set():
            transfer.stop()
        try:
            yield
        finally:
            self.running.discard(transfer)

    def _stream_with_resume(self, part: PartFile, public_only: bool) -> None:
        source, failures = part.source, 0
        while True:
            started, before = time.monotonic(), part.size
            silence_s = self.silence_s * 2 ** min(3, failures)
            try:
                window_s = self.window_s + silence_s
                with part.transfer.keeping_pace(self.least_speed, window_s, BROKEN):
                    return self._stream(part, public_only, silence_s)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise ResultBroken(f"{source} is not an address that can be downloaded from") from error
            except PrivateAddress as error:
                raise _private(source, error) from error
            except NotCompressed as error:
                raise ResultBroken(f"{source} is not compressed in the way that its server says") from error
            except TooSlow as error:
                # Its place is for others; whoever asks again continues with what is here.
                raise Unreachable(f"{source} is too slow: {error}") from error
            except BROKEN as error:
                # By a byte a try alone, it would never end.
                enough = self.least_speed * max(1.0, time.monotonic() - started)
                failures = 0 if part.size - before >= enough else failures + 1
                if failures >= self.tries:
                    # The client's own words may repeat a header.
                    said = error if isinstance(error, BrokenOff) else type(error).__name__ + notes_of(error)
                    raise Unreachable(f"{source} broke off {failures} times: {said}") from error
                self.pause(failures)

    def _stream(self, part: PartFile, public_only: bool, silence_s: float) -> None:
        have, tag = part.resumable()
        resume = {"Range": f"bytes={have}-", "If-Range": tag} if have and tag else {}
        with self._open(part, resume, public_only, silence_s) as response:
            if response.status_code == 416:
                part.forget()
                raise BrokenOff("the server has less of it than we do; starting over")
            _check_status(response, part.source)
            if response.status_code == 206:
                _append(response, part, have)
            else:
                _write(response, part)

    @contextmanager
    def _open(
        self, part: PartFile, resume: dict[str, str], public_only: bool, silence_s: float
    ) -> Iterator[httpx.Response]:
        """Open the stream, following redirects by hand: credentials go to their own origin only."""
        source = part.source
        assert source.url is not None
        url = home = httpx.URL(source.url)
        for _ in range(REDIRECTS):
            judged = public_only and host_in(url) not in source.trusted_hosts
            own = dict(source.headers) if _origin(url) == _origin(home) else {}
            # identity: a compressed stream can be neither resumed nor counted.
            request = self.client.build_request(
                "GET",
                url,
                headers={**own, **resume, "Accept-Encoding": "identity"},
                timeout=httpx.Timeout(silence_s, connect=self.connect_s),
                extensions={"trace": part.transfer.trace, "public_only": judged},
            )
            response = self.client.send(request, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                url = url.join(response.headers["Location"])
            finally:
                response.close()
        raise ResultBroken(f"{source} redirects more than {REDIRECTS} times")


def _take_file(source: Source, part: Path) -> None:
    assert source.file is not None
    if not source.file.is_file():
        raise ResultGone(f"{source.file} is no longer there")
    if source.disposable:
        shutil.move(source.file, part)
    else:
        shutil.copyfile(source.file, part)


def _private(source: Source, error: PrivateAddress) -> ResultBroken:
    return ResultBroken(
        f"{source} leads to {error.place}, which is not on the public network; nothing was fetched",
        next="if the service is your own, set its base_url to its address in that network; then "
        "rushes collect ID downloads it",
    )


def _check_status(response: httpx.Response, source: Source) -> None:
    code = response.status_code
    if code in (200, 206):
        return
    if source.read_answer is not None and response.url == httpx.URL(source.url or ""):
        # Not after a redirect: the refusals of a file store mean something else.
        _read_answer(source, code, _beginning(response))
    if code in (408, 429) or code >= 500:
        raise BrokenOff(f"the server answered {code}")
    raise ResultGone(f"{source} answers {code}: the file is not there yet, or its address has expired")


def _beginning(response: httpx.Response) -> bytes:
    """Return the first bytes of a refusal, as many as arrive."""
    body = bytearray()
    pieces = response.iter_raw()
    if _encoding(response) in ENCODINGS:
        pieces = expanded(pieces, _encoding(response))
    with suppress(*BROKEN, NotCompressed):
        for piece in pieces:
            body += piece
            if len(body) >= LONGEST_REFUSAL:
                break
    return bytes(body)


def _check_is_video(part: PartFile) -> None:
    source = part.source
    with part.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_video(head):
        return
    size = part.size
    if not is_text(head):
        raise ResultBroken(f"{source} sent a file that is not a video ({size:,} bytes)")
    answer = part.path.read_bytes() if size <= LONGEST_ANSWER else b""
    part.forget()
    _read_answer(source, 200, answer)
    said = f"{source} sent {_kind_of(head)} in place of the video ({size:,} bytes)"
    if source.url is None:
        raise ResultBroken(said)
    raise ResultGone(f"{said}: it is not there yet, or its address has expired")


def _read_answer(source: Source, code: int, body: bytes) -> None:
    """Let the source's engine read what came in place of the file. Raises FileElsewhere, or its error."""
    if source.read_answer is None or source.url is None:
        return
    # With our headers: their secrets are taken out of what the answer repeats.
    request = httpx.Request("GET", source.url, headers=source.headers)
    raise FileElsewhere(source.read_answer(httpx.Response(code, content=body, request=request)))


def _kind_of(text: bytes) -> str:
    start = text.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if not start:
        return "nothing"
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page"
    return "JSON" if start.startswith((b"{", b"[")) else "text"


def _decoded(url: str, source: Source) -> bytes:
    """Return the bytes in a data: URL (RFC 2397). Raises ResultBroken for one that is damaged or too long."""
    if len(url) > LONGEST_DATA:
        raise ResultBroken(f"{source} is longer than {LONGEST_DATA:,} bytes, the most that is read")
    head, _, body = url.partition(",")
    try:
        if not head.lower().endswith(";base64"):
            return unquote_to_bytes(body)
        # Some encoders break lines, and some put the signs of an address into it.
        plain = unquote_to_bytes(body) if "%" in body else body.encode("ascii")
        return base64.b64decode(plain.translate(None, b" \t\r\n"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ResultBroken(f"{source} is damaged: it is not base64") from error


def _append(response: httpx.Response, part: PartFile, have: int) -> None:
    """Add the rest of a file to the `have` bytes of it that are here."""
    if _begins_at(response) != have or _encoding(response):
        part.forget()
        raise BrokenOff("the server cannot resume the download; starting over")
    part.write(response.iter_raw(), have, _length(response))


def _write(response: httpx.Response, part: PartFile) -> None:
    """Write a whole file, without the compression that some servers add although identity was asked for."""
    pieces = response.iter_raw()
    first = next(pieces, b"")
    pieces = chain([first], pieces)
    encoding = _encoding(response) or ("gzip" if first.startswith(GZIP) else "")
    if encoding and not is_video(first[:HEAD_BYTES]):
        # Length and tag are those of the compressed file: it can be neither counted nor resumed.
        part.forget()
        return part.write(_limited(expanded(pieces, encoding), response, part.source))
    part.remember(_tag_of(response))
    part.write(pieces, 0, _length(response))


def _limited(pieces: Iterator[bytes], response: httpx.Response, source: Source) -> Iterator[bytes]:
    """Yield an expanded file. Raises ResultBroken for a bomb."""
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > EXPANDED_BYTES + EXPANSION * response.num_bytes_downloaded:
            raise ResultBroken(f"{source} expands to more than {EXPANSION} times its compressed size")
        yield piece


def _encoding(response: httpx.Response) -> str:
    """Return how the server says that the body is compressed, "" where it is not."""
    name = response.headers.get("Content-Encoding", "").strip().lower()
    return "" if name == "identity" else name


def _tag_of(response: httpx.Response) -> str:
    # A weak tag promises the same meaning, not the same bytes: nothing to resume by.
    tag: str = response.headers.get("ETag", "")
    if tag.startswith("W/") or not tag:
        tag = response.headers.get("Last-Modified", "")
    return tag


def _begins_at(response: httpx.Response) -> int | None:
    # As many digits as a number of bytes can have: Python refuses to read some thousand.
    found = re.match(r"bytes ([0-9]{1,18})-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def _length(response: httpx.Response) -> int | None:
    found = re.fullmatch(r"[0-9]{1,18}", response.headers.get("Content-Length", ""))
    return int(found.group()) if found else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
