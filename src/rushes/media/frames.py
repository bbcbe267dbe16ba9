"""Exact frames of a clip for the least decoding.

A frame can be had only by decoding from the keyframe before it, except that frames to which no other frame
refers can be left out. So: read the index of packets first, then decode forward only, group of pictures by
group of pictures, skipping groups that hold nothing wanted and, inside a group, unreferenced frames that
are not wanted. (`skip_loop_filter` would save another fifth and draws ghost blocks on flat skies.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.error import InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rushes.domain.errors import BeyondRepair
from rushes.media.edge import packets
from rushes.media.limits import Budget, Meter


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One packet of pictures: presentation time in ticks, whether it is a keyframe, its size in bytes."""

    pts: int
    key: bool
    size: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All frames of a clip: `entries` in the order of decoding, `shown` their times in the order of showing.

    Times are ticks of `time_base` seconds; `start` is the first of all, those of decoding too. Frames that
    the file's edit list hides are not in `shown`, nor those before the first keyframe, which refer to others
    that were cut off.
    """

    time_base: Fraction
    start: int
    entries: tuple[Entry, ...]
    shown: tuple[int, ...]

    def seconds(self, pts: int) -> float:
        """Return how far the frame at `pts` is from the first one shown."""
        return float((pts - self.shown[0]) * self.time_base)

    def nearest(self, seconds: float) -> int:
        """Return the time, in ticks, of the frame nearest to `seconds` after the first."""
        wanted = self.shown[0] + seconds / float(self.time_base)
        after = bisect_left(self.shown, wanted)
        near = self.shown[max(0, after - 1) : after + 1]
        return min(near, key=lambda pts: abs(pts - wanted))


def read_timeline(path: Path, container: InputContainer, stream: VideoStream) -> Timeline:
    """Read every packet's header, nothing is decoded. Raises `BeyondRepair` for a clip without a frame."""
    entries, shown, times = [], [], []
    meter = Meter(path, Budget())
    for packet in packets(container, stream):
        meter.count_packet()
        if (pts := _pts(packet)) is None or not packet.size:
            continue
        entries.append(Entry(pts=pts, key=packet.is_keyframe, size=packet.size))
        times += [pts, packet.dts if packet.dts is not None else pts]
        if not packet.is_discard:
            shown.append(pts)
    key = next((entry.pts for entry in entries if entry.key), None)
    shown = sorted({pts for pts in shown if key is None or pts >= key})
    if not shown or stream.time_base is None:
        raise BeyondRepair(f"{path} holds no frame")
    return Timeline(time_base=stream.time_base, start=min(times), entries=tuple(entries), shown=tuple(shown))


def pick(
    container: InputContainer, stream: VideoStream, timeline: Timeline, wanted: Collection[int]
) -> Iterator[VideoFrame]:
    """Yield the frames whose times are `wanted`, in the order of decoding; broken ones are left out."""
    wanted = set(wanted)
    needed = _needed(timeline.entries, wanted)
    if not needed:
        return
    # By the time of showing, a file without an index is left after its first group of pictures.
    container.seek(timeline.start, stream=stream)
    last = max(needed)
    where = {entry.pts: at for at, entry in enumerate(timeline.entries)}
    context = stream.codec_context
    fed = False
    for packet in packets(container, stream):
        pts = _pts(packet)
        at = where.get(pts) if pts is not None and packet.size else None
        if at in needed:
            context.skip_frame = "DEFAULT" if pts in wanted else "NONREF"
            yield from _decoded(stream, packet, wanted)
            fed = True
        elif fed:  # a gap: what is still inside the decoder comes out, and it starts anew at a keyframe
            yield from _decoded(stream, None, wanted)
            context.flush_buffers()
            fed = False
        if at is not None and at >= last:
            break
    if fed:
        yield from _decoded(stream, None, wanted)


def _needed(entries: tuple[Entry, ...], wanted: Collection[int]) -> frozenset[int]:
    """Return the places, in the order of decoding, of the packets that the wanted frames need."""
    keys = [at for at, entry in enumerate(entries) if entry.key]
    needed: set[int] = set()
    for at, entry in enumerate(entries):
        if entry.pts not in wanted:
            continue
        # A frame shown before the keyframe that it follows in the file needs the group before as well.
        start = next((key for key in reversed(keys) if key <= at and entries[key].pts <= entry.pts), 0)
        needed.update(range(start, at + 1))
    return frozenset(needed)


def _decoded(
    stream: VideoStream, packet: Packet[VideoStream] | None, wanted: Collection[int]
) -> list[VideoFrame]:
    try:
        return [frame for frame in stream.decode(packet) if frame.pts in wanted]
    except InvalidDataError:  # the frames around a damaged one can still be shown
        return []


def _pts(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts
