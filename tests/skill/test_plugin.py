"""The plugin and its marketplace: what their readers need is there, and the package holds what it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import rushes
from rushes.agents import SHIPPED
from tests.skill.document import ROOT

PLUGIN = ROOT / ".claude-plugin"

RESERVED = {
    "agent-skills",
    "anthropic-agent-skills",
    "anthropic-marketplace",
    "anthropic-plugins",
    "claude-code-marketplace",
    "claude-code-plugins",
    "claude-community",
    "claude-plugins-community",
    "claude-plugins-official",
    "first-party-plugins",
    "healthcare",
    "knowledge-work-plugins",
    "life-sciences",
}
"""Names of marketplaces that are kept for others: code.claude.com/docs/en/plugins/marketplace-reference."""


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PLUGIN / name).read_text(encoding="utf-8"))
    return found


def test_the_plugin_has_the_one_skill_and_the_server() -> None:
    """It is of this version, its skill is the package's own copy, its server starts from its folder."""
    plugin = manifest("plugin.json")
    skills = ROOT / plugin["skills"]
    server = plugin["mcpServers"]["rushes"]
    script = server["args"][0].replace("${CLAUDE_PLUGIN_ROOT}", str(ROOT))

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", plugin["name"])
    assert plugin["version"] == rushes.__version__
    assert plugin["skills"].startswith("./")
    assert [file.parent for file in skills.rglob("SKILL.md")] == [SHIPPED]
    assert server["command"] == "sh"
    assert Path(script).is_file()


def test_the_marketplace_offers_the_plugin() -> None:
    """One entry, of the plugin's own name, from the marketplace's own folder; no reserved name."""
    market = manifest("marketplace.json")
    (entry,) = market["plugins"]

    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", market["name"])
    assert market["name"] not in RESERVED
    assert market["owner"]["name"]
    assert entry["name"] == manifest("plugin.json")["name"]
    assert (ROOT / entry["source"] / ".claude-plugin" / "plugin.json").is_file()


def program(folder: Path, name: str) -> None:
    """Put a program into `folder` that tells how it was called."""
    file = folder / name
    file.write_text(f'#!/bin/sh\necho {name} "$@"\n')
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("there", "started"),
    [
        (("rushes", "uvx"), "rushes mcp"),
        (("uvx",), "uvx --from ROOT[mcp] rushes mcp"),
    ],
    ids=["installed", "with uv alone"],
)
def test_the_server_starts_with_what_there_is(tmp_path: Path, there: tuple[str, ...], started: str) -> None:
    """rushes where it is installed, else uv from the plugin's folder, whose name may hold a space."""
    root, bin = tmp_path / "a plugin", tmp_path / "bin"
    shutil.copytree(PLUGIN, root / ".claude-plugin")
    bin.mkdir()
    for name in there:
        program(bin, name)
    done = start(root, bin)

    assert done.stdout == started.replace("ROOT", str(root)) + "\n"


def test_the_server_says_what_is_missing(tmp_path: Path) -> None:
    """With neither it says so on stderr, and prints nothing where the protocol is spoken."""
    done = start(ROOT, tmp_path)

    assert done.returncode == 127
    assert done.stdout == ""
    assert "docs/agents.md" in done.stderr


def start(root: Path, bin: Path) -> subprocess.CompletedProcess[str]:
    """Run the server's script with nothing to be found but `bin` and the system's own tools."""
    for tool in ("sh", "dirname"):
        found = shutil.which(tool)
        assert found is not None
        if not (bin / tool).exists():
            (bin / tool).symlink_to(found)
    script = str(root / ".claude-plugin" / "start-mcp")
    return subprocess.run(
        [str(bin / "sh"), script], env={"PATH": str(bin)}, capture_output=True, text=True, timeout=30
    )


def test_the_wheel_has_the_skill_whole(tmp_path: Path) -> None:
    """What is built for others holds every page of the skill."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, env=os.environ, capture_output=True, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    pages = {file.relative_to(SHIPPED).as_posix() for file in SHIPPED.rglob("*.md")}
    inside = {name.removeprefix("rushes/skill/video/") for name in zipfile.ZipFile(wheel).namelist()}

    assert len(pages) == 5
    assert pages <= inside
