"""A home in a git repository: nothing of it is offered for a commit, and what is a person's stays theirs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from rushes.engines.sora_web.profile import Profile
from rushes.testing.sora_emulator.state import StateFolder
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


@pytest.mark.parametrize("is_there", [False, True])
def test_a_home_in_a_repository_is_not_offered_for_a_commit(repository: Path, is_there: bool) -> None:
    """Made by rushes, or there before as an older version left it: `git status` shows nothing of it."""
    home = repository / "tools" / "video"
    if is_there:
        home.mkdir(parents=True)
        for name in ("config.toml", "worker.log"):
            (home / name).touch()
        (home / "clips").mkdir()
        StateFolder(home / "emulator")
    terminal = Terminal(home=home, folder=repository)
    assert terminal.run("jobs").code == 0
    Profile(home / "profiles" / "sora-web").keep_state({"cookies": []})

    assert (home / "ledger.db").exists()
    assert untracked(repository) == []


def test_what_a_person_says_of_a_home_holds(repository: Path) -> None:
    """A .gitignore that is there, even an empty one, is left as it is."""
    home = repository / "home"
    home.mkdir()
    (home / ".gitignore").touch()

    assert Terminal(home=home, folder=repository).run("jobs").code == 0
    assert (home / ".gitignore").read_text() == ""
    assert "home/ledger.db" in untracked(repository)


@pytest.mark.parametrize("home", [".", "film"])
def test_files_of_a_person_stay_in_sight(repository: Path, home: str) -> None:
    """In a home where they keep other things too, all stays as it is, except our own folders."""
    folder = repository / home
    folder.mkdir(exist_ok=True)
    (folder / "script.md").touch()
    assert Terminal(home=folder, folder=repository).run("jobs").code == 0
    Profile(folder / "profiles" / "sora-web").keep_state({"cookies": []})
    StateFolder(folder / "emulator")

    found = untracked(repository)
    assert any(name.endswith("script.md") for name in found)
    assert not any("profiles" in name or "emulator" in name for name in found)


@pytest.mark.parametrize(("mode", "is_told"), [(0o644, True), (0o640, False), (0o600, False)])
def test_a_password_that_everybody_can_read_is_told_of(mode: int, is_told: bool) -> None:
    """A .env with a proxy's password: doctor names it and the cure if everybody can read it, else nothing."""
    # Not one of pytest's folders: those are closed to others.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        file = folder / ".env"
        file.write_text("SORA_PROXY_URL=http://user:a-secret@127.0.0.1:9\n")
        file.chmod(mode)

        said = Terminal(home=folder / "home", folder=folder).run("doctor", "--json")

    checks = [one for one in said.json() if one["name"] == "keys" and ".env" in one["told"]]
    assert [one["mend"] for one in checks] == [f"chmod 600 {file}"] * is_told
    assert "a-secret" not in said.out + said.err


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def untracked(repository: Path) -> list[str]:
    """Return the files that git would take with `git add .`."""
    return git(repository, "ls-files", "--others", "--exclude-standard").splitlines()
