"""Whole jobs through a worker: one create, one clip on disk, the bill right, whatever happens on the way."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import pytest

from rushes.domain.clip import Clip
from rushes.domain.errors import Billed
from rushes.domain.job import Job, JobState
from rushes.media.probe import probe
from rushes.studio import Studio
from rushes.testing.openai_videos_service import filmed
from tests.engines.openai_videos.lab import PATIENCE_S, Lab
from tests.engines.working import until

Labs = Callable[..., Lab]
PRICE = Decimal("0.05")
KINDS = ["SGLang", "VllmOmni", "NewApi"]


def clips(one: Lab, job: Job) -> list[Clip]:
    with Studio(one.settings) as studio:
        return studio.library.of_job(job.id)


@pytest.mark.parametrize("kind", KINDS)
async def test_words_become_a_clip(lab: Labs, kind: str) -> None:
    """The main path with each kind of server: one create, one clip of the asked size, paid once."""
    one = lab(kind)
    job = await one.made("a lighthouse")
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    assert (clip.width, clip.height) == (256, 144)
    assert clip.sheet.is_file()
    assert (job.cost.amount, job.cost.settled) == (PRICE, True)
    assert len(one.posts()) == len(one.jobs()) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_first_frame_becomes_a_clip(lab: Labs, kind: str) -> None:
    """The picture goes along by the library's own copy, and the clip says what it was made from."""
    one = lab(kind)
    job = await one.made("it moves", references=(one.first_frame(),))
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    assert len(clip.references) == 1
    (file,) = one.posts()[0]["files"]
    assert (file["under"], file["type"]) == ("input_reference", "image/png")
    assert file["name"].startswith(clip.references[0])


