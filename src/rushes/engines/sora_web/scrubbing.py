"""Text without its secrets, however it is encoded: JSON, forms, addresses, pages, and each inside of another.

`secrecy` says what a secret is; here is where names and values stand. What is hidden by its name in one place
is remembered, so that it can be hidden where it has no name too.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from rushes.engines.sora_web.multipart import LEFT_OUT
from rushes.engines.sora_web.secrecy import ID, is_harmless, is_secret, is_secret_in_path, is_token

HIDDEN = "REDACTED"

Rule = Callable[[str, str | None], bool]
"""Whether a value under a name is a secret; without a value, whether all that stands below the name is."""

# Values that are secrets under any name.
JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}(?:%3D|=)*")
AUTHORIZATION = re.compile(r"\b((?:Bearer|Basic)\s+)([\w.~+/=-]{8,})", re.IGNORECASE)
USER = re.compile(r"(://)[^/\s\"'<>@\\]+@")
EMAIL = re.compile(rf"(?<![\w.+-])(?!{HIDDEN}@)([\w+-])[\w.+-]*+(@|\\u0040)((?:[\w-]+\.)+[A-Za-z]{{2,}})")
PHONE = re.compile(r"(?<![\w)\]+])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)", re.ASCII)
PHONE_OF_AMERICA = re.compile(r"(?<![\w+.-])(?:\(\d{3}\)\s?|\d{3}-)\d{3}-\d{4}(?![\w-])", re.ASCII)
ENCODED_SIGN = r"%(?:25)*[0-9A-Fa-f]{2}"
BASE64 = re.compile(rf"({ENCODED_SIGN}|(?<![\w+/%-]))([A-Za-z0-9+][A-Za-z0-9+/]{{17,}}={{0,2}})")
RUN = re.compile(rf"({ENCODED_SIGN}|(?<![\w~%-]))([A-Za-z0-9_~-]{{18,}})")

# Names and their values.
QUOTE = r"(?:(?<!\\)\\*+[\"']|%22)"
QUOTED = re.compile(
    rf"({QUOTE})([\w.$-]{{1,64}})(\1(?:\s|%20)*(?::|%3A)(?:\s|%20)*)({QUOTE})((?:(?!\4)(?:[^\\\n]|\\.))*)(\4)"
)
NUMBERED = re.compile(rf"({QUOTE})([\w.$-]{{1,64}})(\1\s*:\s*)(\d{{4,}})(?![\d.])")
ASSIGNED = re.compile(r"(?<![\w.$-])([\w$-]{1,64})(\s*[:=]\s*)([\"'`])((?:(?!\3)[^\n]){4,})(\3)")
PARAMETER = r"[\w.~%\[\]:$*+-]{1,64}"
QUERY_PART = re.compile(rf"((?:[?&#]|&amp;|\\u0026)({PARAMETER})=)([^&\s\"'<>#\\]+)")
LINE_OF_A_FORM = re.compile(rf"^(({PARAMETER})=)([^&\s\"'<>(){{}};,]+)(?=[&\s]|$)", re.MULTILINE)
MATRIX_PART = re.compile(r"(;([\w.~%-]+)=)([^&\s\"'<>#\\;?/]+)")
PATH = re.compile(r"(?:/[^/\s?#\"'<>&\\;,()]+){2,}")
FIELD = re.compile(r"<(?:input|meta)\b[^>]{0,4000}>", re.IGNORECASE)
FIELD_NAME = re.compile(r"\b(?:name|id|type)\s*=\s*[\"']?([\w.-]+)", re.IGNORECASE)
FIELD_VALUE = re.compile(r"(\b(?:value|content)\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
ELEMENT = re.compile(r"(<([\w.:-]{1,64})(?:\s[^<>]*)?>)([^<>]+)(</\2>)")
LABEL = re.compile(r"[\w.$\[\]-]{1,64}")
"""What says in JSON how the value beside it is called; words for people do not."""

LABELS = ("name", "key", "id", "header", "field")
VALUES = frozenset({"value", "content"})
PARTS_OF_A_WHOLE = frozenset({"id", "value", "number"})
"""Names that say nothing without the name of what they are in."""

# One thing inside of another.
DEEPEST = 10
"""How many are unpacked; what is wrapped more often is hidden unread."""

FORM = re.compile(r"[^\s&=?#/:\"'<>{}]+=[^\s&=]*={0,2}(?:&[^\s&=]+=[^\s&]*)*\s*")
DOCUMENT = re.compile(r"[{\[](?=\s*[\"{\[])")
STRING = re.compile(r'(?<!\\)"(?=[^"\n]*\\")(?:[^"\\\n]|\\.)*+"')
ESCAPED_QUOTE = re.compile(r"(?<!\\)(\\++)(?:u0022|x22)")
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|commat|plus|equals|colon|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
BETWEEN_TAGS = re.compile(r"[^<>\"]+")
ENCODED = re.compile(
    r"(?<![^\s\"'<>&?#/\\=;])(?=[^\s\"'<>&?#/\\=;]*%[0-9A-Fa-f]{2})[^\s\"'<>&?#/\\=;]+"
)  # fmt: skip


class Scrubber:
    """Hides secrets, and remembers those that it was shown by name."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._depth = 0

    def hide(self, value: str, name: str) -> str:
        """Return what stands in the place of a value whose name makes it a secret."""
        if not value or value == HIDDEN:
            return value
        # Shorter ones are words of every page, and so are ids, and addresses that a cookie may hold.
        shortest = 6 if "pass" in name.lower() else 16
        plain = unquote(value)
        if len(plain) >= shortest and "://" not in plain and not ID.fullmatch(plain):
            self._seen |= {value, plain, quote(plain, safe="", errors="replace")}
            self._seen |= {quote_plus(plain, errors="replace"), html.escape(plain), json.dumps(plain)[1:-1]}
        return HIDDEN

    def value(self, name: str, value: str, rule: Rule = is_secret) -> str:
        """Return the value of a header, a parameter or a field, hidden if it is a secret."""
        return self.hide(value, name) if rule(name, value) else self.body(value, "", rule)

    def text(self, text: str) -> str:
        """Return text of any kind, an address too, without what looks like a secret."""
        text = BETWEEN_TAGS.sub(self._entities, text) if ENTITY.search(text) else text
        text = ESCAPED_QUOTE.sub(r'\1"', text)
        text = STRING.sub(self._string, self._documents(text))
        text = FIELD.sub(self._field, text)
        text = ELEMENT.sub(self._element, text)
        text = QUOTED.sub(self._quoted, text)
        text = NUMBERED.sub(self._numbered, text)
        text = ASSIGNED.sub(self._assigned, text)
        text = QUERY_PART.sub(self._query_part, text)
        text = LINE_OF_A_FORM.sub(self._query_part, text)
        text = MATRIX_PART.sub(self._query_part, text)
        text = PATH.sub(self._path, text)
        text = ENCODED.sub(self._percent_encoded, text) if "%" in text else text
        return _without_tokens(text)

    def body(self, text: str, kind: str, rule: Rule = is_secret) -> str:
        """Return the text of a body; `kind` is its content type."""
        if self._depth == DEEPEST:
            return HIDDEN if text else text
        self._depth += 1
        try:
            return self._unpack(text, kind, rule)
        finally:
            self._depth -= 1

    def data(self, value: Any, rule: Rule = is_secret, names: Sequence[str] = ()) -> Any:
        """Return JSON data, which has these `names`, with secrets hidden and all else scrubbed."""
        if isinstance(value, bool) or value is None:
            return value
        scalar = None if isinstance(value, dict | list) else str(value)
        if any(rule(name, scalar) for name in names):
            return self._hidden(value, names[0])
        if isinstance(value, dict):
            return {
                self.text(name): self.data(inner, rule, _names(name, value, names))
                for name, inner in value.items()
            }
        if isinstance(value, list):
            if _is_pair(value) and rule(value[0], str(value[1])):
                return [value[0], self._hidden(value[1], value[0])]
            return [self.data(inner, rule, names) for inner in value]
        return self.body(value, "", rule) if isinstance(value, str) else value

    def form(self, text: str, rule: Rule = is_secret) -> str:
        """Return a form's text: names kept, the values of secret fields hidden."""
        return "&".join(self._pair(pair, rule) for pair in text.split("&"))

    def parts(self, text: str, rule: Rule = is_secret) -> str:
        """Return a multipart body: the parts' heads kept, files left out, fields as those of a form."""
        boundary = text.split("\n", 1)[0].strip()
        if not boundary.startswith("--"):
            return self.text(text)
        return boundary.join(self._part(part, rule) for part in text.split(boundary))

    def forget(self, value: Any) -> Any:
        """Return data in which no secret that was seen by name is left anywhere."""
        # The longest first: one may be a part of another.
        return _without(value, sorted(self._seen, key=len, reverse=True))

    def _hidden(self, value: Any, name: str) -> Any:
        """Hide a value, whatever it is made of; its shape stays."""
        if isinstance(value, dict):
            return {self.text(inner): self._hidden(one, name) for inner, one in value.items()}
        if isinstance(value, list):
            return [self._hidden(one, name) for one in value]
        if isinstance(value, bool) or value is None:
            return value
        return self.hide(value, name) if isinstance(value, str) else 0

    def _pair(self, pair: str, rule: Rule) -> str:
        name, equals, value = pair.partition("=")
        return f"{self.text(name)}{equals}{self._encoded_value(unquote_plus(name), value, rule)}"

    def _encoded_value(self, name: str, value: str, rule: Rule = is_secret) -> str:
        """Return one value of a form or an address, encoded as it was."""
        plain = unquote_plus(value)
        if rule(name, plain):
            return self.hide(value, name)
        clean = self.body(plain, "", rule)
        return value if clean == plain else quote_plus(clean, safe="*@:/", errors="replace")

    def _part(self, part: str, rule: Rule) -> str:
        head, gap, content = _split(part, r"\r?\n\r?\n")
        if not gap:
            return part
        name = re.search(r'name="([^"]*)"', head)
        if "filename=" in head:
            body = content.strip("\r\n")
            clean = body if LEFT_OUT.fullmatch(body) else f"({len(content.rstrip())} characters left out)"
        else:
            clean = self.value(name[1] if name else "", content.strip("\r\n"), rule)
        return f"{self.text(head)}{gap}{clean}\r\n"

    # --- one thing inside of another ---

    def _unpack(self, text: str, kind: str, rule: Rule) -> str:
        if text.lstrip()[:1] in ("{", "[", '"'):
            try:
                return _json_text(self.data(json.loads(text), rule))
            except (ValueError, RecursionError):
                pass
        if "multipart/" in kind:
            return self.parts(text, rule)
        if "x-www-form-urlencoded" in kind or FORM.fullmatch(text):
            return self.form(text, rule)
        return self.text(text)

    def _entities(self, match: re.Match[str]) -> str:
        """Scrub what stands in a page with its quotes and signs written as entities."""
        plain = ENTITY.sub(lambda entity: html.unescape(entity[0]), match[0])
        clean = self.body(plain, "") if plain != match[0] else plain
        return match[0] if clean == plain else html.escape(clean, quote=False).replace('"', "&quot;")

    def _documents(self, text: str) -> str:
        """Scrub the JSON that stands somewhere in a text: an event of a stream, a script's data."""
        decoder, pieces, end = json.JSONDecoder(), [], 0
        for start in DOCUMENT.finditer(text):
            if start.start() < end:
                continue
            try:
                value, after = decoder.raw_decode(text, start.start())
                clean = _json_text(self.data(value))
            except ValueError:
                continue
            except RecursionError:
                # So are the thousands within it; what follows is scrubbed as text.
                break
            pieces += [text[end : start.start()], clean]
            end = after
        return "".join(pieces) + text[end:]

    def _string(self, match: re.Match[str]) -> str:
        """Scrub a script's string that holds quotes, as JSON within a string does."""
        try:
            plain = json.loads(match[0])
        except ValueError:
            return match[0]
        clean = self.body(plain, "")
        return match[0] if clean == plain else _json_text(clean)

    def _percent_encoded(self, match: re.Match[str]) -> str:
        """Scrub a part of an address that is encoded with per cent signs."""
        plain = unquote(match[0])
        clean = self.body(plain, "")
        return match[0] if clean == plain else quote(clean, safe="*@:/", errors="replace")

    # --- names and their values ---

    def _field(self, match: re.Match[str]) -> str:
        tag = match[0]
        names = FIELD_NAME.findall(tag)

        def hidden(field: re.Match[str]) -> str:
            value = field[2].strip("\"'")
            if not any(is_secret(name, value) for name in names):
                return field[0]
            return f'{field[1]}"{self.hide(value, tag)}"'

        return FIELD_VALUE.sub(hidden, tag)

    def _element(self, match: re.Match[str]) -> str:
        opening, name, value, closing = match.groups()
        return f"{opening}{self.hide(value, name)}{closing}" if is_secret(name, value) else match[0]

    def _quoted(self, match: re.Match[str]) -> str:
        opening, name, colon, quoted, value, closing = match.groups()
        if not is_secret(name, value):
            return match[0]
        return f"{opening}{name}{colon}{quoted}{self.hide(value, name)}{closing}"

    def _numbered(self, match: re.Match[str]) -> str:
        opening, name, colon, value = match.groups()
        return f"{opening}{name}{colon}0" if is_secret(name, value) else match[0]

    def _assigned(self, match: re.Match[str]) -> str:
        name, sign, quoted, value, closing = match.groups()
        if not is_secret(name, value):
            return match[0]
        return f"{name}{sign}{quoted}{self.hide(value, name)}{closing}"

    def _query_part(self, match: re.Match[str]) -> str:
        return match[1] + self._encoded_value(unquote(match[2]), match[3])

    def _path(self, match: re.Match[str]) -> str:
        parts = match[0].split("/")
        hidden = [
            self.hide(part, name) if is_secret_in_path(unquote(name), unquote(part)) else part
            for name, part in pairwise(parts)
        ]
        return "/".join(["", *hidden])


