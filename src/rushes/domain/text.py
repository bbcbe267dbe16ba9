"""Text that is safe to show, to store and to log: no secret, no control characters, of a bounded length.

Words from outside go through here twice: `TextFilter` takes secrets out where they enter, at the engines'
edge; `one_line`, `visible_lines` and `json_text` are what every door shows them by.
"""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

LINE_LIMIT = 1_000
"""Characters of one message."""

LONGEST_READ = 16 * 1024
"""Characters of a text that are read to make a line, or a block with a limit; a whole answer takes long."""

RAW_LIMIT = 4_000
"""Characters that are kept of an answer that nobody could read."""

SHORTEST_SECRET = 6
"""Characters. Anything shorter is an ordinary word or number as well, and stays."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How a file begins that PowerShell 5 wrote by `>`."""

MASK = "***"

USERINFO = re.compile(r"(?<=://)[^\s/?#]*@")
"""User and password in an address."""

MOST_MARKS = 6
"""Combining marks on one letter; real scripts stack up to five. A flood would cover the lines around it."""

BLANK_BRAILLE = "\u2800"

UNSAFE = re.compile(
    "["
    # Control characters; \t and \n are left to whoever prints several lines.
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    # What has no width: soft hyphens, joiners, fillers, marks of direction, line separators, the BOM.
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    # Surrogates, private use, noncharacters; from plane 4 on there are only tags, selectors and private use.
    "\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U0010ffff"
    "]"
)
"""What moves a terminal's cursor, turns text around, hides words from a person, or cannot be written at all.

Joiners and variation selectors are among it: `_is_needed` lets those through that a script or an emoji needs.
"""

JOINERS = "\u200c\u200d"
FIRST_JOINED = "\u0590"
"""Scripts that are written with joiners begin here; between Latin letters a joiner only hides something."""

STYLES = "\ufe0e\ufe0f"
STYLED = "\u203c\u2049\u2139\u3030\u303d"
"""Characters that are no symbols by their category, and yet are emoji if a selector follows."""

MONGOLIAN = "\u180b\u180c\u180d\u180f"
KEYCAP = "\u20e3"
VIRAMA = 9
"""The combining class of the sign after which a joiner may end a word, as in Malayalam."""


