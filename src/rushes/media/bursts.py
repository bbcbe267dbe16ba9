"""Which frames the bursts of a clip show, chosen without decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rushes.domain.clip import Facts
from rushes.media.frames import Timeline

BURST_FRAMES = 4
BURST_STEP = 0.1  # seconds between the frames of a burst
BURST_SECONDS = BURST_STEP * (BURST_FRAMES - 1)
CANDIDATES = 8  # bursts in the middle of which the liveliest is shown
MOST_MOMENTS = 2  # more rows would make every picture small

Row = list[int]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time in a clip, in seconds, that deserves a burst of its own; `name` is told with it.

    Of a `change` the last frame before it is shown as well.
    """

    name: str
    seconds: float
    change: bool


def moments(facts: Facts) -> tuple[Moment, ...]:
    """Return what is worth a burst beside start, motion and end, what is likely a fault first."""
    found = [Moment(name="jump", seconds=at, change=True) for at in facts.jumps]
    found += [Moment(name="frozen", seconds=one.start, change=False) for one in facts.frozen]
    found += [Moment(name="black", seconds=one.start, change=True) for one in facts.black]
    found += [Moment(name="flash", seconds=at, change=True) for at in facts.flashes]
    found += [Moment(name="cut", seconds=at, change=True) for at in facts.cuts]
    return tuple(found[:MOST_MOMENTS])


def moment_row(line: Timeline, moment: Moment) -> Row:
    """Return the frame times of the burst of a moment; around a change the frames on both sides of it."""
    if not moment.change:
        return _row(line, moment.seconds)
    at = line.shown.index(line.nearest(moment.seconds))
    after, before = line.seconds(line.shown[at]), line.seconds(line.shown[max(0, at - 1)])
    times = (before - BURST_STEP, before, after, after + BURST_STEP)
    return sorted({line.nearest(seconds) for seconds in times})


def burst_rows(line: Timeline) -> tuple[list[Row], list[Row]]:
    """Return the frame times of the first and last burst, and those of the candidates for the most motion.

    Whoever decodes them chooses among the candidates. A clip too short for separate bursts has fewer.
    """
    end = line.seconds(line.shown[-1])
    ends = [_row(line, 0.0)]
    if (last := _row(line, max(0.0, end - BURST_SECONDS))) != ends[0]:
        ends.append(last)
    middles = [_row(line, start) for start in _lively(line, BURST_SECONDS, end - 2 * BURST_SECONDS)]
    return ends, middles


def _row(line: Timeline, start: float) -> Row:
    return sorted({line.nearest(start + BURST_STEP * at) for at in range(BURST_FRAMES)})


def _lively(line: Timeline, low: float, high: float) -> list[float]:
    """Return, for each of several parts of the clip, where the burst that needed the most bytes starts.

    A frame that is predicted from others costs what changed since them: a measure of motion that needs no
    decoding, though only a rough one, since an encoder also spends bytes on texture and before a cut.
    """
    if high <= low:
        return []
    sizes = {entry.pts: 0 if entry.key else entry.size for entry in line.entries}
    times = np.array([line.seconds(pts) for pts in line.shown])
    costs = np.array([sizes.get(pts, 0) for pts in line.shown], dtype=np.float64)
    firsts = np.flatnonzero((times >= low) & (times <= high))
    parts = max(1, min(CANDIDATES, int((high - low) / (2 * BURST_SECONDS))))
    starts = []
    for part in np.array_split(firsts, parts):
        if len(part):
            energies = [_energy(times, costs, int(first)) for first in part]
            starts.append(float(times[part[int(np.argmax(energies))]]))
    return starts


def _energy(times: NDArray[np.float64], costs: NDArray[np.float64], first: int) -> float:
    """Return the bytes of the burst from `first` on, without its largest frame, which may be a cut."""
    after = int(np.searchsorted(times, times[first] + BURST_SECONDS, side="right"))
    stretch = costs[first:after]
    return float(stretch.sum() - stretch.max())
