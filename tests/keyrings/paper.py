"""Keyrings for tests, real to the package `keyring`: PYTHON_KEYRING_BACKEND names one of these classes.

They keep their entries in the JSON file that PAPER_KEYRING names, and note every look at it beside it.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Keyring(KeyringBackend):
    """One that is open."""

    priority: ClassVar[float] = 5

    def get_password(self, service: str, username: str) -> str | None:
        with Path(f"{self._file}.reads").open("a") as reads:
            reads.write(f"{username}\n")
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file.write_text(json.dumps({**self._entries(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        del entries[f"{service}/{username}"]
        self._file.write_text(json.dumps(entries))

    @property
    def _file(self) -> Path:
        return Path(os.environ["PAPER_KEYRING"])

    def _entries(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return found


class Plain(Keyring):
    """One that says of itself that it is not safe."""

    priority = 0.5


class Locked(Keyring):
    """One that nobody unlocks; what it is given stands in its words, as with some backends."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("it is locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"it is locked: {password}")


class Silent(Keyring):
    """One that asks a person who is not there."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None


class Asking(Keyring):
    """One that asks a person, who comes when `unlocked` is set."""

    unlocked: ClassVar[threading.Event] = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        self.unlocked.wait()
        return found
