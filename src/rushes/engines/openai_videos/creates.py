"""The creates of the protocol: where each kind of request goes, its fields and its files.

`POST /videos` is multipart in OpenAI's own description; some servers take JSON as well, or only JSON. The
fields `seed`, `negative_prompt` and `generate_sound` are extensions that SGLang and vLLM-Omni share; they are
sent where a model's table says that it has them.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rushes.domain.errors import BadReference, Refused
from rushes.domain.model import Audio
from rushes.domain.request import Reference, Role, VideoRequest, frame_size
from rushes.engines.contract import Prepared

TYPES = {".webp": "image/webp", ".heic": "image/heic", ".m4a": "audio/mp4"}
"""What not every system's own table of file types has."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A reference as it goes into the form."""

    name: str
    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Create:
    """One create: its path, its fields, and the files in order under the field `files_as`.

    `keeps_shape`: the clip is to have the length and size that were asked for, not its source's.
    """

    path: str
    fields: Mapping[str, Any]
    files: Sequence[Upload] = ()
    files_as: str = "input_reference"
    keeps_shape: bool = True

    @property
    def form(self) -> list[tuple[str, tuple[str | None, bytes | str, str] | tuple[None, str]]]:
        """The parts of its multipart body."""
        parts: list[tuple[str, Any]] = [(name, (None, _text(value))) for name, value in self.fields.items()]
        return parts + [(self.files_as, (one.name, one.data, one.media_type)) for one in self.files]

    @property
    def needs_json(self) -> bool:
        """Whether a form cannot say it: a field holds an object."""
        return any(isinstance(value, Mapping) for value in self.fields.values())


def create_from(prepared: Prepared, table: Mapping[str, Any]) -> Create:
    """Return the create that a request comes to; `table` is the model's own in the settings file."""
    request = prepared.request
    if request.remix is not None:
        path = f"/videos/{quote(request.remix, safe='')}/remix"
        return Create(path=path, fields={"prompt": request.prompt}, keeps_shape=False)
    if request.extend is not None:
        fields = {
            "prompt": request.prompt,
            "seconds": seconds_text(request),
            "video": {"id": request.extend},
        }
        return Create(path="/videos/extensions", fields=fields, keeps_shape=False)
    if any(one.role is Role.INPUT_VIDEO for one in request.references):
        return _edit(prepared)
    return _new(prepared, table)


def _new(prepared: Prepared, table: Mapping[str, Any]) -> Create:
    request = prepared.request
    fields: dict[str, Any] = {
        "model": prepared.model,
        "prompt": request.prompt,
        "seconds": seconds_text(request),
        "size": size_text(request, table),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt or None,
        "generate_sound": request.audio if table.get("audio") == Audio.OPTIONAL.value else None,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    remote = [one.remote for one in request.references if one.remote is not None]
    if remote:
        return Create(path="/videos", fields={**fields, "input_reference": {"file_id": remote[0]}})
    files = [prepared.uploads[one.identity] for one in _in_order(request.references)]
    # vLLM-Omni takes one as OpenAI does, and several under a name of its own.
    several = len(files) > 1
    return Create(
        path="/videos",
        fields=fields,
        files=files,
        files_as="input_references" if several else "input_reference",
    )


def _edit(prepared: Prepared) -> Create:
    (source,) = prepared.request.references
    fields: dict[str, Any] = {"prompt": prepared.request.prompt}
    if source.remote is not None:
        fields["video"] = {"id": source.remote}
    return Create(
        path="/videos/edits",
        fields=fields,
        files=[prepared.uploads[source.identity]] if source.remote is None else [],
        files_as="video",
        keeps_shape=False,
    )


def check_sayable(request: VideoRequest) -> None:
    """Raise Refused for wishes that no body of the protocol has a place for; nothing was sent."""
    roles = [one.role for one in request.references]
    if (request.remix is not None or request.extend is not None) and roles:
        raise Refused(
            "a remix or continuation takes words and no references; nothing was sent",
            next="leave the references out, or leave --remix or --extend out",
        )
    if Role.INPUT_VIDEO in roles and len(roles) > 1:
        raise Refused(
            "an edit takes its one video and no other references; nothing was sent",
            next="leave the other references out",
        )
    remote = [one for one in request.references if one.remote is not None]
    if remote and len(roles) > 1:
        raise Refused(
            f"a reference by id ({remote[0].remote}) has to be the only one; nothing was sent",
            next="give the files themselves, or the one id alone",
        )


def check_remote(reference: Reference) -> None:
    """Raise BadReference where an id is an address: the server would fetch it from inside its own network."""
    if reference.remote is not None and "://" in reference.remote:
        raise BadReference(
            f"the {reference.role.value} reference is an address, and only files and the server's own ids "
            "are sent; nothing was sent",
            next="download it and give the file: --reference ROLE=FILE",
        )


def upload_from(reference: Reference, path: Path, limit: int) -> Upload:
    """Return a reference's file as it goes into the form. Raises BadReference above `limit` bytes."""
    size = path.stat().st_size
    if size > limit:
        raise BadReference(
            f"the {reference.role.value} reference {path.name} has {size / 1e6:.1f} MB; at most "
            f"{limit / 1e6:g} MB are sent in a form; nothing was sent",
            next="make it smaller, or raise max_reference_mb where the server takes more",
        )
    guessed = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return Upload(name=path.name, data=path.read_bytes(), media_type=guessed or "application/octet-stream")


def seconds_text(request: VideoRequest) -> str:
    """Return the length as text, as every server takes it: "4"."""
    return f"{request.seconds or 4:g}"


def size_text(request: VideoRequest, table: Mapping[str, Any]) -> str | None:
    """Return the frame as "1280x720".

    A model's `sizes` say it where the arithmetic does not: `{ "16:9 480p" = "832x480" }`.
    """
    if request.aspect is None or request.resolution is None:
        return None
    own = table.get("sizes", {}).get(f"{request.aspect} {request.resolution}")
    if own is not None:
        return str(own)
    width, height = frame_size(request.aspect, request.resolution)
    return f"{width}x{height}"


def _in_order(references: Sequence[Reference]) -> list[Reference]:
    """Return first frame, last frame, then the others: servers with a list go by its order."""
    order = (Role.FIRST_FRAME, Role.LAST_FRAME)
    return sorted(references, key=lambda one: order.index(one.role) if one.role in order else len(order))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
