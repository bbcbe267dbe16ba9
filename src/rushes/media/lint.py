"""The rules that a clip keeps in order to play everywhere, checked from the headers alone.

"Everywhere" is: Safari and QuickTime, iPhones and iPads from some ten years back, Android, and Chrome, Edge
and Firefox on every desktop. What plays there is an MP4 with its index (moov) first; one track of H.264
Baseline, Main or High, 8-bit 4:2:0, up to level 5.2 (4.2 is the safe choice), progressive, with even sides,
square pixels and colours tagged BT.709; and at most one of sound, AAC-LC, mono or stereo, at 44.1 or 48 kHz.
An error keeps a clip from playing on some of these; a warning tells what some of them show in another way.
HEVC is a warning: it is no damage. docs/media.md says the same for users.

Each rule's docstring gives its source. None of them was tried on Apple hardware: they are what Apple's
documents and the issue threads of players say, and what WebKitGTK did.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from av.container import InputContainer

from rushes.domain.clip import Finding, Repair, Severity
from rushes.media import presentation
from rushes.media.boxes import read_boxes
from rushes.media.edge import open_video
from rushes.media.probe import HD_HEIGHT, describe, is_interlaced, untagged
from rushes.media.rule import Headers, Rule, error, warning

PROFILES = ("Baseline", "Constrained Baseline", "Main", "High", "Progressive High", "Constrained High")
SAFE_LEVEL, TOP_LEVEL = 4.2, 5.2
_EIGHT_BIT_420 = {"yuv420p", "yuvj420p"}
_TAIL = 64  # samples at the end of the index; a few tracks may end in another order
_HEVC_420 = _EIGHT_BIT_420 | {"yuv420p10le"}


def lint(path: str | Path) -> tuple[Finding, ...]:
    """Return what keeps the file at `path` from playing everywhere, worst first; empty for a healthy clip.

    Only headers are read, a few milliseconds; damage inside the pictures is `decode_all`'s to find.
    Raises `NotAVideo` for a file without pictures and `BeyondRepair` for one too damaged to open.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        boxes = read_boxes(path)
        headers = Headers(
            probe=describe(path, container, stream, boxes),
            boxes=boxes,
            bytes=path.stat().st_size,
            last=_last(container) if boxes is not None else 0,
            riff=_riff(path),
            interlaced=is_interlaced(stream),
        )
    found = [finding for rule in RULES for finding in rule(headers)]
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def _last(container: InputContainer) -> int:
    """Return where the last of the samples ends that the index lists; 0 if it lists none."""
    entries = [stream.index_entries for stream in container.streams]
    tails = (each[at] for each in entries for at in range(max(0, len(each) - _TAIL), len(each)))
    return max((entry.pos + entry.size for entry in tails), default=0)


def _riff(path: Path) -> int:
    """Return the size that an AVI gives its first chunk, head included; 0 for any other file, or if unknown.

    A program that could not go back to write the size has left 0 or all ones.
    """
    with path.open("rb") as file:
        head = file.read(12)
    size = int.from_bytes(head[4:8], "little")
    is_avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return size + 8 if is_avi and 0 < size < 0xFFFFFFFF else 0


def _container(it: Headers) -> Iterator[Finding]:
    """AVFoundation reads MP4 and MOV; the doors serve `video/mp4`, and not every browser takes MOV."""
    if it.probe.container == "mov":
        yield from warning("container", Repair.REMUX, "The file is a MOV, which only some browsers play.")
    elif it.probe.container != "mp4":
        name = it.probe.container
        yield from error("container", Repair.REMUX, f"The file is {name}, not MP4; iPhones refuse it.")


def _moov_last(it: Headers) -> Iterator[Finding]:
    """Safari needs the index first unless the server answers ranges; WebKitGTK refused it without them."""
    if it.boxes is not None and it.boxes.has_moov and not it.boxes.moov_first:
        text = "The index (moov) is at the end, so the clip cannot play while it loads."
        yield from error("moov_last", Repair.REMUX, text)


