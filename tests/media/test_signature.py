"""What the first bytes tell: which files are videos, and what is text."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rushes.media.signature import HEAD_BYTES, is_text, is_video
from tests.media.footage import Footage, numbered, shoot

CONTAINERS = ["mp4", "mov", "webm", "mkv", "avi", "flv", "ts", "m2ts", "mpg"]
CODECS = {"webm": "libvpx-vp9", "mpg": "mpeg2video"}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_that_is_read_is_known_by_its_first_bytes(tmp_path: Path, container: str) -> None:
    """What libav wrote is a video and no text, whatever it is called (C24, C31)."""
    frames = [numbered(number) for number in range(6)]
    footage = Footage(frames=frames, codec=CODECS.get(container, "libx264"), colour=None)
    head = shoot(tmp_path / f"clip.{container}", footage).read_bytes()[:HEAD_BYTES]
    assert is_video(head)
    assert not is_text(head)


TEXTS = [
    b"",
    b"<!doctype html><html><body>Sign in</body></html>",
    b'{"error": {"message": "Task is not completed yet"}}',
    b"the free offer",
    b"\x1b[31mError\x1b[0m: the worker is not ready, ask again in a minute or so",
    "Ihr Video ist noch nicht fertig: später noch einmal.".encode("latin-1"),
    "视频尚未生成".encode("gbk"),
    "视频尚未生成".encode()[:-1],
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_text_in_any_encoding_and_no_video(text: bytes) -> None:
    """Words, in colours or cut in the middle of a letter, are told from a file (C24)."""
    assert is_text(text)
    assert not is_video(text)


@pytest.mark.parametrize(
    "data",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", gzip.compress(b"video" * 9, mtime=0), b"ID3\x04\0\0\0", b"GG" * 300],
)
def test_other_files_are_no_videos(data: bytes) -> None:
    """Pictures, archives, sound, and what merely has the letter of an MPEG-TS in it (C24)."""
    assert not is_video(data)
