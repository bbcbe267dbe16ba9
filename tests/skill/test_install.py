"""`rushes skill`: the skill goes where each agent looks for it, and nobody's own edits are lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from rushes.agents import AGENTS, RECORD, SHIPPED, Standing, install


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a home of their own, in a project."""

    home: Path
    project: Path

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "rushes", "skill", *words],
            env={**os.environ, "HOME": str(self.home), "NO_COLOR": "1"},
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    one = Person(home=tmp_path / "home", project=tmp_path / "project")
    one.home.mkdir()
    one.project.mkdir()
    return one


def same_as_shipped(copy: Path) -> bool:
    """Say whether a copy has the files of the skill, byte for byte, and none besides but our record."""
    files = {file.relative_to(copy): file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    files.pop(Path(RECORD))
    return files == {
        file.relative_to(SHIPPED): file.read_bytes() for file in SHIPPED.rglob("*") if file.is_file()
    }


def pretend_older(copy: Path) -> None:
    """Make a copy what an older version would have put there: other words, and a record that knows them."""
    record = json.loads((copy / RECORD).read_text())
    (copy / "SKILL.md").write_text("---\nname: video\ndescription: older\n---\n")
    (copy / "references" / "gone.md").write_text("a page that is no more\n")
    record["rushes"] = "0.0.9"
    record["files"] = {
        file.relative_to(copy).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in copy.rglob("*")
        if file.is_file() and file.name != RECORD
    }
    (copy / RECORD).write_text(json.dumps(record))


def test_it_becomes_video_in_claude_code(person: Person) -> None:
    """By itself it goes to the home of Claude Code, with --project into the project; both are whole."""
    (at_home,) = person.json("install")
    (here,) = person.json("install", "--project")

    assert at_home == {"path": str(person.home / ".claude/skills/video"), "was": "missing"}
    assert here["path"] == str(person.project / ".claude/skills/video")
    assert same_as_shipped(Path(at_home["path"]))
    assert same_as_shipped(Path(here["path"]))


@pytest.mark.parametrize("name", AGENTS)
def test_each_agent_has_its_folder(person: Person, name: str) -> None:
    """--agent puts it where that agent looks, at home and in a project, and `check` finds both."""
    agent = AGENTS[name]
    person.run("install", "--agent", name)
    person.run("install", "--agent", name, "--project")
    found = person.json("check")

    assert found["current"] is True
    assert {one["path"] for one in found["copies"]} == {
        str(person.home / agent.user / "video"),
        str(person.project / agent.project / "video"),
    }
    assert all(agent.title in one["agents"] for one in found["copies"])


def test_any_folder_of_skills_will_do(person: Person) -> None:
    """--dir serves an agent that has no name here; its folders are those of its owner's umask, readable."""
    (done,) = person.json("install", "--dir", "elsewhere/skills")
    copy = person.project / "elsewhere/skills/video"

    assert done["path"] == str(copy)
    assert same_as_shipped(copy)
    assert copy.stat().st_mode & 0o777 == person.project.stat().st_mode & 0o777


def test_check_says_what_is_missing_outdated_or_edited(person: Person) -> None:
    """It exits with 8 where nothing is installed, where a copy is older, and where one was edited."""
    copy = person.home / ".claude/skills/video"
    nothing = person.run("check", code=8)
    person.run("install")
    current = person.run("check")
    pretend_older(copy)
    older = person.run("check", code=8)
    person.run("install")
    (copy / "SKILL.md").write_text("my own words\n")
    edited = person.run("check", code=8)

    assert "rushes skill install" in nothing.stdout
    assert "current" in current.stdout
    assert "of rushes 0.0.9" in older.stdout
    assert f"rushes skill install --dir {copy.parent}" in older.stdout
    assert "changed: SKILL.md" in edited.stdout
    assert "--force" in edited.stdout


def test_an_older_copy_is_brought_up_to_date(person: Person) -> None:
    """A copy as an older version put it there is replaced whole; pages that are no more go with it."""
    person.run("install")
    copy = person.home / ".claude/skills/video"
    pretend_older(copy)
    (done,) = person.json("install")
    (again,) = person.json("install")

    assert (done["was"], again["was"]) == ("outdated", "current")
    assert same_as_shipped(copy)
    assert sorted(one.name for one in copy.parent.iterdir()) == ["video"]


@pytest.mark.parametrize("edit", ["changed", "added", "removed"])
def test_edits_are_kept_unless_told_otherwise(person: Person, edit: str) -> None:
    """A copy in which somebody changed, added or removed a page stays as it is, even an older one."""
    person.run("install")
    copy = person.home / ".claude/skills/video"
    pretend_older(copy)
    if edit == "changed":
        (copy / "SKILL.md").write_text("my own words\n")
    elif edit == "added":
        (copy / "references" / "mine.md").write_text("my own page\n")
    else:
        (copy / "references" / "errors.md").unlink()
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    refused = person.run("install", code=2)
    kept = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    (done,) = person.json("install", "--force")

    assert "was edited" in refused.stderr
    assert "--force" in refused.stderr
    assert kept == before
    assert done["was"] == "edited"
    assert same_as_shipped(copy)


@pytest.mark.parametrize("what", ["folder", "link", "file"])
def test_a_skill_of_somebody_elses_stays(person: Person, what: str) -> None:
    """Another skill of that name, a link or a file is not ours to replace; what a link leads to never is."""
    copy = person.home / ".claude/skills/video"
    theirs = person.home / "theirs"
    for folder in (copy.parent, theirs):
        folder.mkdir(parents=True)
    (theirs / "SKILL.md").write_text("another video skill\n")
    if what == "folder":
        theirs.rename(copy)
    elif what == "link":
        copy.symlink_to(theirs)
    else:
        copy.write_text("no folder\n")
    refused = person.run("install", code=2)
    checked = person.json("check", code=8)
    (done,) = person.json("install", "--force")

    assert "did not put it there" in refused.stderr
    assert [one["standing"] for one in checked["copies"]] == ["foreign"]
    assert done["was"] == "foreign"
    assert same_as_shipped(copy)
    if what == "link":
        assert (theirs / "SKILL.md").read_text() == "another video skill\n"


def test_a_link_to_the_package_is_current(person: Person) -> None:
    """Whoever links the skill instead of copying it has the current one, and `install` leaves the link."""
    shipped = person.run("path").stdout.strip()
    copy = person.home / ".claude/skills/video"
    copy.parent.mkdir(parents=True)
    copy.symlink_to(shipped)
    (done,) = person.json("install")

    assert Path(shipped) == SHIPPED
    assert done["was"] == "current"
    assert copy.is_symlink()
    assert person.json("check")["current"] is True


def test_many_at_once_leave_one_whole_copy(tmp_path: Path) -> None:
    """Installations at the same moment all succeed, and what they leave is one whole copy and no scraps."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            copy = tmp_path / str(number) / "video"
            together = Barrier(8)

            def put(copy: Path = copy, together: Barrier = together) -> Standing:
                together.wait(timeout=30)
                return install(copy).standing

            found = [one.result() for one in [pool.submit(put) for _ in range(8)]]
            assert sorted(found) == [*[Standing.CURRENT] * 7, Standing.MISSING]
            assert same_as_shipped(copy)
            assert [one.name for one in copy.parent.iterdir()] == ["video"]


def test_a_link_to_an_older_copy_stays(person: Person) -> None:
    """A link is somebody's own arrangement, also where it leads to a copy that an older version made."""
    person.run("install", "--dir", "elsewhere")
    older = person.project / "elsewhere" / "video"
    pretend_older(older)
    copy = person.home / ".claude/skills/video"
    copy.parent.mkdir(parents=True)
    copy.symlink_to(older)
    person.run("install", code=2)

    assert copy.is_symlink()
    assert "description: older" in (older / "SKILL.md").read_text()


def test_what_a_kill_left_is_cleared_away(person: Person) -> None:
    """What a killed installation left behind does not stay in the way."""
    skills = person.home / ".claude/skills"
    (skills / ".rushes-video-killed" / "old").mkdir(parents=True)
    person.run("install")

    assert [one.name for one in skills.iterdir()] == ["video"]


def test_contradicting_places_are_refused(person: Person) -> None:
    """--user, --project and --dir exclude each other, and --dir excludes --agent; nothing is written."""
    person.run("install", "--user", "--project", code=2)
    person.run("install", "--project", "--dir", "here", code=2)
    person.run("install", "--dir", "here", "--agent", "codex", code=2)

    assert list(person.home.iterdir()) == []
    assert list(person.project.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(person: Person) -> None:
    """Where a file stands in the way of the folder the error names the place, and the file stays."""
    (person.home / ".claude").write_text("no folder\n")
    said = person.run("install", code=11)

    assert str(person.home / ".claude") in said.stderr
    assert (person.home / ".claude").read_text() == "no folder\n"
