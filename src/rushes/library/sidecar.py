"""The `.json` beside each clip, so that the folder means something without the database.

What a sidecar says is a stranger's word: a library is shared, synced and downloaded. Its files are those that
lie beside it under its own name, every number has a range, and one field that cannot be makes it no sidecar.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from rushes.domain.clip import Clip, Facts, Finding, Repair, Severity, Span
from rushes.domain.money import read_price
from rushes.domain.request import PROMPT_LIMIT

FORMAT = "rushes-clip-1"

LARGEST_BYTES = 4 * 2**20
"""A minute that flashes at every frame has under 100 kB."""

ENDINGS = {"sheet": ".sheet.jpg", "bursts": ".bursts.jpg", "original": ".original.mp4"}
"""How the files beside a clip end; they begin with its own name."""

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)

LONGEST_TEXT = 4_000
LONGEST_NAME = 400
MOST_SECONDS = 86_400.0

T = TypeVar("T")

_CLIP_ID = re.compile(r"c([0-9a-z]{4,40})(-[1-9][0-9]{0,3})?")
_JOB_ID = re.compile(r"j([0-9a-z]{4,40})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def write(clip: Clip, root: Path, job: Mapping[str, Any] | None = None) -> str:
    """Return a clip as the text of its sidecar; its files are named relative to the library's `root`.

    `job` is what the ledger needs to restore the clip's job, see `rushes.jobs.restoring`.
    """
    data: dict[str, Any] = {"format": FORMAT, **clip.as_json()}
    for name in ("path", *ENDINGS):
        if data[name] is not None:
            data[name] = Path(data[name]).relative_to(root).as_posix()
    if job is not None:
        data["job"] = dict(job)
    return _text_of(data)


def read(text: str, root: Path) -> Clip:
    """Return the clip a sidecar describes. Raises ValueError for what cannot be one."""
    data = _load(text)
    try:
        return _clip(data, root)
    except (KeyError, TypeError, ArithmeticError, AttributeError) as error:
        raise ValueError(f"a sidecar with a damaged field: {error}") from error


def read_job(text: str) -> Mapping[str, Any] | None:
    """Return what a sidecar says of its clip's job, unchecked; None: it is older. Raises ValueError."""
    job = _load(text).get("job")
    if job is not None and not isinstance(job, dict):
        raise ValueError("a sidecar with a damaged field: job")
    return job


def credentials_told(text: str) -> tuple[bool, bool | None]:
    """Return what a sidecar says word for word of content credentials, of the clip and of its original.

    None where it says nothing of an original. Raises ValueError.
    """
    facts = _load(text)["facts"]
    return facts.get("c2pa") is True, facts.get("original_c2pa")


def with_credentials(text: str, c2pa: bool, original_c2pa: bool | None) -> str:
    """Return a sidecar that says this of content credentials, and the rest as it was. Raises ValueError."""
    data = _load(text)
    data["facts"] |= {"c2pa": c2pa, "original_c2pa": original_c2pa}
    return _text_of(data)


