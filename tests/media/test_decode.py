"""The whole decode: what is damaged, and what is in the clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.domain.clip import Repair, Severity, Span
from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.media.decode import decode_all, decoded_sha256
from tests.media.footage import Footage, Pixels, Sound, numbered, shoot, still, tone

RNG = np.random.default_rng(7)


def scene(seed: int, width: int = 320, height: int = 180) -> Pixels:
    """Return a picture of soft shapes; another seed gives another shot."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width]
    channels = [
        120
        + 60 * np.sin(across / rng.uniform(15, 60) + rng.uniform(0, 6)) * np.cos(down / rng.uniform(15, 60))
        for _ in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)


def sample_places(path: Path) -> list[tuple[int, int]]:
    with av.open(path) as container:
        return [(entry.pos, entry.size) for entry in container.streams.video[0].index_entries]


def test_healthy(healthy: Path) -> None:
    """A healthy clip has no finding and every frame counted, hidden by B-frame reordering or not."""
    seen = decode_all(healthy)
    assert seen.findings == ()
    assert seen.facts.frames == 72
    assert not seen.facts.c2pa


def test_truncated_tail(healthy: Path, tmp_path: Path) -> None:
    """A cut tail gives how many frames of how many are there."""
    path = tmp_path / "clip.mp4"
    data = healthy.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    findings = {finding.code: finding for finding in decode_all(path).findings}
    assert findings["truncated"].repair is Repair.NONE
    assert findings["truncated"].severity is Severity.ERROR
    assert "of 72 frames" in findings["truncated"].text


def whole(size: int) -> slice:
    return slice(0, size)


def rear(size: int) -> slice:
    return slice(size // 2, size)


def few(size: int) -> slice:
    return slice(size // 3, size // 3 + 24)


@pytest.mark.parametrize("part", [whole, rear, few])
@pytest.mark.parametrize("which", [0, 17, 30, 41])
def test_zeroed_bytes(healthy: Path, tmp_path: Path, part: Callable[[int], slice], which: int) -> None:
    """Zeros in the middle are found although every box is in order: a lost frame or a half-decoded one."""
    data = bytearray(healthy.read_bytes())
    at, size = sample_places(healthy)[which]
    hole = part(size)
    data[at + hole.start : at + hole.stop] = bytes(hole.stop - hole.start)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    findings = decode_all(path).findings
    assert [(finding.code, finding.repair) for finding in findings] == [("damaged_frames", Repair.NONE)]


def test_damaged_sound(healthy: Path, tmp_path: Path) -> None:
    """Noise where the sound was is found."""
    data = bytearray(healthy.read_bytes())
    with av.open(healthy) as container:
        for entry in container.streams.audio[0].index_entries[10:30]:
            data[entry.pos : entry.pos + entry.size] = RNG.bytes(entry.size)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    assert [finding.code for finding in decode_all(path).findings] == ["damaged_audio"]


def test_no_frame_left(healthy: Path, tmp_path: Path) -> None:
    """A file of which no frame decodes is beyond repair, and one that is no video is not a video."""
    data = bytearray(healthy.read_bytes())
    for at, size in sample_places(healthy):
        data[at : at + size] = bytes(size)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(BeyondRepair, match=r"clip\.mp4"):
        decode_all(path)
    path.write_bytes(b"<html>")
    with pytest.raises(NotAVideo, match="web page"):
        decode_all(path)


@pytest.mark.parametrize("level", [0.1, 0.01])
def test_loudness(tmp_path: Path, level: float) -> None:
    """A stereo tone of 997 Hz measures 20 * log10(level) LUFS, as BS.1770 lays down."""
    sound = Sound(samples=tone(2.0, level=level))
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[still(90)] * 24, sounds=[sound]))
    assert decode_all(path).facts.loudness == pytest.approx(20 * np.log10(level), abs=0.3)


def test_silence_and_no_sound(tmp_path: Path) -> None:
    """Neither a silent track nor none at all has a loudness."""
    silent = Sound(samples=np.zeros((2, 96000), np.float32))
    frames = [still(90)] * 24
    for name, sounds in (("silent", [silent]), ("none", [])):
        path = shoot(tmp_path / f"{name}.mp4", Footage(frames=frames, sounds=sounds))
        assert decode_all(path).facts.loudness is None


