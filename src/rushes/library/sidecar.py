"""The `.json` beside each clip, so that the folder means something without the database."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.domain.clip import Clip, Facts, Finding, Repair, Severity, Span

FORMAT = "rushes-clip-1"
_FILES = ("path", "sheet", "bursts", "original")


def write(clip: Clip, root: Path) -> str:
    """Return a clip as the text of its sidecar; its files are named relative to the library's `root`."""
    data: dict[str, Any] = {"format": FORMAT, **clip.as_json()}
    for name in _FILES:
        if data[name] is not None:
            data[name] = str(Path(data[name]).relative_to(root))
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def read(text: str, root: Path) -> Clip:
    """Return the clip a sidecar describes. Raises ValueError where the text is not one."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("not a sidecar of rushes")
    try:
        return _clip(data, root)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"a sidecar with a damaged field: {error}") from error


def _clip(data: dict[str, Any], root: Path) -> Clip:
    known = {field.name for field in fields(Clip)}
    values = {name: value for name, value in data.items() if name in known}
    for name in _FILES:
        values[name] = root / data[name] if data[name] is not None else None
    values["lint"] = tuple(
        Finding(
            code=one["code"],
            severity=Severity(one["severity"]),
            text=one["text"],
            repair=Repair(one["repair"]),
        )
        for one in data["lint"]
    )
    values["facts"] = _facts(data["facts"])
    values["cost"] = Decimal(data["cost"]) if data["cost"] is not None else None
    values["created_at"] = datetime.fromisoformat(data["created_at"])
    values["references"] = tuple(data["references"])
    return Clip(**values)


def _facts(data: dict[str, Any]) -> Facts:
    spans = {name: tuple(Span(**one) for one in data.get(name, ())) for name in ("black", "frozen", "silent")}
    times = {name: tuple(data.get(name, ())) for name in ("cuts", "jumps", "flashes")}
    return Facts(**{**data, **spans, **times})
