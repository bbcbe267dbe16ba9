"""How loud a clip is, after EBU R 128 / ITU-R BS.1770, by libavfilter's `ebur128`; and where it is silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isfinite

import av.error
import av.filter
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph

from rushes.domain.clip import Span

_GATE = -70.0  # LUFS, the absolute gate of BS.1770: what lies under it is not counted
SILENT = -60.0  # LUFS, momentary: quieter than a quiet room in a recording, louder than what codecs leave
SILENT_SECONDS = 0.5  # shorter ones are pauses
_NOTHING = -120.0  # LUFS
_WINDOW = 0.4  # seconds that a momentary loudness looks back
_PERIOD = 0.1  # seconds from one to the next
_FILLED = round(_WINDOW / _PERIOD)
_GAP = 0.05  # seconds without sound from which on they count as silence: some files round their times
_CONVERTERS = 8
_LONGEST_GAP = 3600.0  # seconds; more is a clock that has gone wrong


Shape = tuple[int, str, str]
"""Samples a second, their format, the layout of the channels."""


class Loudness:
    """Takes the sound of a clip frame by frame; `seconds` is how much of it there was, gaps included."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: Shape | None = None
        self._converters: dict[Shape, AudioResampler] = {}
        self._value = _GATE
        self._moments: list[float] = []
        self._start: float | None = None
        self.seconds = 0.0

    def add(self, frame: AudioFrame) -> None:
        """Take one frame; where its format differs from the first one's, it is converted."""
        if self._graph is None:
            self._graph, self._shape = _measure(frame), _shape(frame)
            self._start = frame.time
        for one in self._alike(frame):
            for piece in (*self._missing(one), one):
                self.seconds += piece.samples / piece.sample_rate
                self._graph.push(piece)
                self._read(self._graph)

    def finish(self) -> None:
        """Take what the filter still holds; called once, after the last frame."""
        if self._graph is not None:
            self._graph.push(None)
            self._read(self._graph)

    @property
    def end(self) -> float | None:
        """When the sound ends, in seconds by the clock of the file; None without a sound track."""
        return (self._start or 0.0) + self.seconds if self._graph is not None else None

    def integrated(self) -> float | None:
        """Return the loudness in LUFS, None without sound, for silence and for less than 0.4 s."""
        return round(self._value, 1) if self._value > _GATE else None

    def silent(self, first: float, end: float) -> tuple[Span, ...]:
        """Return where nothing is to be heard, in seconds after the first picture.

        `first` is when that one is shown by the clock of the file, `end` how long after it the last has been
        shown: also where the sound starts late or stops early nothing is to be heard. Empty without a sound
        track. Right to a tenth of a second.
        """
        if self._graph is None:
            return ()
        late = self._start - first if self._start is not None else 0.0
        spans: list[Span] = []
        for one in self._quiet(late, end):
            if spans and one.start <= spans[-1].end:
                spans[-1] = Span(start=spans[-1].start, end=max(one.end, spans[-1].end))
            elif one.end > one.start:
                spans.append(one)
        return tuple(
            Span(start=round(one.start, 3), end=round(one.end, 3))
            for one in spans
            if one.end - one.start >= SILENT_SECONDS
        )

    def _quiet(self, late: float, end: float) -> Iterator[Span]:
        """Yield what is quiet in the order of time, within the pictures; the sound starts `late` seconds."""
        yield Span(start=0.0, end=min(late, end))
        heard = self._moments
        if len(heard) >= _FILLED:  # until it has heard a whole window the filter says silence
            heard = [heard[_FILLED - 1]] * _FILLED + heard[_FILLED:]
        for quiet, group in groupby(enumerate(heard, start=1), lambda one: one[1] < SILENT):
            if quiet:
                numbers = [number for number, _ in group]
                # The first of these values looks back over silence alone, as the last one does.
                start = max(0.0, numbers[0] * _PERIOD - _WINDOW)
                lasts = numbers[-1] < len(heard)
                stop = late + numbers[-1] * _PERIOD if lasts else end
                yield Span(start=max(0.0, late + start), end=min(stop, end))
        yield Span(start=max(0.0, late + self.seconds), end=end)

    def _alike(self, frame: AudioFrame) -> Sequence[AudioFrame]:
        """Return a frame in the format of the first one: HE-AAC changes from mono to stereo on the way."""
        shape = _shape(frame)
        if shape == self._shape or self._shape is None:
            return [frame]
        if shape not in self._converters:
            rate, sample, layout = self._shape
            # A decoder goes back and forth between two; whoever goes through all that there are is not kept.
            if len(self._converters) >= _CONVERTERS:
                self._converters.clear()
            self._converters[shape] = AudioResampler(format=sample, layout=layout, rate=rate)
        return self._converters[shape].resample(frame)

    def _missing(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Yield silence, a second at a time at most, for what lies between the sound so far and `frame`."""
        if frame.time is None or self._start is None:
            return
        gap = frame.time - self._start - self.seconds
        if not _GAP <= gap <= _LONGEST_GAP:
            return
        left = round(gap * frame.sample_rate)
        while left > 0:
            silence = _silence(frame, min(left, frame.sample_rate))
            left -= silence.samples
            yield silence

    def _read(self, graph: Graph) -> None:
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, av.error.EOFError):  # it wants more first, or it is done
                return
            self._value = float(frame.metadata.get("lavfi.r128.I", self._value))
            if (momentary := frame.metadata.get("lavfi.r128.M")) is not None:
                # No number: digital silence after sound, of which the filter takes the logarithm.
                loudness = float(momentary)
                self._moments.append(loudness if isfinite(loudness) else _NOTHING)


def _silence(like: AudioFrame, samples: int) -> AudioFrame:
    one = like.to_ndarray()  # (channels, n), or (1, n * channels) where they are interleaved
    shape = (one.shape[0], one.shape[1] // like.samples * samples)
    zero = 128 if one.dtype == np.uint8 else 0
    frame = AudioFrame.from_ndarray(
        np.full(shape, zero, one.dtype), format=like.format.name, layout=like.layout.name
    )
    frame.sample_rate = like.sample_rate
    return frame


def _measure(frame: AudioFrame) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    graph.link_nodes(source, graph.add("ebur128", "metadata=1"), graph.add("abuffersink"))
    graph.configure()
    return graph


def _shape(frame: AudioFrame) -> Shape:
    return frame.sample_rate, frame.format.name, frame.layout.name
