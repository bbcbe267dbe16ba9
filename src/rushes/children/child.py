"""The parent's side of the protocol: a child's orders, what it says, and what ended it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

from rushes.children import command
from rushes.children.serving import OUT_OF_MEMORY
from rushes.domain.errors import Billed, RushesError, error_of
from rushes.domain.text import one_line

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 16 << 20
"""Bytes of one message of a child. The facts of a clip are some kilobytes."""

LAST_WORDS = 4096
"""Bytes that are kept of what a child wrote to its standard error."""

CLOSING_S = 2.0
"""Seconds that the pipes of a child may stay open behind it: a process that it started may hold them."""

KILLED = -9


class ChildDied(Exception):
    """A child ended without an answer, or was given up; its message says why, as "ran out of memory"."""


class Child:
    """One life of a child process, which ends when this process does."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._last_words = b""
        self._reading_errors = asyncio.create_task(self._read_errors())

    @classmethod
    async def start(cls, module: str, *orders: Any) -> Self:
        """Start `python -m MODULE` and send it its first messages, which are JSON data."""
        process = await asyncio.create_subprocess_exec(
            *command(module),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_MESSAGE,
            # Ctrl-C in a terminal is for this process, which decides what becomes of its children.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        child = cls(process)
        try:
            for order in orders:
                await child.send(order)
        except BaseException:
            child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, message: Any) -> None:
        """Send a message of JSON data. That a child has ended is told by the end of its messages."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the child says until it has ended. Raises ChildDied for what is no message."""
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
                message = json.loads(line) if line else None
            except ValueError:
                self.kill()
                raise ChildDied("gave an answer that cannot be read") from None
            if not isinstance(message, dict):
                break
            yield message

    def kill(self) -> None:
        """End the child at once."""
        if not self.alive:
            return
        if sys.platform == "win32":
            self._process.kill()
            return
        # `Process.kill` asks for the status first. That takes it away from the thread of asyncio that waits
        # for it, which then makes one up, 255, and says so on standard error (python/cpython#127049).
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the child at once, and return when it has ended."""
        self.kill()
        await self.ended()

    async def ended(self) -> str:
        """Wait for the child's end; return what ended it, in words that continue "the child …"."""
        status = await self._process.wait()
        await asyncio.wait([self._reading_errors], timeout=CLOSING_S)
        self._reading_errors.cancel()
        return _explained(status, self._last_words)

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while block := await self._process.stderr.read(LAST_WORDS):
            self._last_words = (self._last_words + block)[-LAST_WORDS:]


async def ask(module: str, order: Any, *, deadline_s: float) -> Any:
    """Have a child do one order, and return its answer; it is gone when this returns or is canceled.

    Raises the RushesError that the child did, and ChildDied where it ended without an answer or was not done
    after `deadline_s` seconds.
    """
    child = await Child.start(module, order)
    try:
        async with asyncio.timeout(deadline_s):
            async for message in child.messages():
                if "answer" in message:
                    return message["answer"]
                if "error" in message:
                    raise await _error(child, message["error"])
            raise ChildDied(await child.ended())
    except TimeoutError:
        raise ChildDied(f"was stopped after {deadline_s:.0f} s") from None
    finally:
        await child.stop()


def ask_blocking(module: str, order: Any, *, deadline_s: float) -> Any:
    """Do the same as `ask`, also in a thread that runs an event loop: that one waits."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, ask(module, order, deadline_s=deadline_s)).result()


async def _error(child: Child, told: dict[str, Any]) -> RushesError:
    """Return the error that a child has raised; of one that nobody foresaw the log keeps the rest."""
    error = error_of(told["code"], told["message"], told["next"], Billed(told["billed"]))
    if type(error) is RushesError:
        log.error("a child process %s", await child.ended())
    return error


def _explained(status: int, last_words: bytes) -> str:
    if status == OUT_OF_MEMORY:
        return "ran out of memory"
    if status == KILLED:
        return "was killed from outside, most likely because this machine ran out of memory"
    lines = [line for line in last_words.decode(errors="replace").splitlines() if line.strip()]
    words = f": {one_line(lines[-1], 300)}" if lines else ""
    return f"{_ending(status)}{words}"


def _ending(status: int) -> str:
    with suppress(ValueError):
        if status < 0:
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended with status {status}"
