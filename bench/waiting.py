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
from rushes.engines.contract import Accepted
from rushes.jobs.admission import Draft, digest
from rushes.jobs.tenure import Tenure
from rushes.studio import Studio

JOBS = 10_000
SETTLE_S = 60.0
WINDOW_S = 120.0


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
            # Everything is polled once at the start; measured is the steady state after that.
            time.sleep(SETTLE_S)
            before, start = cpu_seconds(worker.pid), time.monotonic()
            time.sleep(WINDOW_S)
            share = (cpu_seconds(worker.pid) - before) / (time.monotonic() - start)
            memory = peak_kib(worker.pid) // 1024
        finally:
            worker.kill()
            worker.wait()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/lags") as answer:
            lags = sorted(json.load(answer))
    rate = len(lags) / (WINDOW_S + SETTLE_S - 30)
    p99 = lags[int(len(lags) * 0.99)] if lags else float("inf")
    what = f"{JOBS:,} jobs at a provider, polled every 30 s"
    yield Row(what=f"{what}: memory", told=f"{memory} MB", aim="≤ 200 MB", reached=memory <= 200)
    told = f"{share:.0%} of a core at {rate:.0f} polls/s, p99 {p99:.1f} s late"
    yield Row(what=f"{what}: processor", told=told, aim="≤ 10 % of a core", reached=share <= 0.10)


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
