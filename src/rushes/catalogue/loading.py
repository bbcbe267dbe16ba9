"""Reads models from the TOML files in `data/` and from tables of the settings file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any

from rushes.domain.errors import BadSettings
from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.request import Role


def shipped_models(kind: str, engine: str) -> tuple[Model, ...]:
    """Return the models shipped for an engine kind such as "animatic", under the instance name `engine`."""
    file = resources.files("rushes.catalogue") / "data" / f"{kind.replace('-', '_')}.toml"
    if not file.is_file():
        return ()
    tables = tomllib.loads(file.read_text(encoding="utf-8"))["models"]
    return tuple(read_model(table, engine) for table in tables)


def read_model(table: Mapping[str, Any], engine: str) -> Model:
    """Return the model that one TOML table describes. Raises BadSettings, naming the model and the field."""
    try:
        return _model(table, engine)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise BadSettings(
            f"the model {engine}/{table.get('id', '?')} is not described rightly: {error}"
        ) from error


def _model(table: Mapping[str, Any], engine: str) -> Model:
    seconds = table.get("seconds", {"low": 1, "high": 60})
    lengths = Lengths(
        only=tuple(float(one) for one in seconds.get("only", ())),
        low=float(seconds.get("low", 0)),
        high=float(seconds.get("high", 0)),
    )
    retires = table.get("retires_on")
    if retires is not None and not isinstance(retires, date):
        raise ValueError("retires_on is a date, as 2026-09-24")
    return Model(
        engine=engine,
        id=str(table["id"]),
        provider=str(table.get("provider", engine)),
        lengths=lengths,
        seconds=float(seconds.get("default", lengths.nearest(5.0))),
        aspects=tuple(table.get("aspects", ("16:9", "9:16", "1:1"))),
        resolutions=tuple(table.get("resolutions", ("720p",))),
        roles={Role(role): int(count) for role, count in table.get("references", {}).items()},
        audio=Audio(table.get("audio", "no")),
        seed=bool(table.get("seed", False)),
        negative_prompt=bool(table.get("negative_prompt", False)),
        prompt_limit=int(table.get("prompt_limit", 4000)),
        price=_price(table.get("price", {})),
        retires_on=retires,
        replacement=table.get("replacement"),
        unconfirmed=tuple(table.get("unconfirmed", ())),
        notes=str(table.get("notes", "")),
    )


def _price(table: Mapping[str, Any]) -> Price:
    per_second = table.get("per_second")
    per_clip = table.get("per_clip")
    return Price(
        per_second={str(key): Decimal(str(value)) for key, value in per_second.items()}
        if per_second
        else None,
        per_clip=Decimal(str(per_clip)) if per_clip is not None else None,
        free=bool(table.get("free", False)),
        included_in_plan=bool(table.get("included_in_plan", False)),
        source=str(table.get("source", "")),
        as_of=table.get("as_of"),
    )
