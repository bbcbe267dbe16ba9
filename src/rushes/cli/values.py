"""Values on the command line: numbers with a range, dates, texts that are not empty."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import click

LONGEST_WAIT_S = 31_536_000
"""A year: nobody waits longer, and no clock of a loop overflows."""

MOST_LISTED = 100_000


class Number(click.ParamType[float]):
    """A number from `least` to `most`, or any number without them."""

    name = "number"

    def __init__(self, least: float | None = None, most: float | None = None, unit: str = "") -> None:
        self.least, self.most, self.unit = least, most, unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            found = self._read(value)
        except (ValueError, OverflowError):
            found = math.nan
        least = -math.inf if self.least is None else self.least
        most = math.inf if self.most is None else self.most
        if not (least <= found <= most and math.isfinite(found)):
            self.fail(f"{str(value)[:40]!r} is not {self.words}", param, ctx)
        return found

    def _read(self, value: Any) -> float:
        return float(value)

    @property
    def words(self) -> str:
        """What is allowed, in words."""
        of_what = f" of {self.unit}" if self.unit else ""
        if self.least is not None and self.most is not None:
            return f"a {self.name}{of_what} from {_digits(self.least)} to {_digits(self.most)}"
        return f"a {self.name}{of_what}"


class Whole(Number):
    """A whole number from `least` to `most`."""

    name = "whole number"

    def _read(self, value: Any) -> int:
        return int(value)


class Text(click.ParamType[str]):
    """A text that is not empty: whoever gives an empty one has a variable that is not set."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not str(value).strip():
            self.fail("it is empty; give it a text, or leave the option out", param, ctx)
        return str(value)


class Day(click.ParamType[datetime]):
    """A date."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.strptime(str(value), "%Y-%m-%d")
        except ValueError:
            self.fail(f"{str(value)[:40]!r} is not a date such as 2026-11-30", param, ctx)


def _digits(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


WAIT = Number(0, LONGEST_WAIT_S, "seconds")
LIMIT = Whole(1, MOST_LISTED)
