"""What the rules of `lint` look at, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rushes.domain.clip import Finding, Repair, Severity
from rushes.media.boxes import Boxes
from rushes.media.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Headers:
    """What a rule looks at; `boxes` are None for a file that is no MP4 or MOV.

    `bytes` is the size of the file, `last` where the last sample that its index lists ends (0: it lists
    none), `riff` the size that an AVI gives itself (0: it is none). `interlaced` is whether the pictures are
    said to be halves of the lines shown in turn.
    """

    probe: Probe
    boxes: Boxes | None
    bytes: int
    last: int
    riff: int
    interlaced: bool


Rule = Callable[[Headers], Iterator[Finding]]


def error(code: str, repair: Repair, text: str) -> Iterator[Finding]:
    """Yield a finding that keeps the file from playing somewhere."""
    yield Finding(code=code, severity=Severity.ERROR, text=text, repair=repair)


def warning(code: str, repair: Repair, text: str) -> Iterator[Finding]:
    """Yield a finding that players cope with."""
    yield Finding(code=code, severity=Severity.WARNING, text=text, repair=repair)
