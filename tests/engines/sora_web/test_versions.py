"""Which version of a clip a job takes, seen on the file itself: its pictures, the mark, the credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.domain.job import JobState
from rushes.domain.observation import Observation
from rushes.domain.request import Reference, Role
from rushes.engines.sora_web.tasks import draft_from
from rushes.testing.sora_emulator.pictures import covering, open_picture
from tests.engines.sora_web.stage import Stage
from tests.engines.sora_web.test_jobs import version
from tests.testing.sora_emulator.viewer import Pictures, difference, photograph

HERE = "https://videos.example/az/files"


async def test_the_clean_file_if_the_account_is_given_it_else_the_marked_one(
    stage: Stage, tmp_path: Path
) -> None:
    """No mark to be seen and no credentials in the file; else both, and the job and the clip say so.

    The clip of a job with a first frame begins with that picture.
    """
    picture = tmp_path / "picture.png"
    picture.write_bytes(photograph())
    stage.fault("no-watermark-null", words="marked")
    async with stage.working():
        given = (Reference(role=Role.FIRST_FRAME, path=picture),)
        jobs = {
            "clean": await stage.submit("clean", references=given),
            "marked": await stage.submit("marked"),
        }
        ended = {name: await stage.settled(job) for name, job in jobs.items()}
    assert [job.state for job in ended.values()] == [JobState.COMPLETED] * 2
    clips = {name: stage.studio.library.of_job(job.id)[0] for name, job in ended.items()}
    shown = {name: Pictures(clip.path, 640, 352) for name, clip in clips.items()}
    assert max(shown["clean"].marks()) < 0.3
    assert min(shown["marked"].marks()) > 0.6
    assert difference(shown["clean"].rgb(0), covering(open_picture(photograph()), 640, 352) * 255) < 3
    assert {name: clip.facts.c2pa for name, clip in clips.items()} == {"clean": False, "marked": True}
    assert "carries content credentials (C2PA)" in Observation.of(clips["marked"]).lines()
    assert {name: version(stage, job) for name, job in ended.items()} == {
        "clean": "no_watermark",
        "marked": "watermark",
    }


@pytest.mark.parametrize(
    ("free", "source", "downloadable", "taken"),
    [
        ("free", "free", "free", ["no_watermark", "watermark"]),
        (None, "source", "marked", ["source", "watermark"]),
        (None, "marked", "marked", ["watermark"]),
        (None, None, "other", ["downloadable", "watermark"]),
        (None, None, "marked", ["watermark"]),
    ],
)
def test_a_version_is_called_what_it_is(
    free: str | None, source: str | None, downloadable: str, taken: list[str]
) -> None:
    """Each file once, best first; the one that the service lists as marked is called so by any address."""

    def at(name: str | None, signed: str) -> str | None:
        return None if name is None else f"{HERE}/{name}/raw?sig={signed}"

    draft = draft_from(
        {
            "downloadable_url": at(downloadable, "a"),
            "download_urls": {"no_watermark": at(free, "b"), "watermark": at("marked", "c")},
            "encodings": {"source": {"path": at(source, "d")}, "source_wm": {"path": at("marked", "e")}},
        }
    )
    assert [one.label for one in draft.files] == taken
