"""Whole jobs through the real browser: whatever the service does, what it accepted becomes a clip, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.domain.errors import Billed
from rushes.domain.job import Job, JobState
from rushes.domain.request import Reference, Role
from rushes.media.probe import probe
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.stage import Stage

Fault = tuple[str, str | None]


async def test_words_become_a_clip_in_the_library(stage: Stage) -> None:
    """Create, poll, drafts, MP4: one create, the promised pixels, a sheet, and the balance on the job."""
    async with stage.working():
        job = await stage.made("a paper boat")
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = stage.studio.library.of_job(job.id)
    found = probe(clip.path)
    assert (found.width, found.height) == (640, 352)
    assert abs(found.seconds - 5.0) < 0.5
    assert clip.sheet.is_file()
    assert job.facts["quota_left"] == 99
    assert job.cost.as_json()["basis"] == "included_in_plan"
    assert len(stage.creates()) == 1
    assert version(stage, job) == "no_watermark"


async def test_a_job_runs_in_a_visible_browser_too(
    tmp_path: Path, emulator: SoraProcess, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`headed = true` is for looking on; the service sees an ordinary browser, and never a headless one."""
    monkeypatch.setenv("DISPLAY", screen)
    stage = Stage(tmp_path / "home", emulator, headed=True)
    stage.sign_in()
    before = len(emulator.requests())
    async with stage.working():
        job = await stage.made()
    stage.close()
    assert job.state is JobState.COMPLETED, job.failure
    agents = {one["user_agent"] for one in emulator.requests()[before:] if "Chrome" in one["user_agent"]}
    assert agents
    assert not any("Headless" in agent for agent in agents)


@pytest.mark.parametrize("fault", ["drop-create", "create-500-accepted", "create-html", "no-id"])
async def test_a_create_whose_answer_was_lost_is_found_and_followed(stage: Stage, fault: str) -> None:
    """Exactly one new entry with an equal creation_config is adopted; nothing is created again."""
    stage.fault(fault, times=1)
    async with stage.working():
        await stage.made("an earlier clip with other words")
        job = await stage.made("a paper boat")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.creates("a paper boat")) == 1


async def test_two_entries_that_could_be_it_are_put_to_a_person(stage: Stage) -> None:
    """The person made the same clip by hand at the same time: which is ours, only he can tell."""
    stage.fault("drop-create", words="twins", times=1)
    async with stage.working():
        job = await stage.submit("twins")
        await stage.settled(job, JobState.OUTCOME_UNKNOWN)
        await stage.by_hand("twins")
        job = await stage.settled(job)
    assert job.left_to_a_person
    assert job.failure is not None
    assert job.failure.billed is Billed.UNKNOWN
    assert len(stage.creates("twins")) == 2


async def test_the_same_words_with_other_pictures_are_not_mixed_up(stage: Stage, tmp_path: Path) -> None:
    """Two lost creates, one of them accepted: the accepted one is found by its picture, by its own job."""
    pictures = {}
    for colour in ("crimson", "steelblue"):
        path = tmp_path / f"{colour}.png"
        Image.new("RGB", (64, 36), colour).save(path)
        pictures[colour] = (Reference(role=Role.FIRST_FRAME, path=path),)
    async with stage.working():
        stage.fault("drop-create", words="a boat", times=1)
        red = await stage.submit("a boat", references=pictures["crimson"])
        await stage.settled(red, JobState.OUTCOME_UNKNOWN)
        stage.fault("drop-before", words="a boat", times=1)
        blue = await stage.submit("a boat", references=pictures["steelblue"])
        red, blue = await stage.settled(red), await stage.settled(blue)
    (created,) = stage.creates("a boat")
    assert red.state is JobState.COMPLETED
    assert red.ticket == {"id": created["id"]}
    assert blue.left_to_a_person


async def test_a_lost_remix_is_found(stage: Stage) -> None:
    """The list tells which clip was remixed."""
    async with stage.working():
        first = await stage.made("the first")
        async with stage.engine() as person:
            await person.profile.ask_for("a test")
            assert first.ticket is not None
            (draft,) = await person.lists.drafts_of(first.ticket["id"])
            await person.site.leave()
        stage.fault("drop-create", words="at night", times=1)
        job = await stage.made("at night", remix=draft.id)
    assert job.state is JobState.COMPLETED
    assert len(stage.creates("at night")) == 1