def _bitrate_zero(it: Headers) -> Iterator[Finding]:
    """Measured: WebKitGTK 2.50.6 stalls at 0.14 s where `btrt` averages 0, as libx264's CRF encodes do."""
    tracks = it.boxes.tracks if it.boxes else ()
    if any(track.kind == "vide" and track.average_bitrate == 0 for track in tracks):
        text = "The header gives a bit rate of 0 (btrt box), which stalls WebKit on Linux."
        if it.boxes is not None and it.boxes.c2pa:
            # One player does not weigh as much as the proof of where a file comes from.
            text += " The file is signed; repairing that would lose its content credentials (C2PA)."
            yield from warning("btrt_zero", Repair.REMUX, text)
        else:
            yield from error("btrt_zero", Repair.REMUX, text)


def _video_codec(it: Headers) -> Iterator[Finding]:
    """AV1 wants the hardware of an A17 Pro or M3 (alexwlchan.net/2025/av1-on-my-iphone); VP9 is no better."""
    if it.probe.video_codec not in ("h264", "hevc"):
        name = it.probe.video_codec
        text = f"The pictures are {name}; most iPhones play only H.264 and HEVC."
        yield from error("video_codec", Repair.REENCODE_VIDEO, text)


def _hevc(it: Headers) -> Iterator[Finding]:
    """Measured: Debian's Chromium 156 plays the sound and shows no picture; caniuse.com/hevc for the others.

    No damage: Apple's players, most phones and televisions play it, so that it is left as it came.
    """
    if it.probe.video_codec == "hevc":
        text = (
            "The pictures are HEVC (H.265): Apple's players show them, Chrome and Firefox only on some "
            "machines. An H.264 copy plays everywhere."
        )
        yield from warning("hevc", Repair.REENCODE_VIDEO, text)


def _profile(it: Headers) -> Iterator[Finding]:
    """What hardware decodes is Baseline, Main and High (Apple's HLS authoring specification, 1.2 and 1.3)."""
    name = it.probe.profile
    if it.probe.video_codec != "h264" or name is None or it.probe.pix_fmt not in _EIGHT_BIT_420:
        return
    if name not in PROFILES:
        text = f"The pictures are in H.264's profile {name} instead of Baseline, Main or High."
        yield from error("profile", Repair.REENCODE_VIDEO, text)


def _sample_entry(it: Headers) -> Iterator[Finding]:
    """Apple's HLS authoring specification 1.10; jellyfin/Swiftfin#2095, signalapp/Signal-iOS#6322."""
    if it.probe.tag in ("hev1", "dvhe", "avc3"):
        right = {"hev1": "hvc1", "dvhe": "hvc1", "avc3": "avc1"}[it.probe.tag]
        text = f"The pictures are tagged {it.probe.tag} instead of {right}: Apple players show no picture."
        yield from error("sample_entry", Repair.REMUX, text)


def _pixels(it: Headers) -> Iterator[Finding]:
    """High 10 and 4:2:2/4:4:4 have no hardware decoder on iPhones (kaltura/nginx-vod-module#1333)."""
    allowed = _HEVC_420 if it.probe.video_codec == "hevc" else _EIGHT_BIT_420
    if it.probe.video_codec not in ("h264", "hevc") or it.probe.pix_fmt in allowed:
        return
    if it.probe.pix_fmt.startswith("yuv420p"):
        text = f"The pictures have more than 8 bits per sample ({it.probe.pix_fmt}), which iPhones refuse."
        yield from error("bit_depth", Repair.REENCODE_VIDEO, text)
    else:
        text = f"The colours are stored as {it.probe.pix_fmt} instead of yuv420p, which iPhones refuse."
        yield from error("chroma", Repair.REENCODE_VIDEO, text)


def _level(it: Headers) -> Iterator[Finding]:
    """libwebrtc's table of iPhones lists High 5.2 for the iPhone 13-14 class; up to 4.2 is safe for all."""
    level = it.probe.level
    if it.probe.video_codec != "h264" or level is None or level <= SAFE_LEVEL:
        return
    if level > TOP_LEVEL:
        text = f"H.264 level {level} is above 5.2, the most that phones decode."
        yield from error("level", Repair.REENCODE_VIDEO, text)
    else:
        # Lowering it would mean fewer pixels or frames: a choice for whoever asked for them.
        text = f"H.264 level {level} is above 4.2; older phones may not play it."
        yield from warning("level", Repair.NONE, text)


