"""The Sora page runs: its settings, and every command of its day, in order, against the emulator."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from rushes.testing.screen import virtual_screen
from rushes.testing.sora_process import running_sora
from tests.docs.test_documents import ROOT, blocks, home

PAGE = ROOT / "docs" / "sora.md"


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="the person of the page needs a screen")
def test_a_day_with_sora_runs(tmp_path: Path) -> None:
    """Every command does what the page says, with a scripted person at the sign-in form."""
    (settings,) = blocks(PAGE, "toml")
    (day,) = blocks(PAGE, "console")
    folder = tmp_path / "home"
    folder.mkdir()
    Image.new("RGB", (64, 36), "steelblue").save(tmp_path / "boat.png")
    with (
        virtual_screen() as screen,
        running_sora(tmp_path / "creates.jsonl", speed=200.0, faults=["scripted-person=0.2"]) as emulator,
    ):
        at = settings.replace("http://127.0.0.1:8765", emulator.base_url)
        (folder / "config.toml").write_text(at + "ask_after = 0.1\n")
        environ = {**home(folder), "DISPLAY": screen}
        for line in day.splitlines():
            known = {"PICTURE": str(tmp_path / "boat.png"), "LOOK": str(tmp_path / "look")}
            if "DRAFT" in line:
                known["DRAFT"] = newest_draft(tmp_path, environ)
            words = [known.get(word, word) for word in shlex.split(line.removeprefix("$ "))]
            words = [word.replace("id:DRAFT", f"id:{known.get('DRAFT')}") for word in words]
            done = run(words, tmp_path, environ)
            assert done.returncode == 0, (line, done.stderr)
        assert len(emulator.log()) == day.count("$ rushes create")


def test_the_page_is_right_about_what_works_now(tmp_path: Path) -> None:
    """Each name that it gives Sora is refused with what works now, and its example uses the fallback."""
    folder = tmp_path / "home"
    folder.mkdir()
    environ = home(folder) | dict.fromkeys(("OPENROUTER_API_KEY", "FAL_KEY", "OPENAI_API_KEY"), "")
    (sentence,) = re.findall(
        r"^Asked for (.+), `rushes` says", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    (example,) = [one for one in "\n".join(blocks(PAGE, "sh")).splitlines() if "--fallback" in one]
    names = re.findall("`(.+?)`", sentence)
    for name in names:
        done = run(["rushes", "create", "a boat", "--model", name], tmp_path, environ)
        assert done.returncode == 2
        assert "sora-web/sy_8 was retired on 2026-04-26" in done.stderr
        assert "rushes config set openrouter.key ($" in done.stderr
    done = run([*shlex.split(example), "--no-wait"], tmp_path, environ)

    assert len(names) == 4
    assert done.returncode == 0, done.stderr
    assert "sora: sora-web/sy_8 was retired on 2026-04-26" in done.stderr
    assert "using animatic/storyboard (free)" in done.stderr


def newest_draft(folder: Path, environ: dict[str, str]) -> str:
    """Return the id of the account's newest clip, as `inspect` lists it."""
    done = run(["rushes", "sora", "inspect", "drafts", "--json"], folder, environ)
    assert done.returncode == 0, done.stderr
    return str(next(one["id"] for one in json.loads(done.stdout) if one["kind"] == "sora_draft"))


def run(words: list[str], folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        env={**os.environ, **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
