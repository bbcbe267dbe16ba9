"""Documents run: generated ones are up to date, examples work as they are written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.testing.process import running

ROOT = Path(__file__).parent.parent.parent
DOCS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def blocks(document: Path, language: str) -> list[str]:
    """Return the fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def home(folder: Path) -> dict[str, str]:
    return {**os.environ, "RUSHES_HOME": str(folder), "RUSHES_IDLE_S": "1"}


def test_generated_documents_are_up_to_date() -> None:
    """The error table, the command line's help and the engine table are what the code says."""
    check = [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCS, ids=lambda one: str(one.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link and picture of a document is there."""
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_the_dozen_line_engine_makes_a_clip(tmp_path: Path) -> None:
    """The engine of the tutorial, installed as its page says, carries a prompt to a clip."""
    page = ROOT / "docs" / "write-an-engine.md"
    (code,) = blocks(page, "python")
    entry_point, settings = blocks(page, "toml")
    site, folder = tmp_path / "site", tmp_path / "home"
    (site / "rushes_tiny-1.dist-info").mkdir(parents=True)
    folder.mkdir()
    (site / "rushes_tiny.py").write_text(code)
    (site / "rushes_tiny-1.dist-info" / "METADATA").write_text("Name: rushes-tiny\nVersion: 1\n")
    group = re.sub(r'\[project\.entry-points\."(.*)"\]', r"[\1]", entry_point).replace('"', "")
    (site / "rushes_tiny-1.dist-info" / "entry_points.txt").write_text(group)
    environ = {**home(folder), "PYTHONPATH": str(site)}

    with running(tmp_path / "creates.log") as provider:
        (folder / "config.toml").write_text(settings.replace("http://127.0.0.1:8000", provider.base_url))
        (command,) = [line.removeprefix("$ ") for one in blocks(page, "console") for line in one.splitlines()]
        words = [sys.executable, "-m", *shlex.split(command), "--json"]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert '"state": "completed"' in done.stdout


def test_the_readme_example_in_python_runs(tmp_path: Path) -> None:
    """The README's Python blocks run as they stand."""
    (code,) = blocks(ROOT / "README.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", code], env=home(tmp_path), capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert ".mp4" in done.stdout


def test_the_readme_commands_run(tmp_path: Path) -> None:
    """Every `rushes` command of the README's console blocks runs, in order, in a fresh home."""
    ran = 0
    for line in "\n".join(blocks(ROOT / "README.md", "console")).splitlines():
        command = line.removeprefix("$ ")
        if not line.startswith("$ rushes "):
            continue
        known = _latest(tmp_path)
        words = shlex.split(command.split("#")[0])
        words = [known.get(word, word) for word in words]
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env=home(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (command, done.stderr)
        ran += 1

    assert ran >= 10


def _latest(folder: Path) -> dict[str, str]:
    """Return what the README's placeholders stand for: the newest job, clip and file."""
    clips = sorted((folder / "clips").rglob("*.mp4"), key=lambda one: one.stat().st_mtime)
    if not clips:
        return {}
    id = clips[-1].stem.rsplit("-c", 1)[1]
    return {"JOB": f"j{id}", "CLIP": f"c{id}", "FILE": str(clips[-1])}


def test_the_settings_example_is_read(tmp_path: Path) -> None:
    """The settings page's example is a file that rushes takes, with what it says."""
    from rushes import settings

    (example,) = blocks(ROOT / "docs" / "settings.md", "toml")
    (tmp_path / "config.toml").write_text(example)
    found = settings.load({"RUSHES_HOME": str(tmp_path), "LAB_KEY": "secret"}, tmp_path)

    assert (found.engines["lab"].concurrency, found.engines["lab"].rate) == (8, 30)
    assert found.engines["lab"].options["key"] == "secret"
    assert found.caps.timezone == "Europe/Berlin"
    assert str(found.caps.engines["lab"]) == "10"
