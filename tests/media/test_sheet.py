"""The sheets: each tile holds exactly the frame that its place and label promise."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.media.edge import open_video
from rushes.media.frames import _needed, pick, read_timeline
from rushes.media.grid import MAX_PIXELS, MAX_SIDE, STRIP, Grid, Tile, best_grid, draw, fit
from rushes.media.sheet import bursts, frame_at, overview
from tests.media.footage import Footage, Pixels, decoded, numbered, pixels, read_number, shoot, still


def tiles(sheet: Pixels, grid: Grid, count: int) -> list[Pixels]:
    """Cut the first `count` tiles out of a sheet, row by row."""
    assert sheet.shape[:2] == (grid.size[1], grid.size[0])
    places = [grid.corner(at % grid.columns, at // grid.columns) for at in range(count)]
    return [sheet[top : top + grid.height, left : left + grid.width] for left, top in places]


def shown(sheet: Path, grid: Grid, count: int) -> list[int]:
    return [read_number(tile) for tile in tiles(pixels(sheet), grid, count)]


def spread(frames: int, count: int = 12) -> list[int]:
    return [round((frames - 1) * at / (count - 1)) for at in range(count)]


def test_overview_shows_exact_frames(long: Path, tmp_path: Path) -> None:
    """Twelve tiles hold the first, the last and the ten frames evenly between, to the frame."""
    sheet = overview(long, tmp_path / "sheet.jpg")
    assert shown(sheet, best_grid(12, 16 / 9, 320), 12) == spread(240)


def test_frames_are_those_of_a_plain_decode(long: Path) -> None:
    """Skipping what is not needed changes no pixel of any frame, whichever are asked for."""
    plain = {frame.pts: frame.to_ndarray() for frame in decoded(long)}
    for seed in range(6):
        some = np.random.default_rng(seed).choice(sorted(plain), size=9, replace=False)
        wanted = {int(pts) for pts in some}
        with open_video(long) as (container, stream):
            line = read_timeline(long, container, stream)
            got = {frame.pts: frame.to_ndarray() for frame in pick(container, stream, line, wanted)}
        assert set(got) == wanted
        assert all(np.array_equal(got[pts], plain[pts]) for pts in wanted)


def test_decodes_less_than_everything(long: Path) -> None:
    """A frame at the end of a group costs no more than its group, and one at the start next to nothing."""
    with open_video(long) as (container, stream):
        line = read_timeline(long, container, stream)
        first = line.shown[0]
        assert [frame.pts for frame in pick(container, stream, line, {first})] == [first]
        assert len(_needed(line.entries, {first, line.shown[96]})) == 2


@pytest.mark.parametrize("codec", ["libx265", "libvpx-vp9", "libx264"])
def test_open_groups_and_other_codecs(tmp_path: Path, codec: str) -> None:
    """Exactness holds for open groups of pictures and for frames that other codecs hide."""
    options = {
        "libx265": {"x265-params": "log-level=none:open-gop=1:keyint=12:min-keyint=12:bframes=4"},
        "libx264": {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=4:b-pyramid=normal"},
        "libvpx-vp9": {"deadline": "good", "cpu-used": "5", "lag-in-frames": "16", "auto-alt-ref": "1"},
    }[codec]
    tag = "hvc1" if codec == "libx265" else None
    frames = [numbered(at, 160, 90) for at in range(60)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, codec=codec, codec_tag=tag, options=options))
    plain = {frame.pts: frame.to_ndarray() for frame in decoded(path)}
    for pts in sorted(plain)[::7]:
        with open_video(path) as (container, stream):
            line = read_timeline(path, container, stream)
            got = list(pick(container, stream, line, {pts}))
        assert [frame.pts for frame in got] == [pts]
        assert np.array_equal(got[0].to_ndarray(), plain[pts])


@pytest.mark.parametrize(
    ("width", "height", "columns", "rows"),
    [(320, 180, 4, 3), (180, 320, 6, 2), (320, 320, 4, 3), (320, 240, 4, 3), (400, 160, 3, 4)],
)
def test_overview_layout(tmp_path: Path, width: int, height: int, columns: int, rows: int) -> None:
    """16:9 and square clips come as 4 by 3 tiles, upright ones as 6 by 2, others in what fits best."""
    frames = [numbered(at, width, height) for at in range(24)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames))
    sheet = overview(path, tmp_path / "sheet.jpg")
    grid = best_grid(12, width / height, width)
    assert (grid.columns, grid.rows) == (columns, rows)
    assert shown(sheet, grid, 12) == spread(24)


@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16, 1, 4 / 3, 3 / 4, 2.39, 4, 1 / 4])
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_sheet_stays_within_limits(aspect: float, count: int) -> None:
    """No layout exceeds what a vision model takes without scaling, and none leaves a row empty."""
    grid = best_grid(count, aspect, 3840)
    assert max(grid.size) <= MAX_SIDE
    assert grid.size[0] * grid.size[1] <= MAX_PIXELS
    assert grid.columns * (grid.rows - 1) < count <= grid.columns * grid.rows
    assert grid.width / grid.height == pytest.approx(aspect, rel=0.03)


@pytest.mark.parametrize(
    ("aspect", "width", "height"), [(16 / 9, 392, 220), (9 / 16, 224, 398), (1, 296, 296)]
)
def test_tiles_are_large(aspect: float, width: int, height: int) -> None:
    """Tiles are as large as the limits allow: within 5 % of what they could be without gutters."""
    grid = best_grid(12, aspect, 1920)
    assert grid.width >= 0.95 * width
    assert grid.height >= 0.95 * height


def test_label_is_under_the_tile(long: Path, tmp_path: Path) -> None:
    """Each tile has its time in light type on dark ground beneath it, and nothing over the picture."""
    sheet = pixels(overview(long, tmp_path / "sheet.jpg"))
    grid = best_grid(12, 16 / 9, 320)
    for at in range(12):
        left, top = grid.corner(at % grid.columns, at // grid.columns)
        strip = sheet[top + grid.height + 3 : top + grid.height + 20, left : left + grid.width]
        assert strip.max() > 150
        assert np.median(strip) < 40


def strips(sheet: Pixels, grid: Grid, count: int) -> list[Pixels]:
    """Cut what is written under the first `count` tiles out of a sheet."""
    places = [grid.corner(at % grid.columns, at // grid.columns) for at in range(count)]
    return [
        sheet[top + grid.height : top + grid.height + STRIP, left : left + grid.width] for left, top in places
    ]


def test_labels_tell_number_and_time(long: Path, tmp_path: Path) -> None:
    """Under each tile of both sheets stand the number of its frame among those shown, and its second."""
    rate = 24000 / 1001
    grid = best_grid(12, 16 / 9, 320)
    labels = [f"f {number} · {number / rate:.2f} s" for number in spread(240)]
    told = pixels(overview(long, tmp_path / "sheet.png"))
    assert_labelled(told, grid, labels)
    grid = fit(5, 3, 16 / 9, 320)
    told = pixels(bursts(long, tmp_path / "bursts.png"))
    numbers = [read_number(tile) for tile in tiles(told, grid, 4)]
    labels = [f"f {number} · {number / rate:.2f} s" for number in numbers]
    assert_labelled(told, grid, [f"start · {labels[0]}", *labels[1:], "change x3"])


def assert_labelled(sheet: Pixels, grid: Grid, labels: list[str]) -> None:
    blank = Image.new("RGB", (grid.width, grid.height))
    for at in range(0, len(labels), grid.columns):
        row = [Tile(picture=blank, label=label) for label in labels[at : at + grid.columns]]
        wanted = draw(grid, [row])
        found = strips(sheet, grid, len(labels))[at : at + len(row)]
        for strip, right in zip(found, strips(np.asarray(wanted), grid, len(row)), strict=True):
            assert np.array_equal(strip, right)


def test_wide_labels_fit_their_tiles() -> None:
    """A label that is wider than its tile comes in smaller type."""
    grid = fit(5, 1, 9 / 16, 180)
    blank = Image.new("RGB", (grid.width, grid.height))
    sheet = np.asarray(draw(grid, [[Tile(picture=blank, label="frozen · f 12345 · 123.45 s")]]))
    _, top = grid.corner(0, 0)
    written = np.flatnonzero((sheet[top + grid.height :] > 100).any(axis=(0, 2)))
    assert 100 < written.max() <= grid.corner(0, 0)[0] + grid.width


def test_labels_tell_the_time(long: Path, tmp_path: Path) -> None:
    """The time under a tile leads back to that very frame through `frame_at`."""
    with open_video(long) as (container, stream):
        line = read_timeline(long, container, stream)
    for at in (0, 1, 100, 239):
        label = f"{line.seconds(line.shown[at]):.2f}"
        picture = frame_at(long, float(label), tmp_path / "frame.png")
        assert read_number(pixels(picture)) == at
        assert pixels(picture).shape == (180, 320, 3)


@pytest.mark.parametrize(("seconds", "number"), [(-1.0, 0), (0.0, 0), (1.02, 24), (99.0, 71)])
def test_frame_at(healthy: Path, tmp_path: Path, seconds: float, number: int) -> None:
    """The nearest frame is given, the first or last one beyond the ends."""
    assert read_number(pixels(frame_at(healthy, seconds, tmp_path / "new" / "frame.jpg"))) == number


@pytest.mark.parametrize("count", [1, 2, 3, 7, 11, 12, 13])
def test_short_clips(tmp_path: Path, count: int) -> None:
    """A clip of fewer than twelve frames shows each once, in both sheets."""
    frames = [numbered(at, 240, 136) for at in range(count)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames))
    sheet = overview(path, tmp_path / "sheet.jpg")
    wanted = list(range(count)) if count <= 12 else spread(count)
    assert shown(sheet, best_grid(len(wanted), 240 / 136, 240), len(wanted)) == wanted
    assert max(pixels(bursts(path, tmp_path / "bursts.jpg")).shape[:2]) <= MAX_SIDE


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_clips_come_upright(tmp_path: Path, rotation: int) -> None:
    """A phone's turned pictures are shown upright in all three stills."""
    turned = np.rot90(numbered(5), k=rotation // 90)  # counter-clockwise, to be turned back clockwise
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[np.ascontiguousarray(turned)] * 8, rotation=rotation))
    assert shown(overview(path, tmp_path / "o.jpg"), best_grid(8, 16 / 9, 320), 8) == [5] * 8
    assert read_number(pixels(frame_at(path, 0, tmp_path / "f.png"))) == 5
    assert shown(bursts(path, tmp_path / "b.jpg"), fit(5, 1, 16 / 9, 320), 1) == [5]


