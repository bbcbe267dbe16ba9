"""What is told of a package that is missing: a command that brings it to where rushes runs, and no other."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import Terminal

PIP = [sys.executable, "-m", "pip", "install"]
UV = ["uv", "pip", "install", "--python", sys.executable]


def told(tmp_path: Path, origin: dict[str, Any] | None, *, missing: tuple[str, ...] = ()) -> list[str]:
    """Return the words of the command that `rushes doctor` tells for an engine without its browser.

    `origin` is what the installer has noted of where rushes came from; None: it has noted nothing.
    """
    site = tmp_path / "site"
    rushes = distribution("rushes")
    noted = Path(str(rushes.locate_file(f"rushes-{rushes.version}.dist-info")))
    copy = shutil.copytree(noted, site / noted.name)
    (copy / "direct_url.json").unlink(missing_ok=True)
    if origin is not None:
        (copy / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in ("playwright", *missing))
    (site / "sitecustomize.py").write_text(f"import sys\n{hidden}", encoding="utf-8")
    terminal = Terminal(home=tmp_path, variables={"PYTHONPATH": str(site)})
    terminal.settings("[engines.sora-web]\n")
    checks = terminal.run("doctor", "--json").json()
    return shlex.split(next(one["mend"] for one in checks if one["name"] == "engine sora-web"))


def folder(path: Path, *, editable: bool) -> dict[str, Any]:
    """Make a folder and return what an installer notes of one that it installed from."""
    path.mkdir()
    return {"url": path.as_uri(), "dir_info": {"editable": True} if editable else {}}


def test_a_clone_is_installed_again_with_the_extra(tmp_path: Path) -> None:
    """Installed from a folder, that folder is named, spaces and all, for the pip of this very Python."""
    clone = tmp_path / "my clone"

    assert told(tmp_path, folder(clone, editable=False)) == [*PIP, f"{clone}[sora]"]


def test_an_editable_clone_stays_editable(tmp_path: Path) -> None:
    """What runs from its sources still does after the command."""
    clone = tmp_path / "clone"

    assert told(tmp_path, folder(clone, editable=True)) == [*PIP, "-e", f"{clone}[sora]"]


def test_without_pip_it_is_a_command_of_uv(tmp_path: Path) -> None:
    """`uv tool install` makes an environment without pip: uv is told which one is meant."""
    clone = tmp_path / "clone"

    assert told(tmp_path, folder(clone, editable=False), missing=("pip",)) == [*UV, f"{clone}[sora]"]


@pytest.mark.parametrize(
    "origin",
    [
        None,
        {"url": "file:///somewhere/rushes-0.1.0-py3-none-any.whl", "archive_info": {}},
        {"url": Path(__file__).parent.as_uri(), "vcs_info": {"vcs": "git", "commit_id": "0" * 40}},
        {"url": "file:///a/folder/that/is/gone", "dir_info": {}},
    ],
    ids=["nothing noted", "a wheel", "a commit", "a folder that is gone"],
)
def test_without_a_folder_the_packages_are_named(tmp_path: Path, origin: dict[str, Any] | None) -> None:
    """Where rushes cannot be installed again, what the extra brings is; never a `rushes` of a registry."""
    words = told(tmp_path, origin)

    assert words[:-1] == PIP
    assert words[-1].startswith("playwright>=")
