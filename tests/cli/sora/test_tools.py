"""Looking into the account and taking clips from it, from the command line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.media.probe import probe
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Terminal

LONG = "a paper boat sails down a rainy street at dusk and on and on, until nobody can see it any more"


@pytest.fixture(scope="module")
def emulator(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    with running_sora(tmp_path_factory.mktemp("sora") / "creates.jsonl", speed=1.0) as one:
        yield one


@pytest.fixture
def home(terminal: Terminal, emulator: SoraProcess) -> Iterator[SoraHome]:
    """A signed-in account, in a terminal of 100 columns."""
    wide = replace(terminal, variables={"COLUMNS": "100"})
    one = SoraHome(terminal=wide, emulator=emulator)
    one.configure()
    assert one.sign_in().code == 0
    yield one
    emulator.clear()
    emulator.run_at(1.0)


# --- inspect ---


def test_drafts_fit_the_terminal_and_say_what_went_wrong(home: SoraHome) -> None:
    """A clip's row fits the width with its id, pixels, length and version whole; failures say why."""
    draft = home.draft(home.make(LONG))
    clip, length = draft["id"], f"{draft['duration_s']:.1f} s"
    home.emulator.fault("violation", match="a forbidden thing")
    refused = home.draft(home.make("a forbidden thing"))["id"]

    said = home.sora("inspect", "drafts")

    lines = said.out.splitlines()
    (row,) = [line for line in lines if line.startswith(clip)]
    assert all(words in row for words in ("clip", "640×352", length, "no_watermark", "a paper boat"))
    assert max(len(line) for line in lines if not line.startswith(f"{refused}:")) <= 100
    assert f"{refused}: sora_content_violation: This content may violate" in said.out


def test_a_draft_is_as_old_as_it_is(terminal: Terminal, tmp_path: Path) -> None:
    """The age that is listed is what has passed on this machine's clock, however fast the emulator works."""
    with running_sora(tmp_path / "creates.jsonl", speed=1000.0) as emulator:
        home = SoraHome(terminal=terminal, emulator=emulator)
        home.configure()
        task = home.make("a boat", end=False)
        # What it takes to sign in is an age that can be told from none.
        assert home.sign_in().code == 0
        made_at = home.draft(task)["created_at"]
        before = time.time()
        said = home.sora("inspect", "drafts")
        after = time.time()
    age = re.search(r" no_watermark +(\d+) s +a boat", said.out)
    assert age is not None, said.out
    assert int(before - made_at) <= int(age[1]) <= after - made_at
    assert int(before - made_at) > 0


def test_drafts_as_json_are_the_service_s_own(home: SoraHome) -> None:
    """--json is the service's answer with its addresses; --limit bounds it; the token is never in it."""
    ids = [home.draft(home.make(f"boat {number}"))["id"] for number in range(2)]

    said = home.sora("inspect", "drafts", "--limit", "1", "--json")

    (found,) = said.json()
    assert found["id"] == ids[1]
    assert "sig=" in found["url"]
    assert "eyJ" not in said.out


def test_tasks_under_way(home: SoraHome) -> None:
    """A task is listed with its status, and shown alone by its id; a made-up one is not there."""
    home.emulator.run_at(0.001)
    id = home.make("a boat", end=False)

    listed, alone = home.sora("inspect", "pending"), home.sora("inspect", "task", id)
    none = home.sora("inspect", "task", "task_none")

    assert re.search(rf"^{id} +preprocessing +a boat", listed.out, re.MULTILINE), listed
    assert re.search(r"status +preprocessing\n +prompt +a boat", alone.out), alone
    assert none.code == 2
    assert "lists no task task_none" in none.err


def test_the_balance(home: SoraHome) -> None:
    """What is left is shown to a person, and as the service tells it to a program."""
    assert "left in the plan  100" in home.sora("inspect", "check").out
    found = home.terminal.json("sora", "inspect", "check")
    assert found["rate_limit_and_credit_balance"]["estimated_num_videos_remaining"] == 100


def test_nothing_there_yet(home: SoraHome) -> None:
    """An empty list is said to be empty."""
    assert home.sora("inspect", "drafts").out == "no drafts yet\n"
    assert home.sora("inspect", "pending").out == "no tasks under way\n"
    assert home.sora("inspect", "feed").out == "no posts yet\n"


def test_one_s_own_posts(home: SoraHome) -> None:
    """A post is listed with who may see it."""
    post = home.publish(home.draft(home.make("a boat"))["id"])

    (row,) = [line for line in home.sora("inspect", "feed").out.splitlines() if line.startswith(post["id"])]

    assert post["permissions"]["share_setting"] in row
    assert "My boat sails" in row


@pytest.mark.parametrize("words", [("task",), ("drafts", "gen_01k")])
def test_only_a_task_takes_an_id(home: SoraHome, words: tuple[str, ...]) -> None:
    """An id that is missing, or too much, is a mistake that is named."""
    said = home.sora("inspect", *words)

    assert said.code == 2
    assert "only task takes an ID" in said.err


# --- download ---