def test_times_are_those_of_a_variable_rate(tmp_path: Path) -> None:
    """With a variable frame rate the spread is even in time, not in frames."""
    times = [at * 10 for at in range(100)] + [1000 + at * 500 for at in range(12)]
    frames = [numbered(at, 240, 136) for at in range(112)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, times=times))
    numbers = shown(overview(path, tmp_path / "o.jpg"), best_grid(12, 240 / 136, 240), 12)
    assert numbers[0] == 0
    assert numbers[-1] == 111
    assert [times[number] for number in numbers] == pytest.approx(
        [6500 * at / 11 for at in range(12)], abs=260
    )


@pytest.mark.parametrize(("rotation", "shape"), [(0, (180, 427, 3)), (90, (427, 180, 3))])
def test_pixels_that_are_not_square(tmp_path: Path, rotation: int, shape: tuple[int, ...]) -> None:
    """An anamorphic clip is shown in the shape and size that browsers give it, turned or not."""
    footage = Footage(frames=[numbered(3)] * 2, sar=Fraction(4, 3), rotation=rotation)
    path = shoot(tmp_path / "clip.mp4", footage)
    assert pixels(frame_at(path, 0, tmp_path / "f.png")).shape == shape


def test_colours_are_true(tmp_path: Path) -> None:
    """A BT.709 red is red on the sheet."""
    red = np.zeros((180, 320, 3), np.uint8)
    red[..., 0] = 255
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[red] * 2))
    middle = pixels(frame_at(path, 0, tmp_path / "f.png"))[90, 160].astype(int)
    assert np.abs(middle - (255, 0, 0)).max() <= 4


