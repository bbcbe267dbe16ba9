"""`rushes look`: somebody who reads its output, and decodes its pictures, knows what is wrong with a clip."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.media.grid import Grid, best_grid, fit
from tests.cli.terminal import QUICK, Terminal
from tests.media import films
from tests.media.footage import Pixels, pixels

ASPECT = films.WIDTH / films.HEIGHT


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one command said of a clip: its lines, and the tiles of its pictures, row by row."""

    said: dict[str, Any]

    @property
    def lines(self) -> str:
        return "\n".join(self.said["lines"])

    def overview(self) -> list[Pixels]:
        return cut_up(Path(self.said["sheet"]), best_grid(12, ASPECT, films.WIDTH))

    def burst(self, row: int, rows: int) -> list[Pixels]:
        """Return the four frames of a row of the bursts, and what changed between first and last."""
        grid = fit(5, rows, ASPECT, films.WIDTH)
        return cut_up(Path(self.said["bursts"]), grid)[row * 5 : row * 5 + 5]


def cut_up(sheet: Path, grid: Grid) -> list[Pixels]:
    picture = pixels(sheet)
    assert picture.shape[:2] == (grid.size[1], grid.size[0])
    corners = [grid.corner(column, row) for row in range(grid.rows) for column in range(grid.columns)]
    return [picture[top : top + grid.height, left : left + grid.width] for left, top in corners]


def differences(tiles: Sequence[Pixels]) -> list[float]:
    """Return how much each tile differs from the one before, in grey levels."""
    values = [tile.astype(np.int16) for tile in tiles]
    return [float(np.abs(b - a).mean()) for a, b in pairwise(values)]


def look(terminal: Terminal, film: films.Film) -> Looked:
    path = films.write(terminal.home / "film.mp4", film)
    return Looked(said=terminal.json("look", str(path), "--bursts"))


def test_a_frozen_half_shows(terminal: Terminal) -> None:
    """The lines name the span; the tiles after it are equal, and the burst at its start is still."""
    seen = look(terminal, films.frozen_half())
    changes = differences(seen.overview())

    assert "frozen 2.5-5.0 s" in seen.lines
    assert min(changes[:5]) > 5
    assert max(changes[6:]) < 2.5  # JPEG writes equal tiles a little differently
    assert seen.burst(0, rows=4)[4].mean() > 5
    assert seen.burst(3, rows=4)[4].mean() < 2


def test_a_black_gap_shows(terminal: Terminal) -> None:
    """The lines name the span; the tiles within it are black, and no others are."""
    seen = look(terminal, films.black_gap())
    dark = [at for at, tile in enumerate(seen.overview()) if tile.max() < 16]

    assert "black 2.0-2.5 s" in seen.lines
    assert dark == [6]
    assert "frozen" not in seen.lines


def test_a_jump_shows(terminal: Terminal) -> None:
    """The lines name the moment; its burst changes there and nowhere else, and a range shows both sides."""
    seen = look(terminal, films.jump_cut())
    before, jump, after = differences(seen.burst(3, rows=4)[:4])
    strip = terminal.json("look", seen.said["path"], "--range", "1.8-2.2")["range"]
    changes = differences(cut_up(Path(strip), best_grid(11, ASPECT, films.WIDTH))[:11])

    assert "cut at 2.0 s: another picture, or a jump in the same scene" in seen.lines
    assert jump > 2 * max(before, after)
    assert int(np.argmax(changes)) == 4


def test_a_clip_is_looked_at_as_it_was_filed(stocked: Terminal) -> None:
    """By its id, its job's or the beginning of one: the same answer, with the pictures filed with it."""
    clip = stocked.json("clips")[0]
    by_clip = stocked.json("look", clip["id"], "--bursts")

    assert by_clip == stocked.json("look", clip["job_id"][:6], "--bursts")
    assert (by_clip["clip"], by_clip["path"]) == (clip["id"], clip["path"])
    assert (by_clip["sheet"], by_clip["bursts"]) == (clip["sheet"], clip["bursts"])
    by_path = stocked.json("look", clip["path"], "--out", str(stocked.home))
    assert by_path["seen"] == by_clip["seen"]


