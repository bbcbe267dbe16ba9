"""What an engine that draws from the words of a prompt makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What of a prompt will be seen, and what will not, in short phrases and in the prompt's order.

    `understood` says what is drawn, in brackets the prompt's own words where they are others: "rain (storm)".
    `not_drawn` are the prompt's own words. `assumed` is what is drawn though no word says it, since something
    has to be: the usual, or what the words make likely.
    """

    understood: tuple[str, ...]
    not_drawn: tuple[str, ...]
    assumed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "understood": list(self.understood),
            "not_drawn": list(self.not_drawn),
            "assumed": list(self.assumed),
        }

    def lines(self) -> list[tuple[str, str]]:
        """Return it for a person, in short: names and values, a long list cut off."""
        assumed = f"; assumed: {', '.join(self.assumed)}" if self.assumed else ""
        pairs = [("understood", (_shortened(self.understood) or "nothing") + assumed)]
        return [*pairs, ("not drawn", _shortened(self.not_drawn))] if self.not_drawn else pairs


MOST_PHRASES = 12
"""Phrases of a list that a person is shown."""


def _shortened(phrases: Sequence[str]) -> str:
    more = len(phrases) - MOST_PHRASES
    return ", ".join(phrases[:MOST_PHRASES]) + (f" and {more} more" if more > 0 else "")
