"""What a skill has to be for all agents: agentskills.io/specification, and Claude Code's limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rushes.agents import SHIPPED
from rushes.domain.errors import error_classes
from tests.skill.document import DOCUMENTS, REFERENCES, fences, named_in_prose, unknown_words

FIELDS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
SKILL = (SHIPPED / "SKILL.md").read_text(encoding="utf-8")


def frontmatter() -> dict[str, str]:
    """Return the fields between the first two lines of dashes, each of one line."""
    _, head, _ = SKILL.split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.splitlines())


def tokens(text: str) -> float:
    """Return how many tokens a text has at most, roughly: a quarter of its characters, or 1.3 a word."""
    return max(len(text) / 4, len(text.split()) * 1.3)


def test_the_frontmatter_is_what_every_agent_reads() -> None:
    """Only fields of the open specification, the folder's name, a description within its limits."""
    fields = frontmatter()

    assert set(fields) <= FIELDS
    assert fields["name"] == SHIPPED.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fields["name"])
    assert 100 < len(fields["description"]) <= 1024
    assert not set("<>") & set(fields["description"])
    assert "Use it when" in fields["description"]
    assert len(fields["compatibility"]) <= 500


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_it_is_short_enough_to_be_read(document: Path) -> None:
    """Under 500 lines and 5,000 tokens, so that nothing of it is lost when a conversation is compacted."""
    text = document.read_text(encoding="utf-8")

    assert len(text.splitlines()) < 500
    assert tokens(text) < 5000


def test_references_are_one_level_deep_and_all_are_named() -> None:
    """SKILL.md links every reference and nothing that is not there; references lead nowhere further."""
    linked = {SHIPPED / target for target in re.findall(r"\]\(([^)#]+)\)", SKILL)}

    assert linked == set(REFERENCES)
    assert {file for file in SHIPPED.rglob("*") if file.is_file()} == set(DOCUMENTS)
    for reference in REFERENCES:
        assert re.findall(r"\]\(([^)#]+)\)", reference.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_what_prose_names_exists(document: Path) -> None:
    """Every command and option that a sentence names is there; every block is of a kind that is checked."""
    text = document.read_text(encoding="utf-8")
    unknown = [word for code in named_in_prose(text) for word in unknown_words(code)]

    assert unknown == []
    assert {language for language, _ in fences(text)} <= {"console", "json", "text"}


def test_a_command_or_option_that_is_not_there_is_noticed() -> None:
    """A misspelt command or option in prose is found, so the check above can fail."""
    prose = "Run `rushes jobz`, then `rushes jobs --stat failed` with `--fallbak`, or `rushes sora logon`."
    unknown = [word for code in named_in_prose(prose) for word in unknown_words(code)]

    assert unknown == ["rushes jobz", "--stat", "--fallbak", "rushes sora logon"]


def test_every_exit_code_is_spoken_of() -> None:
    """The table in SKILL.md has a row for each exit code that an error can have."""
    rows = re.findall(r"^\| ([\d, ]+) \|", SKILL, flags=re.MULTILINE)
    told = {int(code) for row in rows for code in row.split(", ")}

    assert told == {cls.exit_code for cls in error_classes()}
