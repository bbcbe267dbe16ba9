"""Everything the emulator holds, in one place, and who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from rushes.testing.lines import Lines
from rushes.testing.sora_emulator.accounts import Account, Accounts, missing_bearer, unparsable
from rushes.testing.sora_emulator.clock import Clock
from rushes.testing.sora_emulator.fault_table import ON
from rushes.testing.sora_emulator.faults import Faults
from rushes.testing.sora_emulator.footage import Studio
from rushes.testing.sora_emulator.media import Store
from rushes.testing.sora_emulator.origins import Origins
from rushes.testing.sora_emulator.refusals import challenge, looks_wrong
from rushes.testing.sora_emulator.sentinel import Sentinel, blocked
from rushes.testing.sora_emulator.shapes import Drafts
from rushes.testing.sora_emulator.sign_ins import SignIns
from rushes.testing.sora_emulator.state import StateFolder
from rushes.testing.sora_emulator.tasks import Tasks
from rushes.testing.sora_emulator.things import Things

DEVICE_COOKIE = "oai-did"
SESSION_COOKIE = "__Secure-next-auth.session-token"
CREATE_PATHS = ("/nf/create", "/nf/bulk_create", "/long_video_extension")


@dataclass(kw_only=True)
class World:
    """The emulator's state, shared by its routes."""

    speed: float = 20.0
    drawn: bool = False
    alike: bool = False
    log: Path | None = None
    state: StateFolder | None = None
    origins: Origins = field(default_factory=Origins)
    faults: Faults = field(default_factory=Faults)
    lines: Lines = field(default_factory=dict)
    filming: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock(speed=self.speed)
        self.accounts = Accounts(self.clock, self.faults)
        self.sentinel = Sentinel()
        self.tasks = Tasks(self.clock, self.faults, self.log)
        self.store = Store(self.clock, self.faults, self.lines)
        self.store.origin = self.origins.media
        self.drafts = Drafts(store=self.store, faults=self.faults, tasks=self.tasks)
        self.studio = Studio()
        self.things = Things()
        self.sign_ins = SignIns()
        if self.state is not None:
            self.state.load(self)

    def save(self) -> None:
        """Write everything into the folder for it, if there is one: before anybody hears of it."""
        if self.state is not None:
            self.state.save(self)

    async def finish_filming(self) -> None:
        """Wait until what is filmed quickly is there: after a jump of the clock a clip is to be seen.

        Drawing takes too long for that; a drawn clip comes when it is there.
        """
        if self.filming and not self.drawn:
            await asyncio.wait(self.filming.values())

    # --- who is asking ---

    def shield(self, request: Request, prompt: str = "") -> None:
        """Show the shield's page where it is up. Raises `Refused`."""
        said = self.faults.look("challenge", prompt)
        if said is None:
            return
        words = [one for one in said.split(",") if one and not one.isdigit() and one != ON]
        path = request.url.path
        if not words or any(_meant(word, path) for word in words):
            self.faults.take("challenge", prompt)
            raise challenge(next((int(one) for one in said.split(",") if one.isdigit()), 403))

    def bearer(self, request: Request, prompt: str = "") -> Account:
        """Return whose access token a call carries. Raises the service's 401."""
        self.shield(request, prompt)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise missing_bearer()
        if scheme.lower() != "bearer" or not token:
            raise unparsable()
        return self.accounts.by_token(token.strip())

    def bearer_or_cookie(self, request: Request) -> Account:
        """Return who is asking, by token or, as `/project_y/*` allows, by the session's cookie alone."""
        if "authorization" in request.headers:
            return self.bearer(request)
        self.shield(request)
        account = self.accounts.by_session(session_secret(request))
        if account is None:
            raise missing_bearer()
        return account

    def check_page(self, request: Request, prompt: str = "") -> None:
        """Check that a call has the headers with which a page of the site makes it. Raises the service's 400.

        That the browser sends them was observed; that the service refuses a call without them, and how, is a
        guess.
        """
        if self.faults.take("headers-unchecked", prompt) is not None:
            return
        headers, device = request.headers, request.cookies.get(DEVICE_COOKIE)
        if device is None or headers.get("oai-device-id") != device:
            raise looks_wrong("oai-device-id")
        for name in ("origin", "referer"):
            if urlsplit(headers.get(name, "")).netloc != urlsplit(base_of(request)).netloc:
                raise looks_wrong(name)

    def prove(self, request: Request, flows: Collection[str], prompt: str = "") -> None:
        """Use up the sentinel token of a call. Raises the service's 400."""
        token = self.sentinel.check(request.headers.get("openai-sentinel-token"), flows)
        if self.faults.take("sentinel-reusable", prompt) is None:
            self.sentinel.use(token)
        if self.faults.take("sentinel-block", prompt) is not None:
            raise blocked()


def session_secret(request: Request) -> str:
    """Return the session's cookie, put together where it came in parts."""
    whole = request.cookies.get(SESSION_COOKIE)
    if whole is not None:
        return whole
    parts = (request.cookies.get(f"{SESSION_COOKIE}.{number}", "") for number in range(10))
    return "".join(parts)


def set_guarded(answer: Response, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie that no script reads; with `seconds` None it ends with the browser."""
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def limit_of(request: Request, usual: int, longest: int) -> int:
    """Return how many items a page is asked to have. Raises the service's 400 for what is no number."""
    asked = request.query_params.get("limit", str(usual))
    if not asked.isdigit() or int(asked) < 1:
        raise looks_wrong("limit")
    return min(int(asked), longest)


def base_of(request: Request) -> str:
    """Return the address that the caller used for us."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


async def json_body(request: Request) -> Any:
    """Return the JSON that came, None for what is none."""
    try:
        return await request.json()
    except ValueError:
        return None


def _meant(word: str, path: str) -> bool:
    if word == "create":
        return any(one in path for one in CREATE_PATHS)
    return word in path
