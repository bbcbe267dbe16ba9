"""The sign-in's own host: its pages one after the other, and the identity provider that it knows.

The site leads to `/authorize` and gets its browser back with a code, as OAuth 2.0 has it (RFC 6749, 4.1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import DIRECTOR, PASSWORD
from rushes.testing.sora_emulator.sign_ins import MOST_WRONG, STEPS, SignIn
from rushes.testing.sora_emulator.templates import sign_in_page, with_scripted_person
from rushes.testing.sora_emulator.world import World, set_guarded

COOKIE = "auth-session"
COOKIE_S = 3600
CALLBACK = "/api/auth/callback/openai"
PROVIDER_CALLBACK = "/log-in/example-id/callback"
TITLE = "Log in – Sora emulator"
WRONG_PASSWORD = "Wrong email address or password."

Step = Callable[[Request, SignIn], Awaitable[Response]]


class Auth:
    """The pages of a sign-in."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        steps: dict[str, tuple[Step, Step]] = {
            "/log-in": (self.ask_email, self.take_email),
            "/log-in/password": (self.ask_password, self.take_password),
            "/mfa-challenge": (self.ask_code, self.take_code),
            "/consent": (self.ask_consent, self.take_consent),
        }
        routes = [Route("/authorize", self.authorize)]
        for path, (ask, take) in steps.items():
            routes += [
                Route(path, self._opened(path, ask)),
                Route(path, self._opened(path, take), methods=["POST"]),
            ]
        return [
            *routes,
            Route("/consent/deny", self._opened("/log-in", self.start_over), methods=["POST"]),
            Route("/log-in/example-id", self._opened("/log-in", self.to_provider)),
            Route(PROVIDER_CALLBACK, self._opened("/log-in", self.from_provider)),
            Route("/example-id/sign-in", self.provider, methods=["GET", "POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """Begin a sign-in for the site, and for nobody else."""
        asked = request.query_params
        if asked.get("redirect_uri") != f"{self.world.origins.site}{CALLBACK}" or not asked.get("state"):
            return self._ended("This link does not come from Sora.")
        secret = self.world.sign_ins.begin(
            request.cookies.get(COOKIE, ""), asked["redirect_uri"], asked["state"]
        )
        answer = _to("/log-in")
        set_guarded(answer, COOKIE, secret, COOKIE_S)
        return answer

    # --- the steps ---

    async def ask_email(self, request: Request, sign_in: SignIn) -> Response:
        return self._page("log-in", email=sign_in.email, person=DIRECTOR)

    async def take_email(self, request: Request, sign_in: SignIn) -> Response:
        sign_in.email = (await _field(request, "email")).strip().lower()
        sign_in.reached = STEPS.index("/log-in/password")
        return _to("/log-in/password")

    async def ask_password(self, request: Request, sign_in: SignIn) -> Response:
        return self._page("password", email=sign_in.email, password=PASSWORD)

    async def take_password(self, request: Request, sign_in: SignIn) -> Response:
        if self.world.accounts.find(sign_in.email, await _field(request, "password")) is None:
            return self._page("password", WRONG_PASSWORD, email=sign_in.email, password=PASSWORD)
        sign_in.send_code()
        sign_in.reach("/mfa-challenge")
        return _to("/mfa-challenge")

    async def ask_code(self, request: Request, sign_in: SignIn) -> Response:
        return self._page("code", code=sign_in.code)

    async def take_code(self, request: Request, sign_in: SignIn) -> Response:
        if (await _field(request, "code")).replace(" ", "") == sign_in.code:
            sign_in.reach("/consent")
            return _to("/consent")
        sign_in.wrong += 1
        problem = "Wrong code."
        if sign_in.wrong >= MOST_WRONG:
            sign_in.send_code()
            problem = "Wrong code. A new one was sent."
        return self._page("code", problem, code=sign_in.code)

    async def ask_consent(self, request: Request, sign_in: SignIn) -> Response:
        return self._page("consent", email=sign_in.email)

    async def take_consent(self, request: Request, sign_in: SignIn) -> Response:
        """End the sign-in: the site gets a code for it."""
        del self.world.sign_ins.under_way[request.cookies[COOKIE]]
        code = self.world.sign_ins.grant(sign_in.email)
        return _to(f"{sign_in.redirect}?{urlencode({'code': code, 'state': sign_in.state})}")

    async def start_over(self, request: Request, sign_in: SignIn) -> Response:
        sign_in.email, sign_in.reached = "", 0
        return _to("/log-in")

    # --- the provider ---

    async def to_provider(self, request: Request, sign_in: SignIn) -> Response:
        back = f"{self.world.origins.auth}{PROVIDER_CALLBACK}"
        query = urlencode({"redirect_uri": back, "state": sign_in.provider_state})
        return _to(f"{self.world.origins.provider}/example-id/sign-in?{query}")

    async def provider(self, request: Request) -> Response:
        """The provider's one page: it asks for everything at once, and needs no second factor."""
        if request.query_params.get("redirect_uri") != f"{self.world.origins.auth}{PROVIDER_CALLBACK}":
            return self._ended("Example ID does not know the site that sent you here.")
        problem = ""
        if request.method == "POST":
            email, password = await _field(request, "email"), await _field(request, "password")
            account = self.world.accounts.find(email, password)
            if account is not None:
                given = {
                    "code": self.world.sign_ins.grant(account.email),
                    "state": request.query_params["state"],
                }
                return _to(f"{request.query_params['redirect_uri']}?{urlencode(given)}")
            problem = WRONG_PASSWORD
        return self._page("example-id", problem, person=DIRECTOR, password=PASSWORD)

    async def from_provider(self, request: Request, sign_in: SignIn) -> Response:
        """Take the provider's word for who it is."""
        email = self.world.sign_ins.redeem(request.query_params.get("code", ""))
        if email is None or request.query_params.get("state") != sign_in.provider_state:
            return self._ended("The answer of Example ID belongs to another sign-in.")
        sign_in.email = email
        sign_in.reach("/consent")
        return self._page("returned")

    # --- what all have ---

    def _opened(self, path: str, work: Step) -> Callable[[Request], Awaitable[Response]]:
        """Have a step done by the sign-in that the browser is in, if that has come so far."""

        async def open_step(request: Request) -> Response:
            sign_in = self.world.sign_ins.under_way.get(request.cookies.get(COOKIE, ""))
            if sign_in is None:
                return self._ended("It has ended, or was started in another window.")
            if not sign_in.may_open(path):
                return _to(STEPS[sign_in.reached])
            return await work(request, sign_in)

        return open_step

    def _page(self, name: str, problem: str = "", **fields: str) -> Response:
        fields |= {"title": TITLE, "problem": problem}
        text = sign_in_page(name, self.world.origins, **fields)
        headers = {"Cache-Control": "no-store"}
        return HTMLResponse(with_scripted_person(text, self.world.faults), 401 if problem else 200, headers)

    def _ended(self, problem: str) -> Response:
        return ended_page(self.world, "This sign-in is over", problem)


def ended_page(world: World, heading: str, problem: str) -> Response:
    """Return the page that tells why a sign-in does not go on, and how to begin another."""
    fields = {"title": TITLE, "heading": heading, "problem": problem}
    return HTMLResponse(sign_in_page("ended", world.origins, **fields), 400, {"Cache-Control": "no-store"})


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


async def _field(request: Request, name: str) -> str:
    form = parse_qs((await request.body()).decode(errors="replace"))
    return form.get(name, [""])[0]
