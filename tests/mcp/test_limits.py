"""What clients put up with: how long a call takes, and how large its answer is."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import numpy as np
from mcp import Client
from mcp_types import ElicitResult

from rushes import settings
from rushes.mcp.blocks import LEFT_OUT
from rushes.mcp.server import build
from rushes.studio import Studio
from tests.cli.terminal import Terminal
from tests.mcp.agent import OLD, call, pictures_of, serving, words_of
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
        async with Client(address, mode=OLD) as client:
            shown = await call(client, "look_at_video", video=str(film), view="frames", at=[0, 0.05, 0.1])
    left_out = words_of(shown).count(LEFT_OUT)

    assert shown.content[1].type == "image"
    assert left_out > 0
    assert len(pictures_of(shown)) == 3 - left_out
