"""Hands keys to the living worker, over a channel for their owner alone: held in memory, written nowhere.

A key that only a person's shell or a project's `.env` has would else not reach a worker that somebody else
started. The worker listens on a local socket (a named pipe on Windows); a file beside its lock, for its
owner alone, says where, and has a secret by which both ends prove who they are before a key is sent.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from multiprocessing.connection import Connection, Listener

SILENT_S = 5.0
"""How long one end waits for a word of the other."""

MOST_BYTES = 64 * 1024
"""The most that one key with its options takes."""

LOOK_EVERY_S = 0.05

TAKEN = b"taken"

PREFIX = "rushes-keys-"
"""How the folders are called that our sockets lie in, among those of the system's temporary files."""

log = logging.getLogger("rushes.worker")


@dataclass(frozen=True, kw_only=True)
class EngineKey:
    """The key of one account of an engine: the `options` that its owner has, and others need not have."""

    engine: str
    account: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class KeyDesk:
    """Where a worker takes keys: `place` is the file that says where it listens, `take` keeps a key."""

    place: Path
    take: Callable[[EngineKey], None]


# --- the worker's end -----------------------------------------------------------------------------


@contextmanager
def listening(place: Path, take: Callable[[EngineKey], None]) -> Iterator[None]:
    """Take keys during the block; `take` is called on other threads. Without a socket none come."""
    _clear_away(place)
    authkey = secrets.token_bytes(32)
    # A folder of its own: the name of a socket has to be shorter than many a home folder's.
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        try:
            listener = _listener(folder)
            _publish(place, str(listener.address), authkey)
        except OSError as error:
            log.warning("no keys can be handed over: %s", error)
            yield
            return
        closing = threading.Event()
        threading.Thread(target=_accept, args=(listener, authkey, take, closing), daemon=True).start()
        try:
            yield
        finally:
            place.unlink(missing_ok=True)
            closing.set()
            # Closing alone would not wake the thread that waits for somebody to come.
            with suppress(OSError):
                _connect(str(listener.address)).close()
            listener.close()


def _clear_away(place: Path) -> None:
    """Remove what a worker left that was killed."""
    left = _channel_at(place)
    if left is not None:
        folder = Path(left.address).parent
        if folder.name.startswith(PREFIX) and folder.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(folder, ignore_errors=True)


def _listener(folder: str) -> Listener:
    from multiprocessing.connection import Listener

    return Listener(None if sys.platform == "win32" else os.path.join(folder, "keys"), backlog=16)


def _publish(place: Path, address: str, authkey: bytes) -> None:
    """Write down where the worker listens, at once and for its owner alone."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"address": address, "authkey": authkey.hex()}, file)
    os.replace(name, place)


def _accept(
    listener: Listener, authkey: bytes, take: Callable[[EngineKey], None], closing: threading.Event
) -> None:
    while not closing.is_set():
        try:
            connection = listener.accept()
        except OSError:
            # Too many files are open, for example: those who wait are let in later.
            closing.wait(1.0)
            continue
        # Each on a thread of its own: one that stops in the middle keeps nobody else waiting.
        threading.Thread(target=_serve, args=(connection, authkey, take), daemon=True).start()


def _serve(connection: Connection, authkey: bytes, take: Callable[[EngineKey], None]) -> None:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import answer_challenge, deliver_challenge

    # RuntimeError: the worker is ending, and takes nothing more.
    with (
        connection,
        suppress(OSError, EOFError, AuthenticationError, AssertionError, ValueError, RuntimeError),
    ):
        patient = cast(Any, _Patient(connection))
        deliver_challenge(patient, authkey)
        answer_challenge(patient, authkey)
        take(_key_from(patient.recv_bytes(MOST_BYTES)))
        connection.send_bytes(TAKEN)


def _key_from(data: bytes) -> EngineKey:
    """Return the key in a message. Raises ValueError for anything else."""
    match json.loads(data):
        case {"engine": str(engine), "account": str(account), "options": dict(options)}:
            if all(isinstance(value, str) for value in options.values()):
                return EngineKey(engine=engine, account=account, options=options)
    raise ValueError


# --- the client's end -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Channel:
    address: str
    authkey: bytes = field(repr=False)


class KeyCourier:
    """Hands keys to the living worker, each key once; `place` is the file that says where it listens."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._delivered: set[tuple[_Channel | None, str, str]] = set()
        self._patience_s: float | None = None
        self._way: threading.Thread | None = None

    def deliver(self, keys: Sequence[EngineKey], patience_s: float) -> None:
        """Hand over what the worker does not have yet, waiting up to `patience_s` for one that just starts.

        The caller does not wait, but for the end of its process. It is waited once in vain: a worker that
        takes no keys shall not hold up every call. Then the jobs say which key they wait for.
        """
        channel = _channel_at(self._place)
        if all((channel, key.engine, key.account) in self._delivered for key in keys):
            return
        arguments = (keys, patience_s, self._way)
        self._way = threading.Thread(target=self._deliver, args=arguments, name="keys")
        self._way.start()

    def _deliver(
        self, keys: Sequence[EngineKey], patience_s: float, earlier: threading.Thread | None
    ) -> None:
        if earlier is not None:
            earlier.join()
        end = time.monotonic() + (patience_s if self._patience_s is None else self._patience_s)
        while True:
            channel = _channel_at(self._place)
            if channel is not None and self._handed(channel, keys):
                self._patience_s = None
                return
            if time.monotonic() >= end:
                break
            time.sleep(LOOK_EVERY_S)
        if patience_s:
            self._patience_s = 0.0

    def _handed(self, channel: _Channel, keys: Sequence[EngineKey]) -> bool:
        """Whether a worker that listens has all the keys, now or since earlier."""
        from multiprocessing import AuthenticationError

        try:
            for key in keys:
                where = (channel, key.engine, key.account)
                if where not in self._delivered:
                    _send(channel, key)
                    self._delivered.add(where)
        except (OSError, EOFError, AuthenticationError, AssertionError, ValueError):
            # Of a worker that was killed, or that is ending: another one says anew where it listens.
            return False
        return True


def _channel_at(place: Path) -> _Channel | None:
    """Return what a worker wrote down; None where there is nothing, or nothing that can be read."""
    try:
        match json.loads(place.read_text(encoding="utf-8")):
            case {"address": str(address), "authkey": str(authkey)}:
                return _Channel(address=address, authkey=bytes.fromhex(authkey))
    except (OSError, ValueError):
        pass
    return None


def _send(channel: _Channel, key: EngineKey) -> None:
    """Hand one key to the worker. Raises OSError, EOFError, AuthenticationError where it does not take it."""
    from multiprocessing.connection import answer_challenge, deliver_challenge

    with _connect(channel.address) as connection:
        patient = cast(Any, _Patient(connection))
        answer_challenge(patient, channel.authkey)
        # It proves itself, too: the name of its socket may have come to belong to somebody else.
        deliver_challenge(patient, channel.authkey)
        connection.send_bytes(json.dumps(asdict(key)).encode())
        if patient.recv_bytes(MOST_BYTES) != TAKEN:
            raise EOFError


def _connect(address: str) -> Connection:
    from multiprocessing.connection import Client

    return Client(address)


class _Patient:
    """A connection whose other end has to say something within SILENT_S."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send_bytes(self, data: bytes) -> None:
        self._connection.send_bytes(data)

    def recv_bytes(self, most: int | None = None) -> bytes:
        if not self._connection.poll(SILENT_S):
            raise TimeoutError("the other end says nothing")
        return self._connection.recv_bytes(most)
