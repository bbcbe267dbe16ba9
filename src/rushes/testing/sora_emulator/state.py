"""What outlives the emulator: a folder that holds its state, whole, and the files that the state names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from rushes.domain.errors import SetupError
from rushes.domain.gitignore import ignore_all
from rushes.domain.permissions import make_private
from rushes.settings.files import replace_file
from rushes.testing.sora_emulator.accounts import Account, Session, Token
from rushes.testing.sora_emulator.clock import Stretch
from rushes.testing.sora_emulator.footage import Clip
from rushes.testing.sora_emulator.media import Stored
from rushes.testing.sora_emulator.orders import Order
from rushes.testing.sora_emulator.tasks import Entry, Task

if TYPE_CHECKING:
    from rushes.testing.sora_emulator.world import World

FORMAT = 1


class StateFolder:
    """A folder for one emulator at a time: `state.json`, and in `files` all bytes of it by their hash.

    The state is written whole at each change, and put in place at once: after a kill it is that of the last
    answer. Raises SetupError for a folder that another emulator uses, or that holds another kind of state.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self._folder, self._files = folder, folder / "files"
        self._place = folder / "state.json"
        self._text = ""
        # The bytes are held with their names: an id is one object's only while that is there.
        self._names: dict[int, tuple[bytes, str]] = {}
        self._known: dict[str, bytes] = {}
        other = "give another folder: --state"
        try:
            make_private(folder)
            ignore_all(folder)
            self._lock = FileLock(folder / "lock", timeout=0)
            self._lock.acquire()
            if fresh:
                self._place.unlink(missing_ok=True)
                shutil.rmtree(self._files, ignore_errors=True)
            make_private(self._files)
        except Timeout as error:
            raise SetupError(
                f"{folder} is in use by another emulator", next=f"stop that one, or {other}"
            ) from error
        except OSError as error:
            reason = error.strerror or error
            raise SetupError(f"{folder} cannot hold the emulator's state: {reason}", next=other) from error

    def load(self, world: World) -> None:
        """Put what was kept into a new world."""
        if not self._place.exists():
            return
        try:
            self._text = self._place.read_text(encoding="utf-8")
            self._restore(world, json.loads(self._text))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SetupError(
                f"{self._place} holds no state that this version can read",
                next="--fresh forgets it and starts empty; --state uses another folder",
            ) from error

    def save(self, world: World) -> None:
        """Write the state, if it is not the one that is there."""
        text = json.dumps(_state_of(world), ensure_ascii=False, default=self._plain)
        if text != self._text:
            replace_file(self._place, text)
            self._text = text

    def _plain(self, value: object) -> object:
        """Return what JSON has no word for: bytes become the name of a file that holds them."""
        return {"file": self._name(value)} if isinstance(value, bytes) else vars(value)

    def _name(self, data: bytes) -> str:
        if id(data) not in self._names:
            name = hashlib.sha256(data).hexdigest()
            place = self._files / name
            if not place.exists():
                part = place.with_suffix(".part")
                part.write_bytes(data)
                os.replace(part, place)
            self._names[id(data)] = (data, name)
        return self._names[id(data)][1]

    def _restore(self, world: World, state: Mapping[str, Any]) -> None:
        if state["format"] != FORMAT:
            raise ValueError(state["format"])
        accounts, store, clock = state["accounts"], state["store"], state["clock"]
        world.clock.resume(clock["ahead"], [Stretch(**one) for one in clock["stretches"]])
        world.accounts.key = bytes.fromhex(accounts["key"])
        world.accounts.all = {key: Account(**one) for key, one in accounts["all"].items()}
        world.accounts.sessions = {key: Session(**one) for key, one in accounts["sessions"].items()}
        world.accounts.tokens = {key: Token(**one) for key, one in accounts["tokens"].items()}
        world.sentinel.out = dict(state["sentinel"])
        world.tasks.entries = [Entry(**one) for one in state["entries"]]
        world.tasks.all = {one["id"]: self._task(one) for one in state["tasks"]}
        world.store.key = bytes.fromhex(store["key"])
        world.store.files = {name: Stored(**self._read(one)) for name, one in store["files"].items()}
        for kind, things in state["things"].items():
            getattr(world.things, kind).update(things)

    def _task(self, shape: Mapping[str, Any]) -> Task:
        order: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in shape["order"].items()
        }
        clip = None if shape["clip"] is None else Clip(**self._read(shape["clip"]))
        parts = {"order": Order(**order), "reads": Counter(shape["reads"]), "clip": clip}
        return Task(**{**shape, **parts})

    def _read(self, shape: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a thing, with the bytes of the files that they name."""
        return {
            name: self._bytes(value["file"])
            if isinstance(value, dict) and value.keys() == {"file"}
            else value
            for name, value in shape.items()
        }

    def _bytes(self, name: str) -> bytes:
        """Read a file, once: what many tasks share is in memory once, too."""
        if name not in self._known:
            data = (self._files / name).read_bytes()
            self._known[name], self._names[id(data)] = data, (data, name)
        return self._known[name]


def _state_of(world: World) -> dict[str, Any]:
    """Return all that a restart must not change."""
    accounts, store = world.accounts, world.store
    return {
        "format": FORMAT,
        "clock": {"ahead": world.clock.ahead, "stretches": world.clock.stretches},
        "accounts": {
            "key": accounts.key.hex(),
            "all": accounts.all,
            "sessions": accounts.sessions,
            "tokens": accounts.tokens,
        },
        "sentinel": world.sentinel.out,
        "entries": world.tasks.entries,
        "tasks": list(world.tasks.all.values()),
        "store": {"key": store.key.hex(), "files": store.files},
        "things": world.things,
    }
