"""The skill's documents as a test reads them: commands to run, and what prose names."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rushes.agents import SHIPPED
from rushes.cli.main import app

ROOT = Path(__file__).parents[2]
REFERENCES = sorted((SHIPPED / "references").glob("*.md"))
DOCUMENTS = [SHIPPED / "SKILL.md", *REFERENCES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
EXITS = re.compile(r"\s+# exits with ([\d or]+)$")
OF_A_CLIP = {"CLIP": "id", "FILE": "path", "SECONDS": "seconds"}
TRIES = 30
"""How often a command that says "still running" is run again; it waits by itself in between."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A command of a console block, and the exit codes that its comment allows: "# exits with 0 or 3"."""

    text: str
    codes: tuple[int, ...] = (0,)


def fences(text: str) -> list[tuple[str, str]]:
    """Return the language and the contents of each fenced block."""
    return [(found[1], found[2]) for found in FENCE.finditer(text)]


def console(text: str) -> list[Line]:
    """Return every command of the console blocks, in order."""
    found = []
    for language, block in fences(text):
        for line in block.splitlines() if language == "console" else ():
            if not line.startswith("$ rushes "):
                raise AssertionError(f"not a command of rushes: {line!r}")
            exits = EXITS.search(line)
            codes = tuple(int(one) for one in exits[1].split(" or ")) if exits else (0,)
            found.append(Line(text=EXITS.sub("", line).removeprefix("$ "), codes=codes))
    return found


def section(text: str, heading: str) -> tuple[str, str]:
    """Return a document without the section of that heading, and the section."""
    before, found, after = text.partition(f"\n## {heading}\n")
    if not found:
        raise AssertionError(f"there is no section {heading!r}")
    inside, _, rest = after.partition("\n## ")
    return f"{before}\n## {rest}", inside


def named_in_prose(text: str) -> Iterator[str]:
    """Yield what stands as code in the prose: `rushes jobs`, `--key`."""
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def unknown_words(code: str) -> list[str]:
    """Return the commands and options in a piece of code that rushes does not have."""
    words = [word.strip("()[],.;") for word in code.split()]
    if words[0] == "rushes":
        found, rest = _command(words[1:])
        if found is None:
            return [code]
        known = _options(found)
    elif words[0].startswith("--"):
        known, rest = _every_option(), words
    else:
        return []
    return [word for word in rest if word.startswith("--") and word not in known]


def _command(words: Sequence[str]) -> tuple[click.Command | None, Sequence[str]]:
    found: click.Command | None = app
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        found, words = found.get_command(click.Context(found), words[0]), words[1:]
    return found, words


def _options(command: click.Command) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def _every_option() -> set[str]:
    context = click.Context(app)
    commands = [app.get_command(context, name) for name in app.list_commands(context)]
    inner = [one for found in commands if isinstance(found, click.Group) for one in found.commands.values()]
    return {name for one in (*commands, *inner) if one is not None for name in _options(one)}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A fresh home and a working folder, in which a document's commands are run as they stand."""

    folder: Path
    environ: dict[str, str]

    def follow(self, lines: Sequence[Line]) -> None:
        """Run the commands in order. Raises AssertionError for the first that does not end as it says."""
        for line in lines:
            words = [self._stands_for(word) for word in shlex.split(line.text)]
            for _ in range(TRIES):
                done = self.run(words)
                if done.returncode != 3 or 3 not in line.codes:
                    break
            if done.returncode not in line.codes:
                raise AssertionError(f"{line.text}\nended with {done.returncode}\n{done.stderr}{done.stdout}")

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *words: str) -> Any:
        done = self.run(["rushes", *words, "--json"])
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def _stands_for(self, word: str) -> str:
        """Return what a placeholder stands for: of the newest job, clip or frame that was drawn."""
        if word == "JOB":
            return str(self.json("jobs", "--limit", "1")[0]["job"]["id"])
        if word in OF_A_CLIP:
            return str(self.json("clips", "--limit", "1")[0][OF_A_CLIP[word]])
        if word == "FRAME":
            return str(max(self.folder.glob("frames/*"), key=lambda one: one.stat().st_mtime))
        return word