@pytest.mark.parametrize("kind", ["SGLang", "VllmOmni"])
async def test_a_lost_answer_is_looked_up_and_bought_once(lab: Labs, kind: str) -> None:
    """The create was accepted and nobody heard it: its job is adopted from the list, and its clip filed."""
    one = lab(kind, post_timeout=0.5)
    one.tell("create", drop=True, accept=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == len(one.jobs()) == 1
    assert len(clips(one, job)) == 1


async def test_a_lost_answer_that_nobody_lists_is_put_to_a_person(lab: Labs) -> None:
    """A gateway without a list: nothing is sent again, and the bill is said to be unknown."""
    one = lab("NewApi", post_timeout=0.5)
    one.tell("create", drop=True, accept=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert job.failure is not None
    assert job.failure.billed is Billed.UNKNOWN
    assert len(one.posts()) == 1


async def test_a_create_that_got_lost_before_it_was_accepted_is_not_sent_again(lab: Labs) -> None:
    """The list shows nothing, which is no proof: a person decides."""
    one = lab("VllmOmni", post_timeout=0.5)
    one.tell("create", drop=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert (len(one.posts()), one.jobs()) == (1, [])


@pytest.mark.parametrize(
    ("told", "state", "code", "billed"),
    [
        ({"status": 400, "body": {"detail": "bad size"}}, JobState.FAILED, "refused", Billed.NO),
        ({"status": 401}, JobState.BLOCKED, "sign_in_needed", Billed.NO),
        ({"status": 402}, JobState.BLOCKED, "quota_exhausted", Billed.NO),
        ({"status": 404, "body": {"detail": "Not Found"}}, JobState.FAILED, "refused", Billed.NO),
        ({"status": 500}, JobState.OUTCOME_UNKNOWN, "outcome_unknown", Billed.UNKNOWN),
        ({"status": 202, "body": ""}, JobState.OUTCOME_UNKNOWN, "outcome_unknown", Billed.UNKNOWN),
    ],
)
async def test_a_failed_create_ends_where_the_table_says(
    lab: Labs, told: dict[str, Any], state: JobState, code: str, billed: Billed
) -> None:
    """The job stands where the table of failing submits puts it, with what is known of the bill."""
    one = lab("NewApi")
    one.tell("create", **told)
    job = await one.made()
    assert job.failure is not None
    assert (job.state, job.failure.code, job.failure.billed) == (state, code, billed)
    assert job.failure.next
    assert len(one.posts()) == 1


async def test_busy_is_sent_again_and_paid_once(lab: Labs) -> None:
    """429 accepted nothing: the worker waits as it was told, and the second create is the only one."""
    one = lab()
    one.tell("create", status=429, headers={"Retry-After": "0.2"}, times=1)
    job = await one.made("later")
    assert job.state is JobState.COMPLETED, job.failure
    assert (len(one.posts()), len(one.jobs())) == (2, 1)


async def test_an_address_that_ran_out_is_asked_for_again(lab: Labs) -> None:
    """The signed address answers 403 once; the job is asked for a fresh one, and nothing is bought."""
    one = lab()
    one.tell("render", facts={"cloud": True, "succeeded": {"url": "{other}"}})
    one.tell("file", status=403, times=1)
    job = await one.made("signed")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == 1


ONCE: dict[str, tuple[str, dict[str, Any]]] = {
    "at /content": ("VllmOmni", {}),
    "at an address in the job": ("SGLang", {"cloud": True, "succeeded": {"url": "{other}"}}),
    "at an address in a sentence": ("SGLang", {"cloud": "{other}"}),
    "at an address in JSON": ("NewApi", {"content": {"data": [{"url": "{other}"}]}}),
}


@pytest.mark.parametrize("where", ONCE)
async def test_a_file_that_is_delivered_once_becomes_the_clip(lab: Labs, where: str) -> None:
    """The paid clip is not spent on a look at it: each place is asked once, and the file arrives."""
    kind, facts = ONCE[where]
    one = lab(kind)
    one.tell("render", facts={"once": True, **facts})
    job = await one.made("once")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts("content")) == 1
    assert len(one.posts("file")) == (where != "at /content")
    assert len(clips(one, job)) == 1


async def test_a_late_file_that_is_delivered_once_becomes_the_clip(lab: Labs) -> None:
    """Asking again whether it has come is the download, too (C02)."""
    one = lab("NewApi")
    one.tell("render", facts={"once": True})
    one.tell("content", status=404, body={"error": {"message": "video content not found"}}, times=2)
    job = await one.made("late, and once")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts("content")) == 3


BESIDE: dict[str, dict[str, Any]] = {
    "dropped": {"drop": True},
    "500": {"status": 500},
    "401": {"status": 401},
    "404": {"status": 404},
    "a picture": {"facts": {"data": base64.b64encode(b"\x89PNG\r\n\x1a\n\0").decode()}},
}


@pytest.mark.parametrize("content", BESIDE)
async def test_an_address_in_the_job_is_enough(lab: Labs, content: str) -> None:
    """Whatever /content answers, the file at the other address is the clip, at once (C02, C24)."""
    one = lab("NewApi")
    one.tell("render", facts={"succeeded": {"url": "{other}"}})
    one.tell("content", **BESIDE[content])
    job = await one.made("beside")
    assert job.state is JobState.COMPLETED, job.failure
    assert (len(one.posts("file")), len(one.posts())) == (1, 1)


async def test_a_refused_key_at_content_blocks_the_job(lab: Labs) -> None:
    """A person has to act, and then the clip is collected: it is not gone."""
    one = lab("NewApi")
    one.tell("content", status=401)
    job = await one.made("no key")
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.BLOCKED, "sign_in_needed")


async def test_a_truncated_file_is_no_clip(lab: Labs) -> None:
    """A cut MP4 that stays cut fails the job as broken and billed; collected again it is a clip, free."""
    one = lab()
    one.tell("content", facts={"truncated": True})
    async with one.working(), Studio(one.settings) as studio:
        job = await one.settled(studio, await one.submit(studio, "cut"))
        assert job.failure is not None
        assert (job.state, job.failure.code) == (JobState.FAILED, "result_broken")
        assert job.failure.billed is Billed.YES
        one.server.clear()
        studio.collect(job.id)
        await until(lambda: studio.ledger.job(job.id).state is JobState.COMPLETED, PATIENCE_S)
    assert len(one.posts()) == 1
    assert len(clips(one, job)) == 1


ENDED: dict[str, tuple[dict[str, Any], str, str]] = {
    "content_filtered": (
        {"error": {"code": "content_filtered", "message": "Output blocked by the safety filter."}},
        "content_refused",
        "Output blocked by the safety filter.",
    ),
    "incomplete": ({"incomplete_details": {"reason": "content_filter"}}, "content_refused", "content_filter"),
    "archived": ({"fail_reason": "the store is full"}, "render_failed", "the store is full"),
}


@pytest.mark.parametrize("word", ENDED)
async def test_a_render_that_ended_in_an_unknown_word_ends_the_job(lab: Labs, word: str) -> None:
    """The provider's reason is the job's, and nobody has to watch it for ever (C01)."""
    told, code, said = ENDED[word]
    one = lab("NewApi")
    one.tell("render", facts={"succeeded": {"status": word, "completed_at": None, **told}})
    job = await one.made("ends oddly")
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, code)
    assert said in job.failure.message