TASKS: list[Fault] = [
    ("listed-late", "3"),
    ("progress-null", None),
    ("progress-percent", None),
    ("unknown-status", None),
    ("vanishes", None),
    ("stays-when-done", None),
    ("drafts-lag", "3"),
    ("crowd", "40"),
    ("beyond-first-page", "20"),
    ("old-ids", None),
    ("no-url-first", "2"),
    ("no-created-at", None),
    ("downloadable-empty", None),
    ("downloadable-small", None),
    ("path-not-url", None),
    ("encoding-url", None),
    ("no-watermark-null", None),
    ("downloadable-marked", None),
    ("url-expired-once", None),
    ("silent", None),
]


@pytest.mark.parametrize("also", [None, "tasks-404"])
async def test_irregular_tasks_and_drafts_become_clips(stage: Stage, also: str | None) -> None:
    """Each irregularity that was ever seen, with and without the address of single tasks."""
    if also is not None:
        stage.emulator.fault(also)
    await assert_all_become_clips(stage, TASKS)


async def assert_all_become_clips(stage: Stage, faults: list[Fault]) -> None:
    async with stage.working():
        jobs = []
        for number, (name, value) in enumerate(faults):
            words = f"take {number:02d} with {name}"
            stage.fault(name, value, words=words)
            jobs.append(await stage.submit(words))
        ended = {job.request.prompt: await stage.settled(job, patience=120) for job in jobs}
    wrong = {prompt: job.failure for prompt, job in ended.items() if job.state is not JobState.COMPLETED}
    assert wrong == {}
    assert len(stage.creates("take")) == len(faults)
    versions = {prompt.split(" with ")[1]: version(stage, job) for prompt, job in ended.items()}
    expected = {
        "no-watermark-null": "watermark",
        "downloadable-marked": "no_watermark",
        "path-not-url": "no_watermark",
    }
    assert {name: versions[name] for name in expected} == expected


LISTS: list[tuple[str, Any, int | None]] = [
    ("extra-fields", None, None),
    ("wrapped-draft", None, None),
    ("empty-page", None, None),
    ("cursor-loops", None, None),
    ("drafts-v1-only", "404", None),
    ("drafts-v1-only", "410", None),
    ("pending-v1-only", "404", None),
    ("tasks-403", None, None),
    ("draft-404", None, None),
    ("poll-500", "3", None),
    ("drafts-500", "3", None),
    ("poll-html", None, 3),
    ("poll-garbage", None, 3),
    ("poll-drop", None, 3),
    ("drafts-html", None, 3),
    ("poll-hangs", "1", 1),
    ("media-truncated", "cut", 1),
    ("media-truncated", "short", 1),
    ("media-html", None, 1),
    ("media-404", None, 1),
    ("media-500", None, 1),
    ("media-expired", None, 1),
    ("media-no-range", None, None),
    ("url-expires", "300", None),
    ("media-slow", "0.5", 1),
    ("session-500", None, 2),
    ("uploads-404", None, None),
]


async def test_a_service_that_falters_loses_nothing(stage: Stage) -> None:
    """Lists that err, hang or have moved, and files that break: each job still becomes its clip."""
    wrong = {}
    async with stage.working():
        for name, value, times in LISTS:
            stage.emulator.fault(name, value, times=times)
            job = await stage.made(f"while {name} {value}")
            if job.state is not JobState.COMPLETED:
                wrong[name, value] = job.failure
            stage.emulator.clear()
    assert wrong == {}
    assert len(stage.creates("while")) == len(LISTS)


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        ("violation", "content_refused", "similarity to third-party content"),
        ("render-error", "render_failed", "processing_failed"),
        ("fails-in-pending", "render_failed", "processing_failed"),
        ("no-url", "result_gone", "without a file"),
        ("lost", "result_gone", "the service does not list it"),
    ],
)
async def test_a_failed_render_ends_with_its_reason(stage: Stage, fault: str, code: str, told: str) -> None:
    """Moderation is not a time-out; of a lost task it is not known whether the plan counts it."""
    stage.fault(fault)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == code
    assert told in job.failure.message
    assert job.failure.billed is (Billed.UNKNOWN if code == "result_gone" else Billed.NO)


