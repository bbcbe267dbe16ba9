"""A page on loopback with every kind of secret in it, and a recording of a real Chromium that visited it."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import async_playwright


def _jwt(claims: dict[str, str]) -> str:
    parts = ({"alg": "none"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmF0dXJl-planted"])


SECRETS = {
    "a cookie that the server sets": "cookie-of-the-session-0001",
    "a cookie that the page sets": "cookie-of-the-page-0002",
    "the access token": _jwt({"sub": "planted-in-the-session"}),
    "a token in plain text": _jwt({"sub": "planted-in-plain-text"}),
    "a refresh token": "rt-planted-0003",
    "a session token": "st planted with spaces 0004",
    "an authorization header": "bearer-planted-0005",
    "basic authorization": "cGxhbnRlZC11c2VyOnBsYW50ZWQ=",
    "a sentinel header": "sentinel-planted-0006",
    "what the sentinel sends": "proof-planted-0007",
    "what the sentinel answers": "challenge-planted-0008",
    "an x- header": "x-planted-0009",
    "an x- header of an answer": "x-planted-0010",
    "the device's id": "8d5f2f30-planted-0011",
    "a password in a form": "hunter2-0012",
    "a password in JSON": "pass word's 0013",
    "a password that comes back in a page": "echoed-password-0014",
    "a password in a multipart body": "multipart-planted-0015",
    "a key": "key-planted-0017",
    "a nested key": "key-planted-0018",
    "a list of headers in JSON": "listed-planted-0019",
    "a signature": "c2lnLXBsYW50ZWQtMDAyMA%3D%3D",
    "the end of a signature": "2026-03-03T03%3A03%3A21Z",
    "a signature in a body": "sig-planted-0022",
    "a token in an address": "token-planted-0023",
    "a code of a redirection": "code-planted-0024",
    "a proxy's user": "proxy-user-0025",
    "a proxy's password": "proxy-planted-0026",
    "a field of a page's form": "csrf-planted-0027",
    "a page's own data": "inline-planted-0028",
    "a script's own data": "script-planted-0029",
    "JSON inside of JSON": "inner-planted-0030",
    "an event of a stream": "stream-planted-0031",
    "an address of a person": "norma.planted@example.com",
    "an address in a form": "nora.planted",
    "bytes that are not text": "binary-planted-0032",
    "a code in JSON": "4/0AX4XfWplanted0033",
    "a code's verifier": "dBjftJeZ4CVP-planted-0034",
    "a session in JSON": "5e55-planted-0035",
    "a session's short name": "51d-planted-0036",
    "a device in JSON": "3b1f8c52-planted-0037",
    "a PIN": "7391007391",
    "a phone number": "+14155550138",
    "a number without a country": "0151 23450039",
    "a token in a path": _jwt({"sub": "planted-in-a-path"}),
    "an id in a path": "9f8e7d6c5b4a39281706f5e4d3c2b140",
    "a token of a short name": "q7Lm2xV9-0041",
    "JSON in a page": "attribute-planted-0042",
    "JSON in JSON in JSON": "innermost-planted-0043",
    "a form without a kind": "beacon-planted-0044",
}
"""What was planted, by where."""

PROMPT = "a paper boat on a rainy street"
"""What is no secret, and has to stay."""


def fill(text: str) -> str:
    """Put secrets and the prompt where «their names» stand.

    Where ‹their names› stand, a script puts them together: its own text does not hold them.
    """
    for name, secret in {**SECRETS, "prompt": PROMPT}.items():
        half = len(secret) // 2
        text = text.replace(f"«{name}»", secret)
        text = text.replace(f"‹{name}›", f'("{secret[:half]}" + "{secret[half:]}")')
    return text


PAGE = fill("""<!doctype html><title>Planted for «an address of a person»</title>
<div data-props="{&quot;token&quot;:&quot;«JSON in a page»&quot;}"></div>
<meta name="csrf-token" content="«a field of a page's form»">
<form><input type="password" name="password" value="«a password that comes back in a page»"></form>
<script id="data" type="application/json">{"page": {"apiKey": "«a page's own data»"}}</script>
<script>
const config = {clientSecret: '«a script's own data»', colour: "blue"};
document.cookie = "page=«a cookie that the page sets»";
const form = text => ({method: "POST", body: new URLSearchParams(text)});
const post = (data, headers) => ({method: "POST", body: JSON.stringify(data),
                                   headers: {"Content-Type": "application/json", ...headers}});
const get = async (...how) => (await fetch(...how)).arrayBuffer();
async function visit() {
  await get("/session");
  await get("/login", form({email: ‹an address in a form› + "@example.com",
                               password: ‹a password in a form›}));
  await get("/echo", form({password: ‹a password that comes back in a page›}));
  await get("/create", post({prompt: ‹prompt›, password: ‹a password in JSON›,
                                key: ‹a key›, options: {storage_key: {value: ‹a nested key›}},
                                headers: [{name: "Authorization", value: ‹a list of headers in JSON›}]},
    {Authorization: "Bearer " + ‹an authorization header›, "X-Own": ‹an x- header›,
      "openai-sentinel-token": JSON.stringify({p: ‹a sentinel header›}),
      "oai-device-id": ‹the device's id›}));
  await get("/basic", {headers: {Authorization: "Basic " + ‹basic authorization›}});
  await get("/backend-api/sentinel/req", post({p: ‹what the sentinel sends›, flow: "sora_init"}));
  await get("/file?se=" + ‹the end of a signature› + "&sp=r&sig=" + ‹a signature›);
  await get("/from?token=" + ‹a token in an address›);
  await get("/exchange", post({code: ‹a code in JSON›, code_verifier: ‹a code's verifier›,
                                  session: ‹a session in JSON›, sid: ‹a session's short name›,
                                  device_id: ‹a device in JSON›, pin: ‹a PIN›, note: ‹a phone number›,
                                  phone: ‹a number without a country›}));
  await get("/reset/" + ‹a token in a path›);
  await get("/v1/session/" + ‹an id in a path›);
  await get("/from?t=" + ‹a token of a short name›);
  await get("/beacon", {method: "POST", body: "sid=" + ‹a form without a kind› + "&kind=open"});
  const parts = new FormData();
  parts.append("password", ‹a password in a multipart body›);
  await get("/upload", {method: "POST", body: parts});
  await get("/text"); await get("/bytes"); await get("/stream");
  document.title = "done";
}
visit();
</script>""")

SESSION = {
    "accessToken": SECRETS["the access token"],
    "refresh_token": SECRETS["a refresh token"],
    "sessionToken": SECRETS["a session token"],
    "user": {"email": SECRETS["an address of a person"], "name": "Norma"},
    "url": fill("https://files.example.com/raw?sp=r&sig=«a signature in a body»&width=352"),
    "proxy": fill("http://«a proxy's user»:«a proxy's password»@proxy.example.com:8080"),
    "inner": json.dumps({"token": SECRETS["JSON inside of JSON"]}),
    "deeper": json.dumps(json.dumps({"token": SECRETS["JSON in JSON in JSON"]})),
    "error": {"code": "invalid_request"},
    "expires_in": 3600,
}

ANSWERS = {
    "/": ("text/html", PAGE),
    "/session": ("application/json", json.dumps(SESSION)),
    "/echo": ("text/html", fill("<p>You typed «a password that comes back in a page»</p>")),
    "/backend-api/sentinel/req": (
        "application/json",
        json.dumps({"turnstile": {"dx": SECRETS["what the sentinel answers"]}}),
    ),
    "/text": ("text/plain", fill("the token is «a token in plain text», keep it")),
    "/stream": ("text/event-stream", fill('data: {"token": "«an event of a stream»"}\n\n')),
    "/bytes": ("application/octet-stream", "\x00\x01" + SECRETS["bytes that are not text"]),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind, text = ANSWERS.get(path, ("application/json", "{}"))
        body = text.encode()
        self.send_response(302 if path == "/from" else 200)
        if path == "/from":
            self.send_header("Location", fill("/to?code=«a code of a redirection»"))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "Set-Cookie", fill("own=«a cookie that the server sets»; Path=/; HttpOnly; Max-Age=90")
        )
        self.send_header("X-Own", SECRETS["an x- header of an answer"])
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Be silent."""


@contextmanager
def planted() -> Iterator[str]:
    """Serve the page; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def recorded(address: str, folder: Path) -> str:
    """Return what Playwright's own recorder writes of a visit to the page, bodies included."""
    har = folder / "raw.har"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        context = await browser.new_context(record_har_path=har, record_har_content="embed")
        page = await context.new_page()
        await page.goto(address)
        await page.wait_for_function("document.title === 'done'")
        await context.close()
        await browser.close()
    return har.read_text(encoding="utf-8")


def holds(text: str, secret: str) -> bool:
    """Whether a HAR's text holds a secret: as it is, escaped for JSON, or in a body in base64."""
    if secret in text or json.dumps(secret)[1:-1] in text:
        return True
    return any(secret in body for body in _bodies(json.loads(text)))


def _bodies(har: dict[str, Any]) -> Iterator[str]:
    for entry in har["log"]["entries"]:
        content = entry["response"]["content"]
        if content.get("encoding") == "base64":
            yield base64.b64decode(content["text"]).decode("utf-8", errors="replace")
