"""What clients put up with: how long a call takes, and how large its answer is."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
from typing import Any

import numpy as np
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from PIL import Image

from rushes import settings
from rushes.mcp.blocks import LEFT_OUT
from rushes.mcp.server import build
from rushes.mcp.words import LONGEST_MESSAGE
from rushes.studio import Studio
from tests.cli.terminal import Terminal
from tests.mcp.agent import OLD, call, http_agent, pictures_of, serving, words_of
from tests.mcp.test_approvals import quoted
from tests.media import films

PACE = 50
"""How much faster than ours the time of a hasty loop goes by."""


class _Selector(selectors.DefaultSelector):
    """Waits a fraction of what its loop means to wait."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout and timeout / PACE)


class Hasty(asyncio.SelectorEventLoop):
    """A loop whose every second is a fiftieth of one."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * PACE


def test_a_person_who_never_answers(paid: Terminal) -> None:
    """The question is given up in time for an answer, which names the command; nobody has agreed."""

    async def silence(context: Any, params: Any) -> ElicitResult:
        await asyncio.Event().wait()
        raise AssertionError

    async def asked() -> tuple[float, str]:
        async with (
            Studio.open(settings.load(paid.environ)) as studio,
            Client(build(studio, ()), mode=OLD, elicitation_callback=silence) as client,
        ):
            quote = await quoted(client, "silence")
            began = asyncio.get_running_loop().time()
            result = await client.call_tool("approve_quote", {"quote_id": quote})
            return asyncio.get_running_loop().time() - began, words_of(result)

    with asyncio.Runner(loop_factory=Hasty) as runner:
        took, said = runner.run(asked())

    assert 45 <= took < 50
    assert "nobody answered" in said
    assert "rushes approve q" in said


async def test_an_answer_that_clients_take(terminal: Terminal) -> None:
    """Pictures that are together more than a client takes over HTTP are left out; the first one is not."""
    chance = np.random.default_rng(1)
    grain = [chance.integers(80, 165, (882, 1568, 3), np.uint8) for _ in range(3)]
    film = terminal.home / "clips" / "grain.mp4"
    film.parent.mkdir()
    films.write(film, grain)
    with serving(terminal) as address:
        async with http_agent(address, mode=OLD) as client:
            shown = await call(client, "look_at_video", video=str(film), view="frames", at=[0, 0.05, 0.1])
    left_out = words_of(shown).count(LEFT_OUT)

    assert shown.content[1].type == "image"
    assert left_out > 0
    assert len(pictures_of(shown)) == 3 - left_out


async def test_large_references_keep_nobody_waiting(paid: Terminal) -> None:
    """B11: while references are copied and hashed for one client, another is answered."""
    clips = paid.home / "clips"
    clips.mkdir()
    pictures = [clips / f"{number}.png" for number in range(4)]
    for number, picture in enumerate(pictures):
        Image.new("RGB", (640, 360), (number, 0, 0)).save(picture)
        os.truncate(picture, 49 * 2**20)
    first, *subjects = map(str, pictures)
    asked: dict[str, Any] = {"prompt": "a boat", "model": "lab/free", "first_frame": first}
    asked["references"] = [f"subject={one}" for one in subjects]
    with serving(paid) as address:
        async with http_agent(address) as one, http_agent(address) as other:
            await call(other, "list_jobs")
            quoting = asyncio.create_task(call(one, "quote_video", **asked))
            begun = await asyncio.to_thread(is_copying, paid, quoting)
            await call(other, "list_jobs")
            waiting = not quoting.done()
            quote = (await quoting).structured_content

    assert begun
    assert waiting
    assert len(quote["request"]["references"]) == 4


def is_copying(terminal: Terminal, call: asyncio.Task[Any]) -> bool:
    """Wait until a reference is being copied; False if the call ended before."""
    while not call.done():
        if list(terminal.home.glob("references/*.part")):
            return True
    return False


async def test_an_argument_of_megabytes_is_not_repeated(terminal: Terminal) -> None:
    """F13: errors name what was given, and clients give up an answer of more than 1 MiB: they are bounded."""
    long, hidden = "j" * 3_000_000, "\u202e"
    with serving(terminal) as address:
        async with http_agent(address, mode=OLD) as client:
            unknown = words_of(await client.call_tool("get_job", {"job_id": long}))
            many = {"prompt": "a boat", "references": [[]] * 20_000}
            misfit = words_of(await client.call_tool("quote_video", many))
            with pytest.raises(MCPError) as caught:
                await client.read_resource(f"rushes://clip/{long[:100_000]}")
            with pytest.raises(MCPError) as marked:
                await client.read_resource(f"rushes://clip/{hidden}")

    assert "is not a file, clip id or job id" in unknown
    assert "references.0 is" in misfit
    assert max(map(len, (unknown, misfit, caught.value.error.message))) < 2 * LONGEST_MESSAGE
    assert hidden not in json.dumps(marked.value.error.data, ensure_ascii=False)
