"""The library through its commands: clips, removal, verification, rebuilding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.testing.footage import CREDENTIALS, Footage
from tests.cli.terminal import QUICK, Terminal


def make(terminal: Terminal, prompt: str = "a lighthouse in fog") -> dict[str, str]:
    """Make a clip and return it as JSON."""
    clip: dict[str, str] = terminal.json("create", prompt, *QUICK)["clips"][0]
    return clip


def test_clips_lists_and_searches(stocked: Terminal) -> None:
    """`clips` finds by a word of the prompt and finds nothing by another."""
    assert len(stocked.json("clips")) == 1
    assert len(stocked.json("clips", "LIGHTHOUSE")) == 1
    assert stocked.json("clips", "submarine") == []


def test_a_clip_is_found_by_the_beginning_of_its_id(stocked: Terminal) -> None:
    """Ids may be shortened, as those of jobs."""
    id = stocked.json("clips")[0]["id"]

    assert stocked.json("clip", id[:5])["id"] == id
    assert stocked.json("job", "j" + id[1:5])["job"]["id"] == "j" + id[1:]


def test_the_sidecar_tells_what_the_file_is(stocked: Terminal) -> None:
    """The JSON beside a clip holds prompt, model, seed, cost, hash and source job."""
    clip = stocked.json("clips")[0]
    sidecar = json.loads(Path(clip["path"]).with_suffix(".json").read_text())

    for name in ("prompt", "model", "seed", "cost", "sha256", "job_id", "facts"):
        assert sidecar[name] == clip[name], name
    assert sidecar["seed"] == 7


def test_the_folder_is_private(stocked: Terminal) -> None:
    """The library's folders and the ledger are readable by their owner only."""
    clip = Path(stocked.json("clips")[0]["path"])

    assert clip.parent.stat().st_mode & 0o077 == 0
    assert (stocked.home / "ledger.db").stat().st_mode & 0o077 == 0


def test_verify_is_content_with_what_was_filed(stocked: Terminal) -> None:
    """A library nobody touched has no flaws."""
    assert stocked.json("library", "verify") == {"clips": 1, "flaws": []}


def test_verify_finds_what_was_changed_lost_or_added(terminal: Terminal) -> None:
    """A changed byte, a lost file, a lost sidecar and a stray file are each named."""
    changed, lost = Path(make(terminal)["path"]), Path(make(terminal, "snow in mountains")["path"])
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    lost.unlink()
    changed.with_suffix(".json").unlink()
    stray = changed.with_name("stray.mp4")
    stray.write_bytes(b"")

    said = terminal.run("library", "verify", "--json")
    found = {(flaw["kind"], flaw["path"]) for flaw in said.json()["flaws"]}

    assert said.code == 11
    assert found == {
        ("changed", str(changed)),
        ("no_sidecar", str(changed.with_suffix(".json"))),
        ("missing", str(lost)),
        ("unknown", str(stray)),
    }


def test_rebuild_brings_the_clips_back_without_the_ledger(terminal: Terminal) -> None:
    """With the ledger gone, sidecars alone restore every clip as it was."""
    clip = make(terminal)
    terminal.stop_worker()
    for file in terminal.home.glob("ledger.*"):
        file.unlink()

    assert terminal.json("clips") == []
    assert terminal.json("library", "rebuild")["restored"] == 1
    assert terminal.json("clips") == [clip]


def test_collect_brings_a_lost_file_back(terminal: Terminal) -> None:
    """A clip whose file was deleted is made whole again by `collect`, without a new job."""
    clip = make(terminal)
    Path(clip["path"]).unlink()
    terminal.json("collect", clip["job_id"])
    answer = terminal.json("wait", clip["job_id"])

    assert Path(clip["path"]).is_file()
    assert answer["job"]["state"] == "completed"
    assert terminal.json("library", "verify")["flaws"] == []


def test_remove_deletes_the_files_and_keeps_the_job(terminal: Terminal) -> None:
    """After `remove` nothing of the clip is on disk; its job and cost are still told."""
    clip = make(terminal)
    refused = terminal.run("remove", clip["id"])
    terminal.json("remove", clip["id"], "--yes")

    assert refused.code == 2
    assert "--yes" in refused.err
    assert list((terminal.home / "clips").rglob("*.*")) == []
    assert terminal.json("job", clip["job_id"])["job"]["state"] == "completed"


def test_sheet_and_lint_take_any_file(stocked: Terminal, tmp_path: Path) -> None:
    """`sheet` draws beside a file or where it is told; `lint` finds no fault with what we deliver."""
    path = stocked.json("clips")[0]["path"]
    sheet = stocked.json("sheet", path, "--bursts", "--out", str(tmp_path / "s.jpg"))["sheet"]

    assert Path(sheet).read_bytes()[:3] == b"\xff\xd8\xff"
    found = stocked.json("lint", path)
    assert found == {"findings": [], "repaired": None, "c2pa": False, "repaired_c2pa": None}


@pytest.mark.parametrize("kind", ["signed", "signed_moov_last"])
def test_a_repair_says_that_credentials_are_lost(stocked: Terminal, tmp_path: Path, kind: str) -> None:
    """A signed file that plays is not repaired; of one that does not play, it is said what the copy lacks."""
    file = tmp_path / "clip.mp4"
    file.write_bytes(Footage(160, 96, 0.5).named(kind))
    told = stocked.json("lint", str(file), "--repair")
    said = stocked.run("lint", str(file), "--repair")

    assert file.read_bytes() == Footage(160, 96, 0.5).named(kind)
    assert told["c2pa"] is True
    if kind == "signed":
        assert (told["repaired"], told["repaired_c2pa"], said.err) == (None, None, "")
    else:
        assert told["repaired_c2pa"] is False
        assert CREDENTIALS not in Path(told["repaired"]).read_bytes()
        assert f"the signed original stays at {file}" in said.err
        assert "carries content credentials (C2PA)" in stocked.run("look", str(file)).out


def test_lint_says_what_is_no_video(stocked: Terminal, tmp_path: Path) -> None:
    """A web page saved as MP4 exits with 10 and is called one."""
    page = tmp_path / "clip.mp4"
    page.write_text("<!doctype html><html><body>Sign in</body></html>")
    said = stocked.run("lint", str(page))

    assert said.code == 10
    assert "HTML" in said.err or "web page" in said.err
