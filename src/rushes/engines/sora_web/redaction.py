"""A HAR 1.2 file without its secrets: what may be shown to others of a session in the browser.

Names, sizes, times and the shape stay. Values of headers, cookies and fields that are secrets do not, nor do
signatures of addresses; bodies that are not text are left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from rushes.engines.sora_web.scrubbing import HIDDEN, Scrubber, is_secret, is_secret_in_address

COOKIES = frozenset({"cookie", "set-cookie"})
DEVICE = "oai-device-id"
"""Tells one person's browser from all others."""

ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})
"""What stands beside a cookie in Set-Cookie and is no secret."""

OPEN_FIELDS = frozenset({"flow"})
"""What is left of the bodies of the site's own check: all else in them is made to be used once."""


def redact(har: Mapping[str, Any]) -> dict[str, Any]:
    """Return a HAR without secrets; `har` itself is left as it is."""
    scrubber = Scrubber()
    log = dict(har.get("log", {}))
    entries = [_entry(scrubber, entry) for entry in log.pop("entries", [])]
    # The entries come last: what they taught is hidden in all the rest too.
    clean = {**scrubber.data(log, _none), "entries": entries}
    found: dict[str, Any] = scrubber.forget({**har, "log": clean})
    return found


def redact_address(address: str) -> str:
    """Return an address without user, password, signatures and tokens."""
    return Scrubber().text(address)


def _none(name: str) -> bool:
    return False


def _not_open(name: str) -> bool:
    return name not in OPEN_FIELDS


def _entry(scrubber: Scrubber, entry: Mapping[str, Any]) -> dict[str, Any]:
    clean = dict(entry)
    request, response = clean.pop("request", {}), clean.pop("response", {})
    frames = clean.pop("_webSocketMessages", None)
    path = urlsplit(request.get("url", "")).path
    secret = _not_open if "/sentinel/" in path else is_secret
    found: dict[str, Any] = scrubber.data(clean, _none)
    found["request"] = _message(scrubber, request)
    found["response"] = _message(scrubber, response)
    if "postData" in request:
        found["request"]["postData"] = _sent(scrubber, request["postData"], secret)
    if "content" in response:
        found["response"]["content"] = _content(scrubber, response["content"], secret)
    if frames is not None:
        found["_webSocketMessages"] = [_frame(scrubber, frame) for frame in frames]
    return found


def _message(scrubber: Scrubber, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request or response without its body."""
    parts = ("headers", "cookies", "queryString", "postData", "content")
    clean: dict[str, Any] = scrubber.data(
        {name: value for name, value in message.items() if name not in parts}, _none
    )
    if "headers" in message:
        clean["headers"] = [_header(scrubber, one) for one in message["headers"]]
    if "cookies" in message:
        clean["cookies"] = [
            {**one, "value": scrubber.hide(str(one.get("value", "")), str(one.get("name", "")))}
            for one in message["cookies"]
        ]
    if "queryString" in message:
        clean["queryString"] = [_parameter(scrubber, one) for one in message["queryString"]]
    return clean


def _header(scrubber: Scrubber, header: Mapping[str, Any]) -> dict[str, Any]:
    name, value = str(header.get("name", "")).lower(), str(header.get("value", ""))
    if name in COOKIES:
        value = "\n".join(_cookies(scrubber, line) for line in value.split("\n"))
    elif name.startswith("x-"):
        # Not remembered: among them are names of hosts.
        value = HIDDEN
    elif name == DEVICE or is_secret(name):
        scrubber.hide(re.sub(r"^(?:Bearer|Basic)\s+", "", value), name)
        value = scrubber.hide(value, name)
    else:
        value = scrubber.text(value)
    return {**header, "value": value}


def _cookies(scrubber: Scrubber, line: str) -> str:
    """Return a Cookie or Set-Cookie header with the cookies' names and attributes, and no values."""
    clean = []
    for part in line.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip().lower() not in ATTRIBUTES:
            value = scrubber.hide(value.strip(), name)
        elif not equals and name.strip().lower() not in ("secure", "httponly", "partitioned", ""):
            name = scrubber.hide(name.strip(), "")
        clean.append(f"{name}{equals}{value}")
    return ";".join(clean)


def _parameter(scrubber: Scrubber, one: Mapping[str, Any]) -> dict[str, Any]:
    name, value = str(one.get("name", "")), str(one.get("value", ""))
    clean = scrubber.hide(value, name) if is_secret_in_address(name) else scrubber.body(value, "")
    return {**one, "name": scrubber.text(name), "value": clean}


def _sent(scrubber: Scrubber, body: Mapping[str, Any], secret: Callable[[str], bool]) -> dict[str, Any]:
    clean = dict(body)
    if isinstance(body.get("params"), list):
        clean["params"] = [_parameter(scrubber, one) for one in body["params"]]
    text = body.get("text")
    if isinstance(text, str):
        clean["text"] = scrubber.body(text, str(body.get("mimeType", "")), secret)
    return clean


def _content(scrubber: Scrubber, content: Mapping[str, Any], secret: Callable[[str], bool]) -> dict[str, Any]:
    clean = dict(content)
    text = content.get("text")
    if not isinstance(text, str):
        return clean
    if clean.pop("encoding", None) == "base64":
        decoded = _decoded(text)
        if decoded is None:
            del clean["text"]
            return {**clean, "comment": "the body is not text and was left out"}
        text = decoded
    return {**clean, "text": scrubber.body(text, str(content.get("mimeType", "")), secret)}


def _decoded(text: str) -> str | None:
    """Return what base64 holds, None where that is not text."""
    try:
        found = base64.b64decode(text).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if "\x00" in found else found


def _frame(scrubber: Scrubber, frame: Mapping[str, Any]) -> dict[str, Any]:
    return {**frame, "data": scrubber.body(str(frame.get("data", "")), "")}
