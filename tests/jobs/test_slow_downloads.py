"""Servers that send next to nothing, or without end: each download has a least speed, an end and a size."""

from __future__ import annotations

import gzip
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Event, Thread

import pytest

from rushes.cli.output import plain, state
from rushes.domain.errors import DiskFull, ResultBroken, Unreachable
from rushes.domain.job import JobState
from rushes.engines.contract import Source
from rushes.jobs.download import Downloader
from rushes.jobs.pace import Patience
from rushes.jobs.transfer import Stopped, Transfer
from tests.jobs.shop import Shop

FTYP = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
GZIP_HEAD = gzip.compress(b"")[:10] + b"\x00\xff\xff\x00\x00"
"""The head of a file, and of a block of 65,535 bytes as they are."""

OK = b"HTTP/1.1 200 OK\r\n"
HANG_S = 180.0
"""How long a download that should have ended is waited for."""

Answer = Callable[[bytes], Iterator[bytes]]


class Server:
    """Answers each connection with what `answer` yields for the request's head, `gap_s` seconds apart."""

    def __init__(self, answer: Answer, gap_s: float) -> None:
        self.over = Event()
        self.calls = 0
        self._answer, self._gap_s = answer, gap_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def source(self, scheme: str = "http") -> Source:
        return Source(url=f"{scheme}://{self.place}/clip.mp4")

    def close(self) -> None:
        self.over.set()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.calls += 1
                Thread(target=self._send, args=(line,), daemon=True).start()

    def _send(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            for piece in self._answer(line.recv(65536)):
                line.sendall(piece)
                if self.over.wait(self._gap_s):
                    return


@contextmanager
def serving(answer: Answer, gap_s: float = 0.02) -> Iterator[Server]:
    server = Server(answer, gap_s)
    try:
        yield server
    finally:
        server.close()


def endless(*start: bytes, then: bytes) -> Answer:
    """Return an answer that begins in one way and continues in another without end."""

    def answer(_: bytes) -> Iterator[bytes]:
        yield b"".join(start)
        yield from repeat(then)

    return answer


TRICKLES = {
    "file": endless(OK, b"Content-Length: 1000000\r\n\r\n", FTYP, then=b"x"),
    "chunks": endless(OK, b"Transfer-Encoding: chunked\r\n\r\n", then=b"1\r\nx\r\n"),
    "chunk-extension": endless(OK, b"Transfer-Encoding: chunked\r\n\r\n5;", then=b"a"),
    "no-length": endless(OK, b"\r\n", FTYP, then=b"x"),
    "compressed": endless(OK, b"Content-Encoding: gzip\r\n\r\n", GZIP_HEAD, then=b"x"),
    "interim": endless(then=b"HTTP/1.1 102 Processing\r\n\r\n"),
    "continue": endless(then=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "hints": endless(then=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "head": endless(OK, then=b"X-Slow: a\r\n"),
    "name": endless(OK, then=b"a"),
    "refusal": endless(b"HTTP/1.1 503 Busy\r\nRetry-After: ", then=b"9"),
}


@pytest.mark.timeout(HANG_S)
@pytest.mark.parametrize("answer", TRICKLES.values(), ids=TRICKLES.keys())
def test_a_server_that_trickles_is_given_up(tmp_path: Path, answer: Answer) -> None:
    """F01, B5: bytes keep coming, in the file, its framing, its head or before it, and too few are a clip."""
    with serving(answer) as server, closing(Downloader(silence_s=0.5, window_s=0.2)) as downloader:
        with pytest.raises(Unreachable, match=r"is too slow: it sent [0-9,]+ bytes in 0\.7 s"):
            downloader.fetch(server.source(), tmp_path / "clip.mp4")
        assert server.calls == 1


def one_byte_more(head: bytes) -> Iterator[bytes]:
    """Yield a byte of the file behind those that are there, and break off."""
    found = re.search(rb"bytes=(\d+)-", head)
    if found:
        at = int(found[1])
        yield b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-999/1000\r\n" % at
        yield b"Content-Length: %d\r\n\r\nx" % (1000 - at)
    else:
        yield OK + b'ETag: "a"\r\nContent-Length: 1000\r\n\r\n' + FTYP


@pytest.mark.timeout(HANG_S)
def test_a_byte_a_try_is_a_failed_try(tmp_path: Path) -> None:
    """F01: a server that breaks off after every byte is given up like one that sends nothing."""
    with serving(one_byte_more) as server, closing(Downloader(pause=lambda _: None)) as downloader:
        with pytest.raises(Unreachable, match="broke off 5 times"):
            downloader.fetch(server.source(), tmp_path / "clip.mp4")
        assert server.calls == 5


def absurd_range(head: bytes) -> Iterator[bytes]:
    """Yield the beginning of a file, and claim that the rest begins at a number of five thousand digits."""
    if b"Range:" in head:
        yield b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + b"9" * 5000 + b"-/*\r\n\r\n"
    else:
        yield OK + b'ETag: "a"\r\nContent-Length: 1000\r\n\r\n' + FTYP


@pytest.mark.timeout(HANG_S)
def test_an_absurd_range_is_no_range(tmp_path: Path) -> None:
    """F01: numbers of a server are read only as far as they can be sizes."""
    with (
        serving(absurd_range) as server,
        closing(Downloader(pause=lambda _: None)) as downloader,
        pytest.raises(Unreachable, match="broke off 5 times"),
    ):
        downloader.fetch(server.source(), tmp_path / "clip.mp4")


@pytest.mark.timeout(HANG_S)
def test_a_download_ends_however_fast_it_is(tmp_path: Path) -> None:
    """F01: what is fast enough from minute to minute, and never done, has an end for the whole."""
    answer = endless(OK, b"\r\n", FTYP, then=bytes(4096))
    with (
        serving(answer) as server,
        closing(Downloader()) as downloader,
        pytest.raises(Unreachable, match="is too slow: it was not done in the time"),
    ):
        downloader.fetch(server.source(), tmp_path / "clip.mp4", transfer=Transfer(longest_s=0.5))


@pytest.mark.timeout(HANG_S)
def test_a_handshake_that_hangs_is_given_up(tmp_path: Path) -> None:
    """F01: bytes of a TLS record, one at a time."""
    answer = endless(b"\x16\x03\x03\x40\x00", then=b"\x02")
    with (
        serving(answer) as server,
        closing(Downloader(connect_s=0.3, tries=2)) as downloader,
        pytest.raises(Unreachable, match="broke off 2 times: Connect"),
    ):
        downloader.fetch(server.source("https"), tmp_path / "clip.mp4")


@pytest.mark.timeout(HANG_S)
@pytest.mark.parametrize("length", [b"Content-Length: 10000000000\r\n", b""], ids=["said", "not-said"])
def test_a_file_larger_than_any_clip_is_refused(tmp_path: Path, length: bytes) -> None:
    """F01: by the length that is said, before it is fetched, or by what arrived; nothing of it stays."""
    answer = endless(OK, length, b"\r\n", FTYP, then=bytes(65536))
    with (
        serving(answer, gap_s=0.0) as server,
        closing(Downloader()) as downloader,
        pytest.raises(ResultBroken, match="is larger than 1,000,000 bytes"),
    ):
        downloader.fetch(server.source(), tmp_path / "clip.mp4", transfer=Transfer(most_bytes=1_000_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(HANG_S)
def test_a_file_that_the_disk_cannot_take_is_not_begun(tmp_path: Path) -> None:
    """F01: what is to stay free stays free, by the length that is said."""
    answer = endless(OK, b"Content-Length: 1000000\r\n\r\n", FTYP, then=bytes(65536))
    with (
        serving(answer) as server,
        closing(Downloader(spare_bytes=1 << 60)) as downloader,
        pytest.raises(DiskFull, match=r"the disk is too full .* 1,000,000 bytes are still to come"),
    ):
        downloader.fetch(server.source(), tmp_path / "clip.mp4")


@pytest.mark.timeout(HANG_S)
def test_a_file_compressed_twice_is_not_expanded(tmp_path: Path) -> None:
    """F01: 64 kB of it could stand for gigabytes before anybody counts them."""
    body = gzip.compress(gzip.compress(bytes(1_000_000)))
    answer = endless(OK, b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body), then=body)
    with (
        serving(answer) as server,
        closing(Downloader()) as downloader,
        pytest.raises(ResultBroken, match="not compressed in the way that its server says"),
    ):
        downloader.fetch(server.source(), tmp_path / "clip.mp4")


@pytest.mark.timeout(HANG_S)
def test_closing_ends_what_is_still_fetched(tmp_path: Path) -> None:
    """F01: a thread that reads from a silent server ends when the worker does."""
    begun = Event()
    caught: list[BaseException] = []

    def answer(_: bytes) -> Iterator[bytes]:
        yield OK + b"\r\n" + FTYP
        begun.set()
        Event().wait()

    def fetch() -> None:
        try:
            downloader.fetch(server.source(), tmp_path / "clip.mp4")
        except Stopped as error:
            caught.append(error)

    downloader = Downloader(silence_s=600, window_s=600)
    with serving(answer) as server:
        thread = Thread(target=fetch, daemon=True)
        thread.start()
        assert begun.wait(HANG_S)
        downloader.close()
        thread.join(HANG_S)
        assert not thread.is_alive()
    assert len(caught) == 1


def test_a_thread_that_hangs_keeps_no_process_from_ending() -> None:
    """F01: a name that is never looked up, a folder that never answers."""
    program = (
        "import asyncio, threading\n"
        "from rushes.jobs.lanes import Lanes\n"
        "async def main():\n"
        "    begun = threading.Event()\n"
        "    hung = lambda: (begun.set(), threading.Event().wait())\n"
        "    asyncio.ensure_future(Lanes().run('files', hung))\n"
        "    await asyncio.to_thread(begun.wait)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=HANG_S)


# --- what that means for jobs ---

STALLED = 40
"""More than the default pool of threads has on any machine."""


async def test_one_engines_stalled_downloads_stop_nobody_else(shop: Shop) -> None:
    """F01, B5: with all of one engine's downloads stalled, another engine's job is made and filed."""
    shop.settings["post_timeout"] = 30.0
    shop.script("stalled", download_seconds=3600)
    stalled = [shop.submit(f"stalled {number}") for number in range(STALLED)]
    async with shop.working():
        for job in stalled:
            await shop.until(job, JobState.COLLECTING)
        other = await shop.settled(shop.submit("fine", engine="other"))
    assert other.state is JobState.COMPLETED
    assert {shop.now(job).state for job in stalled} == {JobState.COLLECTING}


async def test_stalled_downloads_give_way_to_the_next_of_their_engine(shop: Shop) -> None:
    """F01: what is given up goes to the end of its line, and is told on its job."""
    shop.downloader = lambda: Downloader(silence_s=0.2, window_s=0.2, tries=1)
    shop.settings["post_timeout"] = 30.0
    shop.script("stalled", download_seconds=3600)
    stalled = [shop.submit(f"stalled {number}") for number in range(12)]
    async with shop.working():
        for job in stalled:
            await shop.until(job, JobState.COLLECTING)
        fine = await shop.settled(shop.submit("fine"))
        told = await shop.until(stalled[0], JobState.COLLECTING, which=lambda job: job.reason is not None)
    assert fine.state is JobState.COMPLETED
    assert "broke off" in str(told.reason)


async def test_a_download_that_never_comes_ends_its_job(shop: Shop) -> None:
    """F01: after the time that downloads have on the whole the job fails, and says how to try again."""
    shop.downloader = lambda: Downloader(silence_s=0.2, window_s=0.2, tries=1)
    shop.patience = Patience(download=0.5)
    shop.script(download_seconds=3600)
    (job,) = await shop.carry(shop.submit())
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, "result_gone")
    assert "it could not be downloaded" in job.failure.message
    assert "rushes collect" in job.failure.next


async def test_a_job_says_how_far_its_download_is(shop: Shop) -> None:
    """F01: while a file comes in, everybody who looks sees what part of it is here."""
    shop.script(download_seconds=20)
    job = shop.submit()
    async with shop.working():
        now = await shop.until(job, JobState.COLLECTING, which=lambda job: job.fraction is not None)
    assert 0 < (now.fraction or 0) < 1
    assert re.fullmatch(r"collecting \d+%", plain(state(now)))
