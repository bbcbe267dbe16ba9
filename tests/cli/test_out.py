"""`--out` is a destination that a person named: it is checked first, and nothing is replaced unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import QUICK, Said, Terminal
from tests.media.footage import Footage, numbered, shoot

BOAT = ("create", "a boat at sea", *QUICK)
"""The words that are made once, for all tests that ask for a copy of what is there."""

OTHER = ("create", "a boat that nobody made", *QUICK)

REFUSED, NOT_COPIED = 2, 12

MINE = b"mine"


@pytest.fixture(scope="module")
def boat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal that has made one clip; the tests ask for copies of it."""
    one = Terminal(home=tmp_path_factory.mktemp("boat"))
    made = one.run(*BOAT)
    assert made.code == 0, made
    yield one
    one.stop_worker()


@pytest.fixture
def desk(boat: Terminal, tmp_path: Path) -> Terminal:
    """The same terminal, in a working folder of its own."""
    return Terminal(home=boat.home, folder=tmp_path)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    terminal.settings(f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n')
    return terminal


def clip_of(terminal: Terminal) -> Path:
    return Path(terminal.json(*BOAT)["clips"][0]["path"])


def refused(said: Said, *words: str) -> None:
    """Check that a command was refused in plain words, with what to do."""
    assert said.code == REFUSED, said
    assert " next: " in said.err
    assert "OSError" not in said.err
    assert "RUSHES_HOME" not in said.err
    for one in words:
        assert one in said.err


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film that some players do not play, and that a repair helps."""
    frames = [numbered(at) for at in range(6)]
    return shoot(tmp_path / "c.mp4", Footage(frames=frames, container={}))


# --- a clip's copy ---


@pytest.mark.parametrize("kind", ["file", "link to a file", "link to nothing"])
def test_what_is_there_is_not_replaced_and_nothing_is_stored(
    desk: Terminal, tmp_path: Path, kind: str
) -> None:
    """A file, or what a link points to, is refused before a job is stored; --force is named."""
    out, real = tmp_path / "x.mp4", tmp_path / "real.mp4"
    if kind != "link to nothing":
        (out if kind == "file" else real).write_bytes(MINE)
    if kind != "file":
        if sys.platform == "win32":
            pytest.skip("a link needs a right that Windows does not give")
        out.symlink_to(real)
    before = len(desk.json("jobs"))
    said = desk.run(*OTHER, "--out", "x.mp4")

    refused(said, "x.mp4", "--force")
    assert len(desk.json("jobs")) == before
    if kind != "link to nothing":
        assert out.read_bytes() == MINE
    else:
        assert not real.exists()


def test_the_same_command_twice_is_content(desk: Terminal, tmp_path: Path) -> None:
    """The copy of an older job is told first, also the second time; force alone replaces an edited one."""
    first = desk.run(*BOAT, "--out", "x.mp4")
    second = desk.json(*BOAT, "--out", "x.mp4")
    (tmp_path / "x.mp4").write_bytes(MINE)
    edited = desk.run(*BOAT, "--out", "x.mp4")
    kept = (tmp_path / "x.mp4").read_bytes()
    forced = desk.json(*BOAT, "--out", "x.mp4", "--force")

    assert (first.code, first.out.split()[:2]) == (0, ["copy", str(tmp_path / "x.mp4")])
    assert str(tmp_path / "x.mp4") in second["copies"]
    refused(edited, "--force")
    assert kept == MINE
    assert str(tmp_path / "x.mp4") in forced["copies"]
    assert (tmp_path / "x.mp4").read_bytes() == clip_of(desk).read_bytes()
    assert str(tmp_path / "x.mp4") in desk.json("job", forced["job"]["id"])["copies"]


def test_a_copy_that_was_removed_is_not_told_of(desk: Terminal, tmp_path: Path) -> None:
    """What a person moved away is no copy any more; asked for once more, it is made again."""
    made = desk.json(*BOAT, "--out", "x.mp4")
    (tmp_path / "x.mp4").unlink()
    later = desk.json("job", made["job"]["id"])
    again = desk.json(*BOAT, "--out", "x.mp4")

    assert str(tmp_path / "x.mp4") in made["copies"]
    assert str(tmp_path / "x.mp4") not in later["copies"]
    assert str(tmp_path / "x.mp4") in again["copies"]
    assert (tmp_path / "x.mp4").read_bytes() == clip_of(desk).read_bytes()


@pytest.mark.parametrize("out", ["clips/", "clips/a.mp4", "CLIP", "LINK", "staging/x.mp4"])
def test_the_folders_of_the_library_are_no_destination(desk: Terminal, tmp_path: Path, out: str) -> None:
    """Nothing is put among the library's own files, and --force or a link replaces none of its clips."""
    clip = clip_of(desk)
    kept = clip.read_bytes()
    link = tmp_path / "link.mp4"
    if out == "LINK":
        if sys.platform == "win32":
            pytest.skip("a link needs a right that Windows does not give")
        link.symlink_to(clip)
    goal = {"CLIP": str(clip), "LINK": str(link)}.get(out, f"{desk.home}/{out}")

    refused(desk.run(*OTHER, "--out", goal, "--force"), "in the library")
    refused(desk.run(*BOAT, "--out", goal), "in the library")
    assert clip.read_bytes() == kept


@pytest.mark.skipif(sys.platform == "win32", reason="devices have no paths there")
def test_a_device_is_not_a_name_without_an_ending(desk: Terminal) -> None:
    """--out /dev/null is refused; no /dev/null.mp4 is made."""
    refused(desk.run(*OTHER, "--out", os.devnull), "/dev/null is not an ordinary file")


@pytest.mark.parametrize("out", [".", "videos/", "there", "new/below/", "FOLDER"])
def test_a_folder_gets_the_clips_own_name(desk: Terminal, tmp_path: Path, out: str) -> None:
    """A folder that is there, and whatever ends with a slash, which is made."""
    (tmp_path / "there").mkdir()
    clip = clip_of(desk)
    folder = tmp_path if out in (".", "FOLDER") else tmp_path / out
    said = desk.run(*BOAT, "--out", str(tmp_path) if out == "FOLDER" else out, "--json")

    assert said.code == 0, said
    assert str(folder / clip.name) in said.json()["copies"]
    assert (folder / clip.name).read_bytes() == clip.read_bytes()


@pytest.mark.parametrize(
    ("out", "name"),
    [("x", "x.mp4"), ("v1.2", "v1.2.mp4"), ("Mr. Smith", "Mr. Smith.mp4"), ("X.MP4", "X.MP4")],
)
def test_the_name_that_is_printed_is_the_one_on_disk(
    desk: Terminal, tmp_path: Path, out: str, name: str
) -> None:
    """Without an ending .mp4 is added, and told; what only looks like an ending is none."""
    answer = desk.json(*BOAT, "--out", out)

    assert str(tmp_path / name) in answer["copies"]
    assert (tmp_path / name).is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are of Linux's disks")
def test_a_name_that_is_no_text(desk: Terminal, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, as old archives have them, are a file's name like any other."""
    out = os.fsdecode(b"caf\xe9.mp4")
    answer = desk.json(*BOAT, "--out", out)
    shown = desk.run("job", answer["job"]["id"])

    assert (tmp_path / out).read_bytes() == clip_of(desk).read_bytes()
    assert str(tmp_path / out) in answer["copies"]
    assert shown.code == 0, shown


def test_home_and_file_addresses_are_understood(desk: Terminal, tmp_path: Path) -> None:
    """`--out=~/x.mp4`, which no shell expands, and file:///…/x.mp4 name what they say."""
    at_home = Terminal(
        home=desk.home, folder=tmp_path, variables={"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    )
    at_home.json(*BOAT, "--out=~/one.mp4")
    desk.json(*BOAT, "--out", (tmp_path / "two 2.mp4").as_uri())

    assert (tmp_path / "one.mp4").is_file()
    assert (tmp_path / "two 2.mp4").is_file()


def test_all_names_of_several_takes_are_checked_first(desk: Terminal, tmp_path: Path) -> None:
    """--count 3 is refused for its third name alone, before any of them is stored."""
    (tmp_path / "x-3.mp4").write_bytes(MINE)
    before = len(desk.json("jobs"))
    said = desk.run(*OTHER, "--count", "3", "--out", "x.mp4")

    refused(said, "x-3.mp4")
    assert len(desk.json("jobs")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files, whoever asks")
def test_a_folder_that_takes_no_files_is_refused(desk: Terminal) -> None:
    """It is refused before anything is stored, with advice about the file, not about the home."""
    before = len(desk.json("jobs"))
    said = desk.run(*OTHER, "--out", "/proc/x.mp4")

    refused(said, "no file can be put into /proc", "name a file in a folder that you may write to")
    assert len(desk.json("jobs")) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_what_is_no_ordinary_file_is_refused(desk: Terminal, tmp_path: Path) -> None:
    """A pipe or a device is not written to, with --force neither."""
    os.mkfifo(tmp_path / "pipe.mp4")

    refused(desk.run(*OTHER, "--out", "pipe.mp4", "--force"), "is not an ordinary file")


def create(paid: Terminal, provider: ProviderProcess, prompt: str, out: Path) -> subprocess.Popen[str]:
    """Start a create, and return it when its provider has accepted it."""
    words = paid.command(
        "create", prompt, "--model", "lab/priced", "--seconds", "1", "--yes", "--out", str(out)
    )
    creating = subprocess.Popen(words, env=paid.environ, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not provider.log(prompt):
        assert creating.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return creating


def test_a_file_that_appears_meanwhile_is_not_replaced(
    paid: Terminal, provider: ProviderProcess, tmp_path: Path
) -> None:
    """The clip is safe and named, the exit code says that the copy is missing, and `wait` makes it later."""
    provider.script("meanwhile", render={"seconds": 6.0})
    out = tmp_path / "x.mp4"
    with create(paid, provider, "meanwhile", out) as creating:
        second = paid.run("create", "another", "--model", "lab/priced", "--yes", "--out", str(out))
        out.write_bytes(MINE)
        told, _ = creating.communicate(timeout=60)
    kept = out.read_bytes()
    job = paid.json("jobs")[0]["job"]["id"]
    again = paid.run("wait", job, "--json")
    explained = paid.json("why", job)
    out.unlink()
    copied = paid.json("wait", job)

    refused(second, f"the clip of job {job} goes to {out}")
    assert creating.returncode == NOT_COPIED
    assert "the clip is safe" in told
    assert f"rushes wait {job} copies it" in told
    assert kept == MINE
    assert (again.code, again.json()["error"]["code"], again.json()["copies"]) == (
        NOT_COPIED,
        "not_copied",
        [],
    )
    assert explained["state_words"] == "completed; its clip is safe"
    assert copied["copies"] == [str(out)]
    assert out.read_bytes() == Path(copied["clips"][0]["path"]).read_bytes()
    assert len(provider.log("meanwhile")) == 1


# --- a batch ---


def batch(terminal: Terminal, folder: Path, *lines: dict[str, Any]) -> Said:
    usual = {"prompt": "a boat at sea", "seconds": 1, "resolution": "480p", "model": "animatic/storyboard"}
    (folder / "b.jsonl").write_text("".join(json.dumps({**usual, **line}) + "\n" for line in lines))
    return terminal.run("create", "--batch", "b.jsonl")


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "b.results.jsonl").read_text().splitlines()]


def test_a_batch_names_the_lines_whose_files_are_there(desk: Terminal, tmp_path: Path) -> None:
    """Each line is checked before any is stored; `"force": true` replaces; the results name the copies."""
    (tmp_path / "there.mp4").write_bytes(MINE)
    before = len(desk.json("jobs"))
    said = batch(desk, tmp_path, {"out": "free.mp4"}, {"out": "there.mp4", "prompt": "nobody made it"})
    after = len(desk.json("jobs"))
    forced = batch(desk, tmp_path, {"out": "there.mp4", "force": True})
    copies = results(tmp_path)[0]["copies"]

    refused(said, "line 2: ", "there.mp4 exists already", '"force": true')
    assert "line 1" not in said.err
    assert after == before
    assert forced.code == 0, forced
    assert str(tmp_path / "there.mp4") in copies
    assert (tmp_path / "there.mp4").read_bytes() == clip_of(desk).read_bytes()


def test_two_lines_of_a_batch_go_to_two_files(desk: Terminal, tmp_path: Path) -> None:
    """The same file by another spelling is refused; a folder takes the clips of several lines."""
    (tmp_path / "sub").mkdir()
    said = batch(desk, tmp_path, {"out": "x"}, {"prompt": "another", "out": "sub/../x.mp4"})
    shared = batch(desk, tmp_path, {"out": "sub/"}, {"out": "sub/", "seconds": 1.0})

    refused(said, "line 2: line 1 has the same out")
    assert shared.code == 0, shared
    assert (tmp_path / "sub" / clip_of(desk).name).is_file()


def test_a_batch_that_continues_leaves_edited_copies_alone(desk: Terminal, tmp_path: Path) -> None:
    """Run again, a line whose copy was made once and edited since is no fault, and is not written over."""
    first = batch(desk, tmp_path, {"out": "x.mp4"})
    (tmp_path / "x.mp4").write_bytes(MINE)
    second = batch(desk, tmp_path, {"out": "x.mp4"})
    (tmp_path / "x.mp4").unlink()
    third = batch(desk, tmp_path, {"out": "x.mp4"})

    assert (first.code, second.code, third.code) == (0, 0, 0), (first, second, third)
    assert (tmp_path / "x.mp4").read_bytes() == clip_of(desk).read_bytes()


# --- sheet, lint, look ---


def kind_of(picture: Path) -> str | None:
    with Image.open(picture) as image:
        return image.format


def test_a_sheet_is_what_its_name_says(desk: Terminal, film: Path, tmp_path: Path) -> None:
    """A picture's ending decides its kind, others are refused; what is there is replaced by force alone."""
    (tmp_path / "mine.png").write_bytes(MINE)
    refused(desk.run("sheet", "c.mp4", "--out", "x.mp4"), "ends with .mp4", "name it x.jpg")
    refused(desk.run("sheet", "c.mp4", "--out", "mine.png"), "exists already", "--force")
    kept = (tmp_path / "mine.png").read_bytes()
    forced = desk.json("sheet", "c.mp4", "--out", "mine.png", "--force")
    in_folder = desk.json("sheet", "c.mp4", "--out", "pictures/")

    assert kept == MINE
    assert forced == {"sheet": str(tmp_path / "mine.png")}
    assert kind_of(tmp_path / "mine.png") == "PNG"
    assert in_folder == {"sheet": str(tmp_path / "pictures" / "c.sheet.jpg")}
    assert (
        desk.json("sheet", "c.mp4") == desk.json("sheet", "c.mp4") == {"sheet": str(tmp_path / "c.sheet.jpg")}
    )
    assert not list(tmp_path.glob(".*"))


def test_a_repaired_file_replaces_nothing(desk: Terminal, film: Path, tmp_path: Path) -> None:
    """`lint --repair` says where the repaired file is, and refuses to write over one that is there."""
    before = film.read_bytes()
    made = desk.run("lint", "c.mp4", "--repair")
    repaired = tmp_path / "c.repaired.mp4"
    clean = desk.run("lint", "c.repaired.mp4", "--repair", "--out", "new.mp4")
    repaired.write_bytes(MINE)
    again = desk.run("lint", "c.mp4", "--repair")
    kept = repaired.read_bytes()
    forced = desk.json("lint", "c.mp4", "--repair", "--force")

    assert made.code == 0, made
    assert made.out.splitlines()[-1] == f"repaired: {repaired}"
    assert clean.out.strip() == "no problems found"
    assert not (tmp_path / "new.mp4").exists()
    refused(again, "exists already", "--force")
    assert kept == MINE
    assert forced["repaired"] == str(repaired)
    refused(desk.run("lint", "c.mp4", "--repair", "--out", "c.mp4", "--force"), "is the video itself")
    refused(desk.run("lint", "c.mp4", "--repair", "--out", "c.webm"), "ends with .webm")
    refused(desk.run("lint", "c.mp4", "--out", "c2.mp4"), "--out, --force and --compatible go with --repair")
    assert film.read_bytes() == before


def test_pictures_of_a_look_replace_nothing(desk: Terminal, film: Path, tmp_path: Path) -> None:
    """The same pictures again are no fault; another one under the name stays, unless --force is given."""
    first = desk.json("look", "c.mp4", "--out", "seen")
    second = desk.json("look", "c.mp4", "--out", "seen")
    Path(first["sheet"]).write_bytes(MINE)
    said = desk.run("look", "c.mp4", "--out", "seen")
    kept = Path(first["sheet"]).read_bytes()
    desk.json("look", "c.mp4", "--out", "seen", "--force")

    assert second["sheet"] == first["sheet"] == str(tmp_path / "seen" / "c.sheet.jpg")
    refused(said, "exists already", "--force")
    assert kept == MINE
    assert kind_of(Path(first["sheet"])) == "JPEG"
    assert [one.name for one in (tmp_path / "seen").iterdir()] == ["c.sheet.jpg"]
    refused(desk.run("look", "c.mp4", "--out", "c.mp4"), "is a file, not a folder")
