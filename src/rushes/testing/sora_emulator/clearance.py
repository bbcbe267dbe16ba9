"""The shield's check of a browser: a person passes it in a window, and gets a clearance for that browser.

As Cloudflare's clearance, it holds for one address and one user agent.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rushes.testing.sora_emulator.origins import part_of
from rushes.testing.sora_emulator.refusals import CHALLENGED
from rushes.testing.sora_emulator.templates import sign_in_page, with_scripted_person
from rushes.testing.sora_emulator.world import World, set_guarded

COOKIE = "cf_clearance"
COOKIE_S = 30 * 86_400
VERIFY = "/cdn-cgi/challenge-platform/verify"
WITHOUT_WINDOW = "HeadlessChrome"
UNCHECKED = ("/cdn-cgi/", "/emulator", "/favicon.ico")


class Clearance:
    """Who has passed the check."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._key = secrets.token_bytes(32)

    def routes(self) -> list[Route]:
        return [Route(VERIFY, self.verify, methods=["POST"])]

    def lets_in(self, request: Request) -> bool:
        """Whether the site answers this request without a check."""
        mode = self.world.faults.look("challenge-headless")
        path = request.url.path
        if mode is None or part_of(path) != "site" or path.startswith(UNCHECKED):
            return True
        if mode == "headless" and not _without_window(request):
            return True
        return hmac.compare_digest(request.cookies.get(COOKIE, ""), self._clearance(request))

    def check(self, request: Request, back: str, problem: str = "") -> Response:
        """Return the page with the check, in place of any answer; `back` is where it leads to."""
        fields = {"title": "Just a moment...", "back": back, "problem": problem}
        text = sign_in_page("check", self.world.origins, **fields)
        if not _without_window(request):
            text = with_scripted_person(text, self.world.faults)
        return HTMLResponse(text, status_code=403, headers=CHALLENGED)

    async def verify(self, request: Request) -> Response:
        """Give a clearance to a browser in which somebody pressed the button, if it has a window."""
        form = parse_qs((await request.body()).decode(errors="replace"))
        back = form.get("back", ["/"])[0]
        back = back if back.startswith("/") and not back.startswith("//") else "/"
        if _without_window(request):
            return self.check(request, back, "This browser could not be verified.")
        answer = RedirectResponse(back, status_code=303)
        set_guarded(answer, COOKIE, self._clearance(request), COOKIE_S)
        return answer

    def _clearance(self, request: Request) -> str:
        address = request.client.host if request.client else ""
        browser = f"{address}\n{request.headers.get('user-agent', '')}"
        return hmac.digest(self._key, browser.encode(), "sha256").hex()


class Shield:
    """Stands before the site, and shows the check to who has no clearance."""

    def __init__(self, app: ASGIApp, clearance: Clearance) -> None:
        self._app, self._clearance = app, clearance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            request = Request(scope)
            if not self._clearance.lets_in(request):
                query = f"?{request.url.query}" if request.url.query else ""
                back = f"{request.url.path}{query}" if request.method == "GET" else "/"
                app = self._clearance.check(request, back)
        await app(scope, receive, send)


def _without_window(request: Request) -> bool:
    return WITHOUT_WINDOW in request.headers.get("user-agent", "")
