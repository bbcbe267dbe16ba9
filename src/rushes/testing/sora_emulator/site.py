"""The pages for a browser, signing in and out, and what the pages' own script asks."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import DIRECTOR, PASSWORD, SESSION_S
from rushes.testing.sora_emulator.pages import asset, page
from rushes.testing.sora_emulator.refusals import looks_wrong, refusal
from rushes.testing.sora_emulator.world import SESSION_COOKIE, World, json_body, session_secret

DEVICE_COOKIE = "oai-did"
YEAR_S = 365 * 86_400
APP = ("/", "/explore", "/drafts", "/d/{id}", "/profile", "/profile/{name}")
PERSON = """<script>
const acting = setInterval(() => {
  const form = document.querySelector("form[action='/auth/login']"), link = document.getElementById("login");
  if (form) {
    form.email.value = "{{email}}";
    form.password.value = "{{password}}";
    form.requestSubmit();
  } else if (link.offsetParent) {
    link.click();
  } else {
    return;
  }
  clearInterval(acting);
}, {{wait}});
</script>
"""


class Site:
    """What a person sees, and how they come in."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        return [
            *(Route(path, self.app) for path in APP),
            Route("/p/{id}", self.post_page),
            Route("/assets/{name}", self.asset),
            Route("/favicon.ico", self.icon),
            Route("/auth/login", self.login, methods=["GET"]),
            Route("/auth/login", self.sign_in, methods=["POST"]),
            Route("/auth/logout", self.sign_out, methods=["POST"]),
            Route("/api/auth/session", self.session),
            Route("/backend-api/sentinel/req", self.sentinel, methods=["POST"]),
        ]

    async def app(self, request: Request) -> Response:
        return _known(request, HTMLResponse(self._acted(page("app", self.world.origins))))

    async def post_page(self, request: Request) -> Response:
        """Show the page of a post, also to somebody who is not signed in; 404 for one that is not there."""
        there = request.path_params["id"] in self.world.things.posts
        answer = HTMLResponse(self._acted(page("app", self.world.origins)), status_code=200 if there else 404)
        return _known(request, answer)

    async def asset(self, request: Request) -> Response:
        """Serve a script or style of the app."""
        found = asset(request.path_params["name"])
        return Response(status_code=404) if found is None else Response(found[0], media_type=found[1])

    async def icon(self, request: Request) -> Response:
        return Response(status_code=204)

    async def login(self, request: Request) -> Response:
        return _known(request, HTMLResponse(self._acted(self._form(""))))

    async def sign_in(self, request: Request) -> Response:
        """Open a session for the address and password of the form, and lead on to the app."""
        form = parse_qs((await request.body()).decode(errors="replace"))
        email, password = (form.get(name, [""])[0] for name in ("email", "password"))
        secret = self.world.accounts.sign_in(email, password)
        if secret is None:
            return HTMLResponse(self._form("That address and password do not fit."), status_code=401)
        answer = _known(request, RedirectResponse("/explore", status_code=303))
        self._set_session(answer, secret)
        return answer

    async def sign_out(self, request: Request) -> Response:
        self.world.accounts.end_session(session_secret(request))
        answer = RedirectResponse("/", status_code=303)
        for name in (SESSION_COOKIE, f"{SESSION_COOKIE}.0", f"{SESSION_COOKIE}.1"):
            answer.delete_cookie(name, secure=True, httponly=True)
        return answer

    async def session(self, request: Request) -> Response:
        """Show whose session this is, with the access token; one that is over is 200 without any."""
        self.world.shield(request)
        faults, secret = self.world.faults, session_secret(request)
        if faults.take("session-500") is not None:
            raise refusal(500, "Internal server error", type="server_error")
        dead = faults.take("session-dead")
        found = self.world.accounts.by_session(secret)
        if dead is not None or found is None:
            return Response(
                {"null": "null", "empty": ""}.get(dead or "", "{}"), media_type="application/json"
            )
        account, ends = found
        token, now = self.world.accounts.token_of(account), self.world.clock.now()
        user = {
            "id": account.id,
            "name": account.name,
            "email": account.email,
            "image": None,
            "picture": None,
            "idp": "auth0",
            "iat": int(ends - SESSION_S),
            "mfa": False,
            "lastAuthorizationCheck": int(now),
        }
        until = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        shape = {"user": user, "expires": until, "accessToken": token.text, "internalApiBase": None}
        answer = JSONResponse(shape, headers={"Cache-Control": "no-store"})
        rotates = faults.take("session-rotates")
        if rotates is not None:
            self._set_session(answer, self.world.accounts.open_session(account))
            if rotates == "drop":
                self.world.accounts.end_session(secret)
        return answer

    async def sentinel(self, request: Request) -> Response:
        """Give the page a token for one call of a flow."""
        self.world.shield(request)
        body = await json_body(request)
        flow = body.get("flow") if isinstance(body, dict) else None
        try:
            token = self.world.sentinel.issue(str(flow))
        except ValueError as error:
            raise looks_wrong("flow") from error
        return JSONResponse({"token": token, "flow": flow})

    def _acted(self, text: str) -> str:
        """Put a person into a page who presses Log in, or fills in and sends the form."""
        seconds = self.world.faults.take("scripted-person")
        if seconds is None:
            return text
        acting = PERSON.replace("{{wait}}", str(float(seconds) * 1000))
        for name, value in (("email", DIRECTOR), ("password", PASSWORD)):
            acting = acting.replace("{{" + name + "}}", value)
        return text.replace("</body>", f"{acting}</body>")

    def _form(self, problem: str) -> str:
        told = {"problem": problem, "email": DIRECTOR, "password": PASSWORD}
        return page("login", self.world.origins, **told)

    def _set_session(self, answer: Response, secret: str) -> None:
        """Set the session's cookie, in the form that the faults say."""
        faults = self.world.faults
        lasting: dict[str, Any] = {"max_age": int(SESSION_S)}
        if faults.take("session-cookie-only") is not None:
            lasting = {}
        parts = {SESSION_COOKIE: secret}
        if faults.take("session-split") is not None:
            half = len(secret) // 2
            parts = {f"{SESSION_COOKIE}.0": secret[:half], f"{SESSION_COOKIE}.1": secret[half:]}
        for name, value in parts.items():
            answer.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="lax", **lasting)


def _known(request: Request, answer: Response) -> Response:
    """Give a browser that has none an id of its own."""
    if DEVICE_COOKIE not in request.cookies:
        answer.set_cookie(DEVICE_COOKIE, str(uuid.uuid4()), max_age=YEAR_S, path="/", samesite="lax")
    return answer
