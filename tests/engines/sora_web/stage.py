"""One account of the emulator, one home folder, and a worker in this process: what the tests hold."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import httpx

from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.engines.contract import Accepted, Prepared
from rushes.engines.sora_web.cookies import read_cookies
from rushes.engines.sora_web.creates import create_from
from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.engines.sora_web.profile import Profile
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.sora_emulator.accounts import PASSWORD
from rushes.testing.sora_process import SoraProcess
from tests.engines.working import settled, working

FLOW = "sora_2_create_task"

QUICK: Mapping[str, Any] = {"ask_after": 0.05, "post_timeout": 6.0, "list_delay": 0.5, "missing_after": 4.0}
"""Seconds that fit a service whose clock runs fast: a lost create is looked for after the first of them."""

PATIENT: Mapping[str, Any] = {"post_timeout": 60.0}
"""Without a worker nothing is tried again: however busy the machine is, a create has the time it takes."""


class Stage:
    """A home folder and an account of its own; every prompt carries the stage's `mark`."""

    def __init__(self, home: Path, emulator: SoraProcess, **settings: Any) -> None:
        self.home = home
        self.emulator = emulator
        self.mark = secrets.token_hex(4)
        self.email = f"{self.mark}@example.com"
        self.options = {"base_url": emulator.base_url, **QUICK, **settings}
        self.home.mkdir(parents=True, exist_ok=True)
        self.studio = Studio(self.settings)

    @property
    def settings(self) -> Settings:
        engine = EngineSettings(name="sora-web", kind="sora-web", concurrency=3, options=self.options)
        return Settings(
            home=self.home,
            config=self.home / "config.toml",
            log=self.home / "worker.log",
            engines={"sora-web": engine},
        )

    def close(self) -> None:
        self.studio.__exit__()

    # --- the account ---

    def cookies(self) -> list[dict[str, Any]]:
        """Sign in through the form and return the browser's cookies, as an exporter would write them."""
        with httpx.Client(base_url=self.emulator.base_url) as client:
            answer = client.post("/auth/login", data={"email": self.email, "password": PASSWORD})
            assert answer.status_code < 400, answer.text
            return [exported(one) for one in client.cookies.jar]

    def sign_in(self) -> None:
        """Bring a signed-in session to this home."""
        profile = Profile(self.home / "profiles" / "sora-web")
        found = read_cookies(self.exported(), self.emulator.base_url)
        profile.keep_state({"cookies": found.cookies, "origins": []})
        profile.note(email=self.email, dead=False, dead_at=None)

    def exported(self) -> Path:
        """Return a file of this account's cookies, as a browser extension exports them."""
        file = self.home / "exported.json"
        file.write_text(json.dumps(self.cookies()))
        return file

    # --- the engine alone ---

    def make(self, **settings: Any) -> SoraWebEngine:
        work = {"work": str(self.home / "work")}
        return SoraWebEngine("sora-web", {**self.options, **PATIENT, **work, **settings})

    @asynccontextmanager
    async def engine(self, **settings: Any) -> AsyncIterator[SoraWebEngine]:
        engine = self.make(**settings)
        try:
            yield engine
        finally:
            await engine.aclose()

    def prompt(self, words: str = "") -> str:
        return f"{self.mark} {words}".strip()

    def request(self, words: str = "", **fields: Any) -> VideoRequest:
        asked = {"seconds": 5.0, "aspect": "16:9", "resolution": "480p", "audio": True, **fields}
        return VideoRequest(prompt=self.prompt(words), model="sora-web/sy_8", **asked)

    async def accepted(self, engine: SoraWebEngine, words: str = "", **fields: Any) -> Accepted:
        prepared = await engine.prepare(self.request(words, **fields), "sy_8")
        return await engine.submit(prepared, key="unused")

    async def accepted_unprepared(self, engine: SoraWebEngine) -> Accepted:
        """Submit what was prepared while the service could still be reached."""
        return await engine.submit(Prepared(request=self.request(), model="sy_8"), key="unused")

    # --- whole jobs ---

    async def submit(self, words: str = "", **fields: Any) -> Job:
        """Store a job; a worker has to be at work, or one of its own process is started."""
        request = replace(self.request(words, **fields), audio=None)
        return await self.studio.submit(request, again=True)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work in this process during the block."""
        async with self.engine(**self.options) as engine, working(self.settings, engine, 3):
            yield

    async def made(self, words: str = "", **fields: Any) -> Job:
        """Submit a job and return it once it has ended or needs a person."""
        job = await self.submit(words, **fields)
        return await self.settled(job)

    async def settled(
        self,
        job: Job,
        *states: JobState,
        which: Callable[[Job], object] = lambda job: True,
        patience: float = 40.0,
    ) -> Job:
        return await settled(self.studio, job, *states, which=which, patience=patience)

    async def by_hand(self, words: str) -> None:
        """Make a clip in the service's own page, as its person might at the same moment."""
        async with httpx.AsyncClient(base_url=self.emulator.base_url) as client:
            cookies = {one["name"]: one["value"] for one in self.cookies()}
            header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            session = (await client.get("/api/auth/session", headers=header)).json()
            given = (
                await client.post("/backend-api/sentinel/req", json={"flow": FLOW}, headers=header)
            ).json()
            signed = {
                **header,
                **page_headers(self.emulator.base_url, cookies["oai-did"]),
                "Authorization": f"Bearer {session['accessToken']}",
                "openai-sentinel-token": json.dumps({"c": given["token"]}),
            }
            prepared = Prepared(request=self.request(words), model="sy_8")
            answer = await client.post("/backend/nf/create", json=create_from(prepared).body, headers=signed)
            assert answer.status_code == 200, answer.text

    def creates(self, words: str = "") -> list[dict[str, Any]]:
        """Return the creates of this stage that the service accepted, by its own log."""
        return [entry for entry in self.emulator.log() if self.prompt(words) in entry["prompt"]]

    def fault(self, name: str, value: Any = None, *, times: int | None = None, words: str = "") -> None:
        """Have the service misbehave towards this stage's prompts only."""
        self.emulator.fault(name, value, times=times, match=self.prompt(words))


def page_headers(base_url: str, device: str) -> dict[str, str]:
    """Return what a browser sends with each call that a page of the site makes; `device` is `oai-did`."""
    return {"oai-device-id": device, "Origin": base_url, "Referer": f"{base_url}/explore"}


def exported(cookie: Cookie) -> dict[str, Any]:
    """Return a cookie as browser extensions export it."""
    found: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
        "sameSite": "lax",
    }
    if cookie.expires is not None:
        found["expirationDate"] = cookie.expires
    return found