def decode_text(data: bytes) -> str:
    """Return what a file holds as text: UTF-8, or UTF-16 that begins with its mark.

    Raises ValueError that says why not, and repeats nothing of it.
    """
    name, encoding = ("UTF-16", "utf-16") if data.startswith(UTF_16) else ("UTF-8", "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"it is not {name} text") from None
    if "\0" in text:
        raise ValueError("it is not text")
    return text


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return text on one line, cut to `limit` characters, with all that is unsafe written out."""
    text = text[:LONGEST_READ]
    text = visible_lines(" ".join(text.replace(BLANK_BRAILLE, " ").split()))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def visible_lines(text: str) -> str:
    """Return text with its lines and tabs, and with all that is unsafe written out."""
    if text.isascii() and text.isprintable():
        return text
    text = UNSAFE.sub(_written_out, text.replace("\r\n", "\n"))
    return text if text.isascii() else _without_floods(text)


def first_unsafe(text: str) -> tuple[int, str] | None:
    """Return where the first unsafe character of a text is, counted from 1, and its name; None without one.

    A carriage return is not among them: it ends lines on one system.
    """
    for found in UNSAFE.finditer(text):
        if found[0] != "\r" and not _is_needed(found):
            name = unicodedata.name(found[0], "")
            return found.start() + 1, f"U+{ord(found[0]):04X}" + (f" ({name})" if name else "")
    return None


def json_text(data: Any, *, indent: int | None = None) -> str:
    """Return data as JSON that is safe to show: every text is kept, what is unsafe in it is escaped."""
    return UNSAFE.sub(_as_json, json.dumps(data, indent=indent, ensure_ascii=False))


def _as_json(found: re.Match[str]) -> str:
    return found[0] if _is_needed(found) else json.dumps(found[0])[1:-1]


def _written_out(found: re.Match[str]) -> str:
    if _is_needed(found):
        return found[0]
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_needed(found: re.Match[str]) -> bool:
    """Whether a joiner or selector stands where a script or an emoji needs it, and so hides nothing."""
    before = found.string[found.start() - 1 : found.start()] if found.start() else ""
    after = found.string[found.end() : found.end() + 1]
    if not before or found[0] not in JOINERS + STYLES + MONGOLIAN:
        return False
    if found[0] in STYLES:
        is_keycap = before in "#*0123456789" and after == KEYCAP
        return is_keycap or before in STYLED or unicodedata.category(before) in {"So", "Sm", "Sk"}
    if found[0] in MONGOLIAN:
        return "\u1820" <= before <= "\u18aa"
    return _joins(before) and (_joins(after) or unicodedata.combining(before) == VIRAMA)


def _joins(char: str) -> bool:
    """Whether a character is a letter of a script with joiners, a mark on one, or a part of an emoji."""
    is_part = char >= FIRST_JOINED and (unicodedata.category(char)[0] in "LM" or _is_emoji(char))
    return is_part and (char in STYLES or not UNSAFE.match(char))


def _is_emoji(char: str) -> bool:
    return unicodedata.category(char) in {"So", "Sm", "Sk"}


def _without_floods(text: str) -> str:
    """Return text with at most `MOST_MARKS` combining marks in a row; the others are cut with an ellipsis."""
    kept = []
    row = 0
    for char in text:
        row = row + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if row <= MOST_MARKS:
            kept.append(char)
        elif row == MOST_MARKS + 1:
            kept.append("…")
    return "".join(kept)


class TextFilter:
    """Knows the secrets in force, and takes them out of any text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern = USERINFO
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Take further secrets out from now on. One that was replaced by another stays one."""
        new = {form for secret in secrets for form in _forms_of(secret)} - self._forms
        if new:
            self._forms |= new
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join([USERINFO.pattern, *map(re.escape, longest_first)]))

    def line(self, text: str, limit: int = LINE_LIMIT) -> str:
        """Return text without secrets, as `one_line` gives it."""
        return one_line(self._masked(text[:LONGEST_READ]), limit)

    def block(self, text: str, limit: int | None = None) -> str:
        """Return text of several lines without secrets, with all other control characters written out."""
        text = self._masked(text[: limit and LONGEST_READ])
        return visible_lines(text.replace("\r\n", "\n")[:limit])

    def data(self, value: Any) -> Any:
        """Return JSON data with every text in it as `line` gives it."""
        if isinstance(value, str):
            return self.line(value)
        if isinstance(value, Mapping):
            return {self.line(str(name)): self.data(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(one) for one in value]
        return value

    def _masked(self, text: str) -> str:
        # In user and password, what stands behind them is kept: it shows which address is meant.
        return self._pattern.sub(lambda found: f"{MASK}@" if found[0].endswith("@") else MASK, text)


def _forms_of(secret: str) -> Iterator[str]:
    """Yield how a secret may appear in a text: itself, its parts, and each of them as it is encoded."""
    for part in set(_parts_of(secret.strip())):
        data = part.encode("utf-8", "replace")
        # Of a Basic header only what does not depend on the other half: whole groups of three bytes.
        basic = b64encode(data)[: len(data) // 3 * 4].decode()
        for form in {part, json.dumps(part)[1:-1], quote(data, safe=""), basic}:
            if len(form) >= SHORTEST_SECRET:
                yield form


def _parts_of(secret: str) -> Iterator[str]:
    """Yield a secret and what of it may stand alone: both sides of a colon, the password of an address."""
    yield secret
    if "://" not in secret:
        yield from secret.split(":")
        return
    try:
        userinfo = urlsplit(secret).netloc.rpartition("@")[0]
    except ValueError:
        return
    password = userinfo.partition(":")[2]
    yield from (userinfo, unquote(userinfo), password, unquote(password))


def count_of(number: int, thing: str) -> str:
    """Return how many of a thing there are: "1 job", "3 jobs"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
