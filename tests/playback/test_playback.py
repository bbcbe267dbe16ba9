"""A clip of ours, and one that we repaired, plays and seeks in real browsers; what is no clip does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.playback.browsers import Browser
from tests.playback.clips import (
    HEIGHT,
    WIDTH,
    as_animatic,
    frozen,
    full_colour_repaired,
    moov_last_repaired,
    ours,
    page,
    sided_repaired,
    sound_alone,
    truncated,
)
from tests.playback.server import Server
from tests.playback.viewing import Glance, Seen

# One worker plays all: a browser each would make them stutter.
pytestmark = [pytest.mark.xdist_group("playback"), pytest.mark.timeout(60)]

Shoot = Callable[[Path], Path]


@pytest.mark.parametrize("shoot", [ours, as_animatic, moov_last_repaired, full_colour_repaired])
def test_plays_and_seeks(browser: Browser, server: Server, shoot: Shoot) -> None:
    """It plays, a seek brings the right picture, and it comes to its end."""
    seen = Seen.by(browser, server, shoot(server.folder).name)
    assert not seen.faults(), seen


@pytest.mark.parametrize(
    ("turn", "size", "left_is_light"),
    [((-1, 0, 0, 1), (WIDTH, HEIGHT), False), ((0, 1, 1, 0), (HEIGHT, WIDTH), None)],
    ids=["mirrored", "transposed"],
)
def test_repaired_clips_are_the_right_way_up(
    browser: Browser, server: Server, turn: tuple[int, ...], size: tuple[int, int], left_is_light: bool | None
) -> None:
    """Both browsers show a repaired clip as its matrix wanted it; WebKitGTK passes over one that mirrors."""
    seen = Glance.by(browser, server, sided_repaired(server.folder, turn).name)
    assert seen.problem is None
    assert (seen.width, seen.height) == size
    assert seen.duration == pytest.approx(2, abs=0.05)
    light = {True: (200, 40), False: (40, 200), None: (seen.right, seen.left)}[left_is_light]
    assert (seen.left, seen.right) == pytest.approx(light, abs=12)


def test_repaired_clip_whose_pictures_were_late(browser: Browser, server: Server) -> None:
    """The first picture is there from the start, and the clip is as long as its sound."""
    seen = Glance.by(browser, server, sided_repaired(server.folder, (1, 0, 0, 1), start=0.8).name)
    assert seen.problem is None
    assert (seen.left, seen.right) == pytest.approx((200, 40), abs=12)
    assert seen.duration == pytest.approx(2.8, abs=0.05)


@pytest.mark.parametrize(
    ("shoot", "fault"),
    [(page, "problem"), (truncated, "picture"), (sound_alone, "frames"), (frozen, "picture")],
)
def test_tells_what_does_not_play(browser: Browser, server: Server, shoot: Shoot, fault: str) -> None:
    """A file with something wrong is told apart, so that the test above can fail."""
    seen = Seen.by(browser, server, shoot(server.folder).name)
    assert fault in seen.faults(), seen


@pytest.mark.parametrize("browser", ["chromium"], indirect=True)
def test_chromium_asks_for_ranges(browser: Browser, server: Server) -> None:
    """Chromium asks for ranges, so the clip did come in parts; WebKitGTK takes a small file whole."""
    Seen.by(browser, server, ours(server.folder).name)
    assert ("ours.mp4", "bytes=0-") in server.ranges


@pytest.mark.parametrize(
    ("asked", "status", "range_", "body"),
    [
        ("bytes=0-1", 206, "bytes 0-1/10", b"01"),
        ("bytes=8-", 206, "bytes 8-9/10", b"89"),
        ("bytes=8-20", 206, "bytes 8-9/10", b"89"),
        ("bytes=10-", 416, "bytes */10", b""),
    ],
)
def test_server_answers_ranges(server: Server, asked: str, status: int, range_: str, body: bytes) -> None:
    """The server answers as AVPlayer demands: 206, the exact range, the exact length, and the type."""
    (server.folder / "ten.mp4").write_bytes(b"0123456789")
    answer = httpx.get(f"{server.url}/ten.mp4", headers={"Range": asked}, trust_env=False)
    assert (answer.status_code, answer.headers["Content-Range"]) == (status, range_)
    assert (answer.content, answer.headers["Content-Length"]) == (body, str(len(body)))
    if status == 206:
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Accept-Ranges"] == "bytes"
