"""Reads models from the TOML files in `data/` and from tables of the settings file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from rushes.domain.errors import BadSettings
from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.money import LARGEST_PRICE, read_price
from rushes.domain.request import Role


def shipped_models(kind: str, engine: str, *, base_url: str | None = None) -> tuple[Model, ...]:
    """Return the models shipped for an engine kind such as "animatic", under the instance name `engine`.

    A file may name the `service` that its dates of retirement are about. Where the instance speaks to
    another host, at `base_url`, they do not apply. A `replacement` is the id of another model of the file.
    Raises BadSettings for a `base_url` that is none.
    """
    data = _shipped(kind)
    service = data.get("service")
    models = (replace(_shipped_model(table, engine), service=service) for table in data.get("models", ()))
    if _is_service(service, engine, base_url):
        return tuple(models)
    return tuple(replace(model, retires_on=None, replacement=None, service=None) for model in models)


def _shipped_model(table: Mapping[str, Any], engine: str) -> Model:
    model = read_model(table, engine)
    return replace(model, replacement=f"{engine}/{model.replacement}") if model.replacement else model


def key_options(kind: str, engine: str, *, base_url: str | None = None) -> tuple[str, ...]:
    """Return the options of an engine kind of which the shipped file says that one has to be set.

    None are where the instance speaks to another host than the file's `service`: that may want no key.
    """
    needs = tuple(_shipped(kind).get("needs", ()))
    return needs if _is_service(service_of(kind), engine, base_url) else ()


def service_of(kind: str) -> str | None:
    """Return the address of the service that a kind's shipped file is about; None where it names none."""
    service: str | None = _shipped(kind).get("service")
    return service


@cache
def _shipped(kind: str) -> Mapping[str, Any]:
    file = resources.files("rushes.catalogue") / "data" / f"{kind.replace('-', '_')}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _is_service(service: str | None, engine: str, base_url: str | None) -> bool:
    """Whether an instance speaks to the service that a shipped file is about."""
    return service is None or base_url is None or origin(base_url, engine) == origin(service, engine)


def origin(url: str, engine: str, option: str = "base_url") -> tuple[str, str, int]:
    """Return the scheme, host and port that a service is told from others by.

    Raises BadSettings, naming the `option` that holds `url`.
    """
    try:
        parts = urlsplit(str(url).strip())
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not parts.hostname:
            raise ValueError("no host")
    except (ValueError, KeyError):
        # Not shown: it may hold a password.
        raise BadSettings(
            f"engines.{engine}.{option} is not an address",
            next="write it as https://HOST or http://HOST:PORT",
        ) from None
    return parts.scheme, parts.hostname, port


def read_model(table: Mapping[str, Any], engine: str) -> Model:
    """Return the model that one TOML table describes. Raises BadSettings, naming the model and the field."""
    try:
        return _model(table, engine)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise BadSettings(
            f"the model {engine}/{table.get('id', '?')} is described wrongly: {error}"
        ) from error


def _model(table: Mapping[str, Any], engine: str) -> Model:
    seconds = table.get("seconds", {"low": 1, "high": 60})
    lengths = _lengths(seconds)
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
        caption=bool(table.get("caption", False)),
        seed=bool(table.get("seed", False)),
        negative_prompt=bool(table.get("negative_prompt", False)),
        styles=bool(table.get("styles", False)),
        remix=bool(table.get("remix", False)),
        extend=bool(table.get("extend", False)),
        storyboard_ids=bool(table.get("storyboard_ids", False)),
        extend_lengths=_lengths(table["extend_seconds"]) if "extend_seconds" in table else None,
        shots=int(table.get("shots", 0)),
        remote_references=bool(table.get("remote_references", False)),
        variants=bool(table.get("variants", False)),
        prompt_limit=int(table.get("prompt_limit", 4000)),
        price=_price(table.get("price", {})),
        retires_on=retires,
        replacement=table.get("replacement"),
        unconfirmed=tuple(table.get("unconfirmed", ())),
        named_only=bool(table.get("named_only", False)),
        notes=str(table.get("notes", "")),
    )


def _lengths(table: Mapping[str, Any]) -> Lengths:
    return Lengths(
        only=tuple(float(one) for one in table.get("only", ())),
        low=float(table.get("low", 0)),
        high=float(table.get("high", 0)),
    )


def _price(table: Any) -> Price:
    if not isinstance(table, Mapping):
        raise ValueError(f"price is {table!r}; it has to be a table, as {{ per_clip = 0.25 }}")
    per_second, per_clip = table.get("per_second") or None, table.get("per_clip")
    if per_second is not None and not isinstance(per_second, Mapping):
        raise ValueError(f'price.per_second is {per_second!r}; it has to be a table, as {{ "720p" = 0.1 }}')
    return Price(
        per_second={str(key): _dollars(value, f"per_second.{key}") for key, value in per_second.items()}
        if per_second is not None
        else None,
        per_clip=_dollars(per_clip, "per_clip") if per_clip is not None else None,
        free=bool(table.get("free", False)),
        included_in_plan=bool(table.get("included_in_plan", False)),
        source=str(table.get("source", "")),
        as_of=table.get("as_of"),
    )


def _dollars(value: Any, entry: str) -> Decimal:
    price = read_price(value)
    if price is None:
        most = f"{LARGEST_PRICE:,}"
        raise ValueError(f"price.{entry} is {str(value)[:40]}; it has to be US dollars, from 0 to {most}")
    return price
