"""The skill for agents: where each of them looks for skills, putting ours there, whether a copy is current.

There is one copy of the skill in the package, `skill/video`. An installed copy has a file beside its own that
names the version it came from and the hash of each of its files, so that an edit of somebody's is noticed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from rushes import __version__
from rushes.database.database import translated
from rushes.domain.errors import WrongState
from rushes.domain.permissions import give_to_user, made_for_user
from rushes.settings.files import alone

SHIPPED = Path(__file__).parent / "skill" / "video"
"""The skill as it comes with this version."""

RECORD = ".rushes.json"
"""Beside an installed copy's files: the version it came from, and the hash of each."""

UNDER_WAY = ".rushes-video-"
"""The beginning of the names of folders that an installation works in."""

NOT_EDITS = {RECORD, ".DS_Store"}


@dataclass(frozen=True, kw_only=True)
class Agent:
    """An agent that reads skills. `project` is its folder for them in a project, `user` the one at home."""

    name: str
    title: str
    project: str
    user: str


# Sources, as kept on 2026-11-23: code.claude.com/docs/en/skills, developers.openai.com/codex/skills,
# cursor.com/docs/skills, geminicli.com/docs/cli/using-agent-skills, opencode.ai/docs/skills and
# docs.github.com/en/copilot, "Create skills". All but Claude Code read .agents/skills as well.
AGENTS: Mapping[str, Agent] = {
    agent.name: agent
    for agent in (
        Agent(name="claude", title="Claude Code", project=".claude/skills", user=".claude/skills"),
        Agent(name="codex", title="Codex", project=".agents/skills", user=".agents/skills"),
        Agent(name="cursor", title="Cursor", project=".cursor/skills", user=".cursor/skills"),
        Agent(name="gemini", title="Gemini CLI", project=".gemini/skills", user=".gemini/skills"),
        Agent(name="copilot", title="GitHub Copilot", project=".github/skills", user=".copilot/skills"),
        Agent(name="opencode", title="OpenCode", project=".opencode/skills", user=".config/opencode/skills"),
    )
}


class Standing(StrEnum):
    """How an installed copy stands to the skill of this version."""

    MISSING = "missing"
    CURRENT = "current"
    OUTDATED = "outdated"
    EDITED = "edited"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What is at a place of the skill. `version` is the one that put it there, where that is known.

    `changed` are the files of an edited copy that are not as they were put there.
    """

    path: Path
    standing: Standing
    version: str | None = None
    changed: tuple[str, ...] = ()


def places(project: Path, home: Path) -> Iterator[tuple[Agent, Path]]:
    """Yield every agent with each place of the skill that it reads: in a project, and in somebody's home."""
    for agent in AGENTS.values():
        yield agent, project / agent.project / SHIPPED.name
        yield agent, home / agent.user / SHIPPED.name


def look(path: Path) -> Copy:
    """Return what is at a place of the skill. Raises StorageError where it cannot be read."""
    with translated(path):
        if not os.path.lexists(path):
            return Copy(path=path, standing=Standing.MISSING)
        found = _hashes(path)
        version, put = _record(path)
    if found == _hashes(SHIPPED):
        return Copy(path=path, standing=Standing.CURRENT, version=version or __version__)
    if put is None or path.is_symlink():
        return Copy(path=path, standing=Standing.FOREIGN)
    changed = tuple(sorted({name for name, _ in found.items() ^ put.items()}))
    standing = Standing.EDITED if changed else Standing.OUTDATED
    return Copy(path=path, standing=standing, version=version, changed=changed)


def install(path: Path, *, replace: bool = False) -> Copy:
    """Put the skill at `path`, a folder named as the skill, and return what was there before.

    A reader sees the old copy or the new one; a kill between the two renames leaves none, which the next call
    mends. `replace` gives up what somebody else put or edited there; without it that raises WrongState.
    Raises StorageError where it cannot be written.
    """
    with translated(path.parent), made_for_user(path), alone(path.parent):
        before = look(path)
        if before.standing is Standing.CURRENT:
            return before
        if before.standing in {Standing.EDITED, Standing.FOREIGN} and not replace:
            raise _not_ours(before)
        for left in path.parent.glob(f"{UNDER_WAY}*"):
            shutil.rmtree(left)
        _put(path)
    return before


def _put(path: Path) -> None:
    """Have the skill at `path`, in place of whatever is there."""
    work = Path(tempfile.mkdtemp(prefix=UNDER_WAY, dir=path.parent))
    try:
        new, old = work / "new", work / "old"
        shutil.copytree(SHIPPED, new, copy_function=shutil.copyfile)
        record = {"rushes": __version__, "files": _hashes(new)}
        (new / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        for one in (new, *new.rglob("*")):
            give_to_user(one)
        if os.path.lexists(path):
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if os.path.lexists(old):
                old.rename(path)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _hashes(folder: Path) -> dict[str, str]:
    """Return the hash of each file in a folder, by its path there; of a file in its place, its own."""
    if not folder.is_dir():
        return {"": sha256(folder.read_bytes()).hexdigest()} if folder.is_file() else {}
    files = (file for file in folder.rglob("*") if file.is_file() and file.name not in NOT_EDITS)
    return {file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


def _record(path: Path) -> tuple[str | None, dict[str, str] | None]:
    """Return the version that put a copy there and what it put, None where no version of ours did."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        found = json.loads((path / RECORD).read_text(encoding="utf-8"))
        return str(found["rushes"]), {str(name): str(value) for name, value in found["files"].items()}
    return None, None


def _not_ours(copy: Copy) -> WrongState:
    if copy.standing is Standing.FOREIGN:
        what = f"{copy.path} is there already, and rushes did not put it there; nothing was changed"
    else:
        what = f"{copy.path} was edited ({', '.join(copy.changed)}); nothing was changed"
    return WrongState(what, next="keep what you want of it elsewhere, then run it again with --force")