async def test_words_that_are_objected_to_end_the_job(stage: Stage) -> None:
    """As the service itself has it: refused at once, or as a draft with the recorded reason."""
    async with stage.working():
        jobs = [await stage.made(words) for words in ("a nude statue", "Super Mario in the rain")]
    told = [(job.state, job.failure.code, job.failure.message) for job in jobs if job.failure is not None]
    assert [state for state, _, _ in told] == [JobState.FAILED] * 2
    assert "may violate our content policies" in told[0][2]
    assert told[1][1] == "content_refused"
    assert "similarity to third-party content" in told[1][2]
    assert [entry["prompt"] for entry in stage.creates()] == [jobs[1].request.prompt]


async def test_pixels_that_do_not_follow_from_the_order_are_the_drafts(stage: Stage) -> None:
    """What was asked for says nothing of them: the clip is held against its draft, and filed."""
    stage.fault("pixels", "512x896")
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = stage.studio.library.of_job(job.id)
    found = probe(clip.path)
    assert (found.width, found.height) == (512, 896)


async def test_a_task_that_is_nowhere_for_a_while_is_said_and_goes_on(stage: Stage) -> None:
    """The service forgets a task half-way and finds it again: told while it lasts, and a clip in the end."""
    stage.fault("forgotten", 200)
    async with stage.working():
        job = await stage.submit()
        missing = await stage.settled(
            job, JobState.QUEUED, JobState.RUNNING, which=lambda one: one.missing_since
        )
        assert missing.reason == "the service does not list it"
        job = await stage.settled(job)
    assert (job.state, job.missing_since) == (JobState.COMPLETED, None), job.failure


async def test_a_continuation_is_as_long_as_both(stage: Stage) -> None:
    """It holds the clip that it continues: 15 s where 10 s more were ordered are nothing to warn of."""
    async with stage.working():
        first = await stage.made("the first")
        async with stage.engine() as engine:
            await engine.profile.ask_for("the test", patience=10.0)
            (draft,) = await engine.lists.drafts_of(str((first.ticket or {})["id"]))
            await engine.site.leave()
        job = await stage.made("the second", extend=draft.id, seconds=10.0)
    (clip,) = stage.studio.library.of_job(job.id)
    assert clip.seconds > 14
    assert job.warnings == ()


async def test_a_task_canceled_in_the_app_is_canceled_here(stage: Stage) -> None:
    """Its person canceled it by hand: no failure, and nothing to wait for."""
    stage.fault("canceled")
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.CANCELED


@pytest.mark.parametrize("status", ["403", "429"])
async def test_a_challenge_on_the_way_waits_for_its_person(stage: Stage, status: str) -> None:
    """A page in front of the site while a job is followed: it is blocked, and the browser let go."""
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
        stage.emulator.fault("challenge", status)
        job = await stage.settled(job, JobState.BLOCKED)
        assert job.reason == "challenge"
        assert job.failure is not None
        assert "rushes sora login" in job.failure.next
        async with stage.engine() as person:
            await person.profile.ask_for("rushes sora login", patience=3.0)
            stage.emulator.clear()
            person.profile.release()
        stage.studio.collect(job.id)
        job = await stage.settled(job, JobState.COMPLETED, JobState.FAILED)
    assert job.state is JobState.COMPLETED
    assert len(stage.creates()) == 1


@pytest.mark.parametrize("fault", ["preview-only", "wrong-size"])
async def test_a_file_below_the_promised_pixels_is_kept_and_said(stage: Stage, fault: str) -> None:
    """Better a small clip than none, and the job says that it is small."""
    stage.fault(fault)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED
    assert "was promised" in " ".join(job.warnings)


async def test_more_jobs_than_the_service_takes_at_once_wait_for_their_turn(stage: Stage) -> None:
    """The account's person has three of his own in progress; ours waits for one of them to end."""
    stage.emulator.fault("too-many-tasks", "3", times=1)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED
    kinds = [event["kind"] for event in stage.studio.ledger.events(job.id)]
    assert kinds.count("put_off") == 1
    assert len(stage.creates()) == 1


def version(stage: Stage, job: Job) -> str | None:
    """Return which version of its file a job took, as its history tells."""
    for event in stage.studio.ledger.events(job.id):
        if event["kind"] == "downloaded":
            return str(event["detail"]["version"])
    return None