def test_the_best_version_of_a_draft(home: SoraHome) -> None:
    """A draft comes into the current folder under its id, at the pixels that the service promises."""
    draft = home.draft(home.make("a boat"))

    found = home.terminal.json("sora", "download", draft["id"])

    file = home.terminal.home / f"{draft['id']}.mp4"
    assert found["file"] == str(file)
    assert found["version"] == "no_watermark"
    assert (probe(file).width, probe(file).height) == (draft["width"], draft["height"]) == (640, 352)
    assert not list(home.terminal.home.glob(".rushes-*"))


def test_a_post_by_its_address_and_nothing_is_published(home: SoraHome) -> None:
    """A post is found by its permalink; the site is told of the download as its page does it, no more."""
    post = home.publish(home.draft(home.make("a boat"))["id"])
    before = len(home.emulator.requests())

    found = home.terminal.json("sora", "download", post["permalink"], "--out", "clips/boat.mp4")

    calls = home.emulator.requests()[before:]
    assert probe(Path(found["file"])).width == 640
    assert found["file"] == str(home.terminal.home / "clips" / "boat.mp4")
    assert any(one["path"].startswith(f"/backend/project_y/download/{post['id']}") for one in calls)
    assert {one["method"] for one in calls} == {"GET"}


def test_a_smaller_version_is_passed_over(home: SoraHome) -> None:
    """Where the first version offered is only a preview, the next one of the promised size is taken."""
    for fault in ("no-watermark-null", "path-not-url", "downloadable-small"):
        home.emulator.fault(fault, match="a boat")
    draft = home.draft(home.make("a boat"))

    said = home.sora("download", draft["id"], "--json")

    assert said.json()["version"] == "watermark"
    assert said.json()["width"] == 640
    assert said.json()["warning"] is None
    assert "downloadable has only" in said.err


def test_a_preview_is_all_there_is(home: SoraHome) -> None:
    """Where no version has the promised pixels, the largest one is taken, and that is said."""
    home.emulator.fault("preview-only", match="a boat")
    draft = home.draft(home.make("a boat"))

    found = home.terminal.json("sora", "download", draft["id"])

    assert found["version"] == "preview"
    assert found["width"] < 640
    assert "640×352 was promised" in found["warning"]


def test_addresses_that_have_run_out_are_asked_for_again(home: SoraHome) -> None:
    """Addresses that have run out are renewed by reading the draft again."""
    task = home.make("a boat of old")
    draft = home.draft(task)["id"]
    home.emulator.fault("media-expired", times=3, match="a boat of old")

    said = home.sora("download", draft, "--json")

    assert said.code == 0, said
    assert said.json()["width"] == 640
    assert "cannot be had" in said.err


def test_no_version_is_a_video(home: SoraHome) -> None:
    """Web pages in the place of the files leave no file behind, and say what came."""
    draft = home.draft(home.make("a boat"))["id"]
    home.emulator.fault("media-html")

    said = home.sora("download", draft)

    assert said.code == 5, said
    assert "a web page" in said.err
    assert not list(home.terminal.home.glob("*.mp4"))
    assert not list(home.terminal.home.glob(".rushes-*"))


def test_a_file_that_is_there_is_not_replaced(home: SoraHome) -> None:
    """A file of the person's own is only replaced where that was asked for."""
    draft = home.draft(home.make("a boat"))["id"]
    file = home.terminal.home / "mine.mp4"
    file.write_bytes(b"mine")

    refused = home.sora("download", draft, "--out", "mine.mp4")
    kept = file.read_bytes()
    forced = home.sora("download", draft, "--out", "mine.mp4", "--force")

    assert refused.code == 2
    assert "--force" in refused.err
    assert kept == b"mine"
    assert forced.code == 0
    assert probe(file).width == 640


@pytest.mark.parametrize(
    "clip", ["nonsense", "gen_01knone", "s_00000000000000000000000000000000", "https://example.com/"]
)
def test_a_clip_that_is_not_there(home: SoraHome, clip: str) -> None:
    """What is no clip, or none of the service's, is said to be that."""
    said = home.sora("download", clip)

    assert said.code == 2, said
    assert clip in said.err


# --- explore ---


def test_exploring_writes_beside_the_profile(home: SoraHome) -> None:
    """Calls are told live; the table is the result; the working folder stays empty; no secret is written."""
    before = set(home.terminal.home.iterdir())

    said = home.sora("explore", "/explore", "/drafts")

    assert said.code == 0, said
    assert "/api/auth/session" in said.out
    assert "/api/auth/session" in said.err
    (folder,) = (home.profile / "explore").iterdir()
    assert {one.name for one in folder.iterdir()} == {"requests.har", "requests.txt"}
    assert str(folder / "requests.har") in said.out
    text = (folder / "requests.har").read_text()
    assert "eyJ" not in text
    assert home.email not in text
    assert set(home.terminal.home.iterdir()) == before


def test_exploring_into_a_folder_of_one_s_own(home: SoraHome) -> None:
    """--out names the folder, and --json has the requests with it."""
    found = home.terminal.json("sora", "explore", "--out", "seen")

    assert found["har"] == str(home.terminal.home / "seen" / "requests.har")
    assert {"GET"} == {one["method"] for one in found["requests"]}
    assert json.loads((home.terminal.home / "seen" / "requests.har").read_text())["log"]["version"] == "1.2"
