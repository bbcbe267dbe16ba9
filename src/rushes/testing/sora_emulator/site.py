"""The pages for a browser, signing in and out, and what the pages' own script asks."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import SESSION_S, Account
from rushes.testing.sora_emulator.auth import CALLBACK, WRONG_PASSWORD, ended_page
from rushes.testing.sora_emulator.refusals import looks_wrong, refusal
from rushes.testing.sora_emulator.templates import asset, page, with_scripted_person
from rushes.testing.sora_emulator.world import (
    DEVICE_COOKIE,
    SESSION_COOKIE,
    World,
    json_body,
    session_secret,
    set_guarded,
)

YEAR_S = 365 * 86_400
APP = ("/", "/explore", "/drafts", "/d/{id}", "/profile", "/profile/{name}")
STATE_COOKIE = "__Secure-next-auth.state"
STATE_S = 900
CLIENT = "app_example"


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
            Route(CALLBACK, self.callback),
            Route("/auth/logout", self.sign_out, methods=["POST"]),
            Route("/api/auth/session", self.session),
            Route("/backend-api/sentinel/req", self.sentinel, methods=["POST"]),
        ]

    async def app(self, request: Request) -> Response:
        return self._app(request)

    async def post_page(self, request: Request) -> Response:
        """Show the page of a post, also to somebody who is not signed in; 404 for one that is not there."""
        return self._app(request, 200 if request.path_params["id"] in self.world.things.posts else 404)

    def _app(self, request: Request, status: int = 200) -> Response:
        self.world.accounts.load_page(session_secret(request))
        text = with_scripted_person(page("app", self.world.origins), self.world.faults)
        return _known(request, HTMLResponse(text, status))

    async def asset(self, request: Request) -> Response:
        """Serve a script or style of the app."""
        found = asset(request.path_params["name"])
        return Response(status_code=404) if found is None else Response(found[0], media_type=found[1])

    async def icon(self, request: Request) -> Response:
        return Response(status_code=204)

    async def login(self, request: Request) -> Response:
        """Lead to the sign-in's own host, which leads back to `callback`."""
        state = secrets.token_urlsafe(24)
        asked = {
            "client_id": CLIENT,
            "response_type": "code",
            "scope": "openid email profile",
            "redirect_uri": f"{self.world.origins.site}{CALLBACK}",
            "state": state,
        }
        answer = RedirectResponse(f"{self.world.origins.auth}/authorize?{urlencode(asked)}", status_code=303)
        set_guarded(answer, STATE_COOKIE, state, STATE_S)
        return _known(request, answer)

    async def callback(self, request: Request) -> Response:
        """Open a session for a browser that comes back from the sign-in that was begun here."""
        state, code = (request.query_params.get(name, "") for name in ("state", "code"))
        expected = request.cookies.get(STATE_COOKIE)
        same = expected is not None and expected == state
        email = self.world.sign_ins.redeem(code) if same else None
        if email is None:
            return ended_page(
                self.world, "You are not signed in", "This sign-in was not started here, or was used already."
            )
        answer = self._signed_in(request, self.world.accounts.all[email])
        answer.delete_cookie(STATE_COOKIE, secure=True, httponly=True)
        return answer

    async def sign_in(self, request: Request) -> Response:
        """Open a session for an address and a password at once: no page leads here, it is for tests."""
        form = parse_qs((await request.body()).decode(errors="replace"))
        email, password = (form.get(name, [""])[0] for name in ("email", "password"))
        account = self.world.accounts.find(email, password)
        if account is None:
            return PlainTextResponse(WRONG_PASSWORD, status_code=401)
        return self._signed_in(request, account)

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
        found = self.world.accounts.read_session(secret) if dead is None else None
        if found is None:
            return Response(
                {"null": "null", "empty": ""}.get(dead or "", "{}"), media_type="application/json"
            )
        account = self.world.accounts.all[found.email]
        token = self.world.accounts.token_of(account)
        user = {
            "id": account.id,
            "name": account.name,
            "email": account.email,
            "image": None,
            "picture": None,
            "idp": "auth0",
            "iat": int(found.since),
            "mfa": False,
            "lastAuthorizationCheck": int(self.world.clock.now()),
        }
        until = datetime.fromtimestamp(found.expires, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        shape = {"user": user, "expires": until, "accessToken": token.text, "internalApiBase": None}
        answer = JSONResponse(shape, headers={"Cache-Control": "no-store"})
        rotates = faults.take("session-rotates")
        cookie = secret if rotates is None else self.world.accounts.open_session(account)
        self._set_session(answer, cookie, split=SESSION_COOKIE not in request.cookies)
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

    def _signed_in(self, request: Request, account: Account) -> Response:
        answer = _known(request, RedirectResponse("/explore", status_code=303))
        split = self.world.faults.take("session-split") is not None
        self._set_session(answer, self.world.accounts.open_session(account), split=split)
        return answer

    def _set_session(self, answer: Response, secret: str, *, split: bool) -> None:
        """Set the session's cookie, in two parts with `split`."""
        faults = self.world.faults
        seconds = None if faults.take("session-cookie-only") is not None else int(SESSION_S)
        parts = {SESSION_COOKIE: secret}
        if split:
            half = len(secret) // 2
            parts = {f"{SESSION_COOKIE}.0": secret[:half], f"{SESSION_COOKIE}.1": secret[half:]}
        for name, value in parts.items():
            set_guarded(answer, name, value, seconds)


def _known(request: Request, answer: Response) -> Response:
    """Give a browser that has none an id of its own."""
    if DEVICE_COOKIE not in request.cookies:
        answer.set_cookie(DEVICE_COOKIE, str(uuid.uuid4()), max_age=YEAR_S, path="/", samesite="lax")
    return answer
