"""One download under way: what it may take, how far it is, and how it is ended from outside its thread."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from threading import Event, Lock, Thread
from typing import Any

OVERDUE = "it was not done in the time that all its tries have together"


class BrokenOff(Exception):
    """The stream ended early, or the server asked to come back: worth another try from where it stopped."""


class TooSlow(Exception):
    """The server was hung up on: it sent too little, or it took too long on the whole."""


class Stopped(Exception):
    """The download was stopped by us; what arrived of it stays."""


class Transfer:
    """The terms of one download, and how far it is.

    `most_bytes` is how large the file may be, `longest_s` how many seconds all tries may take together.
    `received` and `total` are bytes of the file; `total` is None if its server does not say. They are written
    by the thread of the download, and read by others.
    """

    def __init__(self, *, most_bytes: float = inf, longest_s: float = inf) -> None:
        self.most_bytes = most_bytes
        self.received = 0
        self.total: int | None = None
        self._end = time.monotonic() + longest_s
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._stopped = Event()
        self._slow: str | None = None

    @property
    def fraction(self) -> float | None:
        """How far it is, 0 to 1; None if that is not known."""
        return min(1.0, self.received / self.total) if self.total else None

    def stop(self) -> None:
        """End the download: its thread raises Stopped, as soon as the server can be hung up on."""
        self._stopped.set()
        self._hang_up()

    def check(self) -> None:
        """Raise Stopped or TooSlow if there is no time left for another try."""
        if self._stopped.is_set():
            raise Stopped()
        if time.monotonic() >= self._end:
            raise TooSlow(OVERDUE)

    @contextmanager
    def keeping_pace(
        self, least_speed: float, window_s: float, broken: tuple[type[Exception], ...]
    ) -> Iterator[None]:
        """Hang up on the server if it sends less than `least_speed` (bytes a second) over `window_s` seconds.

        Only bytes of the file count: not headers, interim answers or redirects, which could go on for ever.
        Raises TooSlow or Stopped then, in place of what a `broken` connection raises.
        """
        self._slow = None
        self.check()
        over = Event()
        Thread(target=self._watch, args=(over, least_speed, window_s), name="pace", daemon=True).start()
        try:
            yield
        except broken as error:
            self._raise_hung_up(error)
            raise
        finally:
            over.set()
            self._socket = None
        # Of a body without a length, the end that we made ourselves looks like its own.
        self._raise_hung_up(None)

    def _watch(self, over: Event, least_speed: float, window_s: float) -> None:
        while True:
            before, left = self.received, self._end - time.monotonic()
            if over.wait(min(window_s, max(0.0, left))):
                return
            if time.monotonic() >= self._end:
                self._slow = OVERDUE
            elif left >= window_s and self.received - before < least_speed * window_s:
                self._slow = f"it sent {self.received - before:,} bytes in {window_s:g} s"
            if self._slow is not None:
                return self._hang_up()

    def _raise_hung_up(self, error: Exception | None) -> None:
        if self._stopped.is_set():
            raise Stopped() from error
        if self._slow is not None:
            raise TooSlow(self._slow) from error

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Note the connection; a hook for httpcore's `trace` extension."""
        if not event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            return
        with self._lock:
            self._socket = details["return_value"].get_extra_info("socket")
        if self._slow is not None or self._stopped.is_set():
            self._hang_up()

    def _hang_up(self) -> None:
        with self._lock, suppress(OSError):
            if self._socket is not None:
                # To close it would not wake the thread that reads from it. Not the method of a TLS socket,
                # which would take away what that thread is reading with.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
