"""The keyring of the operating system, through the package `keyring`, asked with a limit on its answer.

A keyring may be locked and ask the person at the machine, who is not there: nobody waits for that for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from rushes.domain.errors import SetupError
from rushes.domain.extras import install_command
from rushes.settings.keys import InKeyring

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "rushes"
"""What all our entries are filed under."""

LONGEST_S = 20.0
"""Seconds in which a person can unlock a keyring, and a worker can bear to stand still."""

SAFE = 1
"""The least priority of a backend that the package recommends; those in plain text have less."""

Value = TypeVar("Value")

OPEN_IT = (
    "unlock the keyring and run it again; where it cannot be unlocked, put the key into the environment or a "
    ".env file"
)


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


def read(entry: InKeyring, *, to_set: str, limit_s: float = LONGEST_S) -> str:
    """Return the key that an entry holds. Raises SetupError, which names the setting `to_set`."""

    def get() -> str | None:
        return _found().get_password(SERVICE, entry.entry)

    key = _asked(get, f"{to_set} was read from it", limit_s)
    if key is None:
        raise SetupError(
            f"the keyring has no entry {entry.entry!r} any more",
            next=f"give it anew: rushes config set {to_set}",
        )
    return key


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
        raise SetupError("there is no keyring here that keeps keys safe", next=OPEN_IT)
    return found


def _asked(call: Callable[[], Value], doing: str, limit_s: float) -> Value:
    """Return what a call of the keyring does, made on a thread that may be left behind."""
    answer: Future[Value] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # noqa: BLE001 - every backend has errors of its own
            answer.set_exception(error)

    # Not of a pool: that would wait for it when the process ends.
    Thread(target=run, daemon=True, name="keyring").start()
    try:
        return answer.result(limit_s)
    except SetupError:
        raise
    except TimeoutError:
        said = f"the keyring did not answer within {limit_s:g} s while {doing}; it may be locked"
        raise SetupError(said, next=OPEN_IT) from None
    except ModuleNotFoundError as error:
        raise SetupError(
            f"the keyring cannot be used: {error.name} is not installed",
            next=f"{install_command('keyring')}, or set the key in the environment",
        ) from error
    except Exception as error:  # noqa: BLE001 - as above
        # Its own words are not repeated: a backend may put what it was given into them.
        raise SetupError(f"the keyring failed while {doing}: {type(error).__name__}", next=OPEN_IT) from None
