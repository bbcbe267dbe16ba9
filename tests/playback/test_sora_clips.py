"""A clip as it comes from the Sora emulator plays and seeks in real browsers, with the mark and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from rushes.testing.sora_process import running_sora
from tests.playback.browsers import Browser
from tests.playback.server import Server
from tests.playback.viewing import MIDDLE, Seen
from tests.testing.sora_emulator.viewer import FPS, Pictures
from tests.testing.sora_emulator.visitor import Visitor

pytestmark = [pytest.mark.xdist_group("playback"), pytest.mark.timeout(60)]

WIDTH, HEIGHT, SECONDS = 640, 352, 5.1


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """One clip in its two versions, as the emulator's own addresses give them."""
    with running_sora(tmp_path_factory.mktemp("sora") / "log") as sora, Visitor(sora) as visitor:
        visitor.made("a boat in the rain", orientation="landscape", n_frames=150)
        urls = visitor.draft()["download_urls"]
        yield {name: httpx.get(urls[name]).content for name in ("no_watermark", "watermark")}


@pytest.mark.parametrize("version", ["no_watermark", "watermark"])
def test_an_emulators_clip_plays_and_seeks(
    browser: Browser, server: Server, clips: dict[str, bytes], version: str
) -> None:
    """From its start, to the picture of its middle after a seek, and to its end."""
    path: Path = server.folder / f"{version}.mp4"
    path.write_bytes(clips[version])
    seen = Seen.by(browser, server, path.name)
    assert seen.problem is None
    assert (seen.width, seen.height, seen.ended) == (WIDTH, HEIGHT, True)
    assert seen.duration == pytest.approx(SECONDS, abs=0.1)
    assert seen.advanced >= 0.5
    assert MIDDLE <= seen.sought < MIDDLE + 1
    shown = Pictures(path, WIDTH, HEIGHT).rgb(round(seen.sought * FPS))
    middle = shown[HEIGHT // 4 : HEIGHT * 3 // 4, WIDTH // 4 : WIDTH * 3 // 4]
    assert seen.grey == pytest.approx(float(np.mean(middle)), abs=10)