LATE: list[dict[str, Any]] = [
    {"status": 400, "body": {"error": {"message": "Task is not completed yet, current status: IN_PROGRESS"}}},
    {"status": 404, "body": {"error": {"message": "video content not found"}}},
    {"status": 200, "body": {"status": "processing"}},
    {"facts": {"data": ""}},
]


@pytest.mark.parametrize("told", LATE, ids=["400", "404", "words", "nothing"])
async def test_a_file_that_comes_some_time_after_completed_is_waited_for(
    lab: Labs, told: dict[str, Any]
) -> None:
    """The gateway's own table lags behind: it is asked again, and the clip is not given up (C02, F16)."""
    one = lab("NewApi")
    one.tell("content", times=4, **told)
    job = await one.made("late")
    assert job.state is JobState.COMPLETED, job.failure
    assert (len(one.posts()), len(clips(one, job))) == (1, 1)


CARRIED: dict[str, dict[str, Any]] = {
    "data: address": {"video_url": "{inline}"},
    "b64_json": {"data": [{"b64_json": "{base64}"}]},
}


@pytest.mark.parametrize("place", CARRIED)
async def test_a_file_in_the_job_itself_becomes_the_clip(lab: Labs, place: str) -> None:
    """/content has nothing, and nothing needs to be asked for (C16)."""
    one = lab("NewApi")
    one.tell("render", facts={"succeeded": CARRIED[place]})
    one.tell("content", status=404, body={"detail": "Failed to fetch video content"})
    job = await one.made("inside")
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    assert (clip.width, clip.height) == (256, 144)
    with Studio(one.settings) as studio:
        told = str(studio.ledger.events(job.id))
    assert "a data: address of" in told
    assert "base64" not in told


def as_transport_stream(clip: bytes, folder: Path) -> bytes:
    """Return a clip in the container that broadcasters and HLS use, pictures and sound as they are."""
    (folder / "clip.mp4").write_bytes(clip)
    with av.open(folder / "clip.mp4") as source, av.open(folder / "clip.ts", "w") as target:
        copies = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    return (folder / "clip.ts").read_bytes()


def as_gzip(clip: bytes, folder: Path) -> bytes:
    return gzip.compress(clip)


ODD: dict[str, tuple[Callable[[bytes, Path], bytes], dict[str, str], str]] = {
    "gzip": (as_gzip, {"Content-Encoding": "gzip"}, "video/mp4"),
    "MPEG-TS": (as_transport_stream, {}, "video/mp2t"),
    "JSON by its type": (lambda clip, folder: clip, {}, "application/json"),
}


@pytest.mark.parametrize("way", ODD)
async def test_a_video_that_comes_in_an_odd_way_becomes_a_clip(lab: Labs, tmp_path: Path, way: str) -> None:
    """Compressed (C31), in another container (C31), or called something else (C24): the bytes are a video."""
    pack, headers, kind = ODD[way]
    one = lab("NewApi")
    data = base64.b64encode(pack(filmed(256, 144).whole, tmp_path)).decode()
    one.tell("content", headers=headers, facts={"data": data, "type": kind})
    job = await one.made("odd")
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    found = probe(clip.path)
    assert (found.container, found.width, found.height) == ("mp4", 256, 144)


async def test_a_failed_render_says_why_and_that_the_bill_is_not_known(lab: Labs) -> None:
    """The server's reason is the job's; it tells no price, so neither do we."""
    one = lab("VllmOmni")
    one.tell("render", facts={"outcome": "failed", "reason": "Worker died."})
    job = await one.made("breaks")
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == ("render_failed", Billed.UNKNOWN)
    assert job.failure.message == "Worker died. (500)"


async def test_a_worker_that_was_stopped_is_followed_by_one_that_polls(lab: Labs) -> None:
    """The ticket is all that the next worker needs: no second create, one clip."""
    one = lab("NewApi")
    one.tell("render", facts={"seconds": 2.0})
    async with Studio(one.settings) as studio:
        async with one.working():
            job = await one.submit(studio, "slow")
            await until(
                lambda: studio.ledger.job(job.id).state in (JobState.QUEUED, JobState.RUNNING), PATIENCE_S
            )
        async with one.working():
            job = await one.settled(studio, job)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == 1
