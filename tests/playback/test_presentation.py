"""What `probe` says of a file's size, sides, colours and length is what real browsers make of it.

Chromium 156 and WebKitGTK 2.50 agree on quarter turns, on sound that outlasts the pictures and on the
length of pictures that start after the sound. They differ, and so `lint` warns, where a matrix mirrors
(Chromium does, WebKitGTK shows the picture as it is stored), where nothing is shown at the start
(Chromium leaves out an empty edit of all tracks, WebKitGTK counts it and has no picture until it is
over), and where the movie's header gives a false length (WebKitGTK refuses a second that claims to be
half a minute). No Apple device was at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rushes.media.lint import lint
from rushes.media.probe import Probe, probe
from rushes.media.sheet import frame_at
from tests.media.footage import Footage, Sound, numbered, pixels, shoot, tone
from tests.media.surgery import (
    EIGHT,
    colour_of,
    nearest,
    quarters,
    with_edits,
    with_matrix,
    with_movie_length,
)
from tests.playback.browsers import Browser, Chromium
from tests.playback.server import PLAYER, Server
from tests.playback.viewing import ATTEMPTS

pytestmark = [pytest.mark.xdist_group("playback"), pytest.mark.timeout(60)]

FRAMES = [numbered(at) for at in range(24)]
LOOK = """(async address => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const problem = await new Promise(tell => {
    video.onloadedmetadata = () => tell(null);
    video.onerror = () => tell("refused");
    setTimeout(tell, 5_000, "hang");  // only an upper bound
    video.src = address;
  });
  if (problem) return {problem};
  const {duration} = video;  // before the seek: Chromium lengthens it when it comes upon later pictures
  await new Promise(done => { video.onseeked = done; video.currentTime = SECONDS; });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth || 4, video.videoHeight || 4];
  const brush = canvas.getContext("2d");
  // A frame may reach the canvas somewhat later than the end of the seek is told.
  for (let tries = 0; tries < 100 && video.videoWidth && !brush.getImageData(0, 0, 1, 1).data[3]; tries++) {
    await new Promise(done => setTimeout(done, 20));
    brush.drawImage(video, 0, 0);
  }
  const at = (x, y) => [...brush.getImageData(x * canvas.width / 4, y * canvas.height / 4, 1, 1).data];
  return {problem, width: video.videoWidth, height: video.videoHeight, duration,
          quarters: [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]};
})("ADDRESS")"""


def shown(browser: Browser, server: Server, path: Path, seconds: float = 0.05) -> dict[str, Any]:
    """Return what a browser makes of a file: its sides, its length, and the quarters of one picture."""
    script = LOOK.replace("ADDRESS", f"{server.url}/{path.name}").replace("SECONDS", str(seconds))
    seen: dict[str, Any] = {"problem": "hang"}
    attempts = iter(range(ATTEMPTS))  # WebKitGTK hangs at one load in thirty
    while seen["problem"] == "hang" and next(attempts, None) is not None:
        seen = browser.ask(f"{server.url}/{PLAYER.name}", script)
    return seen


def size(about: Probe) -> tuple[int, int]:
    return about.width, about.height


@pytest.mark.parametrize("name", EIGHT)
def test_matrices(browser: Browser, server: Server, name: str) -> None:
    """The eight matrices have the sides and colours that we say; WebKitGTK passes over those that mirror."""
    path = with_matrix(quarters(server.folder / "clip.mp4"), EIGHT[name])
    is_mirrored = [one.code for one in lint(path)] == ["mirrored"]
    if is_mirrored and not isinstance(browser, Chromium):
        expected = quarters(server.folder / "stored.mp4")
    else:
        expected = path

    seen = shown(browser, server, path)
    assert (seen["width"], seen["height"]) == size(probe(expected))
    still = frame_at(expected, 0.0, server.folder / "still.png")
    assert [nearest(one[:3]) for one in seen["quarters"]] == colour_of(pixels(still))


def test_sound_that_outlasts_the_pictures(browser: Browser, server: Server) -> None:
    """Players show the length of the sound, as `shown_seconds` says, and the last picture until its end."""
    footage = Footage(frames=FRAMES, sounds=[Sound(samples=tone(3.0))])
    path = shoot(server.folder / "clip.mp4", footage)

    about, seen = probe(path), shown(browser, server, path)
    assert about.seconds == 1.0
    assert seen["duration"] == pytest.approx(about.shown_seconds, abs=0.05)
    assert (seen["width"], seen["height"]) == size(about)


def test_pictures_after_the_sound(browser: Browser, server: Server) -> None:
    """Players count the sound before the pictures, as `shown_seconds` does; WebKitGTK has none until then."""
    path = shoot(server.folder / "clip.mp4", Footage(frames=FRAMES, sounds=[Sound(samples=tone(1.0))]))
    with_edits(path, [(1.5, None), (1.0, 0.0)])

    about = probe(path)
    early, late = (shown(browser, server, path, seconds) for seconds in (0.05, 2.0))
    assert late["duration"] == pytest.approx(about.shown_seconds, abs=0.05) == 2.5
    assert early["width"] == (about.width if isinstance(browser, Chromium) else 0)
    assert (late["width"], late["height"]) == size(about)


def test_an_empty_edit_before_all(browser: Browser, server: Server) -> None:
    """WebKitGTK counts what is empty, as `shown_seconds` does, and shows nothing; Chromium leaves it out."""
    path = with_edits(quarters(server.folder / "clip.mp4", frames=24), [(1.5, None), (1.0, 0.0)])

    about, seen = probe(path), shown(browser, server, path)
    is_chromium = isinstance(browser, Chromium)
    assert (about.start, about.shown_seconds) == (1.5, 2.5)
    assert seen["duration"] == pytest.approx(about.seconds if is_chromium else about.shown_seconds, abs=0.05)
    assert seen["width"] == (about.width if is_chromium else 0)


def test_a_movie_that_claims_to_be_longer(browser: Browser, server: Server) -> None:
    """A length in the movie's header that is not true is an error of `lint`: WebKitGTK refuses the file."""
    path = with_movie_length(quarters(server.folder / "clip.mp4", frames=24), 30.0)

    assert [one.code for one in lint(path)] == ["movie_length"]
    seen = shown(browser, server, path)
    if isinstance(browser, Chromium):
        assert seen["duration"] == pytest.approx(probe(path).shown_seconds, abs=0.05)
    else:
        assert seen["problem"] == "refused"
