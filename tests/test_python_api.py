"""The Python door."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import rushes
from rushes import settings
from rushes.domain.errors import BadDestination, BadInput, NotCopied, StillRunning


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, named in the environment as a user would."""
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUSHES_IDLE_S", "1")
    return tmp_path / "home"


def test_generate_blocks_and_returns_a_clip(home: Path) -> None:
    """`rushes.generate` gives a Clip whose file and sheet are on disk, and warns that it is a storyboard."""
    with pytest.warns(UserWarning, match="a free storyboard, not generated video; for generated video: "):
        clip = rushes.generate("a harbour at dawn", seconds=1, resolution="480p", seed=3)

    assert clip.path.is_file()
    assert clip.sheet.is_file()
    assert (clip.seconds, clip.height, clip.seed) == (1.0, 480, 3)
    assert home in clip.path.parents


async def test_studio_submits_and_waits(home: Path) -> None:
    """The two-step form: submit returns a job at once, wait its clip."""
    async with rushes.Studio.open() as studio:
        job = await studio.submit(
            rushes.VideoRequest(
                prompt="a forest at night", seconds=1, resolution="480p", model="animatic/storyboard"
            )
        )
        clip = await studio.wait(job.id)

    assert clip.job_id == job.id
    assert clip.facts.frames == 30


async def test_wait_that_runs_out_of_time_says_how_to_come_back(home: Path) -> None:
    """StillRunning names the job and the command; the job is not canceled."""
    async with rushes.Studio.open() as studio:
        request = rushes.VideoRequest(
            prompt="the sea", seconds=1, resolution="480p", model="animatic/storyboard"
        )
        job = await studio.submit(request)
        with pytest.raises(StillRunning) as caught:
            await studio.wait(job.id, timeout=0.05)
        clip = await studio.wait(job.id)

    assert f"rushes wait {job.id}" in caught.value.next
    assert clip.job_id == job.id


def test_a_bad_request_is_raised_before_anything_is_opened() -> None:
    """VideoRequest refuses what no engine could do."""
    with pytest.raises(BadInput, match="longer than 0"):
        rushes.VideoRequest(prompt="x", seconds=0)


def test_every_exported_name_is_there() -> None:
    """`__all__` keeps its promises, sorted."""
    assert list(rushes.__all__) == sorted(rushes.__all__)
    for name in rushes.__all__:
        assert getattr(rushes, name) is not None


def test_settings_come_from_file_environment_and_dotenv(tmp_path: Path) -> None:
    """The environment wins over `.env`, which is read upward from the working folder."""
    home, work = tmp_path / "home", tmp_path / "project" / "deep"
    home.mkdir()
    work.mkdir(parents=True)
    (tmp_path / "project" / ".env").write_text("LAB_KEY=from-dotenv\nRUSHES_MODEL=animatic/storyboard\n")
    (home / "config.toml").write_text(
        '[engines.lab]\nengine = "scripted"\nkey_env = "LAB_KEY"\nconcurrency = 7\n[budget]\nper_day = 1.5\n'
    )
    environ = {"RUSHES_HOME": str(home)}

    found = settings.load(environ, work)
    overridden = settings.load({**environ, "LAB_KEY": "from-environment"}, work)

    assert found.engines["lab"].options["key"] == "from-dotenv"
    assert found.engines["lab"].concurrency == 7
    assert str(found.caps.per_day) == "1.5"
    assert found.model == "animatic/storyboard"
    assert overridden.engines["lab"].options["key"] == "from-environment"
    assert "from-dotenv" not in repr(found.engines["lab"])


def test_without_a_home_the_xdg_folders_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library goes to the data folder and the settings to the config folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    environ = {name: value for name, value in os.environ.items() if name != "RUSHES_HOME"}
    found = settings.load(environ, tmp_path)

    assert found.home == tmp_path / "data" / "rushes"
    assert found.config == tmp_path / "config" / "rushes" / "config.toml"


def test_a_copy_goes_where_it_is_wanted_and_replaces_nothing_unasked(home: Path, tmp_path: Path) -> None:
    """`out` as text or path, a folder with a slash; what is there needs `force`, another kind is refused."""
    words: dict[str, Any] = {"seconds": 1, "resolution": "480p", "seed": 3, "model": "animatic/storyboard"}
    clip = rushes.generate("a pier", out=f"{tmp_path}/videos/", **words)
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(b"mine")
    with pytest.raises(BadDestination, match="exists already"):
        rushes.generate("a pier", out=mine, **words)
    with pytest.raises(BadDestination, match="clips are MP4 files"):
        rushes.generate("a new pier", out="pier.webm", **words)
    kept = mine.read_bytes()
    rushes.generate("a pier", out=mine, force=True, **words)

    assert (tmp_path / "videos" / clip.path.name).read_bytes() == clip.path.read_bytes()
    assert kept == b"mine"
    assert mine.read_bytes() == clip.path.read_bytes()


async def test_a_copy_that_could_not_be_made_is_raised_and_then_forgotten(home: Path, tmp_path: Path) -> None:
    """NotCopied names the clip, which is safe; whoever then asks for no copy gets the clip."""
    out = tmp_path / "x.mp4"
    asked = rushes.VideoRequest(
        prompt="a weir", seconds=1, resolution="480p", seed=3, model="animatic/storyboard"
    )
    async with rushes.Studio.open() as studio:
        job = await studio.submit(asked, out=out)
        out.write_bytes(b"mine")
        with pytest.raises(NotCopied, match="the clip is safe") as caught:
            await studio.wait(job.id)
        clip = await studio.generate(asked)

    assert clip.job_id == job.id
    assert str(clip.path) in caught.value.message
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize("amount", [1.0, "1", 1])
def test_an_amount_that_is_no_decimal_is_refused_in_words(home: Path, amount: Any) -> None:
    """What a limit is made of is said, and it is no AttributeError."""
    with pytest.raises(BadInput, match="max_usd is") as refused:
        rushes.generate("a boat", seconds=1, model="animatic/storyboard", max_usd=amount)

    assert "Decimal" in refused.value.next
    assert not (home / "clips").exists()