def burst_film() -> list[Pixels]:
    """Return 4 s at 30 frames a second: still but for a bar that darts about from 2.4 to 2.9 s."""
    frames = []
    for at in range(120):
        frame = numbered(at)
        frame[90:] = 90
        if 72 <= at < 87:
            frame[100:170, (at * 67) % 260 : (at * 67) % 260 + 60] = 220
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def darting(reel: Path) -> Path:
    """Return the clip of `burst_film`."""
    return shoot(reel / "darting.mp4", Footage(frames=burst_film(), fps=Fraction(30), gop=60))


def test_bursts(darting: Path, tmp_path: Path) -> None:
    """Three rows of four frames 0.1 s apart: the start, where most happens, and the end."""
    grid = fit(5, 3, 16 / 9, 320)
    numbers = shown(bursts(darting, tmp_path / "b.jpg"), grid, 15)
    assert numbers[0:4] == [0, 3, 6, 9]
    assert numbers[10:14] == [110, 113, 116, 119]
    assert np.diff(numbers[5:9]).tolist() == [3, 3, 3]
    assert 66 <= numbers[5] <= 84


def test_difference_tile(darting: Path, tmp_path: Path) -> None:
    """The last tile is three times what changed: black where nothing moved, bright where something did."""
    grid = fit(5, 3, 16 / 9, 320)
    cut = tiles(pixels(bursts(darting, tmp_path / "b.jpg")), grid, 15)
    lower = slice(int(grid.height * 0.6), None)
    assert cut[4][lower].mean() < 6
    assert cut[9][lower].mean() > 20


