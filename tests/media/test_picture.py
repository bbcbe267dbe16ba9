"""Reference pictures: what is taken, and what is refused before it costs anything."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes.domain.errors import BadReference
from rushes.media.picture import Picture, check_picture


def picture(path: Path, size: tuple[int, int] = (64, 48), **options: object) -> Path:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(("suffix", "kind"), [("png", "png"), ("jpg", "jpeg"), ("webp", "webp")])
def test_taken(tmp_path: Path, suffix: str, kind: str) -> None:
    """PNG, JPEG and WebP are taken and described."""
    path = picture(tmp_path / f"a.{suffix}")
    assert check_picture(path) == Picture(format=kind, width=64, height=48, bytes=path.stat().st_size)


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    """A PNG that is called .jpg is a PNG."""
    path = picture(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert check_picture(path).format == "png"


def test_missing_and_folder(tmp_path: Path) -> None:
    """A missing file and a folder say so, by name."""
    with pytest.raises(BadReference, match=r"none\.png does not exist"):
        check_picture(tmp_path / "none.png")
    with pytest.raises(BadReference, match="is a folder"):
        check_picture(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("keep", [0.5, 0.02])
def test_cut_short(tmp_path: Path, suffix: str, keep: float) -> None:
    """A picture of which part is missing is broken, however little of it decoding would miss."""
    path = picture(tmp_path / f"a.{suffix}", size=(200, 200))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BadReference, match="broken"):
        check_picture(path)


def test_damaged(tmp_path: Path) -> None:
    """Zeros in the middle of a PNG are found."""
    path = picture(tmp_path / "a.png", size=(200, 200))
    data = bytearray(path.read_bytes())
    data[500:3000] = bytes(2500)
    path.write_bytes(data)
    with pytest.raises(BadReference, match="broken PNG"):
        check_picture(path)


def test_bomb_is_not_decoded(tmp_path: Path) -> None:
    """A few bytes that claim 20,000 by 20,000 pixels are refused for their size, without a warning."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(BadReference, match="20000x20000"):
        check_picture(path)


def test_limits(tmp_path: Path) -> None:
    """The caller's own limits on sides and bytes hold, to the pixel."""
    path = picture(tmp_path / "a.png")
    assert check_picture(path, max_side=64).width == 64
    with pytest.raises(BadReference, match="at most 63"):
        check_picture(path, max_side=63)
    with pytest.raises(BadReference, match="bytes"):
        check_picture(path, max_bytes=100)


@pytest.mark.parametrize("content", [b"GIF89a" + bytes(50), b"<svg/>", b"\0\0\0\x20ftypavif", b"x", b""])
def test_other_formats(tmp_path: Path, content: bytes) -> None:
    """GIF, SVG, AVIF, noise and nothing are refused."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadReference):
        check_picture(path)
