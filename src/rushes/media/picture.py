"""Checking a reference picture before it is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFile
from PIL.Image import DecompressionBombError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rushes.domain.errors import BadReference

MAX_SIDE = 8192
MAX_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that decoded whole: `format` png, jpeg or webp, sides in pixels, size in bytes."""

    format: str
    width: int
    height: int
    bytes: int


def check_picture(path: str | Path, *, max_side: int = MAX_SIDE, max_bytes: int = MAX_BYTES) -> Picture:
    """Decode the picture at `path` and return what it is.

    Raises `BadReference` when it is missing, a folder, not a PNG, JPEG or WebP, broken, or larger than
    `max_side` pixels a side or `max_bytes`. Too many pixels are refused before any of them is decoded: a
    kilobyte of PNG can stand for gigabytes.
    """
    path = Path(path)
    size = _size(path, max_bytes)
    kind, opener = _opener(path)
    try:
        # The format's own class rather than `Image.open`, which would print a warning of its own on the way
        # to our answer, and would try fifty other formats.
        with opener(path) as picture:
            width, height = picture.size
            if max(width, height) > max_side:
                raise BadReference(
                    f"{path} is {width}x{height} pixels; at most {max_side} a side are taken",
                    next="make it smaller and run the command again",
                )
            picture.load()
    except DecompressionBombError as exc:
        raise BadReference(
            f"{path} has more pixels than a picture may have; at most {max_side} a side are taken",
            next="make it smaller and run the command again",
        ) from exc
    except (OSError, SyntaxError, ValueError, EOFError) as exc:
        raise BadReference(f"{path} is a broken {kind.upper()}: {exc}") from exc
    return Picture(format=kind, width=width, height=height, bytes=size)


def _size(path: Path, max_bytes: int) -> int:
    try:
        if path.is_dir():
            raise BadReference(f"{path} is a folder", next="name one picture in it")
        size = path.stat().st_size
    except FileNotFoundError as exc:
        raise BadReference(f"{path} does not exist", next="check the path") from exc
    except OSError as exc:
        raise BadReference(f"{path} cannot be read: {exc.strerror}", next="check the path") from exc
    if size > max_bytes:
        raise BadReference(f"{path} has {size} bytes; at most {max_bytes} are taken")
    if not size:
        raise BadReference(f"{path} is empty")
    return size


def _opener(path: Path) -> tuple[str, Callable[[Path], ImageFile.ImageFile]]:
    """Tell the format from the first bytes; the name of the file may say anything."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as exc:
        raise BadReference(f"{path} cannot be read: {exc.strerror}", next="check its rights") from exc
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", PngImageFile
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg", JpegImageFile
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp", WebPImageFile
    raise BadReference(f"{path} is not a PNG, JPEG or WebP picture")
