"""What an engine that draws from the words of a prompt makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What of a prompt will be seen, and what will not, in short phrases and in the prompt's order.

    `understood` says what is drawn, in brackets the prompt's own words where they are others: "rain (storm)".
    `not_drawn` are the prompt's own words. `assumed` is what nobody asked for, and what was drawn for want of it.
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
