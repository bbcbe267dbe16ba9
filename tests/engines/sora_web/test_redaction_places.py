"""One secret in every place of a recording: the same names and looks are hidden wherever they stand (F37)."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

from rushes.engines.sora_web.redaction import redact, redact_address

SITE = "https://site.example.com"

Entry = dict[str, Any]
Place = Callable[[str, str], Entry]
"""Makes an exchange that holds a name and its value in one place."""


def exchange(url: str = SITE, request: Mapping[str, Any] = {}, response: Mapping[str, Any] = {}) -> Entry:
    return {
        "request": {"method": "POST", "url": url, "headers": [], "cookies": [], "queryString": [], **request},
        "response": {"status": 200, "headers": [], "cookies": [], "content": {}, **response},
    }


def request_body(text: str, kind: str = "application/json") -> Entry:
    return exchange(request={"postData": {"mimeType": kind, "text": text}})


def response_body(text: str, kind: str = "application/json", **more: str) -> Entry:
    return exchange(response={"content": {"mimeType": kind, "text": text, **more}})


def frame(data: str, opcode: int = 1) -> Entry:
    return {**exchange(), "_webSocketMessages": [{"type": "send", "opcode": opcode, "data": data}]}


def json_text(name: str, value: str, times: int = 1) -> str:
    """Return JSON, put into a JSON string again as often as is asked."""
    text = json.dumps({name: value, "kind": "small"})
    for _ in range(times - 1):
        text = json.dumps(text)
    return text


def base64_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def multipart(name: str, value: str, end: str) -> Entry:
    lines = ["--edge", f'Content-Disposition: form-data; name="{name}"', "", value, "--edge--", ""]
    return request_body(end.join(lines), "multipart/form-data; boundary=edge")


def header(name: str, value: str) -> Entry:
    return exchange(request={"headers": [{"name": name, "value": value}]})


PLACES: dict[str, Place] = {
    "query": lambda n, v: exchange(
        f"{SITE}/x?limit=8&{urlencode({n: v})}", {"queryString": [{"name": n, "value": v}]}
    ),
    "fragment": lambda n, v: exchange(f"{SITE}/x#{urlencode({n: v})}&page=2"),
    "query of a fragment": lambda n, v: exchange(f"{SITE}/#/sign-in?{urlencode({n: v})}"),
    "matrix parameter": lambda n, v: exchange(f"{SITE}/x;{n}={quote(v, safe='')}?limit=8"),
    "query with brackets": lambda n, v: exchange(f"{SITE}/x?user[{n}]={quote(v)}"),
    "JSON in a query": lambda n, v: exchange(f"{SITE}/x?data={quote(json_text(n, v), safe='')}"),
    "JSON in a query, encoded twice": lambda n, v: exchange(
        f"{SITE}/x?data={quote(quote(json_text(n, v), safe=''), safe='')}"
    ),
    "address in a query": lambda n, v: exchange(
        f"{SITE}/x?next={quote(SITE + '/y?' + urlencode({n: v}), safe='')}"
    ),
    "JSON in a path": lambda n, v: exchange(f"{SITE}/x/{quote(json_text(n, v), safe='')}/y"),
    "referer": lambda n, v: header("Referer", f"{SITE}/x?{urlencode({n: v})}"),
    "location": lambda n, v: exchange(
        response={
            "headers": [{"name": "Location", "value": f"/x?{urlencode({n: v})}"}],
            "redirectURL": f"/x?{urlencode({n: v})}",
        }
    ),
    "header": lambda n, v: header(n.replace("_", "-"), v),
    "JSON in a header": lambda n, v: header("Report-To", json_text(n, v)),
    "cookies": lambda n, v: exchange(
        request={
            "headers": [{"name": "cookie", "value": f"a=b; {n}={v}"}],
            "cookies": [{"name": n, "value": v}],
        },
        response={"headers": [{"name": "Set-Cookie", "value": f"{n}={v}; Path=/; Max-Age=90"}]},
    ),
    "form": lambda n, v: request_body(urlencode({"a": "b", n: v}), "application/x-www-form-urlencoded"),
    "parameters of a form": lambda n, v: exchange(
        request={"postData": {"mimeType": "", "params": [{"name": n, "value": v}]}}
    ),
    "form of no kind": lambda n, v: request_body(urlencode({n: v, "kind": "small"}), "text/plain"),
    "form in JSON": lambda n, v: request_body(json.dumps({"body": urlencode({n: v, "kind": "small"})})),
    "lines of a form": lambda n, v: request_body(f"kind=small\r\n{n}={quote_plus(v)}\r\n", "text/plain"),
    "multipart": lambda n, v: multipart(n, v, "\r\n"),
    "multipart of bare lines": lambda n, v: multipart(n, v, "\n"),
    "JSON sent": lambda n, v: request_body(json_text(n, v)),
    "JSON answered": lambda n, v: response_body(json_text(n, v)),
    "JSON in base64": lambda n, v: response_body(base64_text(json_text(n, v)), encoding="base64"),
    "JSON deep down": lambda n, v: response_body(json.dumps({"a": [[{"b": {"c": [{n: v}]}}]]})),
    "list in JSON": lambda n, v: response_body(json.dumps({n: [v, v]})),
    "pair in JSON": lambda n, v: response_body(json.dumps({"fields": [[n, v], ["kind", "small"]]})),
    "name and value in JSON": lambda n, v: response_body(json.dumps([{"name": n, "value": v}])),
    "key and value in JSON": lambda n, v: response_body(json.dumps([{"key": n, "value": v}])),
    "id and value in JSON": lambda n, v: response_body(json.dumps([{"id": n, "value": v}])),
    "value below its name in JSON": lambda n, v: response_body(json.dumps({n: {"value": v}})),
    "address in JSON": lambda n, v: response_body(json.dumps({"url": f"{SITE}/x?{urlencode({n: v})}"})),
    "JSON in JSON": lambda n, v: response_body(json.dumps({"body": json_text(n, v)})),
    "JSON in JSON in JSON": lambda n, v: response_body(json.dumps({"body": json_text(n, v, 3)})),
    "JSON in a string": lambda n, v: response_body(json_text(n, v, 2)),
    "broken JSON": lambda n, v: response_body(json_text(n, v)[:-1]),
    "broken JSON in a string": lambda n, v: response_body(json.dumps(json.dumps(json_text(n, v)[:-1]))),
    "JSON of a stream": lambda n, v: response_body(f"data: {json_text(n, v)}\n\n", "text/event-stream"),
    "list of a stream": lambda n, v: response_body(
        f"data: {json.dumps([{'name': n, 'value': v}])}\n\n", "text/event-stream"
    ),
    "JSON in a call": lambda n, v: response_body(f"callback({json_text(n, v)});", "text/javascript"),
    "JSON in a script": lambda n, v: response_body(
        f"<script>self.push([1, {json_text(n, v, 2)}])</script>", "text/html"
    ),
    "JSON with escaped quotes": lambda n, v: response_body(
        "const s = '" + json_text(n, v).replace('"', r"\u0022") + "'", "text/javascript"
    ),
    "JSON in a page": lambda n, v: response_body(f'<p data-a="{html.escape(json_text(n, v))}">', "text/html"),
    "JSON in a page, by number": lambda n, v: response_body(
        f"<p data-a='{html.escape(json_text(n, v)).replace('&quot;', '&#34;')}'>", "text/html"
    ),
    "JSON in a page, escaped twice": lambda n, v: response_body(
        f"<pre>{html.escape(html.escape(json_text(n, v)))}</pre>", "text/html"
    ),
    "JSON in JSON in a page": lambda n, v: response_body(
        f'<p data-a="{html.escape(json.dumps({"a": json_text(n, v)}))}">', "text/html"
    ),
    "page in JSON": lambda n, v: response_body(json.dumps({"a": f'<p a="{html.escape(json_text(n, v))}">'})),
    "field of a page": lambda n, v: response_body(f'<input name="{n}" value="{html.escape(v)}">'),
    "element": lambda n, v: response_body(f"<a><{n}>{html.escape(v)}</{n}></a>", "application/xml"),
    "frame": lambda n, v: frame(json_text(n, v)),
    "frame of a protocol": lambda n, v: frame(f'42["event",{json_text(n, v)}]'),
    "frame in base64": lambda n, v: frame(base64_text(json_text(n, v)), 2),
    "failure": lambda n, v: exchange(response={"_error": f"no answer from {SITE}/x?{urlencode({n: v})}"}),
}  # fmt: skip

NAMED = [
    ("code", "4/0AX4XfWjq"),
    ("code", "482913"),
    ("code", "SplxlOBeZQQYbYS"),
    ("code_verifier", "verifying"),
    ("codeVerifier", "verifying"),
    ("session", "9f8e7d6c5b"),
    ("session", "yankeezulu"),
    ("session_id", "opened"),
    ("sessionId", "7b7b"),
    ("sid", "zulu"),
    ("device_id", "3b1f8c52-6f0e-4d5a-9a57-0f2f1c1d7e11"),
    ("deviceId", "zulu"),
    ("pin", "7391"),
    ("otp", "zulu"),
    ("state", "af0ifjsldkj"),
    ("nonce", "n-0S6_WzA2Mj"),
    ("t", "q7Lm2xV9"),
    ("phone", "0151 2345678"),
    ("phone_number", "(030) 901820"),
    ("mobilePhone", "07700 900461"),
    ("authCode", "zuluzulu"),
    ("user_code", "WDJB-MJHT"),
    ("passcode", "zulu"),
    ("access_token", "zulu"),
    ("st", "2026-09-09"),
]
"""Secrets by their names; what is short or a plain word is none by its looks."""


def claims() -> str:
    return ".".join(base64_text(part).rstrip("=") for part in ('{"alg":"none"}', '{"sub":"x"}', "signature"))


BY_SHAPE = {
    "a JWT": claims(),
    "a token of base64url": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "a token of letters and digits": "Zx8Qw3Er7Ty2Ui9Op4As6Df1",
    "a token of base36": "k3j9x0q8w7e6r5t4y3u2i1",
    "a token of base64": "q83vEjRWeJCrze8SNFZ4+kKrze8SNFZ4kA==",
    "a key of a service": "sk-proj-Ab12Cd34Ef56Gh78Ij90",
    "an address of a person": "nora.planted@example.com",
    "a phone number": "+14155550132",
    "a phone number in groups": "+44 20 7946 0018",
    "a phone number of America": "(415) 555-0132",
}
"""Secrets by their looks, whatever their names."""

HARMLESS = [
    ("id", "task_01kzx8q4c7e9v8k3n2m1p0abcd"),
    ("generation_id", "gen_01kzx8q4c7e9v8k3n2m1p0abcd"),
    ("post_id", "s_0123456789abcdef0123456789abcdef"),
    ("attachment", "s_0123456789abcdef0123456789abcdef-attachment-0"),
    ("user_id", "user-8xKzWl1QmNpT3vYb7dRfGhJc"),
    ("file_id", "file_00000000aaaabbbbccccddddeeeeffff"),
    ("asset", "3b1f8c52-6f0e-4d5a-9a57-0f2f1c1d7e11"),
    ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("code", "invalid_request"),
    ("code", "phone_number_required"),
    ("code", "NOT_FOUND"),
    ("code", "AccessDeniedException"),
    ("code", "404"),
    ("error_code", "AADSTS50058"),
    ("state", "running"),
    ("sessions", "expired"),
    ("message", "Missing bearer authentication in header"),
    ("status", "succeeded"),
    ("t", "12.5"),
    ("prompt", "a paper boat, shot 12 of 30, on a rainy street"),
    ("size", "1280x720"),
    ("model", "sy_8_20251208"),
    ("created_at", "2026-03-03T03:03:21+00:00"),
    ("created_at", "1774816394.12"),
    ("user_agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    ("pinned", "first"),
    ("decode", "h264"),
]
"""What makes a recording useful; it stays."""

READABLE = [name for name in PLACES if name != "cookies"]
"""Places in which what is harmless stays: what is in a cookie is never shown."""


def recording(entry: Entry) -> str:
    """Return the text of a recording of one exchange, as `rushes sora explore` writes it."""
    return json.dumps(redact({"log": {"version": "1.2", "entries": [entry]}}), indent=1, ensure_ascii=False)


def spellings(value: str) -> list[str]:
    """Return a value in the encodings of these places."""
    encoded = [quote(value), quote(value, safe=""), quote(value, safe="@"), quote_plus(value)]
    return [
        value,
        *encoded,
        quote(encoded[1]),
        quote(encoded[3]),
        html.escape(value),
        json.dumps(value)[1:-1],
    ]


def holds(text: str, value: str) -> bool:
    """Whether a recording's text holds a value in any encoding."""
    return any(spelling in text for spelling in spellings(value))


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_hidden_by_its_name_in_every_place(place: str) -> None:
    """A value whose name makes it a secret is not in what is written, in no spelling (F37)."""
    recordings = {(name, secret): recording(PLACES[place](name, secret)) for name, secret in NAMED}

    assert [pair for pair, text in recordings.items() if holds(text, pair[1])] == []


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_hidden_by_its_looks_in_every_place(place: str) -> None:
    """A token, an e-mail address and a phone number are not written, whatever their name is (F37)."""
    recordings = {kind: recording(PLACES[place]("note", secret)) for kind, secret in BY_SHAPE.items()}

    assert [kind for kind, text in recordings.items() if holds(text, BY_SHAPE[kind])] == []


