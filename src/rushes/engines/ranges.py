"""Numbers from outside, held to the range in which they can mean something. What is outside of it is None."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from rushes.domain.money import read_price

LONGEST_PAUSE_S = 86_400.0
LARGEST_COUNT = 1_000_000_000
LARGEST_SIDE_PX = 65_535


def amount(value: Any) -> Decimal | None:
    """Return US dollars that a clip can cost."""
    return None if value is None else read_price(value)


def share(value: Any) -> float | None:
    """Return a part of one whole, from 0 to 1."""
    return float(value) if _is_number(value) and 0 <= value <= 1 else None


def pause(value: Any) -> float | None:
    """Return seconds from 0 on; a pause longer than a day is one of a day."""
    return min(float(value), LONGEST_PAUSE_S) if _is_number(value) and value >= 0 else None


def count(value: Any) -> int | None:
    """Return a whole number from 0 to `LARGEST_COUNT`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= LARGEST_COUNT else None


def frame_size(value: Any) -> tuple[int, int] | None:
    """Return width and height in pixels."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return None
    width, height = map(count, value)
    if not width or not height or max(width, height) > LARGEST_SIDE_PX:
        return None
    return width, height


def json_size(value: Any) -> int | None:
    """Return how many characters a value has as JSON; None if it has no such form."""
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
