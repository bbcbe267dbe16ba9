"""One line of the result, and how things are timed."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured, in words, and whether it is as good as the aim."""

    what: str
    told: str
    aim: str
    reached: bool


def paired(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Time two things in turn and return both medians (s) and the median of the ratios, pair by pair."""
    ours()
    theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def timed(what: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def command(words: Sequence[str], environ: Mapping[str, str] | None = None) -> Callable[[], object]:
    """Return a call that runs a command to its end, its output thrown away."""
    return lambda: subprocess.run(
        words, env={**os.environ, **(environ or {})}, check=True, capture_output=True
    )


def peak_kib(pid: int) -> int:
    """Return the largest resident memory a living process has had, in KiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def cpu_seconds(pid: int) -> float:
    """Return the processor time a living process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