def _size(it: Headers) -> Iterator[Finding]:
    """4:2:0 has one colour sample for two by two pixels: hardware decoders want even sides."""
    if it.probe.width % 2 or it.probe.height % 2:
        text = f"The size {it.probe.width}x{it.probe.height} is odd; hardware decoders want even sides."
        yield from error("odd_size", Repair.REENCODE_VIDEO, text)


def _pixel_shape(it: Headers) -> Iterator[Finding]:
    """Players differ in whether they honour a pixel shape (`pasp` box, VUI): some show the clip squeezed."""
    if it.probe.sar != 1:
        text = f"The pixels are not square ({it.probe.sar.numerator}:{it.probe.sar.denominator})."
        yield from warning("pixel_shape", Repair.REENCODE_VIDEO, text)


def _colour(it: Headers) -> Iterator[Finding]:
    """Players take an untagged HD clip for BT.709 and an SD one for BT.601: tag it 1/1/1, limited range."""
    shown = f"{it.probe.primaries}/{it.probe.transfer}/{it.probe.matrix}"
    if untagged(it.probe):
        # Tagging an SD clip BT.709 would change its colours: it has to be converted.
        hd = min(it.probe.width, it.probe.height) >= HD_HEIGHT
        text = f"The colours are not fully tagged ({shown}), so that players have to guess."
        repair = Repair.REMUX if hd else Repair.REENCODE_VIDEO
        yield from warning("colour_untagged", repair, text)
    elif shown != "1/1/1":
        text = f"The colours are tagged {shown} instead of BT.709 (1/1/1); some players show them wrong."
        yield from warning("colour_tags", Repair.REENCODE_VIDEO, text)
    if it.probe.full_range:
        text = "The colours use the full range 0-255; some players show them with crushed blacks."
        yield from warning("colour_range", Repair.REENCODE_VIDEO, text)


def _audio_codec(it: Headers) -> Iterator[Finding]:
    """AVFoundation plays AAC in MP4; Opus, Vorbis and MP3 there have failed on iPhones."""
    if not it.probe.audio_tracks:
        return
    if it.probe.audio_codec is None:
        yield from error("audio_codec", Repair.NONE, "The sound is in a format that cannot be read.")
    elif it.probe.audio_codec != "aac":
        text = f"The sound is {it.probe.audio_codec} instead of AAC; iPhones may play the clip silent."
        yield from error("audio_codec", Repair.REENCODE_AUDIO, text)
    elif it.probe.audio_profile not in (None, "LC"):
        text = f"The sound is {it.probe.audio_profile} instead of AAC-LC."
        yield from warning("audio_profile", Repair.REENCODE_AUDIO, text)


def _audio_shape(it: Headers) -> Iterator[Finding]:
    """Multichannel AAC and several tracks have failed on iPhones (blog.lufamily.ca)."""
    if it.probe.audio_channels > 2:
        text = f"The sound has {it.probe.audio_channels} channels instead of 2; iPhones may refuse the clip."
        yield from error("audio_channels", Repair.REENCODE_AUDIO, text)
    if it.probe.audio_tracks > 1:
        text = f"There are {it.probe.audio_tracks} sound tracks instead of one; iPhones may refuse the clip."
        yield from error("audio_tracks", Repair.REMUX, text)
    if it.probe.audio_rate and it.probe.audio_rate not in (44100, 48000):
        text = f"The sound has {it.probe.audio_rate} samples per second instead of 44100 or 48000."
        yield from warning("audio_rate", Repair.REENCODE_AUDIO, text)


RULES: tuple[Rule, ...] = (
    presentation.truncated,
    presentation.foreign_bytes,
    _container,
    _moov_last,
    _bitrate_zero,
    _video_codec,
    _hevc,
    _profile,
    _sample_entry,
    _pixels,
    _level,
    _size,
    _pixel_shape,
    _colour,
    _audio_codec,
    _audio_shape,
    presentation.matrix,
    presentation.start,
    presentation.edits,
    presentation.movie_length,
    presentation.sound_outlasts,
    presentation.interlaced,
    presentation.one_frame,
)
