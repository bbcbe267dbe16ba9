"""Amounts of money on the command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click

from rushes.domain.money import LARGEST_LIMIT, can_be_limit


class Amount(click.ParamType[Decimal]):
    """An amount in US dollars."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value).removeprefix("$"))
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount such as 0.50", param, ctx)
        if not can_be_limit(amount):
            self.fail(f"{value!r} is not an amount from 0 to {LARGEST_LIMIT:,} such as 0.50", param, ctx)
        return amount
