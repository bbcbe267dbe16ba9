"""The page on agents runs: its installations, in order, in a fresh home; what it names is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.skill.document import ROOT, Desk, console, fences, named_in_prose, unknown_words

PAGE = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")


def test_the_page_on_agents_runs(tmp_path: Path) -> None:
    """Every command of the page does what it says, and the skill is then where each agent looks for it."""
    home, project = tmp_path / "home", tmp_path / "project"
    for folder in (home, project):
        folder.mkdir()
    Desk(folder=project, environ={**os.environ, "HOME": str(home)}).follow(console(PAGE))
    found = {file.parent for folder in (home, project) for file in folder.rglob("SKILL.md")}

    assert found == {
        home / ".claude/skills/video",
        home / ".agents/skills/video",
        home / ".cursor/skills/video",
        home / ".copilot/skills/video",
        home / ".config/opencode/skills/video",
        project / ".claude/skills/video",
        project / ".gemini/skills/video",
        project / "folder/of/skills/video",
    }


def test_what_the_page_names_exists() -> None:
    """Commands and options that its prose names are there, and what is to be put into a file is JSON."""
    unknown = [word for code in named_in_prose(PAGE) for word in unknown_words(code)]
    (servers,) = [json.loads(block) for language, block in fences(PAGE) if language == "json"]

    assert unknown == []
    assert servers["mcpServers"]["rushes"] == {"command": "rushes", "args": ["mcp"]}