def test_black(tmp_path: Path) -> None:
    """A black stretch is given in seconds; dark is not black."""
    frames = [scene(1)] * 24 + [still(0)] * 24 + [still(12)] * 24
    facts = decode_all(shoot(tmp_path / "clip.mp4", Footage(frames=frames))).facts
    assert facts.black == (Span(start=1.0, end=2.0),)


def test_frozen(tmp_path: Path) -> None:
    """A stretch in which nothing moves is given in seconds; noise and slow motion are not frozen."""
    moving = [numbered(at) for at in range(24)]
    frames = moving + [moving[-1]] * 24 + moving[::-1]
    options = {"preset": "superfast", "crf": "12"}
    facts = decode_all(shoot(tmp_path / "clip.mp4", Footage(frames=frames, gop=240, options=options))).facts
    assert len(facts.frozen) == 1
    assert facts.frozen[0].start == pytest.approx(1.0, abs=0.1)
    assert facts.frozen[0].end == pytest.approx(2.0, abs=0.1)


def test_single_frame(tmp_path: Path) -> None:
    """A clip of one black frame is black from end to end, and nothing else is claimed of it."""
    facts = decode_all(shoot(tmp_path / "clip.mp4", Footage(frames=[still(0)]))).facts
    assert (facts.frames, len(facts.black), facts.frozen, facts.cuts) == (1, 1, (), ())


def test_cuts(tmp_path: Path) -> None:
    """Hard cuts are found at the frame where the new shot starts, two within a second as well."""
    frames = [scene(1)] * 30 + [scene(2)] * 15 + [scene(3)] * 27
    facts = decode_all(shoot(tmp_path / "clip.mp4", Footage(frames=frames))).facts
    assert facts.cuts == pytest.approx((30 / 24, 45 / 24), abs=0.001)


def _fade() -> list[Pixels]:
    one, two = scene(1).astype(float), scene(2).astype(float)
    return [(one + (two - one) * min(1, max(0, (at - 18) / 12))).astype(np.uint8) for at in range(48)]


def _pan() -> list[Pixels]:
    wide = scene(4, 1600)
    return [wide[:, 20 * at : 20 * at + 320] for at in range(48)]


def _noise() -> list[Pixels]:
    base = scene(5).astype(int)
    return [(base + RNG.normal(0, 25, base.shape)).clip(0, 255).astype(np.uint8) for _ in range(48)]


def _flash() -> list[Pixels]:
    return [still(250) if at == 24 else scene(1) for at in range(48)]


def _on_twos() -> list[Pixels]:
    return [_pan()[at // 2 * 2] for at in range(48)]


def _whip() -> list[Pixels]:
    wide = scene(4, 3000)
    places = np.cumsum([4] * 18 + [80] * 8 + [4] * 22)
    return [wide[:, at : at + 320] for at in places]


@pytest.mark.parametrize("film", [_fade, _pan, _noise, _flash, _on_twos, _whip])
def test_no_false_cuts(tmp_path: Path, film: Callable[[], list[Pixels]]) -> None:
    """Cross-fades, pans, grain, a flash, doubled frames and a whip pan are no cuts."""
    facts = decode_all(shoot(tmp_path / "clip.mp4", Footage(frames=film()))).facts
    assert facts.cuts == ()


def test_c2pa_is_a_fact(healthy: Path, tmp_path: Path) -> None:
    """Content credentials are reported, and do not disturb the decode."""
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    path = tmp_path / "clip.mp4"
    # At the end, where no sample moves; where in the file the box stands makes no difference.
    path.write_bytes(healthy.read_bytes() + (124).to_bytes(4, "big") + b"uuid" + uuid + bytes(100))
    seen = decode_all(path)
    assert seen.facts.c2pa
    assert seen.findings == ()


def test_sum_ignores_the_wrapping(healthy: Path, tmp_path: Path) -> None:
    """The sum of the pictures survives a remux, and differs for another picture."""
    path = tmp_path / "clip.mkv"
    with av.open(healthy) as source, av.open(path, "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    assert decoded_sha256(path) == decoded_sha256(healthy)
    other = shoot(tmp_path / "other.mp4", Footage(frames=[numbered(1)]))
    assert decoded_sha256(other) != decoded_sha256(healthy)
