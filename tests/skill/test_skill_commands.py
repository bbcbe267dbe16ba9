"""The skill's commands run as they stand, in order, in a fresh home; a broken one is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rushes.agents import SHIPPED
from rushes.testing.sora_process import running_sora
from tests.skill.conftest import Shops
from tests.skill.document import Desk, console, fences, section

SORA = "Sora's web app"


def read(name: str) -> str:
    return (SHIPPED / name).read_text(encoding="utf-8")


def test_the_skill_is_followed_and_buys_one_clip(desk: Desk, shops: Shops) -> None:
    """SKILL.md and how to review are followed twice over; the one clip they speak of is bought once."""
    lines = [*console(read("SKILL.md")), *console(read("references/reviewing.md"))]
    desk.follow(lines)
    desk.follow(lines)
    (clip,) = desk.json("clips")

    assert len(lines) >= 15
    assert shops.bought() == 1
    assert Path(clip["sheet"]).is_file()


def test_the_recipes_are_followed(desk: Desk, shops: Shops) -> None:
    """Every recipe does what it says: each paid key is bought once, the rest is free, the batch is made."""
    text, _ = section(read("references/recipes.md"), SORA)
    (shots,) = [block for language, block in fences(text) if language == "json"]
    (desk.folder / "shots.jsonl").write_text(shots)
    desk.follow(console(text))
    jobs = [one["job"] for one in desk.json("jobs", "--limit", "50")]
    keys = {job["key"] for job in jobs if not job["model"].startswith("animatic/")}

    assert {job["state"] for job in jobs} == {"completed"}
    assert keys == {"moves-1", "dusk-1", "series-1", "series-2", "series-3", "kite-1"}
    assert shops.bought() == len(keys)
    assert len({job["request"]["seed"] for job in jobs if "lighthouse" in job["request"]["prompt"]}) == 3
    assert (desk.folder / "sea.mp4").is_file()


def test_the_recipe_for_sora_is_followed(desk: Desk, tmp_path: Path, chromium: Path, screen: str) -> None:
    """Its commands go through a real browser to the emulator, with a scripted person at the sign-in form."""
    _, text = section(read("references/recipes.md"), SORA)
    with running_sora(tmp_path / "creates.log", speed=200.0, faults=["scripted-person=0.2"]) as emulator:
        settings = f'[engines.sora-web]\nbase_url = "{emulator.base_url}"\nask_after = 0.1\n'
        (tmp_path / "home" / "config.toml").write_text(settings)
        Desk(folder=desk.folder, environ=desk.environ | {"DISPLAY": screen}).follow(console(text))

        assert len(emulator.log()) == 2


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("$ rushes quote", "$ rushes price"),
        ("--seconds 5 --json", "--second 5 --json"),
        ("$ rushes doctor", "$ rushes doctor --fix"),
    ],
)
def test_a_broken_command_is_noticed(desk: Desk, tmp_path: Path, right: str, wrong: str) -> None:
    """A command that does not exist, or has no such option, in a copy of the skill fails the run above."""
    copy = tmp_path / "video"
    shutil.copytree(SHIPPED, copy)
    text = (copy / "SKILL.md").read_text(encoding="utf-8")
    (copy / "SKILL.md").write_text(text.replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(AssertionError, match="ended with 2"):
        desk.follow(console((copy / "SKILL.md").read_text(encoding="utf-8")))


def test_the_advice_on_a_lost_answer_holds(desk: Desk, shops: Shops) -> None:
    """Exit code 4: the same key buys nothing more, and what a person saw at the provider settles it."""
    shops.openrouter.tell("create", "a lost boat", drop=True, accept=True, times=1)
    words = ["rushes", "create", "a lost boat", "--seconds", "5", "--key", "lost-1", "--max-usd", "0.70"]
    first, again = desk.run(words), desk.run(words)
    (lost,) = desk.json("jobs", "--state", "outcome_unknown")
    id = str(lost["job"]["id"])
    looked = desk.run(["rushes", "reconcile", id])
    (entry,) = shops.openrouter.log("a lost boat")
    desk.run(["rushes", "reconcile", id, "--accepted", entry["id"]])
    settled = desk.json("wait", id)

    assert (first.returncode, again.returncode, looked.returncode) == (4, 4, 2)
    # OpenRouter has no list to look into, and the error says what to do instead.
    assert "has no list" in looked.stderr
    assert "--accepted TICKET" in looked.stderr
    assert lost["error"]["billed"] == "unknown"
    assert settled["job"]["state"] == "completed"
    assert shops.bought() == 1
