"""Somebody with an account, over plain HTTP: what the tests of the emulator say and hear."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from rushes.media.probe import Probe, probe
from rushes.testing.sora_emulator.accounts import PASSWORD
from rushes.testing.sora_process import SoraProcess

SESSION = "__Secure-next-auth.session-token"
FLOW = "sora_2_create_task"
CREATE = "/backend/nf/create"
DRAFTS = "/backend/project_y/profile/drafts"
DONE_S = 170.0
"""Until the draft of a clip of 10 s is there."""

MARCH_BODY: dict[str, Any] = {
    "kind": "video",
    "prompt": "a paper boat on a rainy street",
    "title": None,
    "orientation": "portrait",
    "size": "small",
    "n_frames": 300,
    "inpaint_items": [],
    "remix_target_id": None,
    "reroll_target_id": None,
    "project_config": None,
    "trim_config": None,
    "metadata": None,
    "use_image_as_first_frame": False,
    "cameo_ids": None,
    "cameo_replacements": None,
    "model": "sy_8",
    "style_id": None,
    "audio_caption": None,
    "audio_transcript": None,
    "video_caption": None,
    "i2v_reference_instruction": None,
    "remix_prompt_template": None,
    "storyboard_id": None,
}
MINIMAL = ("kind", "prompt", "orientation", "size", "n_frames", "model", "inpaint_items", "style_id")


class Visitor:
    """A new account's session and access token, and the calls that they are for."""

    def __init__(self, sora: SoraProcess) -> None:
        self.sora = sora
        self.email = f"{secrets.token_hex(4)}@example.com"
        # The jar of httpx keeps secure cookies from http, also on loopback: the header is set by hand.
        device = secrets.token_hex(8)
        # What a browser sends with each call that a page of the site makes.
        page = {
            "oai-device-id": device,
            "Cookie": f"oai-did={device}",
            "Origin": sora.base_url,
            "Referer": f"{sora.base_url}/explore",
        }
        self.http = httpx.Client(base_url=sora.base_url, trust_env=False, timeout=30, headers=page)
        self.cookie = ""
        self.token = ""
        self.sign_in()
        self.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self) -> httpx.Response:
        answer = self.http.post("/auth/login", data={"email": self.email, "password": PASSWORD})
        assert answer.status_code == 303
        self.http.cookies.clear()
        return self.keep_cookie(answer)

    def keep_cookie(self, answer: httpx.Response) -> httpx.Response:
        pairs = (one.partition(";")[0] for one in answer.headers.get_list("set-cookie"))
        self.cookie = "; ".join(pair for pair in pairs if pair.startswith(SESSION)) or self.cookie
        return answer

    def session(self) -> httpx.Response:
        return self.http.get("/api/auth/session", headers={"Cookie": self.cookie})

    def refresh(self) -> str:
        """Take the access token that the session gives now."""
        self.token = self.session().json()["accessToken"]
        return self.token

    def load_page(self) -> None:
        """Load a page of the site, as a browser that is signed in does."""
        assert self.http.get("/explore", headers={"Cookie": self.cookie}).status_code == 200

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def prove(self, flow: str = FLOW) -> dict[str, str]:
        """Return the header that a call of this flow needs."""
        token = self.http.post("/backend-api/sentinel/req", json={"flow": flow}).json()["token"]
        return {"openai-sentinel-token": json.dumps({"c": token, "flow": flow})}

    def create(
        self, prompt: str = "a boat", *, path: str = "/backend/nf/create", **body: Any
    ) -> httpx.Response:
        """Ask for a video with the whole body of a browser."""
        return self.call("POST", path, headers=self.prove(), json={**MARCH_BODY, "prompt": prompt, **body})

    def made(self, prompt: str = "a boat", **body: Any) -> str:
        """Ask for a video, let it be done, and return its task."""
        id: str = self.create(prompt, **body).json()["id"]
        self.sora.advance(DONE_S)
        return id

    def pending(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get("/backend/nf/pending/v2").json()
        return items

    def task(self, id: str) -> dict[str, Any]:
        shape: dict[str, Any] = self.get(f"/backend/nf/tasks/{id}/v2").json()
        return shape

    def drafts(self, **query: str) -> dict[str, Any]:
        page: dict[str, Any] = self.get(f"{DRAFTS}/v2", params=query).json()
        return page

    def draft(self) -> dict[str, Any]:
        """Return the newest draft."""
        newest: dict[str, Any] = self.drafts()["items"][0]
        return newest


def error(answer: httpx.Response) -> tuple[int, str | None]:
    """Return an answer's status and the code in its envelope."""
    return answer.status_code, answer.json()["error"]["code"]


def facts_of(data: bytes) -> Probe:
    """Return what a clip says it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(data)
        return probe(path)


Check = Callable[[Visitor], bool]
"""Whether somebody sees the difference that a fault makes."""
