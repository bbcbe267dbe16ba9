"""The emulator as a program: its clock, its witness, drawn clips, and that it goes with its caller."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.testing.sora_emulator.visitor import CREATE, MARCH_BODY, Visitor, facts_of

WORDS = "a paper boat on a rainy street"


def test_it_goes_when_its_caller_dies(tmp_path: Path) -> None:
    """A test run that is killed leaves no server behind."""
    start = "from rushes.testing.sora_process import start_sora; from pathlib import Path; import os, sys;"
    start += "p = start_sora(Path(sys.argv[1])); print(p.process.pid, flush=True); os._exit(0)"
    said = subprocess.run(
        [sys.executable, "-c", start, str(tmp_path / "log")], capture_output=True, text=True, timeout=30
    )
    pid = int(said.stdout)
    ended = os.pidfd_open(pid) if Path(f"/proc/{pid}").exists() else None
    if ended is not None:
        assert select.select([ended], [], [], 15)[0], "the emulator is still there"
        os.close(ended)


@pytest.mark.parametrize("wrong", [["--fault", "no-such"], ["--fault", "region=9"], ["--speed", "0"]])
def test_a_wrong_word_is_said_at_the_start(wrong: list[str]) -> None:
    """The program ends with a usage error that names it."""
    command = [sys.executable, "-m", "rushes.testing.sora_emulator", *wrong]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert said.returncode == 2
    assert said.stdout == ""
    assert wrong[1].partition("=")[0] in said.stderr.splitlines()[-1]


def test_the_calendar_is_the_real_one_and_jumps(tmp_path: Path) -> None:
    """However fast it works; it does not go back, and says so."""
    with running_sora(tmp_path / "log", speed=1000) as sora:
        url = f"{sora.base_url}/emulator/clock"
        for ahead in (0, 5000):
            before = time.time()
            now = httpx.get(url).json()["now"]
            assert before <= now - ahead <= time.time()
            sora.advance(5000)
        with pytest.raises(ValueError, match="does not go back"):
            sora.advance(-1)
        for wrong in ({}, {"speed": 0}, {"speed": "fast"}, {"ahead": 1}):
            assert httpx.post(url, json=wrong).status_code == 400


def test_the_work_is_as_fast_as_it_is_told(tmp_path: Path) -> None:
    """A clip of 169 s comes at once, and its draft was made when it came by the real clock."""
    with running_sora(tmp_path / "log", speed=1000) as sora, Visitor(sora) as visitor:
        before = time.time()
        visitor.create()
        while not (items := visitor.drafts()["items"]):
            assert time.time() < before + 169, "it works no faster than the real service"
        assert before < items[0]["created_at"] <= time.time()


def test_a_jump_has_its_work_done(visitor: Visitor) -> None:
    """A draft that came in a jump of the clock was made in its middle."""
    url = f"{visitor.sora.base_url}/emulator/clock"
    before = httpx.get(url).json()["now"]
    visitor.create()
    visitor.sora.advance(500)
    assert 169 <= visitor.draft()["created_at"] - before < 500
    assert httpx.get(url).json()["now"] - before >= 500


def test_every_call_is_witnessed(visitor: Visitor) -> None:
    """Method, path, answer, what it carried, who sent it, and over which connection."""
    visitor.http.headers["User-Agent"] = visitor.email
    visitor.create()
    visitor.http.get("/backend/nf/check")
    own = [one for one in visitor.sora.requests() if one["user_agent"] == visitor.email]
    assert [(one["method"], one["path"], one["status"]) for one in own] == [
        ("POST", "/backend-api/sentinel/req", 200),
        ("POST", CREATE, 200),
        ("GET", "/backend/nf/check", 401),
    ]
    assert [(one["had_bearer"], one["had_sentinel"]) for one in own] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert len({one["connection"] for one in own}) == 1
    assert visitor.sora.requests("/emulator") == []


def test_a_connection_of_its_own_is_seen_as_one(sora: SoraProcess) -> None:
    """Two clients have two ports."""
    for _ in range(2):
        httpx.get(f"{sora.base_url}/api/auth/session")
    first, second = sora.requests("/api/auth/session")[-2:]
    assert first["connection"] != second["connection"]


def test_drawn_clips_show_their_words(tmp_path: Path) -> None:
    """Each prompt is a picture of its own, smaller in the preview; a task runs until it is drawn."""
    with running_sora(tmp_path / "log", speed=180, footage="drawn") as sora, Visitor(sora) as visitor:
        body = {**MARCH_BODY, "orientation": "landscape", "n_frames": 150}
        prompts = (WORDS, "a lighthouse in the snow")
        ids = [visitor.create(**{**body, "prompt": prompt}).json()["id"] for prompt in prompts]
        sora.advance(500)
        assert visitor.task(ids[1])["status"] == "running"
        while len(drafts := visitor.drafts()["items"]) < len(ids):
            time.sleep(0.1)
        clips = [httpx.get(draft["encodings"]["source"]["path"]).content for draft in drafts]
        facts = facts_of(clips[0])
        small = facts_of(httpx.get(drafts[0]["url"]).content)
        assert clips[0] != clips[1]
        assert (facts.width, facts.height, small.width) == (640, 352, 448)
        assert facts.audio_codec == small.audio_codec == "aac"
        assert facts.seconds == pytest.approx(small.seconds, abs=0.1)
        assert drafts[0]["duration_s"] == pytest.approx(5.0, abs=0.1)
