"""fal's endpoints as models of ours: what each can do, by its own description."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.request import Role
from rushes.engines.fal.body import lengths
from rushes.engines.fal.fields import LIST, Field, Fields, lines_of, read_fields, seconds_of, shape_of
from rushes.engines.fal.prices import Prices, listed_price
from rushes.engines.fal.schemas import Schemas
from rushes.engines.http import LONG_LIST, answer, asking

CATEGORIES = ("text-to-video", "image-to-video")

AT_ONCE = 10
"""How many endpoints a page may have where their descriptions are asked for."""

MOST_PAGES = 200
"""Pages of a category that are read, should its list never end."""

UNTOLD = 4
"""How many references a list without a limit is taken to hold."""

HEARD = re.compile(r"\b(audio|sound|sounds|soundtrack|dialogue|speech)\b", re.IGNORECASE)

ASPECTS = ("16:9", "9:16", "1:1")
RESOLUTIONS = ("720p",)


async def list_models(
    client: httpx.AsyncClient, engine: str, schemas: Schemas, prices: Prices | None
) -> Sequence[Model]:
    """Return the models, and keep their descriptions; without `prices` none is priced."""
    found: dict[str, tuple[Mapping[str, Any], Fields]] = {}
    async for listed in _every(client):
        id, openapi = listed.get("endpoint_id"), listed.get("openapi")
        if not isinstance(id, str) or not isinstance(openapi, Mapping) or id in found:
            continue
        fields = read_fields(openapi, id)
        if fields is not None and fields.prompt is not None:
            schemas.keep(id, openapi)
            found[id] = listed, fields
    known = await prices.read(client, list(found)) if prices is not None else {}
    return [
        model_of(engine, id, listed, fields, listed_price(known.get(id), fields))
        for id, (listed, fields) in found.items()
    ]


async def _every(client: httpx.AsyncClient) -> AsyncIterator[Mapping[str, Any]]:
    for category in CATEGORIES:
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            asked = {
                "category": category,
                "status": "active",
                "expand": "openapi-3.0",
                "limit": str(AT_ONCE),
                **({"cursor": cursor} if cursor else {}),
            }
            with asking():
                response = await client.get("/models", params=asked, extensions=LONG_LIST)
            body = answer(response)
            for one in body.get("models") or ():
                if isinstance(one, Mapping):
                    yield one
            cursor, before = body.get("next_cursor"), cursor
            if not cursor or cursor == before:
                break


def model_of(engine: str, id: str, listed: Mapping[str, Any], fields: Fields, price: Price) -> Model:
    """Return one endpoint as a model."""
    told = listed.get("metadata")
    told = told if isinstance(told, Mapping) else {}
    made = lengths(fields)
    return Model(
        engine=engine,
        id=id,
        provider=id.split("/")[0],
        lengths=made or Lengths(low=1, high=60),
        seconds=_usual_length(fields, made),
        aspects=_listed(fields.aspect, shape_of) or ASPECTS,
        resolutions=_listed(fields.resolution, lines_of) or RESOLUTIONS,
        roles={role: _count(taken) for role, taken in fields.roles.items()},
        audio=_audio(fields, told),
        seed=fields.seed is not None,
        negative_prompt=fields.negative_prompt is not None,
        remote_references=bool(fields.roles),
        prompt_limit=(fields.prompt and fields.prompt.longest) or 4000,
        price=price,
        notes=_notes(told, fields, made),
    )


def _usual_length(fields: Fields, made: Lengths | None) -> float:
    usual = seconds_of(fields.duration.default) if fields.duration is not None else None
    return (made or Lengths(low=1, high=60)).nearest(usual or 5.0)


def _listed(taken: Field | None, read: Any) -> tuple[str, ...]:
    """Return a property's values as we write them, its default first."""
    if taken is None:
        return ()
    values = [value for choice in taken.choices if (value := read(choice)) is not None]
    usual = read(taken.default)
    return tuple(dict.fromkeys([usual, *values] if usual in values else values))


def _count(taken: Field) -> int:
    return (taken.most or UNTOLD) if taken.kind == LIST else 1


def _audio(fields: Fields, told: Mapping[str, Any]) -> Audio:
    if fields.audio is not None:
        return Audio.OPTIONAL
    words = " ".join([str(told.get("description", "")), *(str(one) for one in told.get("tags") or ())])
    return Audio.ALWAYS if HEARD.search(words) or Role.AUDIO in fields.roles else Audio.NO


def _notes(told: Mapping[str, Any], fields: Fields, made: Lengths | None) -> str:
    words = [str(told.get("display_name") or ""), str(told.get("description") or "")]
    if made is None:
        words.append("It decides its length itself.")
    if fields.resolution is None:
        words.append("It decides its resolution itself.")
    needed = [role.value for role, taken in fields.roles.items() if taken.required]
    if needed:
        words.append(f"It needs: {', '.join(dict.fromkeys(needed))}.")
    return " ".join(" ".join(words).split())
