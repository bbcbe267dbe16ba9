"""A recording of a real browser, without its secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
import pytest_asyncio

from rushes.engines.sora_web.browser import first_line
from rushes.engines.sora_web.multipart import boundary_of, without_files
from rushes.engines.sora_web.redaction import redact, redact_address
from tests.engines.sora_web.planted import PROMPT, SECRETS, holds, planted, recorded

ENTRY = {"startedDateTime", "time", "request", "response", "cache", "timings"}
REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
RESPONSE = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"}
"""What HAR 1.2 wants of an entry."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with planted() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def raw(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return await recorded(address, tmp_path_factory.mktemp("har"))


@pytest.fixture
def clean(raw: str) -> str:
    return json.dumps(redact(json.loads(raw)), ensure_ascii=False)


@pytest.mark.parametrize("kind", SECRETS)
def test_a_planted_secret_is_gone(raw: str, clean: str, kind: str) -> None:
    """What was planted stands in the recording and, in no spelling, in what is made of it."""
    secret = SECRETS[kind]
    plain = unquote(secret)

    assert holds(raw, secret)
    for spelling in (secret, plain, quote(plain, safe=""), quote_plus(plain)):
        assert not holds(clean, spelling)


def test_it_is_still_a_har_of_the_same_traffic(raw: str, clean: str) -> None:
    """Every entry is there with its method, status, sizes, times, and the names of all it carried."""
    before, after = json.loads(raw)["log"], json.loads(clean)["log"]

    assert after["version"] == "1.2"
    assert len(after["entries"]) == len(before["entries"]) > 10
    for was, one in zip(before["entries"], after["entries"], strict=True):
        assert one.keys() >= ENTRY
        assert one["request"].keys() >= REQUEST
        assert one["response"].keys() >= RESPONSE
        assert _outline(was) == _outline(one)


def _outline(entry: dict[str, Any]) -> dict[str, Any]:
    sent, got = entry["request"], entry["response"]
    return {
        "time": (entry["startedDateTime"], entry["time"], entry["timings"]),
        "method": sent["method"],
        "status": got["status"],
        "sizes": (sent["bodySize"], got["content"]["size"], got["bodySize"]),
        "kind": got["content"].get("mimeType"),
        "headers": [one["name"] for one in (*sent["headers"], *got["headers"])],
        "cookies": [one["name"] for one in (*sent["cookies"], *got["cookies"])],
        "query": [one["name"] for one in sent["queryString"]],
        "path": re.split(r"\?|(?<=/reset/)|(?<=/v1/session/)", sent["url"])[0],
    }


def test_what_is_no_secret_stays(clean: str) -> None:
    """The words of a request, its fields' names, numbers, and an address without its signature are kept."""
    log = json.loads(clean)["log"]
    create = next(one for one in log["entries"] if one["request"]["url"].endswith("/create"))
    session = next(one for one in log["entries"] if one["request"]["url"].endswith("/session"))
    sent = json.loads(create["request"]["postData"]["text"])
    told = json.loads(session["response"]["content"]["text"])

    assert sent["prompt"] == PROMPT
    assert sent.keys() == {"prompt", "password", "key", "options", "headers"}
    assert told["expires_in"] == 3600
    assert told["error"] == {"code": "invalid_request"}
    assert told["user"] == {"email": "n***@example.com", "name": "Norma"}
    assert told["url"] == "https://files.example.com/raw?sp=r&sig=REDACTED&width=352"


def test_cookies_are_known_by_their_names(clean: str) -> None:
    """Which cookies went and came, and for how long they are good, can be told; what is in them cannot."""
    entries = json.loads(clean)["log"]["entries"]
    create = next(one for one in entries if one["request"]["url"].endswith("/create"))
    sent = {one["name"].lower(): one["value"] for one in create["request"]["headers"]}
    got = {one["name"].lower(): one["value"] for one in create["response"]["headers"]}

    assert sent["cookie"] == "own=REDACTED; page=REDACTED"
    assert got["set-cookie"] == "own=REDACTED; Path=/; HttpOnly; Max-Age=90"


