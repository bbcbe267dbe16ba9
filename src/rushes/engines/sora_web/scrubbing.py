"""Text without its secrets: tokens, passwords, cookies, signatures of addresses, e-mail addresses.

What is hidden by its name in one place is remembered, so that it can be hidden where it has no name too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "REDACTED"

WORDS = frozenset({"key", "keys", "pwd", "sig", "otp", "csrf", "xsrf", "cookie", "cookies", "auth"})
"""Words of a name that make it a secret's; compared whole."""

PARTS = (
    "token", "secret", "passw", "credential", "authorization", "signature", "jwt", "apikey", "sessionid"
)  # fmt: skip
"""What a secret's name may hold anywhere: not all names show where a word of them ends."""

QUERY = frozenset(
    {"st", "se", "ske", "skt", "sks", "skv", "skoid", "sktid", "ac", "sid"}
    | {"code", "state", "nonce", "session_state", "code_challenge", "code_verifier", "login_hint"}
)
"""Parts of an address that sign it (Azure's shared access), or carry a sign-in (OAuth)."""

JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}(?:%3D|=)*")
BEARER = re.compile(r"\b(Bearer\s+)[\w.~+/=-]{12,}", re.IGNORECASE)
EMAIL = re.compile(rf"(?<![\w.+-])(?!{HIDDEN}@)([\w+-])[\w.+-]*+(@|%40|\\u0040)((?:[\w-]+\.)+[A-Za-z]{{2,}})")
USER = re.compile(r"(://)[^/\s\"'<>@\\]+@")
QUERY_PART = re.compile(r"((?:[?&#]|&amp;|\\u0026)([\w.~%-]+)=)([^&\s\"'<>#\\]+)")
QUOTED = re.compile(r"(\\*[\"'])([\w.$-]{1,64})(\1\s*:\s*)(\\*[\"'])((?:(?!\4)(?:[^\\\n]|\\.))*)(\4)")
ASSIGNED = re.compile(r"(?<![\w.$-])([\w$-]{1,64})(\s*[:=]\s*)([\"'`])((?:(?!\3)[^\n]){6,})(\3)")
FIELD = re.compile(r"<(?:input|meta)\b[^>]*>", re.IGNORECASE)
FIELD_NAME = re.compile(r"\b(?:name|id|type)\s*=\s*[\"']?([\w.-]+)", re.IGNORECASE)
FIELD_VALUE = re.compile(r"(\b(?:value|content)\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a field, header or parameter of this name holds a secret."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    whole = name.lower()
    return any(part in whole for part in PARTS) or any(word.lower() in WORDS for word in words)


def is_secret_in_address(name: str) -> bool:
    return name.lower() in QUERY or is_secret(name)


class Scrubber:
    """Hides secrets, and remembers those that it was shown by name."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def hide(self, value: str, name: str) -> str:
        """Return what stands in the place of a value whose name makes it a secret."""
        if not value or value == HIDDEN:
            return value
        # Shorter ones are words of every page, and so are addresses that a cookie may hold.
        shortest = 6 if "pass" in name.lower() else 16
        plain = unquote(value)
        if len(plain) >= shortest and "://" not in plain:
            self._seen |= {value, plain, quote(plain, safe=""), quote_plus(plain)}
        return HIDDEN

    def text(self, text: str) -> str:
        """Return text of any kind, an address too, without what looks like a secret."""
        text = FIELD.sub(self._field, text)
        text = QUOTED.sub(self._quoted, text)
        text = ASSIGNED.sub(self._assigned, text)
        text = QUERY_PART.sub(self._query_part, text)
        text = USER.sub(rf"\1{HIDDEN}@", text)
        text = BEARER.sub(rf"\1{HIDDEN}", text)
        text = JWT.sub(HIDDEN, text)
        return EMAIL.sub(r"\1***\2\3", text)

    def body(self, text: str, kind: str, secret: Callable[[str], bool] = is_secret) -> str:
        """Return the text of a body; `kind` is its content type."""
        if text.lstrip()[:1] in ("{", "["):
            try:
                return json.dumps(self.data(json.loads(text), secret), ensure_ascii=False)
            except (ValueError, RecursionError):
                pass
        if "x-www-form-urlencoded" in kind:
            return self.form(text)
        if "multipart/" in kind:
            return self.parts(text)
        return self.text(text)

    def data(self, value: Any, secret: Callable[[str], bool] = is_secret) -> Any:
        """Return JSON data with the values of secret fields hidden, and all else scrubbed."""
        if isinstance(value, dict):
            return {self.text(name): self._member(name, one, value, secret) for name, one in value.items()}
        if isinstance(value, list):
            return [self.data(one, secret) for one in value]
        return self.body(value, "", secret) if isinstance(value, str) else value

    def form(self, text: str) -> str:
        """Return a form's text: names kept, the values of secret fields hidden."""
        return "&".join(self._pair(pair) for pair in text.split("&"))

    def parts(self, text: str) -> str:
        """Return a multipart body: the parts' heads kept, files left out, fields as those of a form."""
        boundary = text.split("\n", 1)[0].strip()
        if not boundary.startswith("--"):
            return self.text(text)
        return boundary.join(self._part(part) for part in text.split(boundary))

    def forget(self, value: Any) -> Any:
        """Return data in which no secret that was seen by name is left anywhere."""
        # The longest first: one may be a part of another.
        return _without(value, sorted(self._seen, key=len, reverse=True))

    def _member(self, name: str, value: Any, around: dict[str, Any], secret: Callable[[str], bool]) -> Any:
        named = around.get("name")
        # {"name": "Authorization", "value": …}: the shape of lists of headers and cookies.
        if secret(name) or (name == "value" and isinstance(named, str) and secret(named)):
            return self._hidden(value, name)
        return self.data(value, secret)

    def _hidden(self, value: Any, name: str) -> Any:
        """Hide a value, whatever it is made of; its shape stays."""
        if isinstance(value, dict):
            return {self.text(inner): self._hidden(one, name) for inner, one in value.items()}
        if isinstance(value, list):
            return [self._hidden(one, name) for one in value]
        if isinstance(value, bool) or value is None:
            return value
        return self.hide(value, name) if isinstance(value, str) else 0

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        return f"{self.text(name)}{equals}{self._value(unquote_plus(name), value)}"

    def _value(self, name: str, value: str) -> str:
        """Return one value of a form or an address, encoded as it was."""
        if is_secret_in_address(name):
            return self.hide(value, name)
        plain = unquote_plus(value)
        clean = self.body(plain, "")
        return value if clean == plain else quote_plus(clean, safe="*@:/")

    def _part(self, part: str) -> str:
        head, gap, content = part.partition("\r\n\r\n")
        if not gap:
            return part
        name = re.search(r'name="([^"]*)"', head)
        if "filename=" in head:
            clean = f"({len(content.rstrip())} characters left out)"
        elif name is not None and is_secret(name[1]):
            clean = self.hide(content.strip(), name[1])
        else:
            clean = self.body(content.rstrip("\r\n"), "")
        return f"{self.text(head)}{gap}{clean}\r\n"

    def _field(self, found: re.Match[str]) -> str:
        tag = found[0]
        if not any(is_secret(name) for name in FIELD_NAME.findall(tag)):
            return tag
        return FIELD_VALUE.sub(
            lambda one: f'{one[1]}"{self.hide(one[2].strip(chr(34) + chr(39)), tag)}"', tag
        )

    def _quoted(self, found: re.Match[str]) -> str:
        opening, name, colon, quoted, value, closing = found.groups()
        if not is_secret(name):
            return found[0]
        return f"{opening}{name}{colon}{quoted}{self.hide(value, name)}{closing}"

    def _assigned(self, found: re.Match[str]) -> str:
        name, sign, quoted, value, closing = found.groups()
        if not is_secret(name):
            return found[0]
        return f"{name}{sign}{quoted}{self.hide(value, name)}{closing}"

    def _query_part(self, found: re.Match[str]) -> str:
        return found[1] + self._value(unquote(found[2]), found[3])


def _without(value: Any, seen: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, seen) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, seen) for one in value]
    if isinstance(value, str):
        for one in seen:
            value = value.replace(one, HIDDEN)
    return value
