"""Multipart forms as the doubles read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request


@dataclass(frozen=True, kw_only=True)
class FormFile:
    """A file in a form, and the field it came `under`."""

    under: str
    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form: its `fields` as text, the last of a name counts, and its `files` in order."""

    fields: dict[str, str]
    files: tuple[FormFile, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a form as it came: a file has a `filename`."""

    name: str
    data: bytes = field(repr=False)
    filename: str | None
    media_type: str

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace")


async def read_parts(request: Request) -> list[Part]:
    """Return the parts of a multipart form, in order. Raises ValueError for a body of any other type."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise ValueError(f"{kind or 'nothing'} is not a multipart form")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + await request.body())
    parts = []
    for part in message.iter_parts():
        data, name = part.get_payload(decode=True), part.get_param("name", header="content-disposition")
        if isinstance(name, str) and isinstance(data, bytes):
            found = Part(
                name=name, data=data, filename=part.get_filename(), media_type=part.get_content_type()
            )
            parts.append(found)
    return parts


async def read_form(request: Request) -> Form:
    """Return a multipart form. Raises ValueError for a body of any other type."""
    fields, files = {}, []
    for part in await read_parts(request):
        if part.filename is None:
            fields[part.name] = part.data.decode()
        else:
            files.append(
                FormFile(under=part.name, name=part.filename, media_type=part.media_type, data=part.data)
            )
    return Form(fields=fields, files=tuple(files))
