"""Multipart bodies without the files in them: which fields, which files, of which type and size."""

from __future__ import annotations

import re

BOUNDARY = re.compile(r'multipart/form-data;.*?boundary="?([^";]+)', re.IGNORECASE)
FILE = re.compile(rb"content-disposition:[^\r\n]*;\s*filename\*?=", re.IGNORECASE)
LEFT_OUT = re.compile(r"\((?:\d+ bytes|contents) left out\)")
"""What stands in the place of a file."""

GAP = b"\r\n\r\n"


def boundary_of(content_type: str) -> str | None:
    """Return what separates the parts of a form, None for another kind of body."""
    match = BOUNDARY.search(content_type)
    return None if match is None else match[1].strip()


def without_files(body: bytes, boundary: str, sent: int | None) -> str:
    """Return a multipart body with the size of each file in place of its contents.

    A browser may show a body without its files' contents. `sent` is the number of bytes that really went
    (None: not known): what is missing of them is the size of the one file that is empty here.
    """
    edge = f"--{boundary}".encode()
    parts = body.split(edge)
    files = [_contents(part) for part in parts]
    missing = sent - len(body) if sent is not None and files.count(b"") == 1 else None
    outlines = [
        part if file is None else _outline(part, len(file) or missing)
        for part, file in zip(parts, files, strict=True)
    ]
    return edge.join(outlines).decode("utf-8", errors="replace")


def _contents(part: bytes) -> bytes | None:
    """Return the contents of a part that is a file, None for any other."""
    head, gap, contents = part.partition(GAP)
    return contents.removesuffix(b"\r\n") if gap and FILE.search(head) else None


def _outline(part: bytes, size: int | None) -> bytes:
    note = "(contents left out)" if size is None or size < 0 else f"({size} bytes left out)"
    return part.partition(GAP)[0] + GAP + note.encode() + b"\r\n"
