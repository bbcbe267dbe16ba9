"""`rushes budget | engines | models`: what is in force and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from rushes.catalogue.abilities import ABILITIES, least_per_second
from rushes.catalogue.catalogue import alive as is_alive
from rushes.cli.amount import Amount
from rushes.cli.output import common, put_json, put_pairs, put_table
from rushes.domain.errors import RushesError, SetupError
from rushes.domain.model import Audio, Model
from rushes.domain.money import usd
from rushes.studio import Studio


@click.command()
@common
def budget(as_json: bool) -> int:
    """Show the caps, and what is held by jobs under way and spent by finished ones."""
    with Studio.open() as studio:
        found = studio.budget()
        caps = studio.settings.caps
        path = studio.settings.config
    if as_json:
        per_job = None if caps.per_job is None else str(caps.per_job)
        put_json({"per_job": per_job, **found.as_json()})
        return 0
    rows = [("job", _usd(caps.per_job), "", "", "")]
    rows += [
        (one.name, _usd(one.cap), _usd(one.held), _usd(one.spent), _usd(one.left)) for one in found.standings
    ]
    put_table(rows, ("PER", "CAP", "HELD", "SPENT", "LEFT"))
    click.echo(f"days and months begin at midnight {found.timezone}; caps are set under [budget] in {path}")
    return 0


def _usd(amount: Decimal | None) -> str:
    return "no cap" if amount is None else usd(amount)


@click.command()
@common
def engines(as_json: bool) -> int:
    """List the engines that are configured, and the kinds that could be."""
    from rushes.engines import registry

    with Studio.open() as studio:
        rows = [_engine(studio, name) for name in studio.settings.engines]
        kinds = sorted(registry.kinds())
    if as_json:
        put_json({"engines": rows, "kinds": kinds})
        return 0
    put_table(
        [(one["name"], one["kind"], one["account"], one["recovery"], one["status"]) for one in rows],
        ("ENGINE", "KIND", "ACCOUNT", "RECOVERY", "STATUS"),
    )
    click.echo(f"kinds that can be configured: {', '.join(kinds)} (rushes config says where)")
    return 0


def _engine(studio: Studio, name: str) -> dict[str, str]:
    configured = studio.settings.engines[name]
    try:
        engine = studio.engine(name)
    except SetupError as error:
        status, account, recovery = f"{error.message}; {error.next}", "", ""
    else:
        status, account, recovery = "ready", engine.account, engine.recovery.value
    return {"name": name, "kind": configured.kind, "account": account, "recovery": recovery, "status": status}


class Ability(click.Choice[str]):
    """One of the abilities, written first_frame or first-frame."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).replace("-", "_"), param, ctx)


@click.command()
@click.argument("address", required=False)
@click.option(
    "--can",
    multiple=True,
    type=Ability(list(ABILITIES)),
    metavar="ABILITY",
    help=f"Only those that can do it ({', '.join(ABILITIES)}); more than one: all of it.",
)
@click.option(
    "--max-price", type=Amount(), metavar="USD_PER_SECOND", help="Only those that may cost no more."
)
@click.option("--engine", metavar="NAME", help="Only those of this engine, configured or not.")
@click.option("--alive/--all", default=True, help="Without those that are retired (so by itself), or with.")
@click.option(
    "--refresh", is_flag=True, help="Ask every engine that is set up for its models; keep the lists."
)
@common
def models(
    as_json: bool,
    address: str | None,
    can: tuple[str, ...],
    max_price: Decimal | None,
    engine: str | None,
    alive: bool,
    refresh: bool,
) -> int:
    """List models and what they can do; ENGINE/MODEL shows everything about one."""
    if refresh:
        return _refresh(as_json, engine)
    with Studio.open() as studio:
        if address:
            found = [studio.model(address)]
        else:
            today = datetime.now(UTC).date()
            found = [
                one
                for one in _listed(studio, engine)
                if all(ABILITIES[word](one) for word in can)
                and (max_price is None or _costs_at_most(one, max_price))
                and (is_alive(one, today) or not alive)
            ]
    if as_json:
        put_json(found[0].as_json() if address else [one.as_json() for one in found])
    elif address:
        put_pairs(
            [(name.replace("_", " "), _plain(value)) for name, value in found[0].as_json().items() if value]
        )
    else:
        put_table(
            [_row(one) for one in found], ("MODEL", "LENGTHS", "ASPECTS", "RESOLUTIONS", "SOUND", "PRICE")
        )
    return 0


def _listed(studio: Studio, engine: str | None) -> Sequence[Model]:
    """Return the models of one engine, or of all that are configured. Raises UnknownEngine."""
    return studio.roster.models_of(engine) if engine else list(studio.catalogue)


def _costs_at_most(model: Model, amount: Decimal) -> bool:
    least = least_per_second(model)
    return least is not None and least <= amount


def _refresh(as_json: bool, engine: str | None) -> int:
    """Have the lists of models read anew, and say of each engine what came of it."""
    # The other commands of this file only read, and do without.
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
        for name in [engine] if engine else studio.roster.ready_engines():
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


def _row(model: Model) -> tuple[str, ...]:
    sound = {Audio.NO: "no", Audio.OPTIONAL: "yes, or silent", Audio.ALWAYS: "always"}[model.audio]
    retired = "" if is_alive(model, datetime.now(UTC).date()) else f" (retired {model.retires_on})"
    return (
        model.address + retired,
        str(model.lengths),
        " ".join(model.aspects),
        " ".join(model.resolutions),
        sound,
        _price(model),
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
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
