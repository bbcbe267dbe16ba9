"""A HAR 1.2 file without its secrets: what may be shown to others of a session in the browser.

Names, sizes, times and the shape stay. Values of headers, cookies, fields and parts of addresses that are
secrets do not; `secrecy` says which are. Bodies that are not text are left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from rushes.engines.sora_web.scrubbing import HIDDEN, Rule, Scrubber
from rushes.engines.sora_web.secrecy import is_secret

COOKIES = frozenset({"cookie", "set-cookie"})

TEXT_FRAME, BINARY_FRAME = 1, 2
"""The opcodes of frames; the data of a binary one stands in base64."""

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
    clean = {**scrubber.data(log), "entries": entries}
    found: dict[str, Any] = scrubber.forget({**har, "log": clean})
    return found


def redact_address(address: str) -> str:
    """Return an address without user, password, signatures and tokens."""
    return Scrubber().text(address)


def _not_open(name: str, value: str | None) -> bool:
    return name not in OPEN_FIELDS


def _entry(scrubber: Scrubber, entry: Mapping[str, Any]) -> dict[str, Any]:
    clean = dict(entry)
    request, response = clean.pop("request", {}), clean.pop("response", {})
    frames = clean.pop("_webSocketMessages", None)
    path = re.split(r"[?#]", request.get("url", ""))[0]
    rule: Rule = _not_open if "/sentinel/" in path else is_secret
    found: dict[str, Any] = scrubber.data(clean)
    found["request"] = _message(scrubber, request)
    found["response"] = _message(scrubber, response)
    if "postData" in request:
        found["request"]["postData"] = _sent(scrubber, request["postData"], rule)
    if "content" in response:
        found["response"]["content"] = _content(scrubber, response["content"], rule)
    if frames is not None:
        found["_webSocketMessages"] = [_frame(scrubber, frame) for frame in frames]
    return found


def _message(scrubber: Scrubber, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request or response without its body."""
    parts = ("headers", "cookies", "queryString", "postData", "content")
    clean: dict[str, Any] = scrubber.data(
        {name: value for name, value in message.items() if name not in parts}
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
    name, value = str(header.get("name", "")), str(header.get("value", ""))
    if name.lower() in COOKIES:
        value = "\n".join(_cookies(scrubber, line) for line in value.split("\n"))
    elif name.lower().startswith("x-"):
        # Not remembered: among them are names of hosts.
        value = HIDDEN
    else:
        if is_secret(name, value):
            scrubber.hide(re.sub(r"^(?:Bearer|Basic)\s+", "", value), name)
        value = scrubber.value(name, value)
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


def _parameter(scrubber: Scrubber, parameter: Mapping[str, Any], rule: Rule = is_secret) -> dict[str, Any]:
    name, value = str(parameter.get("name", "")), str(parameter.get("value", ""))
    return {**parameter, "name": scrubber.text(name), "value": scrubber.value(name, value, rule)}


def _sent(scrubber: Scrubber, body: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    clean = dict(body)
    if isinstance(body.get("params"), list):
        clean["params"] = [_parameter(scrubber, one, rule) for one in body["params"]]
    text = body.get("text")
    if isinstance(text, str):
        clean["text"] = scrubber.body(text, str(body.get("mimeType", "")), rule)
    return clean


def _content(scrubber: Scrubber, content: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
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
    return {**clean, "text": scrubber.body(text, str(content.get("mimeType", "")), rule)}


def _decoded(text: str) -> str | None:
    """Return what base64 holds, None where that is not text."""
    try:
        found = base64.b64decode(text).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if "\x00" in found else found


def _frame(scrubber: Scrubber, frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return a frame of a WebSocket: as text if it holds text, and otherwise without its data."""
    data = str(frame.get("data", ""))
    if frame.get("opcode") != BINARY_FRAME:
        return {**frame, "data": scrubber.body(data, "")}
    text = _decoded(data)
    return (
        {**frame, "data": ""}
        if not text
        else {**frame, "opcode": TEXT_FRAME, "data": scrubber.body(text, "")}
    )
