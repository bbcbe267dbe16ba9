"""Downloading, once for all engines: streamed, resumed, checked, renamed.

Blocking, for a thread: a synchronous stream of 64 KiB pieces is three times as fast as an asynchronous one
and close to curl (measured on loopback, 500 MB). A partial file and what is known of it (`.part`,
`.part.json`) survive a kill; the next try goes on where it stopped if the server still has the same file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from rushes.database.database import translated
from rushes.domain.address import host_of, is_public
from rushes.domain.errors import ResultBroken, ResultGone, Unreachable
from rushes.engines.contract import Source

REDIRECTS = 5
GONE = frozenset({401, 403, 404, 410})
TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class BrokenOff(Exception):
    """The stream ended early, or the server asked to come back: worth another try from where it stopped."""


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """Fetches sources into files. `tries` counts broken connections without a new byte between them."""

    tries: int = 5
    pause: Callable[[int], None] = lambda tries: time.sleep(min(5.0, 0.1 * 2**tries))

    @cached_property
    def client(self) -> httpx.Client:
        """The client, made with the first URL: it takes a tenth of a second, and files need none."""
        return httpx.Client(timeout=TIMEOUT, http2=False)

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()

    def fetch(self, source: Source, destination: Path, *, public_only: bool = False) -> Path:
        """Bring `source` to `destination`; it is there whole, with an `ftyp` box, or not at all.

        With `public_only` nothing is asked of a private network, redirected there or not: a service on the
        public one has no business there.

        Raises ResultGone (401, 403, 404, 410: ask the engine for a fresh address), ResultBroken (not a
        video file, or not the promised length), Unreachable (tried and tried), DiskFull, ReadOnly.
        """
        part = destination.with_name(destination.name + ".part")
        with translated(destination):
            if source.file is not None:
                _take_file(source, part)
            elif source.data is not None:
                part.write_bytes(source.data)
            else:
                self._stream_with_resume(source, part, public_only)
            _check_ftyp(part, source)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(part, destination)
            _notes(part).unlink(missing_ok=True)
        return destination

    def _stream_with_resume(self, source: Source, part: Path, public_only: bool) -> None:
        failures = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._stream(source, part, public_only)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise ResultBroken(f"{source} is not an address that can be downloaded from") from error
            except (httpx.TransportError, BrokenOff) as error:
                grown = part.exists() and part.stat().st_size > before
                failures = 0 if grown else failures + 1
                if failures >= self.tries:
                    raise Unreachable(f"{source} broke off {failures} times: {error}") from error
                self.pause(failures)

    def _stream(self, source: Source, part: Path, public_only: bool) -> None:
        have, tag = _resumable(part)
        with self._open(source, have, tag, public_only) as response:
            if response.status_code == 416:
                _forget(part)
                raise BrokenOff("the server has less of it than we do; starting over")
            _check_status(response, source)
            resumed = response.status_code == 206 and _begins_at(response) == have
            if response.status_code == 206 and not resumed:
                _forget(part)
                raise BrokenOff("the server went on at another place than it was asked for; starting over")
            have = have if resumed else 0
            total = _total(response, have)
            _remember(part, response, total)
            with part.open("ab" if resumed else "wb", buffering=0) as file:
                got = have + _copy(response, file)
            if total is not None and got != total:
                raise BrokenOff(f"{got} of {total} bytes arrived")

    @contextmanager
    def _open(
        self, source: Source, have: int, tag: str | None, public_only: bool
    ) -> Iterator[httpx.Response]:
        """Open the stream, following redirects by hand: credentials go to their own origin only."""
        assert source.url is not None
        url = home = httpx.URL(source.url)
        resume = {"Range": f"bytes={have}-", "If-Range": tag} if have and tag else {}
        for _ in range(REDIRECTS):
            if public_only:
                _check_public(url, source)
            own = dict(source.headers) if _origin(url) == _origin(home) else {}
            # identity: a compressed stream can be neither resumed nor counted.
            request = self.client.build_request(
                "GET", url, headers={**own, **resume, "Accept-Encoding": "identity"}
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


def _check_public(url: httpx.URL, source: Source) -> None:
    host = host_of(str(url))
    if not is_public(host):
        raise ResultBroken(
            f"{source} leads to {host}, which is not on the public network; nothing was fetched",
            next="where the service is your own, set its base_url to its address in that network; then "
            "rushes collect ID downloads it",
        )


def _check_status(response: httpx.Response, source: Source) -> None:
    code = response.status_code
    if code in GONE:
        raise ResultGone(f"{source} answers {code}: the address has run out or is not allowed")
    if code == 429 or code >= 500:
        raise BrokenOff(f"the server answered {code}")
    if code not in (200, 206):
        raise ResultBroken(f"{source} answers {code}")


def _check_ftyp(part: Path, source: Source) -> None:
    with part.open("rb") as file:
        head = file.read(64)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip") or head[:4] == b"\x1aE\xdf\xa3":
        return
    start = head.lstrip()[:15].lower()
    what = "a web page" if start.startswith((b"<!doctype", b"<html")) else "not a video file"
    raise ResultBroken(f"{source} sent {what} ({part.stat().st_size:,} bytes)")


def _copy(response: httpx.Response, file: BinaryIO | Any) -> int:
    # As it comes, at most 64 KiB: asking for pieces of a size would lose the last one when it breaks off.
    count = 0
    for piece in response.iter_raw():
        file.write(piece)
        count += len(piece)
    return count


def _begins_at(response: httpx.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def _total(response: httpx.Response, have: int) -> int | None:
    length = response.headers.get("Content-Length")
    return have + int(length) if length is not None and length.isdigit() else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _notes(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _remember(part: Path, response: httpx.Response, total: int | None) -> None:
    # A weak tag promises the same meaning, not the same bytes: nothing to resume by.
    tag = response.headers.get("ETag", "")
    if tag.startswith("W/") or not tag:
        tag = response.headers.get("Last-Modified", "")
    _notes(part).write_text(json.dumps({"tag": tag, "total": total}), encoding="utf-8")


def _resumable(part: Path) -> tuple[int, str | None]:
    try:
        notes = json.loads(_notes(part).read_text(encoding="utf-8"))
        return part.stat().st_size, notes["tag"] or None
    except (OSError, ValueError, KeyError):
        return 0, None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)
