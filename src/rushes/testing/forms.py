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


async def read_form(request: Request) -> Form:
    """Return a multipart form. Raises ValueError for a body of any other type."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise ValueError(f"{kind or 'nothing'} is not a multipart form")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + await request.body())
    fields, files = {}, []
    for part in message.iter_parts():
        data, name = part.get_payload(decode=True), part.get_param("name", header="content-disposition")
        if not isinstance(name, str) or not isinstance(data, bytes):
            continue
        if part.get_filename() is None:
            fields[name] = data.decode()
        else:
            files.append(
                FormFile(
                    under=name,
                    name=str(part.get_filename()),
                    media_type=part.get_content_type(),
                    data=data,
                )
            )
    return Form(fields=fields, files=tuple(files))
