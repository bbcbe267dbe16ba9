"""The folder in which everything outlives the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rushes.testing.sora_process import SoraProcess, start_sora
from tests.testing.sora_emulator.test_sessions import claims
from tests.testing.sora_emulator.test_uploads import png, upload
from tests.testing.sora_emulator.visitor import DRAFTS, Visitor

ALMOST_STILL = 0.001


class Restarts:
    """An emulator that is killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sora = self.start(0)

    def start(self, port: int, *, kept: bool = True, footage: str = "plain") -> SoraProcess:
        state = self.folder / "state" if kept else None
        log = self.folder / "creates.jsonl"
        self.sora = start_sora(log, port=port, speed=ALMOST_STILL, state=state, footage=footage)
        return self.sora

    def kill(self, **again: bool | str) -> None:
        """Kill it with SIGKILL and start it again."""
        port = httpx.URL(self.sora.base_url).port
        assert port is not None
        self.sora.process.kill()
        self.sora.stop()
        self.start(port, **again)  # type: ignore[arg-type]


@contextmanager
def restarting(folder: Path) -> Iterator[tuple[Restarts, Visitor]]:
    """Somebody who is signed in, at an emulator that can be killed; the visitor notices nothing of it."""
    restarts = Restarts(folder)
    try:
        with Visitor(restarts.sora) as visitor:
            yield restarts, visitor
    finally:
        restarts.sora.stop()


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    """Session, tokens, tasks with their faults, drafts, posts, uploads, files and addresses are as before."""
    with restarting(tmp_path) as (restarts, visitor):
        restarts.sora.fault("violation", "why", match="blocked")
        visitor.made("blocked", n_frames=150)
        visitor.made("done", n_frames=150)
        picture = upload(visitor, png()).json()
        body = {"attachments_to_create": [{"generation_id": visitor.draft()["id"], "kind": "sora"}]}
        post = visitor.call("POST", "/backend/project_y/post", headers=visitor.prove(), json=body).json()[
            "post"
        ]
        visitor.create("under way")
        proof = visitor.prove()

        def look() -> list[object]:
            drafts = visitor.drafts()["items"]
            return [
                [
                    {**one, "url": "", "downloadable_url": "", "download_urls": "", "encodings": ""}
                    for one in drafts
                ],
                visitor.pending(),
                visitor.get(f"/backend/project_y/post/{post['id']}").json()["post"]["id"],
                visitor.session().json()["accessToken"],
                visitor.get("/backend/nf/check").json(),
                restarts.sora.log(),
            ]

        before, address = look(), visitor.draft()["encodings"]["source"]["path"]
        clip = httpx.get(address).content
        restarts.kill()
        assert look() == before
        assert httpx.get(address).content == clip
        assert httpx.get(picture["url"]).content == png()
        item = {"kind": "upload", "upload_id": picture["id"]}
        assert visitor.create(inpaint_items=[item], **{"prompt": "with it"}).status_code == 200
        assert visitor.call("POST", f"{DRAFTS}/none/long_video_extension", headers=proof).status_code == 404


def test_renders_go_on_while_it_is_down(tmp_path: Path) -> None:
    """A restart is no pause, and the calendar's jumps are kept: what was far away is not far again."""
    with restarting(tmp_path) as (restarts, visitor):
        restarts.sora.advance(86_400)
        issued = claims(visitor.refresh())["iat"]
        visitor.create()
        restarts.sora.run_at(1000)
        restarts.kill()
        # Its clip is filmed again; a jump of the clock waits for that.
        restarts.sora.advance(0)
        assert visitor.drafts()["items"][0]["created_at"] == pytest.approx(issued + 86_400, abs=60)
        assert visitor.session().json()["accessToken"] == visitor.token


def test_a_clip_that_was_not_drawn_yet_is_drawn_again(tmp_path: Path) -> None:
    """The kill came while it was drawn."""
    with restarting(tmp_path) as (restarts, visitor):
        restarts.kill(footage="drawn")
        id = visitor.create(n_frames=150).json()["id"]
        restarts.kill()
        restarts.sora.advance(200)
        while not (items := visitor.drafts()["items"]):
            pass
        assert items[0]["task_id"] == id


def test_without_the_folder_it_forgets(tmp_path: Path) -> None:
    """As a service that has lost its tasks: nobody is signed in, and no task is known."""
    with restarting(tmp_path) as (restarts, visitor):
        id = visitor.create().json()["id"]
        restarts.kill(kept=False)
        assert visitor.session().json() == {}
        visitor.sign_in()
        visitor.refresh()
        assert visitor.get(f"/backend/nf/tasks/{id}/v2").status_code == 404


def start(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rushes.testing.sora_emulator", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, input="")


def test_a_folder_is_for_one_emulator(tmp_path: Path) -> None:
    """A second one says so and does not start."""
    with restarting(tmp_path) as (restarts, _):
        said = start("--state", str(restarts.folder / "state"))
    assert said.returncode == 2
    assert "in use by another emulator" in said.stderr


@pytest.mark.parametrize("text", ["", json.dumps({"format": 0})])
def test_a_state_of_another_kind_is_said(tmp_path: Path, text: str) -> None:
    """It is not read wrongly, and not overwritten; with --fresh it is forgotten."""
    file = tmp_path / "state.json"
    file.write_text(text)
    said = start("--state", str(tmp_path))
    assert said.returncode == 2
    assert "holds no state" in said.stderr
    assert file.read_text() == text
    assert start("--state", str(tmp_path), "--fresh", "--until-stdin-closes").returncode == 0
    assert not file.exists()
