"""The whole loop as an agent goes through it, block by block; `test_eras` has it for each era."""

from __future__ import annotations

from mcp_types import ImageContent

from tests.cli.terminal import Terminal
from tests.mcp.agent import SMALL, agent, call, done, job_of, links_of, pictures_of, words_of


async def test_a_clip_is_made_and_seen(terminal: Terminal) -> None:
    """Quote, create, wait, look: what comes of it is seen, measured, and to be had."""
    async with agent(terminal) as client:
        quote = await call(client, "quote_video", prompt="a lighthouse in a storm", **SMALL)
        assert quote.structured_content["price"] == "free"
        created = await call(client, "create_video", quote_id=quote.structured_content["quote_id"])
        job = job_of(created)
        made = await done(client, job)
        (sheet,) = pictures_of(made)
        clip, still = links_of(made)
        (read,) = (await client.read_resource(still.uri)).contents
        frames = await call(client, "look_at_video", video=job, view="frames", at=[0, 0.5])
        found = (await call(client, "get_job", job_id=job)).structured_content

    assert not made.is_error
    assert made.structured_content is None
    assert max(sheet.size) <= 1568
    assert "1.0 s, 854×480" in words_of(made)
    assert "LUFS" in words_of(made) or "no sound" in words_of(made)
    assert (clip.mime_type, still.mime_type) == ("video/mp4", "image/jpeg")
    assert read.model_dump()["blob"] == next(
        one.data for one in made.content if isinstance(one, ImageContent)
    )
    assert [picture.size for picture in pictures_of(frames)] == [(854, 480)] * 2
    assert found["state"] == "completed"
    assert found["clips"][0]["path"] in words_of(made)
