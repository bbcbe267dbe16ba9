"""The agents' own validators: skills-ref of the specification, and Claude Code in an empty home."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rushes.agents import SHIPPED
from tests.skill.document import ROOT

OURS = ROOT / ".cache" / "agents" / "node_modules" / ".bin" / "claude"
"""Where `tools/agents` puts Claude Code."""


@pytest.fixture(scope="session")
def claude() -> str:
    """Claude Code's program; without it its tests are skipped, and fail where CI has to have it."""
    found = str(OURS) if OURS.exists() else shutil.which("claude")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Claude Code is not installed: tools/agents does it")
        pytest.skip("Claude Code is not installed: tools/agents does it")
    return found


def skills_ref(skill: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("agentskills")
    return subprocess.run([program, "validate", skill], capture_output=True, text=True, timeout=60)


def asked(claude: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Claude Code with a home of its own, no account, and no calls that it can do without.

    The `rushes` of this environment is the one that is installed there.
    """
    home.mkdir(exist_ok=True)
    environ = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RUSHES_HOME": str(home / "rushes"),
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return subprocess.run(
        [claude, *words],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def shown(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def verdict(claude: str, home: Path, folder: Path) -> Any:
    """Return what `claude plugin validate --strict` says of the plugin and the marketplace in a folder."""
    done = asked(claude, home, "plugin", "validate", "--strict", "--json", str(folder))
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["success"] else 1), shown(done)
    return found


def laid_out(folder: Path) -> Path:
    """Return a copy of the plugin with its skill in `skills`, the only place where validate reads the pages.

    In any other it finds a skill and reads nothing of it (github.com/anthropics/claude-code/issues/87004).
    """
    shutil.copytree(ROOT / ".claude-plugin", folder / ".claude-plugin")
    shutil.copytree(SHIPPED, folder / "skills" / SHIPPED.name)
    manifest = folder / ".claude-plugin" / "plugin.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told.pop("skills")
    manifest.write_text(json.dumps(told), encoding="utf-8")
    return folder


def test_the_specifications_own_validator_takes_the_skill() -> None:
    """skills-ref, which knows no field but those of the specification, finds nothing wrong."""
    done = skills_ref(SHIPPED)

    assert done.returncode == 0, shown(done)


def test_the_specifications_own_validator_refuses_a_field_of_one_agents(tmp_path: Path) -> None:
    """The same skill with a field that only Claude Code has is refused, so the check above can fail."""
    copy = tmp_path / "video"
    shutil.copytree(SHIPPED, copy)
    text = (copy / "SKILL.md").read_text(encoding="utf-8")
    (copy / "SKILL.md").write_text(text.replace("license: MIT", "argument-hint: words"), encoding="utf-8")
    done = skills_ref(copy)

    assert done.returncode == 1
    assert "argument-hint" in shown(done)


def test_claude_code_takes_the_plugin_and_its_marketplace(claude: str, tmp_path: Path) -> None:
    """Strict validation finds no fault in the repository, and the skill and the server in it."""
    found = verdict(claude, tmp_path / "home", ROOT)

    assert found["success"], found
    assert found["provides"]["skills"] == ["rushes:video"]
    assert [one["name"] for one in found["provides"]["mcpServers"]] == ["rushes"]


def test_claude_code_takes_the_skill(claude: str, tmp_path: Path) -> None:
    """Laid where its pages are read, the skill is without fault too."""
    found = verdict(claude, tmp_path / "home", laid_out(tmp_path / "copy"))

    assert found["success"], found
    assert found["provides"]["skills"] == ["rushes:video"]


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (".claude-plugin/plugin.json", '"license"', '"licence"'),
        (".claude-plugin/plugin.json", '"command"', '"comand"'),
        (".claude-plugin/marketplace.json", '"owner"', '"ownr"'),
        ("skills/video/SKILL.md", "description: ", "descripton: "),
    ],
    ids=["an unknown field", "a server without a command", "a marketplace of nobody", "a skill undescribed"],
)
def test_claude_code_refuses_a_broken_one(
    claude: str, tmp_path: Path, file: str, right: str, wrong: str
) -> None:
    """A copy with one fault is refused, so the checks above have looked at manifests and skill."""
    copy = laid_out(tmp_path / "copy")
    text = (copy / file).read_text(encoding="utf-8")
    assert right in text
    (copy / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")

    assert not verdict(claude, tmp_path / "home", copy)["success"]


def test_claude_code_installs_the_plugin_and_reaches_its_server(claude: str, tmp_path: Path) -> None:
    """Added and installed as the documents say it is enabled, has its skill, and its MCP server answers."""
    home, source = tmp_path / "home", tmp_path / "rushes"
    for name in (".claude-plugin", "src/rushes/skill"):
        shutil.copytree(ROOT / name, source / name)
    for words in (("marketplace", "add", str(source)), ("install", "rushes@rushes")):
        done = asked(claude, home, "plugin", *words)
        assert done.returncode == 0, shown(done)
    (plugin,) = json.loads(asked(claude, home, "plugin", "list", "--json").stdout)
    details = shown(asked(claude, home, "plugin", "details", "rushes@rushes"))
    servers = shown(asked(claude, home, "mcp", "list"))

    assert plugin["enabled"] is True
    assert not plugin.get("errors")
    assert "Skills (1)  video" in details
    assert re.search(r"plugin:rushes:rushes: .* Connected", servers), servers
