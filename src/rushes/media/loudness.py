"""How loud a clip is: integrated loudness after EBU R 128 / ITU-R BS.1770, by libavfilter's `ebur128`."""

from __future__ import annotations

import av.error
import av.filter
from av.audio.frame import AudioFrame
from av.filter import Graph

_SILENCE = -70.0  # LUFS, the absolute gate of BS.1770: what lies under it is not counted


class Loudness:
    """Takes the sound of a clip frame by frame."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, str, str] | None = None
        self._value = _SILENCE

    def add(self, frame: AudioFrame) -> None:
        """Take one frame; one whose format differs from the first is left out."""
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if self._graph is None:
            self._graph, self._shape = _measure(frame), shape
        if shape == self._shape:
            self._graph.push(frame)
            self._read(self._graph)

    def integrated(self) -> float | None:
        """Return the loudness in LUFS, None without sound, for silence and for less than 0.4 s."""
        if self._graph is not None:
            self._graph.push(None)
            self._read(self._graph)
            self._graph = None
        return round(self._value, 1) if self._value > _SILENCE else None

    def _read(self, graph: Graph) -> None:
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, av.error.EOFError):  # it wants more first, or it is done
                return
            self._value = float(frame.metadata.get("lavfi.r128.I", self._value))


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
