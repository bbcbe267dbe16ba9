"""What a create through the browser costs: with the page kept warm, against a browser started for each."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.row import Row
from rushes.domain.request import VideoRequest
from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.testing.sora_process import SoraProcess, running_sora

COLD = 5
WARM = 25
ONE_CREATE = "import asyncio, sys; from bench import sora; asyncio.run(sora.one_create(*sys.argv[1:]))"


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with running_sora(home / "creates.jsonl", speed=1000.0, footage="alike") as emulator:
            sign_in(home, emulator)
            cold = [from_nothing(home, emulator) for _ in range(COLD)]
            warm = asyncio.run(kept_warm(home, emulator))
    ratio = statistics.median(cold) / statistics.median(warm)
    yield Row(
        what="a Sora web create on a warm page against a command that starts a browser for it",
        told=f"{ratio:.0f}× faster"
        f" ({1000 * statistics.median(warm):.0f} ms against {1000 * statistics.median(cold):.0f} ms)",
        aim="≥ 10×",
        reached=ratio >= 10,
    )


def sign_in(home: Path, emulator: SoraProcess) -> None:
    """Sign a person in by the form, and leave the session where the engine looks for it."""
    answer = httpx.post(
        f"{emulator.base_url}/auth/login",
        data={"email": "bench@example.com", "password": "a-long-password"},
    )
    cookies = [line.split(";")[0].partition("=") for line in answer.headers.get_list("set-cookie")]
    kept = [
        {"name": name, "value": value, "domain": "127.0.0.1", "path": "/", "secure": True, "sameSite": "Lax"}
        for name, _, value in cookies
    ]
    engine = engine_of(str(home), emulator.base_url)
    engine.profile.keep_state({"cookies": kept, "origins": []})
    engine.profile.note(email="bench@example.com", dead=False)


def engine_of(home: str, base_url: str) -> SoraWebEngine:
    return SoraWebEngine("sora-web", {"base_url": base_url, "work": f"{home}/work"})


async def create(engine: SoraWebEngine) -> None:
    request = VideoRequest(prompt="a bench", seconds=5.0, aspect="16:9", resolution="480p")
    await engine.submit(await engine.prepare(request, "sy_8"), key="unused")


async def one_create(home: str, base_url: str) -> None:
    """Start a browser, create, and close it: what a command without a worker would do."""
    engine = engine_of(home, base_url)
    await create(engine)
    print(json.dumps(True))
    await engine.aclose()


def from_nothing(home: Path, emulator: SoraProcess) -> float:
    """Return the seconds from the start of a process to the answer of its create."""
    words = [sys.executable, "-c", ONE_CREATE, str(home), emulator.base_url]
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"true"
        took = time.perf_counter() - start
    return took


async def kept_warm(home: Path, emulator: SoraProcess) -> list[float]:
    """Return the seconds of creates on one page, the first left out."""
    engine = engine_of(str(home), emulator.base_url)
    times: list[float] = []
    try:
        for _ in range(1 + WARM):
            start = time.perf_counter()
            await create(engine)
            times.append(time.perf_counter() - start)
            emulator.advance(300)
    finally:
        await engine.aclose()
    return times[1:]
