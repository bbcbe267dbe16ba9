"""When the tracks of a file are shown, by its own clock, and where its copy is to begin.

A recording may begin at an hour, and its sound a little before its pictures. In a copy the pictures begin at
0: an empty edit before them would be a black first frame in QuickTime and Safari, and an hour of nothing in
others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from rushes.domain.errors import BeyondRepair
from rushes.media.edge import open_video, packets
from rushes.media.limits import Budget, Meter

# What an encoder of sound puts before the first sample, unmarked in MPEG-TS and FLV: 1024 to 2112 samples for
# AAC, twice as long for HE-AAC.
PRIMING = Fraction(1, 10)
RESTART = Fraction(1, 2)  # a clock that goes back by more has started again
SAID = Fraction(1, 20)  # what is cut of the sound beyond this is more than priming, and is told


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """When a track is shown or heard, from its first piece to the end of its last, in seconds.

    `packets` is how many packets there are up to the last one that is. `in_order` says whether what the file
    decodes and hides comes before all of them: only then can the track be copied; `opens` whether the first
    of them to be stored is the first to be shown.
    """

    start: Fraction
    end: Fraction
    packets: int
    in_order: bool
    opens: bool


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The pictures and the main sound track of a file. `start` becomes 0 in a copy, in seconds.

    `usual` is how long a picture usually is shown, and `keyframe` the time in ticks of the first keyframe,
    None if no picture is marked as one.
    """

    start: Fraction
    pictures: Stretch
    sound: Stretch | None
    usual: Fraction
    keyframe: int | None

    @property
    def pictures_can_be_copied(self) -> bool:
        """Whether nothing between them is hidden, and the first can be moved alone if it has to be."""
        return self.pictures.in_order and (self.pictures.opens or self.pictures.start == self.start)

    def keeps(self, packet: Packet[VideoStream]) -> bool:
        """Whether a packet of pictures can be decoded, by those that are in the file.

        A recording that was cut out of a stream may begin with pictures that refer to others before it.
        """
        time = time_of(packet)
        return bool(packet.size) and time is not None and (self.keyframe is None or time >= self.keyframe)

    def notes(self) -> Iterator[str]:
        """Yield what a copy shows otherwise, a sentence each."""
        if self.pictures.start > self.start:
            held = float(self.pictures.start - self.start)
            yield f"The first picture came {held:.2g} s after the sound; the copy shows it from the start."
        elif self.sound is not None and self.start - self.sound.start > SAID:
            cut = float(self.start - self.sound.start)
            yield f"The sound began {cut:.2f} s before the first picture; that part is left out."


class _Pieces:
    """What is seen of a track, packet by packet; times in ticks."""

    def __init__(self, tick: Fraction, usual: Fraction) -> None:
        self._tick, self._usual = tick, round(usual / tick)
        self._opening: int | None = None
        self._start: int | None = None
        self._end = 0
        self._hidden = bytearray()

    def add(self, packet: Packet[Any], time: int) -> None:
        self._hidden.append(packet.is_discard)
        if packet.is_discard:
            return
        self._opening = time if self._opening is None else self._opening
        self._start = time if self._start is None else min(self._start, time)
        self._end = max(self._end, time + (packet.duration or self._usual))

    def stretch(self) -> Stretch | None:
        if self._start is None:
            return None
        packets = self._hidden.rindex(0) + 1
        return Stretch(
            start=self._start * self._tick,
            end=self._end * self._tick,
            packets=packets,
            in_order=b"\0\1" not in self._hidden[:packets],
            opens=self._opening == self._start,
        )


class _Clock:
    """Looks for a track whose time starts again, as in two recordings put one behind the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._latest: dict[int, Fraction] = {}

    def check(self, packet: Packet[Any]) -> None:
        """Raise BeyondRepair for a packet that is decoded long before the one that it follows."""
        if packet.dts is None:
            return
        now, latest = packet.dts * packet.time_base, self._latest.get(packet.stream.index)
        if latest is not None and now < latest - RESTART:
            raise BeyondRepair(
                f"{self._path} holds several recordings one behind the other, each with a clock of its own: "
                "players would show their pictures in a tangle",
                next="cut it into these recordings, or download the clip again",
            )
        self._latest[packet.stream.index] = now


def read_schedule(path: Path) -> Schedule:
    """Read every packet's header, nothing is decoded.

    Raises `BeyondRepair` for a clip without a frame, or with a clock that starts again.
    """
    with open_video(path) as (source, video):
        audio = main_audio(source)
        usual = 1 / (video.average_rate or video.guessed_rate or Fraction(30))
        meter = Meter(path, Budget())
        seen = _Pieces(video.time_base or Fraction(1, 1000), usual)
        heard = _Pieces((audio.time_base if audio else None) or Fraction(1, 1000), Fraction(0))
        keyframe: int | None = None
        clock = _Clock(path)
        for packet in packets(source, *filter(None, (video, audio))):
            meter.count_packet()
            time = time_of(packet)
            if not packet.size or time is None:
                continue
            clock.check(packet)
            if packet.stream.index != video.index:
                heard.add(packet, time)
                continue
            if keyframe is None and packet.is_keyframe:
                # What came before cannot be decoded, see `Schedule.keeps`.
                keyframe, seen = time, _Pieces(video.time_base or Fraction(1, 1000), usual)
            if keyframe is None or time >= keyframe:
                seen.add(packet, time)
    pictures, sound = seen.stretch(), heard.stretch()
    if pictures is None:
        raise BeyondRepair(f"{path} holds no frame")
    return Schedule(
        start=_start(pictures, sound), pictures=pictures, sound=sound, usual=usual, keyframe=keyframe
    )


def _start(pictures: Stretch, sound: Stretch | None) -> Fraction:
    """Return what becomes 0: when the first picture is shown, or, long before it, the first sound heard."""
    # What an edit list or a codec delay puts before 0 is not heard.
    heard = max(Fraction(0), sound.start) if sound is not None else pictures.start
    return heard if pictures.start - heard > PRIMING else pictures.start


def time_of(packet: Packet[Any]) -> int | None:
    """Return when a packet is shown, in its ticks."""
    return packet.pts if packet.pts is not None else packet.dts


def main_audio(source: InputContainer) -> AudioStream | None:
    """Return the sound track that is heard: the default one, or the first."""
    readable = [stream for stream in source.streams.audio if stream.codec_context is not None]
    chosen = [stream for stream in readable if stream.disposition & Disposition.default]
    return next(iter(chosen or readable), None)
