"""The page on open weights runs: its settings are read, and its commands make a clip."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.docs.test_documents import ROOT, blocks, home

PAGE = ROOT / "docs" / "local.md"


def test_the_page_on_open_weights_runs(tmp_path: Path) -> None:
    """Every command does what the page says, with the page's settings in force."""
    (settings,) = blocks(PAGE, "toml")
    (commands,) = blocks(PAGE, "console")
    (tmp_path / "config.toml").write_text(settings)
    for line in commands.splitlines():
        words = [sys.executable, "-m", *shlex.split(line.removeprefix("$ "))]
        done = subprocess.run(
            words, env=home(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, (line, done.stderr)
    assert "local/Wan-AI/Wan2.1-T2V-14B-Diffusers" in done.stdout
    assert list((tmp_path / "clips").rglob("*.mp4"))
