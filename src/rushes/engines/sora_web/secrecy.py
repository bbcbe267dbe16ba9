"""What is a secret: by its name, by what it looks like, and by both together.

Three rules, for every place in which a name and a value can stand:

* Some names make a secret of whatever they name: `password`, `access_token`, `sid`, `pin`.
* Other names do so only if the value is not harmless. `code` is a sign-in's code or an error's, `state` a
  random text or a word, `phone` a number or its kind: words, ids, dates and short numbers stay.
* Some values are secrets under any name: tokens, e-mail addresses, phone numbers.
"""

from __future__ import annotations

import re
from itertools import pairwise

WORDS = frozenset(
    {"key", "keys", "pwd", "sig", "otp", "totp", "csrf", "xsrf", "cookie", "cookies", "auth"}
    | {"pin", "sid", "nonce", "verifier", "sessionid", "deviceid", "loginhint", "codechallenge"}
    | {"sessionstate", "oaidid"}
)
"""Words of a name that make it a secret's; compared whole, each alone and with the next one."""

PARTS = re.compile(
    r"token|secret|passw|passphrase|passcode|credential|authorization|signature|jwt|apikey|sessionid|sessid"
    r"|(?:auth|user|device|verification|recovery|backup|access|login|invite|mfa)[_-]?code",
    re.IGNORECASE,
)
"""What a secret's name may hold anywhere: not all names show where a word of them ends."""

SIGNING = frozenset({"st", "se", "ske", "skt", "sks", "skv", "skoid", "sktid", "ac"})
"""Names that sign an address (Azure's shared access)."""

DOUBTFUL = frozenset({"code", "codes", "state", "sessions", "phonenumber"})
"""Last words of a name whose value decides."""

PHONES = frozenset({"phone", "phones", "mobile", "telephone", "tel", "msisdn"})
"""Words of a name whose value decides, wherever they stand in it."""

OPEN_WORDS = frozenset({"error", "status"})
"""Words of a name that make its code no secret."""

LINKS = frozenset(
    {"reset", "verify", "verification", "confirm", "activate", "invite", "magic", "unsubscribe"}
)
"""Parts of a path, the next of which is a secret that was sent to a person."""

ID = re.compile(
    r"(?:task|gen|media|file|ref|user|style|post|s|ch)[_-][0-9A-Za-z]{1,40}(?:-attachment-\d+)?", re.ASCII
)
"""The service's own ids of things."""

DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
NUMBER = re.compile(r"-?\d{1,3}(?:\.\d+)?", re.ASCII)
VERSION = re.compile(r"v\d{1,3}", re.ASCII)
WORD = re.compile(r"[a-z]?(?:[A-Z]*[a-z]{2,}|In|To|Is|By|Of|At|On)+|[A-Z]+|[a-z]")
"""Letters as people write them, in names of programs too; random letters have capitals anywhere."""

NAME_IN_A_PROGRAM = re.compile(r"[A-Za-z]+\d{0,2}", re.ASCII)
MOST_CAPITALS = 0.3
"""The share of capitals in such a name; of random letters half are."""

HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
"""Digests and ids."""

LONGEST_WORD = 24
MOST_DIGITS = 3
"""Digits that a harmless value has at most: an error's number, and no code of four or six."""

RANDOM_CHARACTERS = 12
"""How many of a token's characters at least are in neither words nor numbers nor digests."""


def is_secret(name: str, value: str | None) -> bool:
    """Whether `value` under `name` is a secret; None asks it of all that may stand below the name."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    pairs = [first + second for first, second in pairwise(words)]
    if PARTS.search(name) or _last(name) in SIGNING or not WORDS.isdisjoint((*words, *pairs)):
        return True
    if value is None:
        return False
    # A session that is text is one's key to the site; one that is an object tells of itself.
    return words[-1:] == ["session"] or (_is_doubtful(name, words, pairs) and not is_harmless(value))


def is_secret_in_path(name: str, value: str) -> bool:
    """Whether a part of a path is a secret because of the part before it."""
    if "." in name or not (len(value) > 6 or value.isdecimal()):
        return False
    return (name.lower() in LINKS or is_secret(name, value)) and not is_harmless(value)


def is_harmless(value: str) -> bool:
    """Whether a value is an id of the service, a date, a short number or words, and so nobody's secret."""
    if any(shape.fullmatch(value) for shape in (ID, DATE, NUMBER)):
        return True
    digits = sum(character.isdecimal() for character in value)
    parts = [part for part in re.split(r"[\W_]+", value) if part and not part.isdecimal()]
    return digits <= MOST_DIGITS and all(_is_word(part) or VERSION.fullmatch(part) for part in parts)


def is_token(run: str) -> bool:
    """Whether characters without a gap are a token: mostly random, and neither an id nor a digest."""
    if ID.fullmatch(run):
        return False
    parts = re.findall(r"[0-9A-Za-z]+", run)
    return sum(len(part) for part in parts if not _is_plain(part)) >= RANDOM_CHARACTERS


def _last(name: str) -> str:
    """Return the last part of a name such as `user[t]` or `query.t`."""
    return "".join(re.findall(r"[^\[\].]+", name)[-1:]).lower()


def _is_doubtful(name: str, words: list[str], pairs: list[str]) -> bool:
    if _last(name) == "t" or not PHONES.isdisjoint(words):
        return True
    last = {*words[-1:], *pairs[-1:]}
    return not DOUBTFUL.isdisjoint(last) and OPEN_WORDS.isdisjoint(words)


def _is_word(part: str) -> bool:
    return len(part) <= LONGEST_WORD and (not part.isascii() or WORD.fullmatch(part) is not None)


def _is_plain(part: str) -> bool:
    """Whether a part of a run is a name, a number or a digest, and so not random."""
    if part.isdecimal() or HEXADECIMAL.fullmatch(part):
        return True
    capitals = sum(character.isupper() for character in part)
    few = part.isupper() or capitals <= len(part) * MOST_CAPITALS
    return few and NAME_IN_A_PROGRAM.fullmatch(part) is not None