@pytest.mark.parametrize("path", ["/reset/{}", "/{}", "/x/{}/y?limit=8", "/x/y#{}"])
def test_a_secret_is_hidden_by_its_looks_in_a_path(path: str) -> None:
    """A token, an e-mail address or a phone number in the path of an address is hidden (F37)."""
    for secret in BY_SHAPE.values():
        address = SITE + path.format(quote(secret, safe="@"))

        assert not holds(recording(exchange(address)), secret)
        assert not holds(redact_address(address), secret)


@pytest.mark.parametrize(
    "path", ["/v1/session/{}", "/code/{}", "/reset/{}", "/verify/{}/done", "/invite/{}", "/auth/magic/{}"]
)
@pytest.mark.parametrize("secret", ["48291377", "b7e1-91ac-77d0", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"])
def test_a_secret_is_hidden_by_the_part_of_the_path_before_it(path: str, secret: str) -> None:
    """What looks like an id is hidden where the path names it a session, a code or a link of a mail (F37)."""
    address = SITE + path.format(secret)

    assert redact_address(address) == SITE + path.format("REDACTED")


@pytest.mark.parametrize(
    "path",
    [
        "/api/auth/session",
        "/auth/oauth2/callback",
        "/backend/auth/v2/refresh",
        "/v1/session/task_01kzx8q4c7e9v8k3n2m1p0abcd",
        "/backend/nf/tasks/task_01kzx8q4c7e9v8k3n2m1p0abcd/v2",
        "/p/s_0123456789abcdef0123456789abcdef",
        "/az/files/00000000-b2a4-7280-9d3a-5b3d1c1e0c5a%2Fraw",
        "/files/9f86d081884c7d65_3b1f8c52-6f0e-4d5a-9a57-0f2f1c1d7e11/drvs/md/raw",
        "/_next/static/chunks/4bd1b696-f785427dddbba9fb.js",
        "/backend/project_y/profile/drafts/v2?limit=15&cursor=20",
    ],
)
def test_a_useful_path_stays(path: str) -> None:
    """The names of calls, the ids of tasks, posts and files, and digests stay in an address (F37)."""
    assert redact_address(SITE + path) == SITE + path


@pytest.mark.parametrize("place", READABLE)
def test_what_is_no_secret_stays_in_every_place(place: str) -> None:
    """Ids, words of a state, codes of errors, prompts, sizes and times can be read (F37)."""
    recordings = {(name, value): recording(PLACES[place](name, value)) for name, value in HARMLESS}

    assert [pair for pair, text in recordings.items() if not holds(text, pair[1])] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 1920),
        ("created_at", 1774816394.12),
        ("n_frames", 300),
        ("code", 404),
        ("is_phone_number_verified", True),
        ("pin", None),
        ("session", {"status": "open", "n_frames": 300}),
    ],
)
def test_numbers_and_shapes_stay(name: str, value: object) -> None:
    """Sizes, times, numbers of errors, and what a session is made of can be read (F37)."""
    text = recording(response_body(json.dumps({name: value})))

    content = json.loads(text)["log"]["entries"][0]["response"]["content"]["text"]
    assert json.loads(content) == {name: value}