def _without_tokens(text: str) -> str:
    """Return text without what is a secret under any name."""
    text = USER.sub(rf"\1{HIDDEN}@", text)
    text = AUTHORIZATION.sub(lambda match: match[0] if is_harmless(match[2]) else match[1] + HIDDEN, text)
    text = JWT.sub(HIDDEN, text)
    text = EMAIL.sub(r"\1***\2\3", text)
    text = PHONE_OF_AMERICA.sub(HIDDEN, PHONE.sub(HIDDEN, text))
    for runs in (BASE64, RUN):
        text = runs.sub(lambda match: match[1] + HIDDEN if is_token(match[2]) else match[0], text)
    return text


def _names(name: str, around: Mapping[str, Any], parents: Sequence[str]) -> list[str]:
    """Return what a member of an object is called: by itself, by a label beside it, by what it is in."""
    names = [name]
    if name in VALUES:
        # {"name": "Authorization", "value": …}: the shape of lists of headers and cookies.
        labels = [around.get(label) for label in LABELS]
        names += [label for label in labels if isinstance(label, str) and LABEL.fullmatch(label)]
    if name in PARTS_OF_A_WHOLE:
        names += [*parents, *(f"{parent}_{name}" for parent in parents)]
    return names


def _is_pair(value: list[Any]) -> bool:
    """Whether a list is a name and its value."""
    first, second = value if len(value) == 2 else (None, None)
    return isinstance(first, str) and isinstance(second, str | int) and LABEL.fullmatch(first) is not None


def _split(text: str, gap: str) -> tuple[str, str, str]:
    match = re.search(gap, text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _json_text(value: Any) -> str:
    """Return JSON that can be written: half a character, which JSON may hold, is escaped again."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without(value: Any, seen: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, seen) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, seen) for one in value]
    if isinstance(value, str):
        for one in seen:
            value = value.replace(one, HIDDEN)
    return value