def test_what_lies_beside_a_video_stays(terminal: Terminal, tmp_path: Path) -> None:
    """Pictures of files that are no clips go into a folder of the home, each its own; none beside them."""
    films.write(tmp_path / "take.mp4", films.healthy()[:24])
    films.write(tmp_path / "take.mov", films.black_gap()[:24])
    (tmp_path / "take.sheet.jpg").write_bytes(b"a person's own")
    told = [terminal.json("look", str(tmp_path / f"take.{one}"), "--at", "0.5") for one in ("mp4", "mov")]
    pictures = {Path(file) for one in told for file in (one["sheet"], one["frames"][0]["path"])}

    assert len(pictures) == 4
    assert all(picture.is_file() and picture.is_relative_to(terminal.home) for picture in pictures)
    assert (tmp_path / "take.sheet.jpg").read_bytes() == b"a person's own"
    assert {one.name for one in tmp_path.iterdir()} == {"home", "take.mp4", "take.mov", "take.sheet.jpg"}


def test_pictures_of_files_are_kept_for_a_week(terminal: Terminal, tmp_path: Path) -> None:
    """The next look forgets what was drawn more than a week ago, and leaves what was drawn since."""
    film = films.write(tmp_path / "film.mp4", films.healthy()[:24])
    drawn = [Path(terminal.json("look", str(film), "--at", at)["frames"][0]["path"]) for at in ("0.1", "0.2")]
    for picture, days in zip(drawn, (8, 6), strict=True):
        then = time.time() - days * 86_400
        os.utime(picture, (then, then))
    terminal.json("look", str(film))

    assert [picture.is_file() for picture in drawn] == [False, True]


def test_a_home_that_takes_no_pictures(terminal: Terminal, tmp_path: Path) -> None:
    """Where the home cannot be written to, what is said names --out, and with it the pictures are drawn."""
    film = films.write(tmp_path / "film.mp4", films.healthy()[:24])
    (terminal.home / "looks").write_bytes(b"")
    refused = terminal.run("look", str(film))
    told = terminal.json("look", str(film), "--out", str(tmp_path / "out"))

    assert refused.code != 0
    assert "next: rushes look FILE --out FOLDER" in refused.err
    assert Path(told["sheet"]).parent == tmp_path / "out"


def test_every_time_has_its_picture(stocked: Terminal, tmp_path: Path) -> None:
    """Times that differ by a hair have files of their own; the same time twice is one."""
    id, out = stocked.json("clips")[0]["id"], str(tmp_path)
    times = [word for at in ("0.123456789", "0.1234568", "0.5", "0.50") for word in ("--at", at)]
    frames = stocked.json("look", id, *times, "--out", out)["frames"]

    assert [frame["seconds"] for frame in frames] == [0.123456789, 0.1234568, 0.5]
    assert len({frame["path"] for frame in frames}) == 3


