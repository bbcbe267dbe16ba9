"""What a parent hears of its children, and what ends them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from rushes.children import child as child_side
from rushes.children.child import Child, ChildDied, ask, ask_blocking
from rushes.domain.errors import BadInput, RushesError
from tests.children.processes import PATIENCE_S, children, gone

PROGRAM = "tests.children.program"

pytestmark = pytest.mark.usefixtures("importable")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children import the program of these tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(one) for one in sys.path if one))


async def test_an_answer_comes_through_what_is_printed() -> None:
    """What a library prints on the way does not stand between the messages."""
    words = ["é", 1, None]
    assert await ask(PROGRAM, {"do": "answer", "words": words}, deadline_s=PATIENCE_S) == words


async def test_an_error_of_ours_arrives_as_it_was_raised() -> None:
    """Its class, its words and what to do next."""
    with pytest.raises(BadInput, match="it is 3") as raised:
        await ask(PROGRAM, {"do": "refuse"}, deadline_s=PATIENCE_S)
    assert raised.value.next == "make it 4"


async def test_an_error_that_nobody_foresaw_is_an_internal_one(caplog: pytest.LogCaptureFixture) -> None:
    """It is told by its name, and not taken for a crash of a decoder; the log says where."""
    with pytest.raises(RushesError, match="internal error: KeyError") as raised:
        await ask(PROGRAM, {"do": "blunder"}, deadline_s=PATIENCE_S)
    assert type(raised.value) is RushesError
    assert "nobody thought of this" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit")
async def test_memory_is_bounded() -> None:
    """F20: a child that needs more than it may have ends, and that is the reason that is told."""
    with pytest.raises(ChildDied, match="ran out of memory"):
        await ask(PROGRAM, {"do": "eat"}, deadline_s=PATIENCE_S)


async def test_a_crash_is_told_with_the_last_words() -> None:
    """F20: a decoder that crashes is an error with a reason."""
    with pytest.raises(ChildDied, match=r"crashed \(SIGABRT\): a bad pixel"):
        await ask(PROGRAM, {"do": "crash"}, deadline_s=PATIENCE_S)


async def test_a_child_that_is_killed_while_it_ends_keeps_its_status(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every answer is followed by a kill: it does not forget what ended the child, and logs nothing."""

    async def end() -> str:
        child = await Child.start(PROGRAM, {"do": "leave", "status": 3})
        assert [message async for message in child.messages()] == []
        child.kill()
        return await child.ended()

    assert set(await asyncio.gather(*(end() for _ in range(8)))) == {"ended with status 3"}
    assert "child process" not in caplog.text


async def test_a_child_that_takes_too_long_is_ended() -> None:
    """F20: no file holds a place for ever."""
    with pytest.raises(ChildDied, match="was stopped after 1 s"):
        await ask(PROGRAM, {"do": "wait"}, deadline_s=1.0)
    assert children(os.getpid(), PROGRAM) == []


async def test_an_answer_without_end_is_no_answer() -> None:
    """What a child says is bounded, too: its parent holds the tickets."""
    too_long = child_side.LONGEST_MESSAGE + 1
    with pytest.raises(ChildDied, match="cannot be read"):
        await ask(PROGRAM, {"do": "shout", "bytes": too_long}, deadline_s=PATIENCE_S)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signals here")
async def test_signals_for_everybody_end_no_work() -> None:
    """Ctrl-C and SIGTERM go to a whole group: what the child does is for its parent to end."""
    one = await Child.start(PROGRAM, {"do": "wait"})
    messages = one.messages()
    async with asyncio.timeout(PATIENCE_S):
        await anext(messages)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(one.pid, number)
    await asyncio.sleep(0.2)
    alive = one.alive
    await one.stop()
    assert alive
    assert not one.alive


async def test_the_end_of_a_parent_ends_its_child(tmp_path: Path) -> None:
    """F20: by kill -9 as well; what the child had not finished is removed."""
    unfinished = tmp_path / "half.part"
    words = "import asyncio, sys; from rushes.children.child import ask\n"
    words += "asyncio.run(ask(sys.argv[1], {'do': 'draw', 'file': sys.argv[2]}, deadline_s=3600))"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", words, PROGRAM, str(unfinished))
    async with asyncio.timeout(PATIENCE_S):
        while not unfinished.exists():  # noqa: ASYNC110 - another process's file wakes nobody
            await asyncio.sleep(0.01)
    (one,) = children(parent.pid, PROGRAM)
    parent.kill()
    await parent.wait()
    await gone(one)
    assert not unfinished.exists()


async def test_who_may_block_can_ask_on_a_loop_as_well() -> None:
    """What is not asynchronous is called from what is: the answer comes, and the errors."""
    assert ask_blocking(PROGRAM, {"do": "answer", "words": 3}, deadline_s=PATIENCE_S) == 3
    with pytest.raises(BadInput, match="it is 3"):
        ask_blocking(PROGRAM, {"do": "refuse"}, deadline_s=PATIENCE_S)
