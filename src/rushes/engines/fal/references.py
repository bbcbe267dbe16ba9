"""References on their way to fal: checked, put into its storage, named by their web address.

What is uploaded lies at a public address that nobody can guess, and is deleted after a while.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from rushes.domain.address import host_of, is_public
from rushes.domain.errors import BadReference, Unreachable
from rushes.domain.request import Reference, Role
from rushes.engines.fal.fields import Field
from rushes.engines.http import PUBLIC_ONLY, answer, answer_client, asking, classify_answer

MEGABYTE = 1_000_000
LARGEST = {Role.INPUT_VIDEO: 200.0, Role.AUDIO: 15.0}
LARGEST_PICTURE = 30.0
"""Megabytes, where an endpoint's own description tells no limit: those of Seedance 2.5 on fal, 2026-09-29."""

TYPES = {Role.INPUT_VIDEO: "video/mp4", Role.AUDIO: "audio/mpeg"}
UPLOAD_S = 300.0
"""Seconds for one file on a slow line."""


def check(reference: Reference, taken: Field | None) -> None:
    """Raise BadReference for an address that fal could not reach, and for a file that is too large."""
    if reference.remote is not None:
        return check_address(reference.remote, reference.role)
    assert reference.path is not None
    told = taken.largest if taken is not None else None
    largest = told or LARGEST.get(reference.role, LARGEST_PICTURE)
    size = reference.path.stat().st_size / MEGABYTE
    if size > largest:
        raise BadReference(
            f"the {reference.role.value} reference {reference.path.name} has {size:.1f} MB, and this endpoint"
            f" takes up to {largest:g} MB; nothing was sent",
            next="give a smaller file",
        )


def check_address(url: str, role: Role) -> None:
    """Raise BadReference unless fal's own machines can fetch `url`."""
    host = host_of(url)
    if not url.lower().startswith(("https://", "http://")) or not host:
        raise BadReference(
            f"the {role.value} reference {url!r} is not a web address; nothing was sent",
            next=f"write it as --reference {role.value}=id:https://…, or give a file",
        )
    if not is_public(host):
        raise BadReference(
            f"the {role.value} reference lies at {host}, which only this network can reach; nothing was sent",
            next="give the file itself: it is uploaded",
        )


async def upload(client: httpx.AsyncClient, reference: Reference, keep_s: int, *, public_only: bool) -> str:
    """Put a file into fal's storage for `keep_s` seconds and return its address there.

    With `public_only` it is put nowhere but on the public network. Raises Unreachable.
    """
    assert reference.path is not None
    kind = mimetypes.guess_type(reference.path.name)[0] or TYPES.get(reference.role, "image/png")
    lifecycle = json.dumps({"expiration_duration_seconds": keep_s})
    with asking():
        response = await client.post(
            "/storage/upload/initiate",
            params={"storage_type": "fal-cdn-v3"},
            json={"content_type": kind, "file_name": reference.path.name},
            headers={"X-Fal-Object-Lifecycle": lifecycle, "X-Fal-Object-Lifecycle-Preference": lifecycle},
        )
    told = answer(response)
    place, address = told.get("upload_url"), told.get("file_url")
    if not isinstance(place, str) or not isinstance(address, str) or not _is_web_address(place):
        raise Unreachable("fal's storage told no address to put a reference at")
    await _put(place, reference.path, kind, PUBLIC_ONLY if public_only else {})
    return address


def _is_web_address(place: str) -> bool:
    return place.lower().startswith(("https://", "http://")) and bool(host_of(place))


async def _put(place: str, path: Path, kind: str, extensions: Mapping[str, Any]) -> None:
    # A client of its own: the key goes to fal, and not to whom the file goes.
    data = await asyncio.to_thread(path.read_bytes)
    async with answer_client(place, UPLOAD_S) as client:
        with asking():
            response = await client.put(
                place, content=data, headers={"Content-Type": kind}, extensions=dict(extensions)
            )
    classify_answer(response)