def test_files_that_were_sent_are_left_out() -> None:
    """Of a multipart body the parts' heads stay, and neither a file's contents nor a password."""
    lines = [
        "--edge",
        'Content-Disposition: form-data; name="password"',
        "",
        "hunter2-planted",
        "--edge",
        'Content-Disposition: form-data; name="use_case"',
        "",
        "inpaint_safe",
        "--edge",
        'Content-Disposition: form-data; name="file"; filename="in.png"',
        "Content-Type: image/png",
        "",
        "contents-planted",
        "--edge--",
        "",
    ]
    body = {"mimeType": "multipart/form-data; boundary=edge", "text": "\r\n".join(lines)}
    entry = {"request": {"url": "https://h.example.com/upload", "postData": body}, "response": {}}

    (clean,) = redact({"log": {"entries": [entry]}})["log"]["entries"]
    text = clean["request"]["postData"]["text"]

    assert "planted" not in text
    assert 'name="password"' in text
    assert "inpaint_safe" in text
    assert 'filename="in.png"' in text


@pytest.mark.parametrize(
    ("contents", "unseen", "told"),
    [
        (b"", 4226, "(4226 bytes left out)"),  # as Chromium shows a file of the disk
        (b"\x89PNG\r\n\x00\xff--", None, "(10 bytes left out)"),
        (b"", None, "(contents left out)"),
    ],
)
def test_a_form_is_told_with_the_sizes_of_its_files(contents: bytes, unseen: int | None, told: str) -> None:
    """Whether the browser shows a file's contents or not, they are left out, and their size is told once."""
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="in.png"\r\nContent-Type: image/png'
    )
    field = b'--edge\r\nContent-Disposition: form-data; name="use_case"\r\n\r\nprofile\r\n--edge--\r\n'
    body = head + b"\r\n\r\n" + contents + b"\r\n" + field
    kind = "multipart/form-data; boundary=edge"

    sent = None if unseen is None else len(body) + unseen
    text = without_files(body, boundary_of(kind) or "", sent)

    assert text.encode() == head + b"\r\n\r\n" + told.encode() + b"\r\n" + field
    entry = {"request": {"url": "/upload", "postData": {"mimeType": kind, "text": text}}, "response": {}}
    (clean,) = redact({"log": {"entries": [entry]}})["log"]["entries"]
    assert told in clean["request"]["postData"]["text"]


def test_redacting_twice_changes_nothing_more(clean: str) -> None:
    """What is without secrets comes out as it went in."""
    once = json.loads(clean)

    assert redact(once) == once


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://h.example.com/p?limit=8&cut=nf2", "https://h.example.com/p?limit=8&cut=nf2"),
        ("https://h.example.com/raw?se=2026&sig=abc&sp=r", "https://h.example.com/raw?se=REDACTED&sig=REDACTED&sp=r"),
        ("https://u:p@h.example.com/", "https://REDACTED@h.example.com/"),
        ("https://h.example.com/#access_token=abc&x=1", "https://h.example.com/#access_token=REDACTED&x=1"),
        ("/users?email=nora%40example.com", "/users?email=n***@example.com"),
        ("/reset/eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln?lang=en", "/reset/REDACTED?lang=en"),
        ("/v1/session/Zx8Qw3Er7Ty2Ui9Op4As6Df1/open", "/v1/session/REDACTED/open"),
        ("/x?t=q7Lm2xV9&page=2", "/x?t=REDACTED&page=2"),
        ("/x?code=4%2F0AX4XfWj&state=af0ifjsldkj", "/x?code=REDACTED&state=REDACTED"),
        ("/x?error=no_access&code=no_access&t=12.5", "/x?error=no_access&code=no_access&t=12.5"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_what_signs_it(address: str, expected: str) -> None:
    """Signatures, tokens, passwords and e-mail addresses leave an address; the rest is as it was."""
    assert redact_address(address) == expected


def test_what_the_browser_quotes_of_an_address_is_redacted() -> None:
    """(F37) What the browser says of an address is repeated without user, password and codes."""
    quoted = (
        "Page.goto: net::ERR_ABORTED at https://me:pass-4711@sora.test/cb?code=4/0AXsecretcode123&state=ok\n"
        "Call log:\n  - navigating"
    )
    line = first_line(RuntimeError(quoted))
    assert "Page.goto" in line
    assert "sora.test" in line
    assert "pass-4711" not in line
    assert "0AXsecretcode123" not in line
