"""`rushes sora import`: what exporters of cookies write signs in, or is refused by the name of its fault."""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from rushes.engines.sora_web.cookies import end_of
from tests.cli.sora.sora_home import SoraHome

SESSION = "__Secure-next-auth.session-token"
YEAR_S = 31_536_000

FOREIGN = [
    {"name": "SID", "value": "mail", "domain": ".mail.example", "path": "/", "expirationDate": 1e300},
    {"name": "theme", "value": "a\x01b", "domain": "127.0.0.1", "path": "/"},
    {"name": "old", "value": "1", "domain": "127.0.0.1", "path": "/", "expirationDate": 1_000_000_000},
]
"""What else stands in an export: a cookie of another site, one that no browser takes, one that has ended."""


def powershell(cookies: list[dict[str, Any]]) -> bytes:
    """A list in milliseconds, saved by PowerShell 5: UTF-16 with its mark."""
    for one in cookies:
        one["expirationDate"] = 1000 * (time.time() + YEAR_S)
    return codecs.BOM_UTF16_LE + json.dumps([*FOREIGN, *cookies]).encode("utf-16-le")


def netscape(cookies: list[dict[str, Any]]) -> bytes:
    """A cookies.txt of Windows: a BOM, CRLF, `#HttpOnly_`, and an end of 0 for the browser's own."""
    lines = ["# Netscape HTTP Cookie File", "", ".mail.example\tTRUE\t/\tFALSE\t99999999999999999\tSID\tmail"]
    lines += [
        f"#HttpOnly_{one['domain']}\tFALSE\t/\tTRUE\t0\t{one['name']}\t{one['value']}" for one in cookies
    ]
    return codecs.BOM_UTF8 + "\r\n".join(lines).encode()


def header(cookies: list[dict[str, Any]]) -> bytes:
    """The header, as the browser's own tools for developers copy it."""
    return ("Cookie: " + "; ".join(f"{one['name']}={one['value']}" for one in cookies) + "\n").encode()


def dated(cookies: list[dict[str, Any]]) -> bytes:
    """An object with a key for the cookies, the time of their end as a date, no word of what is secure."""
    for one in cookies:
        one |= {"expires": "2286-01-01T00:00:00.000Z", "sameSite": None, "secure": "false"}
        del one["expirationDate"]
    return json.dumps({"url": "http://127.0.0.1", "cookies": [*cookies, *FOREIGN]}).encode()


@pytest.mark.parametrize("written", [powershell, netscape, header, dated])
def test_what_exporters_write_signs_in(
    home: SoraHome, written: Callable[[list[dict[str, Any]]], bytes]
) -> None:
    """Whatever its form and its encoding, the session in it is taken over, and only the site's cookies."""
    file = home.cookies()
    cookies = [one for one in json.loads(file.read_text()) if one["name"].startswith(SESSION)]
    file.write_bytes(written(cookies))

    said = home.sora("import", str(file))

    assert said.code == 0, said
    assert home.email in said.out
    kept = json.loads((home.profile / "state.json").read_text())["cookies"]
    assert {one["domain"] for one in kept} == {"127.0.0.1"}
    assert {"old", "theme", "SID"}.isdisjoint(one["name"] for one in kept)


ELSEWHERE = [{"name": SESSION, "value": "x", "domain": ".sora.example"}]
OVER = [{"name": SESSION, "value": "x", "domain": "127.0.0.1", "expires": 1_700_000_000_000}]

REFUSED = {
    "empty": (b"\xef\xbb\xbf \n", 2, "is empty"),
    "utf-16 without a mark": ("[]".encode("utf-16-le"), 2, "it is not text"),
    "latin-1": (b'[{"name": "\xe9"}]', 2, "it is not UTF-8 text"),
    "damaged": (b'{"cookies": [', 2, "begins as JSON and is not JSON (line 1"),
    "database": (b"SQLite format 3\0", 2, "browser's own database"),
    "encrypted": (b'{"url": "https://a", "version": 2, "data": "U2FsdGVk"}', 2, "is an encrypted export"),
    "numbers": (b"[1, 2]", 2, "holds no cookies"),
    "page": (b"<!doctype html><p>Sign in</p>", 2, "holds no cookies in a form that is known"),
    "no session": (
        b"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tTRUE\t0\ta\tb\n",
        2,
        "holds no session",
    ),
    "another site": (json.dumps(ELSEWHERE).encode(), 2, "a session of .sora.example, and none of 127.0.0.1"),
    "over": (json.dumps(OVER).encode(), 7, "ended on 2023-11-14 22:13 UTC"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_signs_nobody_in_is_refused_by_its_fault(home: SoraHome, kind: str) -> None:
    """No browser is started for it, nothing of it is kept, and what to do is said."""
    data, code, words = REFUSED[kind]
    file = home.terminal.home / "export"
    file.write_bytes(data)

    said = home.sora("import", str(file))

    assert (said.code, words in said.err) == (code, True), said
    assert str(file) in said.err
    assert "next:" in said.err
    assert not home.profile.exists()


@pytest.mark.parametrize("told", [1_900_000_000, "1900000000.5", 1_900_000_000_000, 1_900_000_000_000_000,
                                  1_900_000_000_000_000_000, 13_544_473_600_000_000,
                                  "2030-03-17T17:46:40Z", "Sun, 17 Mar 2030 17:46:40 GMT"])  # fmt: skip
def test_an_end_is_read_in_every_unit(told: object) -> None:
    """Seconds, milli-, micro- and nanoseconds, Chromium's own, and dates are the same moment."""
    assert end_of(told) == pytest.approx(1_900_000_000, abs=1)


@pytest.mark.parametrize("told", [None, 0, -1, "", "0", "Session", "nan", True, [], "soon"])
def test_a_cookie_without_an_end_ends_with_the_browser(told: object) -> None:
    """What is no time is none."""
    assert end_of(told) == -1


@pytest.mark.parametrize("told", [253_402_300_800, 10**400, 1e300, "inf", "99999-01-01T00:00:00Z"])
def test_an_end_beyond_all_bounds_is_one_that_the_browser_takes(told: object) -> None:
    """It is the last that there is, or none."""
    assert end_of(told) in (-1, 253_402_300_799)