def test_a_file_that_is_cut_short_is_shown_as_far_as_it_goes(terminal: Terminal, tmp_path: Path) -> None:
    """A time after the last whole frame is refused with that frame's; up to there everything is drawn."""
    whole = films.write(tmp_path / "whole.mp4", films.healthy()).read_bytes()
    short = tmp_path / "short.mp4"
    short.write_bytes(whole[: len(whole) * 2 // 3])
    refused = terminal.run("look", str(short), "--at", "2.9")
    named = re.search(r"name a time from 0 to ([0-9.]+)", refused.err)
    assert named is not None
    told = terminal.json("look", str(short), "--at", named[1], "--range", f"0.5-{named[1]}")

    assert refused.code == 2
    assert "cut short after" in refused.err
    assert 1.0 < float(named[1]) < 2.9
    assert all(Path(one).is_file() for one in (told["sheet"], told["range"], told["frames"][0]["path"]))


def test_a_lost_sheet_is_drawn_again(terminal: Terminal) -> None:
    """The overview of a clip whose sheet was deleted is made anew, where it was."""
    clip = terminal.json("create", "a lighthouse in fog", *QUICK)["clips"][0]
    Path(clip["sheet"]).unlink()
    told = terminal.json("look", clip["id"])

    assert told["sheet"] == clip["sheet"]
    assert Path(told["sheet"]).is_file()


def test_single_frames_go_where_they_are_wanted(stocked: Terminal, tmp_path: Path) -> None:
    """`--at` gives the frame itself, at full size up to 1568 pixels a side, in the folder of `--out`."""
    clip = stocked.json("clips")[0]
    told = stocked.json("look", clip["id"], "--at", "0", "--at", "0.5", "--out", str(tmp_path / "new"))

    assert [frame["seconds"] for frame in told["frames"]] == [0.0, 0.5]
    for frame in told["frames"]:
        assert Path(frame["path"]).parent == tmp_path / "new"
        assert pixels(Path(frame["path"])).shape == (clip["height"], clip["width"], 3)


def test_frames_of_a_clip_go_when_it_goes(terminal: Terminal) -> None:
    """`remove` leaves nothing behind, the frames that were asked for included."""
    clip = terminal.json("create", "a lighthouse in fog", *QUICK)["clips"][0]
    terminal.json("look", clip["id"], "--at", "0.5", "--range", "0-0.5")
    assert len(list(Path(clip["path"]).parent.glob("*.look-*"))) == 2
    terminal.json("remove", clip["id"], "--yes")

    assert list((terminal.home / "clips").rglob("*.*")) == []


def test_a_person_reads_lines(stocked: Terminal) -> None:
    """Without --json: the path, what was seen, one thing to a line, and where the sheet is."""
    clip = stocked.json("clips")[0]
    said = stocked.run("look", clip["id"])

    assert clip["path"] in said.out
    assert clip["sheet"] in said.out
    assert "LUFS" in said.out
    assert "no cut, nothing black, nothing frozen" in said.out
    assert "no cut, nothing black, nothing frozen" in stocked.run("clip", clip["id"]).out


@pytest.mark.parametrize(
    ("words", "tells"),
    [
        (["nothing-there"], "is not a file, clip id or job id"),
        (["."], "is a folder"),
        (["x" * 5000], "is not a file, clip id or job id"),
        (["CLIP", "--at", "99"], "there is nothing at 99 s"),
        (["CLIP", "--at", "nan"], "'nan' is not a number of seconds"),
        (["CLIP", "--range", "4-2"], "the start first"),
        (["CLIP", "--range", "soon"], "not a stretch of time"),
        (["CLIP", "--range", "7-9"], "there is nothing at 7 s"),
        (["CLIP", "--range", "1-9"], "nothing lies between 1 and 9 s"),
    ],
    ids=lambda one: "-".join(one)[:20] if isinstance(one, list) else "",
)
def test_what_cannot_be_shown_is_said(stocked: Terminal, words: list[str], tells: str) -> None:
    """A name that means nothing, or a time that is not in the clip, exits with 2 and says so."""
    id = stocked.json("clips")[0]["id"]
    said = stocked.run("look", *(id if word == "CLIP" else word for word in words))

    assert said.code == 2
    assert tells in said.err


def test_a_range_may_end_after_the_clip(stocked: Terminal) -> None:
    """A range that goes on past the end shows what there is, and its file is named for that."""
    id = stocked.json("clips")[0]["id"]

    for end in ("inf", "99"):
        shown = Path(stocked.json("look", id, "--range", f"0.5-{end}")["range"])
        assert shown.is_file()
        assert shown.name.endswith(".look-0.5-1s.jpg")


def test_a_job_without_a_clip_says_so(terminal: Terminal) -> None:
    """A job that has made nothing yet is named with its state, not with a traceback."""
    job = terminal.json("create", "a boat at sea", "--seconds", "30", "--no-wait")["job"]
    said = terminal.run("look", job["id"])

    assert said.code == 2
    assert "has no clip" in said.err
