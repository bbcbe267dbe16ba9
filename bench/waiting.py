"""10,000 jobs that wait for a provider on loopback HTTP, which asks to be polled every 30 s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from bench.row import Row, cpu_seconds, peak_kib
from rushes import settings
from rushes.domain.money import Basis, Caps, Quote
from rushes.domain.request import VideoRequest
from rushes.engines.contract import Accepted, Progress, RenderState
from rushes.jobs.admission import Draft, digest
from rushes.jobs.tenure import Tenure
from rushes.studio import Studio

JOBS = 10_000
SETTLE_S = 45.0
WINDOW_S = 90.0


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, poll_server() as port:
        home = Path(name)
        (home / "config.toml").write_text(
            f'[engines.scripted]\nbase_url = "http://127.0.0.1:{port}"\nconcurrency = {JOBS}\n'
        )
        environ = {**os.environ, "RUSHES_HOME": str(home)}
        store(settings.load(environ, home))
        worker = subprocess.Popen([sys.executable, "-m", "rushes", "worker"], env=environ)
        try:
            # It takes all jobs up at the start; measured is the steady state after that.
            time.sleep(SETTLE_S)
            before, polls, start = cpu_seconds(worker.pid), asked(port), time.monotonic()
            time.sleep(WINDOW_S)
            passed = time.monotonic() - start
            share = (cpu_seconds(worker.pid) - before) / passed
            rate = (asked(port) - polls) / passed
            memory = peak_kib(worker.pid) // 1024
        finally:
            worker.kill()
            worker.wait()
    what = f"{JOBS:,} jobs at a provider that asks for a poll every 30 s"
    yield Row(what=f"{what}: memory", told=f"{memory} MB", aim="≤ 200 MB", reached=memory <= 200)
    told = f"{share:.1%} of a core at {rate:.0f} polls/s: each job every {JOBS / rate:.0f} s"
    yield Row(what=f"{what}: processor", told=told, aim="≤ 10 % of a core", reached=share <= 0.10)


def asked(port: int) -> int:
    """Return how often the provider has been asked so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/polls") as answer:
        return int(json.load(answer))


def store(found: settings.Settings) -> None:
    """Fill a ledger with jobs that the provider has accepted."""
    with Studio(found) as studio:
        ids = [admission.job.id for admission in studio.ledger.admit([draft(n) for n in range(JOBS)], Caps())]
        tenure = Tenure(studio.ledger)
        tenure.claim("scripted", JOBS)
        for number, id in enumerate(ids):
            job = studio.ledger.job(id)
            tenure.posting(job, {})
            tenure.accepted(job, Accepted(ticket={"id": f"p{number}"}))
            tenure.running(job, Progress(state=RenderState.RUNNING))


def draft(number: int) -> Draft:
    request = VideoRequest(
        prompt=f"shot {number} of a long film", model="scripted/free", seconds=2.0, aspect="16:9",
        resolution="720p", seed=number, audio=True,
    )  # fmt: skip
    return Draft(
        request=request,
        engine="scripted",
        account="default",
        provider="the scripted provider",
        quote=Quote(amount=Decimal(0), basis=Basis.FREE),
        hold=Decimal(0),
        digest=digest(request, 0),
    )


@contextmanager
def poll_server() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.poll_server"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()
