"""`rushes models`: which models there are, what each can do, and what it lacks to be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from rushes.alternatives import Alternatives
from rushes.catalogue.abilities import ABILITIES, fits
from rushes.catalogue.catalogue import alive as is_alive
from rushes.cli.amount import Amount
from rushes.cli.output import common, put_json, put_pairs, put_table, say, style
from rushes.cli.values import Text
from rushes.domain.errors import RushesError
from rushes.domain.model import Audio, Model
from rushes.domain.money import usd
from rushes.roster import ListedModel, Roster
from rushes.studio import Studio


class Ability(click.Choice[str]):
    """One of the abilities, written first_frame or first-frame."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).replace("-", "_"), param, ctx)


@click.command()
@click.argument("name", metavar="[MODEL]", required=False)
@click.option(
    "--can",
    multiple=True,
    type=Ability(list(ABILITIES)),
    metavar="ABILITY",
    help=f"Only models that can do this ({', '.join(ABILITIES)}). Repeatable.",
)
@click.option(
    "--max-price",
    type=Amount(),
    metavar="USD_PER_SECOND",
    help="Only models at or below this price per second.",
)
@click.option("--engine", type=Text(), metavar="NAME", help="Only models of this engine, set up or not.")
@click.option(
    "--alive/--all",
    default=True,
    help="Hide retired models and engines that are not set up (default), or show everything.",
)
@click.option("--refresh", is_flag=True, help="Fetch the current model lists of the engines and store them.")
@common
def models(
    as_json: bool,
    name: str | None,
    can: tuple[str, ...],
    max_price: Decimal | None,
    engine: str | None,
    alive: bool,
    refresh: bool,
) -> int:
    """List models and what they can do.

    MODEL is ENGINE/MODEL, which shows everything about it, or an engine, or a short name such as kling-3.
    """
    if refresh:
        return _refresh(as_json, engine)
    today = datetime.now(UTC).date()

    def wanted(model: Model) -> bool:
        return fits(model, can, max_price) and (is_alive(model, today) or bool(name) or not alive)

    with Studio.open() as studio:
        roster = studio.roster
        if name and "/" in name:
            return _put_one(roster.listed(roster.model(name)), as_json)
        engines = [engine] if engine else studio.settings.set_up if alive else roster.known_engines
        shown = roster.named(name) if name else _models_of(roster, engines)
        listed = [roster.listed(one) for one in shown if wanted(one)]
        others = () if name or engine else set(roster.known_engines) - set(engines)
        hidden = [one for one in _models_of(roster, others) if wanted(one)]
        to_set_up = Alternatives(roster).to_set_up(groups=[hidden])
    if as_json:
        put_json([one.as_json() for one in listed])
        return 0
    heads = ("MODEL", "LENGTHS", "ASPECTS", "RESOLUTIONS", "SOUND", "PRICE", "STATUS")
    put_table([_row(one) for one in listed], heads)
    if hidden:
        say(
            f"{len(hidden)} more {'models need' if len(hidden) > 1 else 'model needs'} a key or settings:"
            " rushes models --all"
        )
        for one in to_set_up:
            say(style(f"  {one.todo}", dim=True))
    return 0


def _models_of(roster: Roster, engines: Iterable[str]) -> list[Model]:
    return [model for name in engines for model in roster.models_of(name)]


def _put_one(listed: ListedModel, as_json: bool) -> int:
    shape = listed.as_json()
    if as_json:
        put_json(shape)
    else:
        put_pairs([(name.replace("_", " "), _plain(value)) for name, value in shape.items() if value])
    return 0


def _refresh(as_json: bool, engine: str | None) -> int:
    """Refresh the lists of models, and print the outcome for each engine."""
    # Without --refresh the command only reads, and does without.
    import asyncio

    rows, code = asyncio.run(_refreshed(engine))
    if as_json:
        put_json(rows)
    else:
        put_table([(row["engine"], row["told"]) for row in rows], ("ENGINE", "MODELS"))
    return code


async def _refreshed(engine: str | None) -> tuple[list[dict[str, Any]], int]:
    rows, code = [], 0
    async with Studio.open() as studio:
        for name in [engine] if engine else studio.settings.set_up:
            row: dict[str, Any] = {"engine": name, "models": None, "error": None}
            try:
                listed = await studio.roster.refresh(name)
            except RushesError as error:
                code = code or error.exit_code
                row |= {"error": error.as_json(), "told": f"{error.message}; what was known stays in force"}
            else:
                count = None if listed is None else len(listed.models)
                told = "offers no list" if listed is None else f"{count} listed on {listed.read_on}"
                row |= {"models": count, "told": told}
            rows.append(row)
    return rows, code


def _row(listed: ListedModel) -> Sequence[str]:
    model = listed.model
    sound = {Audio.NO: "no", Audio.OPTIONAL: "yes, or silent", Audio.ALWAYS: "always"}[model.audio]
    return (
        model.address,
        str(model.lengths),
        " ".join(model.aspects),
        " ".join(model.resolutions),
        sound,
        _price(model),
        listed.status,
    )


def _price(model: Model) -> str:
    listed = model.price
    if listed.free:
        return "free"
    if listed.included_in_plan:
        return "in your plan"
    if listed.per_second:
        rates = sorted(listed.per_second.values())
        return f"{usd(rates[0])}/s" if len(rates) == 1 else f"{usd(rates[0])}-{usd(rates[-1])}/s"
    return "not known" if listed.per_clip is None else f"{usd(listed.per_clip)} a clip"


def _plain(value: Any) -> str:
    """Return a value of a model's JSON as a person reads it."""
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
