"""The cookies of a browser that is signed in elsewhere, in whatever form they were exported.

JSON of a cookie exporter or of Playwright, Netscape's cookies.txt (curl.se/docs/http-cookies.html), and the
value of a `Cookie` header. Only those that the site would be sent are kept: an export of a whole browser
holds the keys to other accounts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rushes.domain.errors import BadInput, SignInNeeded
from rushes.domain.text import decode_text
from rushes.engines.sora_web.jar import SESSION_COOKIE, WITH_THE_BROWSER, is_session, lives

LARGEST_BYTES = 4 * 2**20
"""An export of all cookies of a browser has some 500 kB."""

LAST_END = 253_402_300_799.0
"""The end of the year 9999, the last that Playwright takes."""

SAME_SITE = {"no_restriction": "None", "none": "None", "lax": "Lax", "strict": "Strict"}
"""What browser extensions that export cookies call it, to what the browser calls it."""

UNITS = (
    (1e12, 1.0, 0.0),
    (1e15, 1e3, 0.0),
    (1e16, 1e6, 0.0),
    (1e17, 1e6, 11_644_473_600.0),
    (1e19, 1e9, 0.0),
)
"""The units in which a time is told: below which number each is, how many are a second, and the epoch."""

FORMS = "a cookie exporter's JSON, a cookies.txt, or the value of a Cookie header"
GIVE = f"give the state.json that rushes sora login names, {FORMS}"

_PAIR = re.compile(r"[^\s=;,\"]+=[^\s;]*")
_HTTP_ONLY = "#HttpOnly_"


@dataclass(frozen=True)
class Site:
    """The site that is signed in to."""

    host: str

    @classmethod
    def of(cls, base_url: str) -> Site:
        return cls((urlsplit(base_url).hostname or "").lower())

    def is_sent(self, domain: str) -> bool:
        """Whether a browser sends the site a cookie of this domain."""
        bare = domain.removeprefix(".")
        return self.host == bare or self.host.endswith(f".{bare}")


@dataclass(frozen=True, kw_only=True)
class Export:
    """What an export holds for the site: its living `cookies` in Playwright's shape.

    `others` is how many cookies of other sites it holds, which are left out.
    """

    cookies: list[dict[str, Any]] = field(repr=False)
    others: int


def read_cookies(file: Path, base_url: str, now: float | None = None) -> Export:
    """Return what an export holds for the site at `base_url`.

    `now` is in seconds since 1970. Raises BadInput, and SignInNeeded if the session in it has ended.
    """
    site = Site.of(base_url)
    found = [_cookie(one) for one in _listed(file, _text(file), site) if _is_one(one)]
    sessions = [one for one in found if is_session(one)]
    if not sessions:
        raise BadInput(
            f"{file} holds no session ({SESSION_COOKIE})",
            next=f"sign in to {site.host} in a browser, then export its cookies again",
        )
    ours = [one for one in sessions if site.is_sent(one["domain"])]
    if not ours:
        others = ", ".join(sorted({one["domain"] for one in sessions}))
        raise BadInput(
            f"{file} holds a session of {others}, and none of {site.host}",
            next=f"export the cookies of {site.host}, while you are signed in there",
        )
    now = time.time() if now is None else now
    if not any(lives(one, now) for one in ours):
        ended = datetime.fromtimestamp(max(one["expires"] for one in ours), UTC)
        raise SignInNeeded(
            f"the session in {file} ended on {ended:%Y-%m-%d %H:%M} UTC",
            next=f"sign in to {site.host} in a browser, then export its cookies again",
        )
    own = [one for one in found if site.is_sent(one["domain"])]
    return Export(cookies=[one for one in own if lives(one, now)], others=len(found) - len(own))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror})", next=GIVE) from error
    if len(data) > LARGEST_BYTES:
        raise BadInput(f"{file} is larger than {LARGEST_BYTES // 2**20} MB: that is no export", next=GIVE)
    if data.startswith(b"SQLite format 3"):
        raise BadInput(
            f"{file} is a browser's own database, in which cookies are encrypted",
            next="export the cookies with an extension of the browser, or use: rushes sora login",
        )
    try:
        return decode_text(data).strip()
    except ValueError as error:
        raise BadInput(f"{file} cannot be used: {error}", next=GIVE) from error


# --- the forms of an export ---


def _listed(file: Path, text: str, site: Site) -> Sequence[Mapping[str, Any]]:
    """Return what the cookies of an export are called in it; whatever else it holds is left out."""
    if not text:
        raise BadInput(f"{file} is empty", next=GIVE)
    if text[0] in "[{":
        return _of_json(file, text, site)
    lines = list(_of_netscape(text))
    if lines:
        return lines
    header = re.sub(r"(?i)^cookie:\s*", "", text)
    pairs = [one.strip() for one in header.split(";") if one.strip()]
    if "\n" not in header and pairs and all(_PAIR.fullmatch(one) for one in pairs):
        return [_of_site(site, *one.split("=", 1)) for one in pairs]
    raise BadInput(f"{file} holds no cookies in a form that is known: it is not {FORMS}", next=GIVE)


def _of_json(file: Path, text: str, site: Site) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "damaged"
        raise BadInput(f"{file} begins as JSON and is not JSON ({where})", next=GIVE) from error
    listed = found.get("cookies") if isinstance(found, dict) else found
    if listed is None and isinstance(found, dict):
        if "data" in found:
            raise BadInput(f"{file} is an encrypted export", next="export the cookies without a password")
        listed = found
    if isinstance(listed, dict) and listed and all(isinstance(one, str) for one in listed.values()):
        return [_of_site(site, name, value) for name, value in listed.items()]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadInput(f"{file} is JSON that holds no cookies", next=GIVE)
    return listed


def _of_netscape(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the cookies of a cookies.txt; its columns are parted by tabs, which editors turn into blanks."""
    for line in text.splitlines():
        http_only = line.startswith(_HTTP_ONLY)
        line = line.removeprefix(_HTTP_ONLY)
        columns = line.split("\t") if "\t" in line else line.split(None, 6)
        if line.startswith("#") or len(columns) not in (6, 7):
            continue
        domain, _, path, secure, expires, name, *value = (one.strip() for one in columns)
        if secure.upper() not in ("TRUE", "FALSE"):
            continue
        yield {
            "name": name,
            "value": "".join(value),
            "domain": domain,
            "path": path,
            "expires": expires,
            "httpOnly": http_only,
            "secure": secure,
        }