@pytest.mark.parametrize("name", ["code", "pin", "otp", "phone", "session_id"])
def test_a_number_can_be_a_secret(name: str) -> None:
    """A code, a PIN and a phone number are hidden where JSON holds them as numbers too (F37)."""
    bodies = [
        json.dumps({name: 4829137}),
        f"data: {json.dumps({'a': {name: 4829137}})}\n",
        f'{{"{name}": 4829137,',
    ]

    for body in bodies:
        assert "4829137" not in recording(response_body(body))


def test_a_device_is_hidden_by_the_name_around_its_id() -> None:
    """An id is a secret where what holds it is a device or a session, and stays elsewhere (F37)."""
    body = {"device": {"id": "zulu-9"}, "session": {"id": "yankee-9"}, "style": {"id": "xray-9"}}

    text = recording(response_body(json.dumps(body)))

    assert "zulu-9" not in text
    assert "yankee-9" not in text
    assert "xray-9" in text


def test_half_a_character_does_not_lose_the_recording() -> None:
    """What JSON holds of a cut emoji is written as it was escaped, and the secret beside it is hidden."""
    text = recording(
        response_body('{"title": "boat \\ud83d", "password": "zulu \\ud83d", "more": [{"pin": 4829137}]}')
    )

    assert b"boat \\\\ud83d" in text.encode("utf-8")
    assert "zulu" not in text
    assert "4829137" not in text