def _text_of(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _load(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("not a sidecar of rushes") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("not a sidecar of rushes")
    return data


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _clip(data: dict[str, Any], root: Path) -> Clip:
    id, job_id = _ids(data["id"], data["job_id"])
    path = clip_path(data["path"], root)
    known = {field.name for field in fields(Clip)}
    values = {name: value for name, value in data.items() if name in known}
    values |= {name: _beside(data[name], path, ending, root) for name, ending in ENDINGS.items()}
    values |= {name: _text(data[name], name, LONGEST_NAME) for name in ("model", "provider", "video_codec")}
    values |= {name: _whole(data[name], name, 2**16) for name in ("width", "height")}
    values |= {
        "id": id,
        "job_id": job_id,
        "path": path,
        "seconds": _number(data["seconds"], "seconds", MOST_SECONDS),
        "fps": _number(data["fps"], "fps", 100_000.0),
        "bytes": _whole(data["bytes"], "bytes", 2**53),
        "sha256": _hash(data["sha256"]),
        "audio_codec": _optional(data["audio_codec"], lambda it: _text(it, "audio_codec", LONGEST_NAME)),
        "seed": _optional(data["seed"], lambda it: _whole(it, "seed", 2**63)),
        "prompt": _prompt(data["prompt"]),
        "lint": tuple(_finding(one) for one in _list(data["lint"], "lint", 1_000)),
        "facts": _facts(data["facts"], has_original=data["original"] is not None),
        "cost": _optional(data["cost"], price),
        "currency": _currency(data["currency"]),
        "created_at": moment(data["created_at"], "created_at"),
        "references": tuple(_hash(one) for one in _list(data["references"], "references", 1_000)),
    }
    if values["sheet"] is None:
        raise ValueError("a sidecar without a sheet")
    return Clip(**values)


def _ids(id: object, job_id: object) -> tuple[str, str]:
    """Return both ids. They become names of files and answers for a job: a clip is one of its own job."""
    clip = _CLIP_ID.fullmatch(id) if isinstance(id, str) else None
    job = _JOB_ID.fullmatch(job_id) if isinstance(job_id, str) else None
    if clip is None or job is None or clip[1] != job[1]:
        raise ValueError("the ids of the clip and its job are none of rushes, or do not belong together")
    return clip[0], job[0]


def clip_path(name: object, root: Path) -> Path:
    """Return the path of a clip that is named relative to the library. Raises ValueError for any other."""
    text = _text(name, "path", LONGEST_TEXT).replace("\\", "/")
    parts = PurePosixPath(text).parts
    clean = all(part not in ("..", ".") and ":" not in part and part.rstrip(". ") == part for part in parts)
    if len(parts) < 2 or parts[0] != "clips" or not clean or not text.endswith(".mp4"):
        raise ValueError("its path is no clip below clips/")
    return root.joinpath(*parts)


def _beside(name: object, path: Path, ending: str, root: Path) -> Path | None:
    """Return the file of a clip that has its name and this ending. Raises ValueError if it is another one."""
    if name is None:
        return None
    expected = path.with_name(path.stem + ending)
    if not isinstance(name, str) or name.replace("\\", "/") != expected.relative_to(root).as_posix():
        raise ValueError(f"it names another {ending} than the one beside its clip")
    return expected


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        code=_text(data["code"], "code", LONGEST_NAME),
        severity=Severity(data["severity"]),
        text=_text(data["text"], "text", LONGEST_TEXT, printable=False),
        repair=Repair(data["repair"]),
    )


def _facts(data: Mapping[str, Any], *, has_original: bool) -> Facts:
    known = {field.name for field in fields(Facts)}
    values: dict[str, Any] = {name: value for name, value in data.items() if name in known}
    for name in ("black", "frozen", "silent"):
        values[name] = tuple(_span(one) for one in _list(data.get(name, ()), name))
    for name in ("cuts", "jumps", "flashes"):
        values[name] = tuple(_number(one, name, MOST_SECONDS) for one in _list(data.get(name, ()), name))
    values["frames"] = _whole(data["frames"], "frames", 2**32)
    values["repeated"] = _number(data.get("repeated", 0.0), "repeated", 1.0)
    values["end"] = _number(data.get("end", 0.0), "end", MOST_SECONDS)
    values["loudness"] = _optional(data.get("loudness"), lambda it: _number(it, "loudness", 200.0, -200.0))
    values["start"] = _number(data.get("start", 0.0), "start", MOST_SECONDS)
    values["sound_end"] = _optional(data.get("sound_end"), lambda it: _number(it, "sound_end", MOST_SECONDS))
    values["interlaced"] = data.get("interlaced", False) is True
    values |= _credentials(data, has_original=has_original)
    return Facts(**values)


def _credentials(data: Mapping[str, Any], *, has_original: bool) -> dict[str, bool | None]:
    """Return what is said of content credentials in a clip's file and in its original.

    Older sidecars said it of the file that arrived: where that was repaired it is the original, and a repair
    loses them.
    """
    told = data.get("c2pa", False) is True
    if not has_original:
        return {"c2pa": told, "original_c2pa": None}
    if "original_c2pa" not in data:
        return {"c2pa": False, "original_c2pa": told}
    return {"c2pa": told, "original_c2pa": data["original_c2pa"] is True}


def _span(data: Mapping[str, Any]) -> Span:
    return Span(
        start=_number(data["start"], "start", MOST_SECONDS), end=_number(data["end"], "end", MOST_SECONDS)
    )


# --- single values ---


def price(value: object) -> Decimal:
    """Return an amount in US dollars. Raises ValueError for what can be no price."""
    amount = read_price(value)
    if amount is None:
        raise ValueError("its cost can be no price")
    return amount


def moment(value: object, name: str) -> datetime:
    """Return a time. Raises ValueError for what is none."""
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no time")
    at = datetime.fromisoformat(value)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def check_past(at: datetime, name: str) -> None:
    """Raise ValueError for a time before rushes, or in the future: what is booked there counts for ever."""
    if not EARLIEST <= at <= datetime.now(UTC) + CLOCKS_DIFFER:
        raise ValueError(f"its {name} is no time at which a clip can have been made")


def _optional(value: object, read: Callable[[object], T]) -> T | None:
    return None if value is None else read(value)


def _text(value: object, name: str, longest: int, *, printable: bool = True) -> str:
    if not isinstance(value, str) or len(value) > longest or (printable and not value.isprintable()):
        raise ValueError(f"its {name} is no text of up to {longest} characters that can be printed")
    return value


def _prompt(value: object) -> str:
    text = _text(value, "prompt", PROMPT_LIMIT, printable=False)
    if any((ord(one) < 32 and one not in "\n\t\r") or "\ud800" <= one <= "\udfff" for one in text):
        raise ValueError("its prompt holds control characters")
    return text


def _hash(value: object) -> str:
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise ValueError("a hash in it is no sha256")
    return value


def _currency(value: object) -> str:
    if value != "USD":
        raise ValueError("its currency is not USD")
    return "USD"


def _whole(value: object, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"its {name} is no whole number from 0 to {most}")
    return value


def _number(value: object, name: str, most: float, least: float = 0.0) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not least <= number <= most:
        raise ValueError(f"its {name} is no number from {least:g} to {most:g}")
    return number


def _list(value: object, name: str, most: int = 2**20) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise ValueError(f"its {name} is no list of up to {most}")
    return value
