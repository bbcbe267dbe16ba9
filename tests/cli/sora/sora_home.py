"""A terminal whose settings name the emulator, and what a person does on the site himself."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from rushes.testing.sora_emulator.accounts import PASSWORD
from rushes.testing.sora_process import SoraProcess
from tests.cli.terminal import Said, Terminal
from tests.engines.sora_web.stage import FLOW, exported, page_headers


@dataclass(frozen=True, kw_only=True)
class SoraHome:
    """One terminal and one account of the emulator."""

    terminal: Terminal
    emulator: SoraProcess
    email: str = field(default_factory=lambda: f"{secrets.token_hex(4)}@example.com")

    @property
    def profile(self) -> Path:
        return self.terminal.home / "profiles" / "sora-web"

    def configure(self, **options: str) -> None:
        """Write the settings file: the emulator's address, and further options as TOML."""
        lines = [f'base_url = "{self.emulator.base_url}"', "ask_after = 0.1"]
        lines += [f"{name} = {value}" for name, value in options.items()]
        self.terminal.settings("\n".join(["[engines.sora-web]", *lines]) + "\n")

    def sora(self, *words: str) -> Said:
        return self.terminal.run("sora", *words)

    def sign_in(self) -> Said:
        """Bring in the session of a browser that is signed in elsewhere."""
        return self.sora("import", str(self.cookies()))

    def cookies(self) -> Path:
        """Sign in through the form and write the browser's cookies as an exporter does."""
        with httpx.Client(base_url=self.emulator.base_url) as client:
            client.post("/auth/login", data={"email": self.email, "password": PASSWORD})
            found = [exported(one) for one in client.cookies.jar]
        file = self.terminal.home / "exported.json"
        file.write_text(json.dumps(found))
        return file

    def make(self, prompt: str, *, end: bool = True) -> str:
        """Make a clip on the site itself; return the task's id. With `end`, its draft is there then."""
        body = {"kind": "video", "prompt": prompt, "orientation": "landscape", "size": "small"}
        body |= {"n_frames": 150, "model": "sy_8", "inpaint_items": [], "style_id": None}  # type: ignore[dict-item]
        id = str(self._call("POST", "/backend/nf/create", body)["id"])
        if end:
            self.emulator.advance(400)
        return id

    def draft(self, task: str) -> dict[str, Any]:
        """Return the draft of a task."""
        items = self._call("GET", "/backend/project_y/profile/drafts/v2?limit=15")["items"]
        (found,) = [one for one in items if one["task_id"] == task]
        return dict(found)

    def publish(self, draft: str) -> dict[str, Any]:
        """Post a draft, as a person does on the site; return the post."""
        attachment = {"generation_id": draft, "kind": "sora"}
        body = {"attachments_to_create": [attachment], "post_text": "My boat sails"}
        return dict(self._call("POST", "/backend/project_y/post", body)["post"])

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        cookies = json.loads(self.cookies().read_text())
        (device,) = (one["value"] for one in cookies if one["name"] == "oai-did")
        header = {"Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies)}
        header |= page_headers(self.emulator.base_url, device)
        with httpx.Client(base_url=self.emulator.base_url, headers=header) as client:
            token = client.get("/api/auth/session").json()["accessToken"]
            given = client.post("/backend-api/sentinel/req", json={"flow": FLOW}).json()["token"]
            signed = {"Authorization": f"Bearer {token}", "openai-sentinel-token": json.dumps({"c": given})}
            answer = client.request(method, path, json=body, headers=signed)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
