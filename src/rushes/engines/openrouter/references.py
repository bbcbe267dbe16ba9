"""References as the create names them: files as data URLs, what lies on the web by its address."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rushes.domain.address import host_of, is_public
from rushes.domain.errors import BadReference, Refused
from rushes.domain.request import Reference, Role

LARGEST_MB = 30.0
"""All files of one create together. The service was seen to answer 413 "cannot exceed 30MB" to one picture;
for a whole request it names no limit."""

FRAMES = {Role.FIRST_FRAME: "first_frame", Role.LAST_FRAME: "last_frame"}

KINDS = {
    Role.SUBJECT: "image_url",
    Role.STYLE: "image_url",
    Role.INPUT_VIDEO: "video_url",
    Role.AUDIO: "audio_url",
}
"""Under which name of `input_references` a role goes; subject and style are one to the service."""


def check_together(references: Sequence[Reference], largest_mb: float) -> None:
    """Raise Refused for frames beside other references, BadReference for more than can be sent."""
    roles = {reference.role for reference in references}
    if roles & set(FRAMES) and roles - set(FRAMES):
        others = ", ".join(sorted(role.value for role in roles - set(FRAMES)))
        raise Refused(
            f"OpenRouter leaves other references ({others}) aside where a first or last frame is given; "
            "nothing was sent",
            next="leave out the frames, or the other references",
        )
    files = [reference.path for reference in references if reference.path is not None]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    if megabytes > largest_mb:
        named = ", ".join(sorted(role.value for role in roles))
        raise BadReference(
            f"the references ({named}) have {megabytes:.1f} MB together, and OpenRouter takes "
            f"{largest_mb:g} MB; nothing was sent",
            next="make them smaller: a JPEG of 2000 pixels a side is enough",
        )


def address_of(reference: Reference) -> str:
    """Return the URL that a create names a reference by. Raises BadReference."""
    if reference.path is not None:
        return data_url(reference.path, reference.role)
    assert reference.remote is not None
    check_public(reference.remote, reference.role)
    return reference.remote


def data_url(path: Path, role: Role) -> str:
    """Return a file as a data URL. Raises BadReference for what is no picture, clip or sound."""
    data = path.read_bytes()
    kind = media_type(data[:16])
    if kind is None:
        raise BadReference(f"the {role.value} reference {path} is of a kind that OpenRouter does not take")
    if role is Role.AUDIO and kind == "video/mp4":
        kind = "audio/mp4"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def media_type(head: bytes) -> str | None:
    """Return the media type that a file's first bytes tell."""
    known = {
        b"\x89PNG": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"\x1aE\xdf\xa3": "video/webm",
        b"ID3": "audio/mpeg",
        b"\xff\xfb": "audio/mpeg",
        b"fLaC": "audio/flac",
        b"OggS": "audio/ogg",
    }
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return next((kind for magic, kind in known.items() if head.startswith(magic)), None)


def check_public(url: str, role: Role) -> None:
    """Raise BadReference for what the service could not fetch, or must not: a private host, a password."""
    try:
        parts = urlsplit(url)
        host = host_of(url)
    except ValueError:
        raise _not_fetched(role, "it is not an address") from None
    if parts.scheme != "https":
        raise _not_fetched(role, "OpenRouter keeps no files under ids; an https:// address is needed")
    if parts.username or parts.password:
        raise _not_fetched(role, "its address holds a password, which would go to OpenRouter and beyond")
    if not is_public(host):
        raise _not_fetched(role, f"{host or 'its host'} is not on the public network")


def _not_fetched(role: Role, why: str) -> BadReference:
    return BadReference(
        f"the {role.value} reference cannot be sent: {why}; nothing was sent",
        next=f"download it and give the file: --reference {role.value}=FILE",
    )


def frame_images(references: Sequence[Reference], urls: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield the entries of `frame_images`."""
    for reference, url in zip(references, urls, strict=True):
        if reference.role in FRAMES:
            yield {"type": "image_url", "image_url": {"url": url}, "frame_type": FRAMES[reference.role]}


def input_references(references: Sequence[Reference], urls: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield the entries of `input_references`."""
    for reference, url in zip(references, urls, strict=True):
        if reference.role in KINDS:
            kind = KINDS[reference.role]
            yield {"type": kind, kind: {"url": url}}
