"""What an engine remembers of the jobs that it was asked about lately: a worker may run for months."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST_REMEMBERED = 10_000
"""More than one engine ever has under way."""


class Recent(dict[Key, Value]):
    """A dict of the newest entries: with a new one above `MOST_REMEMBERED`, the oldest is forgotten."""

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        if len(self) > MOST_REMEMBERED:
            del self[next(iter(self))]

    def setdefault(self, key: Key, default: Value) -> Value:
        if key not in self:
            self[key] = default
        return self[key]
