"""The keyring of the operating system, through the package `keyring`, asked with a limit on its answer.

A keyring may be locked and ask the person at the machine, who is not there: nobody waits for that for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from rushes.domain.errors import KeyringLocked, SetupError
from rushes.domain.extras import install_command
from rushes.settings.keys import InKeyring

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "rushes"
"""What all our entries are filed under."""

LONGEST_S = 20.0
"""Seconds in which a person can unlock a keyring, and those who need its key can bear to wait."""

REMEMBERED_S = 60.0
"""How long a keyring that did not give a key is not asked again."""

SAFE = 1
"""The least priority of a backend that the package recommends; those in plain text have less."""

Value = TypeVar("Value")


def usable() -> str:
    """Return the name of the keyring that keys can be kept in, "" where there is none.

    The package is not installed, or has no backend that is safe here. Raises SetupError where it does not
    answer in time.
    """
    try:
        import keyring  # noqa: F401
    except ModuleNotFoundError:
        return ""
    found = _asked(_backend, "it was looked for", LONGEST_S)
    return "" if found is None else str(found.name)


def read(entry: InKeyring, to_set: str, *, limit_s: float = LONGEST_S) -> str:
    """Return the key that an entry holds. Raises SetupError, which names the setting `to_set`."""
    return _key(_begun(_getting(entry)), entry, to_set, limit_s)


class KeyNotRead(Exception):
    """A key of the keyring is needed, and has not been read yet: `KeyringReader.open` does that."""

    def __init__(self, entry: InKeyring, to_set: str) -> None:
        super().__init__(to_set)
        self.entry, self.to_set = entry, to_set


class KeyringReader:
    """Reads each key once, and remembers it; one that it did not get is not asked for again for a while.

    A keyring that does not answer is asked once: an answer that comes late is taken all the same.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys: dict[InKeyring, str] = {}
        self._asked: dict[InKeyring, Future[str | None]] = {}
        self._failures: dict[InKeyring, tuple[float, SetupError]] = {}
        self._one_at_a_time = asyncio.Lock()

    def at_hand(self, entry: InKeyring, to_set: str) -> str:
        """Return a key that was read. Raises KeyNotRead, or why it was not to be had a moment ago."""
        if entry in self._keys:
            return self._keys[entry]
        until, error = self._failures.get(entry, (0.0, None))
        if error is None or (self._clock() >= until or self._has_answered(entry)):
            raise KeyNotRead(entry, to_set)
        raise type(error)(error.message, next=error.next)

    def read(self, entry: InKeyring, to_set: str) -> str:
        """Return a key, and wait for the keyring where it has to be asked. Raises SetupError."""
        try:
            return self.at_hand(entry, to_set)
        except KeyNotRead:
            self._take(entry, to_set, LONGEST_S)
        return self.at_hand(entry, to_set)

    async def open(self, entry: InKeyring, to_set: str) -> None:
        """Have the keyring asked for a key while the loop goes on; `at_hand` says what came of it."""
        async with self._one_at_a_time:
            with suppress(SetupError):
                try:
                    self.at_hand(entry, to_set)
                except KeyNotRead:
                    await _answered(self._answer(entry))
                    self._take(entry, to_set, 0.0)

    def _has_answered(self, entry: InKeyring) -> bool:
        return entry in self._asked and self._asked[entry].done()

    def _answer(self, entry: InKeyring) -> Future[str | None]:
        if entry not in self._asked:
            self._asked[entry] = _begun(_getting(entry))
        return self._asked[entry]

    def _take(self, entry: InKeyring, to_set: str, limit_s: float) -> None:
        """Keep what the keyring answers within a time, or why there is no key."""
        answer = self._answer(entry)
        try:
            self._keys[entry] = _key(answer, entry, to_set, limit_s)
            self._failures.pop(entry, None)
        except SetupError as error:
            self._failures[entry] = (self._clock() + REMEMBERED_S, error)
        if answer.done():
            self._asked.pop(entry, None)


def _getting(entry: InKeyring) -> Callable[[], str | None]:
    return lambda: _found().get_password(SERVICE, entry.entry)


def _key(answer: Future[str | None], entry: InKeyring, to_set: str, limit_s: float) -> str:
    key = _result(answer, f"{to_set} was read from it", limit_s)
    if key is None:
        raise SetupError(
            f"the keyring has no entry {entry.entry!r} any more",
            next=f"give it anew: rushes config set {to_set}",
        )
    return key


async def _answered(answer: Future[str | None]) -> None:
    """Wait until the keyring has answered, or for as long as anybody waits for it."""
    loop, answered = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        # The loop may have ended long before the keyring answers.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(answered.set)

    answer.add_done_callback(tell)
    with suppress(TimeoutError):
        await asyncio.wait_for(answered.wait(), LONGEST_S)


def write(entry: InKeyring, key: str) -> None:
    """Keep a key under an entry, in place of the one that was there. Raises SetupError."""

    def put() -> None:
        _found().set_password(SERVICE, entry.entry, key)

    _asked(put, f"{entry.entry} was written to it", LONGEST_S)


def forget(entry: InKeyring) -> None:
    """Remove an entry; one that is gone already is none the worse. Raises SetupError."""

    def delete() -> None:
        keyring = _found()
        if keyring.get_password(SERVICE, entry.entry) is not None:
            keyring.delete_password(SERVICE, entry.entry)

    _asked(delete, f"{entry.entry} was removed from it", LONGEST_S)


def _backend() -> KeyringBackend | None:
    """Return the safest backend, or None: there is none, or it keeps nothing, or keeps it in plain text."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    found = keyring.get_keyring()
    backends = found.backends if isinstance(found, ChainerBackend) else [found]
    return next((one for one in backends if one.priority >= SAFE), None)


def _found() -> KeyringBackend:
    found = _backend()
    if found is None:
        raise KeyringLocked("there is no keyring here that keeps keys safe")
    return found


def _asked(call: Callable[[], Value], doing: str, limit_s: float) -> Value:
    """Return what a call of the keyring does, made on a thread that may be left behind."""
    return _result(_begun(call), doing, limit_s)


def _begun(call: Callable[[], Value]) -> Future[Value]:
    answer: Future[Value] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # noqa: BLE001 - every backend has errors of its own
            answer.set_exception(error)

    # Not of a pool: that would wait for it when the process ends.
    Thread(target=run, daemon=True, name="keyring").start()
    return answer


def _result(answer: Future[Value], doing: str, limit_s: float) -> Value:
    try:
        return answer.result(limit_s)
    except SetupError:
        raise
    except TimeoutError:
        raise KeyringLocked(
            f"the keyring did not answer within {limit_s or LONGEST_S:g} s while {doing}; it may be locked"
        ) from None
    except ModuleNotFoundError as error:
        raise SetupError(
            f"the keyring cannot be used: {error.name} is not installed",
            next=f"{install_command('keyring')}, or set the key in the environment",
        ) from error
    except Exception as error:  # noqa: BLE001 - as above
        # Its own words are not repeated: a backend may put what it was given into them.
        raise KeyringLocked(f"the keyring failed while {doing}: {type(error).__name__}") from None
