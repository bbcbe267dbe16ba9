"""The download alone: what is there, what is not there yet, what is no video, and files that come inline."""

from __future__ import annotations

import base64
import gzip
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from rushes.domain.errors import ResultBroken, ResultGone, Unreachable
from rushes.engines.contract import Source
from rushes.jobs.download import Downloader, FileElsewhere
from rushes.testing.openai_videos_service import filmed
from rushes.testing.standin_process import StandInProcess, running_standin

SIZE = (256, 144)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))


def no_pause(tries: int) -> None:
    """Try again at once."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("download") / "creates.jsonl"
    with running_standin("rushes.testing.openai_videos_servers:SGLang", log) as one:
        yield one


class Shelf:
    """One file of the server, at its own address; `tell` says how calls for it go."""

    def __init__(self, server: StandInProcess) -> None:
        self.server = server
        self.mark = secrets.token_hex(5)
        server.tell("render", self.mark, facts={"seconds": 0.0})
        answer = httpx.post(
            f"{server.base_url}/v1/videos", json={"prompt": self.mark, "size": f"{SIZE[0]}x{SIZE[1]}"}
        )
        self.source = Source(url=f"{server.base_url}/v1/videos/{answer.json()['id']}/content?token=secret")

    def tell(self, **told: Any) -> None:
        self.server.tell("content", self.mark, **told)

    def calls(self) -> int:
        return len([one for one in self.server.requests("content") if one["prompt"] == self.mark])


@pytest.fixture
def shelf(server: StandInProcess) -> Shelf:
    return Shelf(server)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return filmed(*SIZE).whole


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., bytes]:
    """Give a download that returns what arrived; the same file is gone on with in one test."""

    def of(source: Source, **settings: Any) -> bytes:
        with closing(Downloader(pause=no_pause, **settings)) as downloader:
            return downloader.fetch(source, tmp_path / "clip.mp4").read_bytes()

    return of


def encoded(data: bytes, **facts: Any) -> dict[str, Any]:
    return {"data": base64.b64encode(data).decode(), **facts}


Fetch = Callable[..., bytes]


# --- what is sent in its place ---


def named(response: httpx.Response) -> list[Source]:
    """Return the place that an answer names, as an engine does."""
    return [Source(url=url) for url in response.text.split() if url.startswith("https://")]


ELSEWHERE: dict[str, dict[str, Any]] = {
    "200": {"facts": encoded(b"see https://a.example"), "headers": {"ETag": '"v1"'}},
    "202": {"status": 202, "body": "see https://a.example"},
    "400": {"status": 400, "body": "see https://a.example"},
    "503": {"status": 503, "body": "see https://a.example"},
    "compressed": {"facts": encoded(gzip.compress(b"see https://a.example"))},
    "long": {"status": 400, "body": "see https://a.example " + "-" * 200_000},
}


@pytest.mark.parametrize("answer", ELSEWHERE)
def test_an_answer_that_names_the_file_is_read_by_the_engine(
    shelf: Shelf, fetch: Fetch, whole: bytes, answer: str
) -> None:
    """Once, whatever its status; nothing of it stays in the way of the file itself."""
    shelf.tell(**ELSEWHERE[answer], times=1)
    source = replace(shelf.source, read_answer=named)
    with pytest.raises(FileElsewhere) as caught:
        fetch(source)
    assert [one.url for one in caught.value.sources] == ["https://a.example"]
    assert shelf.calls() == 1
    assert fetch(source) == whole


# --- not there yet ---


@pytest.mark.parametrize("status", [202, 204, 400, 401, 403, 404, 405, 409, 410, 425, 451])
def test_a_refusal_is_a_file_that_is_not_there_yet(
    shelf: Shelf, fetch: Fetch, whole: bytes, status: int
) -> None:
    """Any refusal may end: it is asked for once, and the next time the file comes (C02, F16)."""
    shelf.tell(status=status, body={"error": {"message": "not completed yet"}}, times=1)
    with pytest.raises(ResultGone, match=f"answers {status}: the file is not there yet") as caught:
        fetch(shelf.source)
    assert "secret" not in str(caught.value)
    assert shelf.calls() == 1
    assert fetch(shelf.source) == whole


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"message": "Task is not completed yet"}}', "JSON"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"the free preview is being made", "text"),
        (b"", "nothing"),
    ],
)
def test_words_in_place_of_the_video_are_not_the_file(
    shelf: Shelf, fetch: Fetch, whole: bytes, body: bytes, kind: str
) -> None:
    """JSON, a page, text or nothing under 200 and video/mp4; nothing of it stays in the way (C02, F16)."""
    shelf.tell(facts=encoded(body), headers={"ETag": '"v1"'}, times=1)
    with pytest.raises(ResultGone, match=f"sent {kind} in place of the video"):
        fetch(shelf.source)
    assert fetch(shelf.source) == whole


def test_bytes_that_are_no_video_are_broken(shelf: Shelf, fetch: Fetch) -> None:
    """A picture is no video: asking again would bring the same (C02)."""
    shelf.tell(facts=encoded(PNG))
    with pytest.raises(ResultBroken, match=f"not a video .{len(PNG)} bytes"):
        fetch(shelf.source)


def test_a_file_that_begins_late_is_waited_for_longer_with_every_try(
    shelf: Shelf, fetch: Fetch, whole: bytes
) -> None:
    """A store that needs more than the first time-out gets twice as much with each further try (C02)."""
    shelf.tell(delay=1.0)
    assert fetch(shelf.source, silence_s=0.2) == whole
    assert 1 < shelf.calls() <= 5


def test_a_server_that_stays_silent_is_given_up(shelf: Shelf, fetch: Fetch) -> None:
    """The number of tries is the same as for any other break."""
    shelf.tell(delay=2.0)
    with pytest.raises(Unreachable, match="broke off 2 times"):
        fetch(shelf.source, silence_s=0.05, tries=2)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again_at_once(shelf: Shelf, fetch: Fetch, whole: bytes, status: int) -> None:
    """What passes by itself does not count as a missing file."""
    shelf.tell(status=status, times=2)
    assert fetch(shelf.source) == whole
    assert shelf.calls() == 3


def test_a_short_file_is_fetched_again(shelf: Shelf, fetch: Fetch, whole: bytes) -> None:
    """Fewer bytes than the length that was promised are no file yet (F16)."""
    half = whole[: len(whole) // 2]
    shelf.tell(facts=encoded(half), headers={"Content-Length": str(len(whole)), "ETag": '"v1"'}, times=1)
    assert fetch(shelf.source) == whole


# --- what it really is ---


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/html", "image/png"])
def test_a_video_is_one_whatever_it_is_called(shelf: Shelf, fetch: Fetch, whole: bytes, kind: str) -> None:
    """The bytes count, and not their media type (C24)."""
    shelf.tell(facts={"type": kind})
    assert fetch(shelf.source) == whole


def deflated(data: bytes) -> bytes:
    """Compress as some servers understand "deflate": without the head that zlib puts before it."""
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [
        (gzip.compress, "gzip"),
        (gzip.compress, "GZIP"),
        (gzip.compress, None),
        (zlib.compress, "deflate"),
        (deflated, "deflate"),
        (bytes, "gzip"),
        (bytes, "identity"),
        (bytes, "utf-8"),
    ],
)
def test_a_compressed_file_is_expanded(
    shelf: Shelf, fetch: Fetch, whole: bytes, compress: Callable[[bytes], bytes], encoding: str | None
) -> None:
    """gzip although identity was asked for, told or not, and a plain file that is said to be gzip (C31)."""
    shelf.tell(facts=encoded(compress(whole)), headers={"Content-Encoding": encoding} if encoding else {})
    assert fetch(shelf.source) == whole


def test_a_compressed_file_that_breaks_off_begins_anew(shelf: Shelf, fetch: Fetch, whole: bytes) -> None:
    """What was expanded of it cannot be gone on with (C31)."""
    packed = gzip.compress(whole)
    headers = {"Content-Encoding": "gzip", "ETag": '"v1"', "Content-Length": str(len(packed))}
    shelf.tell(facts=encoded(packed), headers=headers)
    shelf.tell(facts=encoded(packed[: len(packed) // 2]), headers=headers, times=1)
    assert fetch(shelf.source) == whole
    assert shelf.calls() == 2


def test_a_bomb_is_not_expanded_to_its_end(shelf: Shelf, fetch: Fetch, tmp_path: Path) -> None:
    """A hundred megabytes out of a hundred kilobytes are no video, and are not all written (C31)."""
    shelf.tell(facts=encoded(gzip.compress(bytes(100_000_000))), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ResultBroken, match="expands to more than"):
        fetch(shelf.source)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 80_000_000


def test_a_body_that_is_not_compressed_as_it_says_is_broken(shelf: Shelf, fetch: Fetch) -> None:
    """Neither a video nor gzip: told, and not tried for ever (C31)."""
    shelf.tell(facts=encoded(PNG), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ResultBroken, match="not compressed in the way that its server says"):
        fetch(shelf.source)


# --- data: addresses ---


def lines(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def percented(data: bytes) -> str:
    return quote(base64.b64encode(data).decode(), safe="")


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "head", ["data:video/mp4;base64,", "DATA:;Base64,", "data:video/mp4;codecs=x;base64,"]
)
@pytest.mark.parametrize("write", [plain, lines, percented])
def test_a_data_address_is_the_file(
    fetch: Fetch, whole: bytes, head: str, write: Callable[[bytes], str]
) -> None:
    """In one line or several, with the signs of an address or without, nothing is asked of anybody (C16)."""
    assert fetch(Source(url=head + write(whole)), tries=0) == whole


def test_a_data_address_without_base64_is_read(fetch: Fetch, whole: bytes) -> None:
    """The other way to write one (C16)."""
    assert fetch(Source(url="data:video/mp4," + quote(whole, safe="")), tries=0) == whole


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("AAAAIGZ0eXBpc29t!!!!", ResultBroken),
        ("AAAAIGZ0eXBpc29", ResultBroken),
        ("ä" * 400, ResultBroken),
        (plain(PNG), ResultBroken),
        (plain(b'{"error": "not ready"}'), ResultGone),
        ("", ResultGone),
    ],
)
def test_a_damaged_data_address_is_told_by_its_size(
    fetch: Fetch, body: str, expected: type[Exception]
) -> None:
    """Base64 that is none, a picture, words: told apart, and never printed (C16)."""
    source = Source(url="data:video/mp4;base64," + body)
    with pytest.raises(expected, match=f"a data: address of {len(str(source.url)):,} bytes") as caught:
        fetch(source)
    assert not body or body not in str(caught.value)


def test_a_source_shows_neither_data_nor_signature() -> None:
    """In a log or a traceback stands where a file is, and no more (C16)."""
    inline = Source(url="data:video/mp4;base64," + "QUJD" * 1000)
    signed = Source(
        url="https://cdn.example.com/a.mp4?sig=secret", headers={"Authorization": "Bearer secret"}
    )
    assert str(inline) == "a data: address of 4,022 bytes"
    assert repr([inline, signed]) == f"[<Source {inline}>, <Source https://cdn.example.com/a.mp4>]"