def _of_site(site: Site, name: str, value: str) -> Mapping[str, Any]:
    """Return a cookie of which only name and value are told."""
    return {"name": name, "value": value, "domain": site.host, "httpOnly": True, "secure": True}


# --- one cookie ---


def _is_one(one: Mapping[str, Any]) -> bool:
    """Whether a browser would take it for a cookie."""
    name, domain = one.get("name"), one.get("domain") or one.get("host")
    texts = (name, domain, str(one.get("value") or ""))
    return bool(name and domain) and all(isinstance(text, str) and text.isprintable() for text in texts)


def _cookie(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cookie in Playwright's shape; exporters write expirationDate and their own sameSite words."""
    ends = one.get("session") is not True
    expires = next((one[name] for name in ("expires", "expirationDate", "expiry") if name in one), None)
    name, domain = str(one["name"]), str(one.get("domain") or one.get("host")).lower()
    if "://" in domain:
        domain = urlsplit(domain).hostname or domain
    # Names that begin so are of cookies that are secure; a browser takes no others.
    secure = _is_true(one.get("secure")) or name.startswith(("__Secure-", "__Host-"))
    same_site = SAME_SITE.get(str(one.get("sameSite") or "lax").lower(), "Lax")
    return {
        "name": name,
        "value": str(one.get("value") or ""),
        "domain": domain.removeprefix(".") if name.startswith("__Host-") else domain,
        "path": str(one.get("path") or "/"),
        "expires": end_of(expires) if ends else WITH_THE_BROWSER,
        "httpOnly": _is_true(one.get("httpOnly")),
        "secure": secure,
        "sameSite": same_site if secure or same_site != "None" else "Lax",
    }


def _is_true(value: object) -> bool:
    return value.lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)


def end_of(told: object) -> float:
    """Return when a cookie ends, in seconds since 1970, or `WITH_THE_BROWSER`.

    Exporters write seconds, milliseconds, microseconds, nanoseconds, Chromium's microseconds since 1601, or a
    date; by their size they can be told apart for any time from 2002 to the year 2286.
    """
    if isinstance(told, str):
        told = _number(told) if _number(told) is not None else _date(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return WITH_THE_BROWSER
    try:
        number = float(told)
    except OverflowError:
        return LAST_END
    for most, a_second, epoch in UNITS:
        if number < most:
            return min(number / a_second - epoch, LAST_END)
    return LAST_END


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> float | None:
    """Return a date as seconds since 1970, None for what is none: "Session", for one."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text.strip())
            at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            return (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
