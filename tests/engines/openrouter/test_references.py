"""What can be handed in: kinds of files, sizes, and addresses that the service may be sent to."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.domain.errors import BadReference, Billed
from rushes.domain.request import Reference, Role
from rushes.testing.footage import Footage
from tests.engines.openrouter.stage import SEEDANCE, Stage


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/a.png",
        "gen-vid-1763-abc",
        "https://localhost/a.png",
        "https://intranet/a.png",
        "https://printer.local/a.png",
        "https://127.0.0.1/a.png",
        "https://127.1/a.png",
        "https://0x7f.0.0.1/a.png",
        "https://10.0.0.8/a.png",
        "https://192.168.1.4:8443/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a.png",
        "https://[fd00::1]/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "https://someone:secret@example.com/a.png",
        "https://[broken/a.png",
    ],
)
async def test_an_address_that_is_not_public_is_refused_before_it_is_sent(stage: Stage, address: str) -> None:
    """The service, and whoever it asks, must not be sent to a private network; the error names the role."""
    reference = Reference(role=Role.STYLE, remote=address)
    async with stage.engine() as engine:
        with pytest.raises(BadReference, match="style reference cannot be sent") as caught:
            await stage.accepted(engine, model=SEEDANCE, references=(reference,))
    assert "nothing was sent" in caught.value.message
    assert caught.value.billed is Billed.NO
    assert "secret" not in f"{caught.value} {caught.value.next}"
    assert stage.posts() == []


async def test_files_that_are_too_large_together_are_refused_before_they_are_sent(stage: Stage) -> None:
    """The limit, what there is, and what to do; the settings may raise it."""
    path = stage.picture()
    with path.open("ab") as file:
        file.truncate(31_000_000)
    reference = Reference(role=Role.FIRST_FRAME, path=path)
    async with stage.engine() as engine:
        with pytest.raises(BadReference, match=r"first_frame.* 31\.0 MB together.*takes 30 MB") as caught:
            await stage.accepted(engine, references=(reference,))
    assert caught.value.billed is Billed.NO
    assert stage.posts() == []
    async with stage.engine(reference_mb=32) as engine:
        await stage.accepted(engine, references=(reference,))
    assert len(stage.posts()) == 1


async def test_each_kind_of_file_goes_under_its_own_name(stage: Stage) -> None:
    """A clip is a video_url, a sound an audio_url, each with the media type that its bytes tell."""
    clip = written(stage.home / "clip.mp4", Footage(width=64, height=36, seconds=0.5).whole)
    sound = written(stage.home / "sound.wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(24))
    voice = written(stage.home / "voice.m4a", b"\x00\x00\x00\x18ftypM4A " + bytes(16))
    references = (
        Reference(role=Role.INPUT_VIDEO, path=clip),
        Reference(role=Role.AUDIO, path=sound),
        Reference(role=Role.AUDIO, path=voice),
    )
    async with stage.engine() as engine:
        await stage.accepted(engine, model=SEEDANCE, references=references)
    sent = stage.sent()["input_references"]
    assert [one["type"] for one in sent] == ["video_url", "audio_url", "audio_url"]
    heads = [one[one["type"]]["url"].partition(";")[0] for one in sent]
    assert heads == ["data:video/mp4", "data:audio/wav", "data:audio/mp4"]


async def test_a_file_of_no_known_kind_is_refused(stage: Stage) -> None:
    """It is named, with its role."""
    path = written(stage.home / "notes.txt", b"just words")
    async with stage.engine() as engine:
        with pytest.raises(BadReference, match=r"audio reference .*notes\.txt"):
            await stage.accepted(engine, references=(Reference(role=Role.AUDIO, path=path),))
    assert stage.posts() == []


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
