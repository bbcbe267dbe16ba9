"""How a worker is asked to end: by signals, on every system."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""Those that ask for an end. The third is known on POSIX only, the fourth on Windows only."""

log = logging.getLogger("rushes.worker")


@dataclass(kw_only=True)
class Ending:
    """Whether somebody `wants` a worker to end; asked a second time it ends `at_once`, and waits for nothing.

    `exit_status` is 0 after SIGTERM, 130 after Ctrl-C, 128 plus the signal's number if it was asked twice.
    """

    wanted: bool = False
    at_once: bool = False
    exit_status: int = 0

    def ask(self, number: int) -> None:
        """Ask for the end because of the signal `number`."""
        name = signal.Signals(number).name
        if self.wanted:
            log.warning("%s again: the worker ends now; creates without an answer are settled later", name)
            self.at_once = True
            self.exit_status = 128 + number
            return
        log.info("%s: the worker ends as soon as no create is waiting for its answer", name)
        self.wanted = True
        if number == signal.SIGINT:
            self.exit_status = 128 + number


@contextmanager
def asked_by_signals(ending: Ending) -> Iterator[None]:
    """Have signals ask for the end during the block. Without a handler, process 1 would ignore them.

    What was ignored before (by nohup, for example) stays ignored. Signals reach the main thread only.
    """
    known = [signal.Signals[name] for name in SIGNALS if name in signal.Signals.__members__]
    if threading.current_thread() is not threading.main_thread():
        known = []
    restore = [_handle(one, ending.ask) for one in known if signal.getsignal(one) is not signal.SIG_IGN]
    try:
        yield
    finally:
        for undo in restore:
            undo()


def _handle(number: signal.Signals, ask: Callable[[int], None]) -> Callable[[], object]:
    """Have a signal call `ask` on the running loop; return what puts back what was there."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(number) or signal.SIG_DFL
    try:
        loop.add_signal_handler(number, ask, number)
    except NotImplementedError:
        # Windows: it runs between two steps of the main thread.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ask, number))
        return lambda: signal.signal(number, before)

    def undo() -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, before)

    return undo
