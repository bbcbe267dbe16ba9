"""What can be said of a clip to somebody who cannot watch it: a few plain lines, or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rushes.domain.clip import Clip, Facts, Finding, Span

FLASH = "a moment unlike what is around it; lightning, or broken frames"
CUT = "another picture, or a jump in the same scene"
JUMP = "something skips, most of the picture stays"

OTHER_LENGTH_S = 0.3
"""How far a length may be from the one ordered: services round to whole latent frames."""

MANY_FLASHES = 4
"""From so many on they are told in one line."""

MANY_REPEATED = 0.15
"""The share of repeated frames beside the frozen worth a line: 24 a second shown as 30 repeat a fifth."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen and heard in a video file.

    `seconds` is the length of the pictures, `shown_seconds` that of the file; `fps` is frames per second,
    `width` and `height` are as shown, in pixels; `findings` is what is broken or does not play everywhere.
    `ordered` is the length that was asked for, in seconds, None if that is not known.
    """

    seconds: float
    width: int
    height: int
    fps: float
    video_codec: str
    audio_codec: str | None
    facts: Facts
    findings: tuple[Finding, ...] = ()
    ordered: float | None = None

    @property
    def end(self) -> float:
        """When the last picture that is there has been shown, in seconds: before `seconds` in a cut file."""
        return self.facts.end or self.seconds

    @property
    def shown_seconds(self) -> float:
        """The length that players show: up to the end of the pictures or of the sound, the later of them."""
        return max(self.facts.start + self.seconds, self.facts.sound_end or 0.0)

    @classmethod
    def of(cls, clip: Clip, *, ordered: float | None = None) -> Self:
        """Return what was observed of a clip when it was filed; nothing is decoded."""
        return cls(
            seconds=clip.seconds,
            width=clip.width,
            height=clip.height,
            fps=clip.fps,
            video_codec=clip.video_codec,
            audio_codec=clip.audio_codec,
            facts=clip.facts,
            findings=clip.lint,
            ordered=ordered,
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything, times in seconds with one decimal, loudness in LUFS, `repeated` from 0 to 1."""
        facts = self.facts
        return {
            "seconds": round(self.seconds, 1),
            "end": round(self.end, 1),
            "start": round(self.facts.start, 1),
            "shown_seconds": round(self.shown_seconds, 1),
            "width": self.width,
            "height": self.height,
            "fps": round(self.fps, 2),
            "frames": facts.frames,
            "video_codec": self.video_codec,
            "audio_codec": self.audio_codec,
            "has_audio": self.audio_codec is not None,
            "sound_end": round(facts.sound_end, 1) if facts.sound_end is not None else None,
            "interlaced": facts.interlaced,
            "loudness": facts.loudness,
            "silent": _rounded(facts.silent),
            "cuts": [round(at, 1) for at in facts.cuts],
            "jumps": [round(at, 1) for at in facts.jumps],
            "flashes": [round(at, 1) for at in facts.flashes],
            "black": _rounded(facts.black),
            "frozen": _rounded(facts.frozen),
            "repeated": round(facts.repeated, 2),
            "c2pa": facts.c2pa,
            "original_c2pa": facts.original_c2pa,
            "lint": [finding.text for finding in self.findings],
        }

    def lines(self) -> list[str]:
        """Return it in words: the shape, the sound, then what stands out, in the order of time."""
        findings = (one.text for one in self.findings)
        return [self._shape(), self._sound(), *self._events(), *self._credentials(), *findings]

    def _shape(self) -> str:
        codecs = self.video_codec + (f" + {self.audio_codec}" if self.audio_codec else "")
        length = f"{self.seconds:.1f} s" if self.seconds >= 0.1 else f"{self.seconds:.2f} s"
        if self.end < self.seconds - OTHER_LENGTH_S:
            length += f" by its header, {self.end:.1f} s of it are there"
        elif self.shown_seconds > self.seconds + OTHER_LENGTH_S:
            length += f" of pictures, {self.shown_seconds:.1f} s as players show it"
        if self.ordered is not None and is_other_length(self.seconds, self.ordered):
            length += f" ({self.ordered:g} s were ordered)"
        return f"{length}, {self.width}×{self.height}, {self.fps:g} fps, {codecs}"

    def _sound(self) -> str:
        if self.audio_codec is None:
            return "no sound"
        if self.facts.loudness is None:
            return "silent: there is a sound track, and nothing to hear on it"
        return f"loudness {self.facts.loudness:.1f} LUFS"

    def _events(self) -> Iterator[str]:
        facts = self.facts
        heard = facts.silent if facts.loudness is not None else ()
        spans = [("black", facts.black), ("frozen", facts.frozen), ("silent", heard)]
        timed = [(one.start, f"{name} {_stretch(one)}") for name, found in spans for one in found]
        timed += [(at, f"cut at {at:.1f} s: {CUT}") for at in facts.cuts]
        timed += [(at, f"jump at {at:.1f} s: {JUMP}") for at in facts.jumps]
        timed += _flashes(facts.flashes)
        if not any((facts.black, facts.frozen, facts.cuts, facts.jumps, facts.flashes)):
            yield "no cut, nothing black, nothing frozen"
        yield from (line for _, line in sorted(timed))
        frozen = sum(one.end - one.start for one in facts.frozen) / self.seconds if self.seconds else 0.0
        if facts.repeated - frozen >= MANY_REPEATED:
            yield f"{facts.repeated:.0%} of the frames repeat the one before"

    def _credentials(self) -> Iterator[str]:
        """Yield what is told of content credentials; a file that never had any needs no line."""
        if self.facts.c2pa:
            yield "carries content credentials (C2PA)"
        elif self.facts.original_c2pa:
            yield "carries no content credentials (C2PA): the repair lost them; the original has them"


def is_other_length(seconds: float, ordered: float) -> bool:
    """Whether a clip of this length is not what was ordered."""
    return abs(seconds - ordered) > OTHER_LENGTH_S


def _flashes(times: Sequence[float]) -> list[tuple[float, str]]:
    if len(times) < MANY_FLASHES:
        return [(at, f"flash at {at:.1f} s: {FLASH}") for at in times]
    said = f"{len(times)} flashes from {times[0]:.1f} to {times[-1]:.1f} s, each {FLASH}"
    return [(times[0], said)]


def _stretch(span: Span) -> str:
    start, end = f"{span.start:.1f}", f"{span.end:.1f}"
    return f"{start}-{end} s" if start != end else f"at {start} s"


def _rounded(spans: Iterable[Span]) -> list[dict[str, float]]:
    return [{"start": round(one.start, 1), "end": round(one.end, 1)} for one in spans]