def test_difference_is_three_times_the_change(tmp_path: Path) -> None:
    """A clip that grows lighter by two grey levels a frame has, after nine frames, a difference of 54."""
    frames = [still(60 + 2 * at) for at in range(60)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, fps=Fraction(30)))
    cut = tiles(pixels(bursts(path, tmp_path / "b.jpg")), fit(5, 3, 16 / 9, 320), 15)
    assert [float(cut[at].mean()) for at in (4, 9, 14)] == pytest.approx([54, 54, 54], abs=9)


def test_bursts_of_a_still_clip(tmp_path: Path) -> None:
    """A clip in which nothing moves has bursts too, all differences black."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[still(120)] * 48))
    grid = fit(5, 3, 16 / 9, 320)
    cut = tiles(pixels(bursts(path, tmp_path / "b.jpg")), grid, 15)
    assert max(cut[at].mean() for at in (4, 9, 14)) < 3


def test_a_cut_is_not_motion(tmp_path: Path) -> None:
    """The moment of most motion is where things move, not the cut between two still shots."""
    frames = [still(60)] * 40 + [still(200)] * 40
    for at in range(56, 68):
        frames[at] = frames[at].copy()
        frames[at][60:120, (at * 41) % 240 : (at * 41) % 240 + 80] = 30
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, gop=240))
    cut = tiles(pixels(bursts(path, tmp_path / "b.jpg")), fit(5, 3, 16 / 9, 320), 15)
    assert min(tile.mean() for tile in cut[5:9]) > 150


def test_damaged_group_leaves_a_gap(healthy: Path, tmp_path: Path) -> None:
    """Frames that cannot be decoded are missing from the sheet, the others are there."""
    data = bytearray(healthy.read_bytes())
    with av.open(healthy) as container:
        entry = container.streams.video[0].index_entries[0]
        data[entry.pos : entry.pos + entry.size] = bytes(entry.size)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    sheet = pixels(overview(path, tmp_path / "o.jpg"))
    assert sheet.size
    assert sheet.mean() > 30


def test_errors(healthy: Path, tmp_path: Path) -> None:
    """What is no video, or has no frame left, is refused with our own errors."""
    page = tmp_path / "page.mp4"
    page.write_bytes(b"<html></html>")
    with pytest.raises(NotAVideo):
        overview(page, tmp_path / "o.jpg")
    data = bytearray(healthy.read_bytes())
    with av.open(healthy) as container:
        for entry in container.streams.video[0].index_entries:
            data[entry.pos : entry.pos + entry.size] = bytes(entry.size)
    page.write_bytes(data)
    for still_of in (overview, bursts):
        with pytest.raises(BeyondRepair):
            still_of(page, tmp_path / "o.jpg")
    assert not (tmp_path / "o.jpg").exists()


def test_cheaper_than_a_whole_decode(long: Path, tmp_path: Path) -> None:
    """One frame takes a fraction of decoding the clip: the best of five of each, on a busy machine."""
    assert len(decoded(long)) == 240
    whole = min(seconds_of(lambda: decoded(long)) for _ in range(5))
    frame = min(seconds_of(lambda: frame_at(long, 4.2, tmp_path / "f.jpg")) for _ in range(5))
    assert frame < whole / 2


def seconds_of(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