def escape_often(text: str) -> str:
    """Return text that a page shows after it was escaped 50 times."""
    for _ in range(50):
        text = html.escape(text)
    return text


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 5000 + '{"pin": "zulu-7391"}' + "}" * 5000,
        "[" * 50_000 + '{"pin": "zulu-7391"',
        "?a=" * 5000 + "b&pin=zulu-7391",
        "/a=" * 5000 + "?pin=zulu-7391",
        escape_often('{"pin": "zulu-7391"}'),
    ],
    ids=["objects", "lists", "queries", "paths", "escapes"],
)
def test_what_is_wrapped_too_often_loses_neither_the_recording_nor_a_secret(text: str) -> None:
    """However deep one thing is inside of another, a recording comes out, and the secret does not (F37)."""
    assert "zulu" not in recording(response_body(text, "text/plain"))
    assert "zulu" not in redact_address(text)


def test_all_that_the_sites_own_check_sends_is_hidden_in_a_form_too() -> None:
    """The body of a sentinel call keeps its flow alone, as JSON and as a form (F37)."""
    for text in ('{"flow": "sora_init", "p": "zulu"}', "flow=sora_init&p=zulu"):
        entry = exchange(f"{SITE}/sentinel/req", {"postData": {"mimeType": "text/plain", "text": text}})

        assert "zulu" not in recording(entry)
        assert "sora_init" in recording(entry)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_comes_out_of_a_second_redaction_as_it_went_in(place: str) -> None:
    """What was made safe once is not changed by the next time (F37)."""
    once = json.loads(recording(PLACES[place]("code", "4/0AX4XfWjq")))

    assert redact(once) == once
