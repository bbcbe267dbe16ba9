"""What people keep with the service besides tasks: uploads, references, characters, posts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Things:
    """Each kind of thing by its id; a thing is its JSON, and `owner` the account it belongs to."""

    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    characters: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)

    def owned(self, kind: dict[str, dict[str, Any]], email: str) -> list[dict[str, Any]]:
        """Return an account's things of a kind, newest first."""
        return [thing for id, thing in reversed(kind.items()) if self.owner.get(id) == email]

    def find(self, kind: dict[str, dict[str, Any]], id: str, email: str) -> dict[str, Any] | None:
        return kind.get(id) if self.owner.get(id) == email else None
