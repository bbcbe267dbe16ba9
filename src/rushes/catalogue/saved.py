"""The lists of models that services told, kept under the home folder: one JSON file for each engine.

`models` in it are tables as the settings file has them, with dates written as text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rushes.catalogue.loading import read_model
from rushes.domain.errors import BadSettings
from rushes.domain.model import Lengths, Model, Price
from rushes.domain.money import read_price
from rushes.domain.permissions import make_private


@dataclass(frozen=True, kw_only=True)
class SavedList:
    """What an engine's service listed on a day. `server` is the kind and host that were asked."""

    server: str
    read_on: date
    models: tuple[Model, ...]


def save(folder: Path, engine: str, saved: SavedList) -> None:
    """Keep a list in place of the one before."""
    make_private(folder)
    body = {
        "server": saved.server,
        "read_on": saved.read_on.isoformat(),
        "models": [table_of(model) for model in saved.models],
    }
    written = folder / f".{engine}.{os.getpid()}.part"
    written.write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")
    written.replace(folder / f"{engine}.json")


def saved_list(folder: Path, engine: str) -> SavedList | None:
    """Return the list that is kept for an engine, None where there is none.

    Raises BadSettings for a file that cannot be used.
    """
    file = folder / f"{engine}.json"
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        return SavedList(
            server=str(body["server"]),
            read_on=date.fromisoformat(body["read_on"]),
            models=tuple(read_model(_usable(table), engine) for table in body["models"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, BadSettings) as error:
        raise BadSettings(
            f"the list of models {file} cannot be used: {error}",
            next="rushes models --refresh writes it anew; without it the shipped models are used",
        ) from error


def merged(own: Iterable[Model], shipped: Iterable[Model], listed: SavedList | None) -> tuple[Model, ...]:
    """Return an engine's models: its `own` before the `listed`, those before the `shipped` of the same id.

    A shipped model keeps its place in the order. A retirement that is shipped holds where the list was read
    before it.
    """
    found = {model.id: model for model in own}
    told = {model.id: model for model in listed.models} if listed is not None else {}
    for model in shipped:
        if listed is not None and model.id in told:
            found.setdefault(model.id, _still_ending(told[model.id], model, listed.read_on))
        found.setdefault(model.id, model)
    for id, model in told.items():
        found.setdefault(id, model)
    return tuple(found.values())


def _still_ending(told: Model, shipped: Model, read_on: date) -> Model:
    ends = shipped.retires_on
    if told.retires_on is not None or ends is None or ends <= read_on:
        return told
    return replace(told, retires_on=ends, replacement=shipped.replacement, service=shipped.service)


def table_of(model: Model) -> dict[str, Any]:
    """Return a model as the table that `read_model` reads, made of what JSON has."""
    switches = (
        *("caption", "seed", "negative_prompt", "styles", "remix", "extend", "remote_references"),
        "storyboard_ids",
        "variants",
    )
    table: dict[str, Any] = {
        "id": model.id,
        "provider": model.provider,
        "seconds": {**_lengths(model.lengths), "default": model.seconds},
        "aspects": list(model.aspects),
        "resolutions": list(model.resolutions),
        "references": {role.value: count for role, count in model.roles.items()},
        "audio": model.audio.value,
        **{name: True for name in switches if getattr(model, name)},
        "shots": model.shots,
        "prompt_limit": model.prompt_limit,
        "price": _price(model.price),
        "unconfirmed": list(model.unconfirmed),
        "named_only": model.named_only,
        "notes": model.notes,
    }
    if model.extend_lengths is not None:
        table["extend_seconds"] = _lengths(model.extend_lengths)
    if model.retires_on is not None:
        table |= {"retires_on": model.retires_on.isoformat(), "replacement": model.replacement}
    return table


def _lengths(lengths: Lengths) -> dict[str, float | Sequence[float]]:
    return {"only": list(lengths.only)} if lengths.only else {"low": lengths.low, "high": lengths.high}


def _price(price: Price) -> dict[str, Any]:
    table: dict[str, Any] = {"source": price.source}
    if price.per_second is not None:
        table["per_second"] = {key: str(rate) for key, rate in price.per_second.items()}
    if price.per_clip is not None:
        table["per_clip"] = str(price.per_clip)
    if price.as_of is not None:
        table["as_of"] = price.as_of.isoformat()
    return table | {name: True for name in ("free", "included_in_plan") if getattr(price, name)}


def _usable(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table with its dates as dates, and without the price if an amount in it can be none."""
    price = dict(table.get("price", {}))
    amounts = [*price.get("per_second", {}).values(), price.get("per_clip", 0)]
    if any(read_price(amount) is None for amount in amounts):
        price = {name: told for name, told in price.items() if name not in ("per_second", "per_clip")}
    if "as_of" in price:
        price["as_of"] = date.fromisoformat(price["as_of"])
    dated = {**table, "price": price}
    if table.get("retires_on"):
        dated["retires_on"] = date.fromisoformat(table["retires_on"])
    return dated
