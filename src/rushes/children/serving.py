"""The child's side of the protocol: its line to its parent, its limit of memory, and its end."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from rushes.domain.errors import RushesError

OUT_OF_MEMORY = 112
"""The exit status of a child that needed more memory than it may have."""

DECODER_MEMORY = 4 << 30
"""Bytes for what decodes the files of others. A minute of 4K takes 0.3 GB on two cores. libav uses up to 16
threads: with a picture or two each they come to 1 GB at 4K, and to 3 GB at 8K with ten bits."""

RESERVED = 2 << 30
"""Bytes of address space beyond the limit of memory: code, and what threads reserve without using it."""


class ParentLine:
    """A child's line to its parent. To be made once, before anything is printed."""

    def __init__(self) -> None:
        # Ctrl-C and SIGTERM are often sent to a whole group or service. A child goes by its parent alone,
        # which would take an end that it did not order for a failure of the work.
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        # Whatever a library prints must not stand between our messages.
        os.dup2(2, 1)
        self.unfinished: Path | None = None
        """A file that is removed if the parent goes away."""

    def receive(self) -> Any:
        """Return the next message, of JSON; end the process if the parent is gone. Raises ValueError."""
        line = self._input.readline()
        if not line:
            self._end_with_parent()
        return json.loads(line)

    def receive_object(self) -> Any:
        """Return an object that the parent has pickled; end the process if the parent is gone."""
        try:
            return pickle.load(self._input)
        except (EOFError, pickle.UnpicklingError):
            self._end_with_parent()

    def send(self, message: Any) -> None:
        self.send_bytes(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def send_bytes(self, *blocks: bytes | memoryview) -> None:
        """Send bytes that the parent knows how to read; end the process if nobody reads any more."""
        try:
            for block in blocks:
                self._output.write(block)
            self._output.flush()
        except BrokenPipeError:
            self._end_with_parent()

    def listen(self, on_message: Callable[[Any], None] | None = None) -> None:
        """Have a thread take all further messages, and end the process when the parent is gone."""
        threading.Thread(target=self._listen, args=(on_message,), daemon=True).start()

    def _listen(self, on_message: Callable[[Any], None] | None) -> None:
        for line in self._input:
            if on_message is not None:
                on_message(json.loads(line))
        self._end_with_parent()

    def _end_with_parent(self) -> NoReturn:
        if self.unfinished is not None:
            with suppress(OSError):
                self.unfinished.unlink(missing_ok=True)
        os._exit(1)


def serve(work: Callable[[Any, ParentLine], Any], *, memory: int | None = None) -> NoReturn:
    """Do the one order that the parent sends, answer with what `work` returns, and end the process.

    `work` gets the order and the line, on which it may send progress; it answers in JSON data. It may have
    `memory` bytes, None for as many as there are.
    """
    line = ParentLine()
    status = 1
    try:
        order = line.receive()
        line.listen()
        limit_memory(memory)
        line.send({"answer": work(order, line)})
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    except RushesError as error:
        line.send({"error": error.as_json()})
    except Exception as error:  # noqa: BLE001 - told to the parent, which is where it is handled
        traceback.print_exc()
        line.send({"error": RushesError(f"internal error: {type(error).__name__}: {error}").as_json()})
    end(status)


def end(status: int) -> NoReturn:
    """End the process. A thread that sleeps on the parent's line would abort the interpreter's own exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def limit_memory(memory: int | None) -> None:
    """Have this process fail to get more than so many bytes, where the system has such a limit.

    Linux has; macOS knows the limits and does not keep them; Windows has none of this kind. Where the whole
    machine runs out of memory, Linux is told to end this process before others.
    """
    if memory is None:
        return
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    try:
        import resource
    except ImportError:
        return
    for name, limit in (("RLIMIT_DATA", memory), ("RLIMIT_AS", memory + RESERVED)):
        with suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
