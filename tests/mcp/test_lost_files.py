"""What an agent is given of a clip whose file is gone, or a link to what is none of its business."""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, ImageContent
from PIL import Image

from rushes import settings
from rushes.approvals import Approvals
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call, done, job_of, words_of

FREE = {"model": "lab/free", "seconds": 1}

SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----"

links = pytest.mark.skipif(sys.platform == "win32", reason="a link needs a right that Windows does not give")


async def made(client: Client, prompt: str) -> dict[str, Any]:
    """Make a clip, free; return its job in the shape of get_job."""
    job = job_of(await call(client, "create_video", prompt=prompt, **FREE))
    waited = await done(client, job)
    found: dict[str, Any] = (await call(client, "get_job", job_id=job)).structured_content
    assert found["state"] == "completed", words_of(waited)
    return found


async def read(client: Client, uri: str) -> bytes:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, BlobResourceContents)
    return base64.b64decode(content.blob)


async def test_the_same_create_brings_a_lost_file_back(paid: Terminal, provider: ProviderProcess) -> None:
    """C09: create_video and wait_for_video name no file that is gone, and buy nothing."""
    async with agent(paid) as client:
        job = await made(client, "agents: a file that is gone")
        path = Path(job["clips"][0]["path"])
        whole = path.read_bytes()
        path.unlink()
        told = await client.call_tool("get_job", {"job_id": job["job_id"]})
        again = await call(client, "create_video", prompt="agents: a file that is gone", **FREE)
        await done(client, job["job_id"])
        first = path.read_bytes()
        path.write_bytes(b"")
        waited = await done(client, job["job_id"])

    assert "is missing" in words_of(told)
    assert f"file: {path}" not in words_of(told) + words_of(again)
    assert job_of(again) == job["job_id"]
    assert first == path.read_bytes() == whole
    assert f"file: {path}" in words_of(waited)
    assert len(provider.log("agents: a file that is gone")) == 1


@links
@pytest.mark.parametrize("what", ["clip", "sheet"])
async def test_a_link_is_given_to_no_agent(paid: Terminal, tmp_path: Path, what: str) -> None:
    """F11: neither resources nor pictures give what a link in the library leads to."""
    secret = tmp_path / "id_rsa"
    secret.write_bytes(SECRET)
    async with agent(paid) as client:
        job = await made(client, f"agents: a linked {what}")
        (clip,) = job["clips"]
        file = Path(clip["path" if what == "clip" else "sheet"])
        assert await read(client, clip["uri"] if what == "clip" else clip["sheet_uri"]) == file.read_bytes()
        file.unlink()
        file.symlink_to(secret)
        answers = [
            await client.call_tool("get_job", {"job_id": job["job_id"]}),
            await client.call_tool("look_at_video", {"video": clip["id"]}),
            await client.call_tool("look_at_video", {"video": str(file)}),
        ]
        with pytest.raises(MCPError):
            await read(client, clip["uri"] if what == "clip" else clip["sheet_uri"])
        listed = await client.list_resources()
        waited = await done(client, job["job_id"])

    given = [
        one.data for answer in (*answers, waited) for one in answer.content if isinstance(one, ImageContent)
    ]
    assert all(SECRET not in base64.b64decode(data) for data in given)
    assert SECRET.decode() not in "".join(words_of(answer) for answer in answers)
    assert "leads out" in words_of(answers[0])
    assert all(answer.is_error for answer in answers[1:])
    assert listed.resources
    assert not file.is_symlink()
    assert secret.read_bytes() == SECRET


def picture(path: Path) -> Reference:
    Image.new("RGB", (64, 64), (1, 2, 3)).save(path)
    return Reference(role=Role.FIRST_FRAME, path=path)


@pytest.mark.parametrize("agree", [False, True])
async def test_the_picture_of_a_quote_goes_with_it(paid: Terminal, tmp_path: Path, agree: bool) -> None:
    """B13: when a quote that nobody agreed to is forgotten, so is its picture; an agreed one stays."""
    references = paid.home / "references"
    request = VideoRequest(prompt="a picture", model="lab/priced", references=(picture(tmp_path / "a.png"),))
    async with Studio.open(settings.load(paid.environ)) as studio:
        approvals = Approvals(studio)
        quote = await approvals.quote(request)
        if agree:
            approvals.approve(quote.id, "a person")
        (kept,) = references.iterdir()
        after = time.time() + 3 * 86_400
        studio.ledger.clock = lambda: after
        later = Approvals(studio)
        await later.quote(VideoRequest(prompt="another", model="lab/priced"))

    assert kept.exists() is agree
