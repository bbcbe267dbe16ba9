"""Loads SQL texts by name: each begins with `-- name: …` and goes on to the next."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def load(package: str, file: str) -> dict[str, str]:
    """Return the statements of a `.sql` file that lies in `package`, by name."""
    text = (resources.files(package) / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- name: *(\w+) *$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
