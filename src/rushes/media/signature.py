"""What the first bytes of a file say it is, whatever its name or its media type says.

From the formats' own descriptions: ISO/IEC 14496-12 (boxes of an MP4), RFC 8794 (EBML: WebM, Matroska),
ISO/IEC 13818-1 (MPEG-TS, MPEG-PS). The containers are those that `edge` lets libav open.
"""

from __future__ import annotations

import codecs

HEAD_BYTES = 512
"""Bytes of a file that are enough to tell: three packets of an MPEG-TS begin in them."""

BOXES = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"free", b"skip", b"wide", b"uuid", b"pnot"}
)
"""Names that the first box of an MP4, a MOV or one of their fragments has."""

STARTS = (b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x00\x00\x01\xba")
"""How WebM and Matroska, FLV, Ogg and MPEG-PS begin."""

SYNC = 0x47
PACKETS = ((188, 0), (192, 4))
"""The length of an MPEG-TS packet and where in it the sync byte is: as broadcast, and as on Blu-ray."""

CONTROLS = bytes(byte for byte in range(0x20) if byte not in b"\t\n\x0b\x0c\r")


def is_video(head: bytes) -> bool:
    """Return whether a file that begins with `head`, its first `HEAD_BYTES`, is a video."""
    if is_text(head):
        # "the free offer" is no MP4, though it has the name of a box in the right place.
        return False
    if head[4:8] in BOXES or head.startswith(STARTS) or (head[:4] == b"RIFF" and head[8:11] == b"AVI"):
        return True
    return any(
        len(head) > first + 2 * length and all(head[first + n * length] == SYNC for n in range(3))
        for length, first in PACKETS
    )


def is_text(data: bytes) -> bool:
    """Return whether `data` is text, in UTF-8 or another encoding, and not binary; an empty one is."""
    if 0 in data:
        return False
    controls = len(data) - len(data.translate(None, CONTROLS))
    try:
        # Decoded in steps, a character that is cut off at the end is no error.
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return controls == 0
    # A few are the colours of a terminal.
    return controls * 20 <= len(data)
