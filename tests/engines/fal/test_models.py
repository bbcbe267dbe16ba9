"""What fal has and what it costs: its list, its descriptions kept on disk, its prices."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import SignInNeeded, Unreachable
from rushes.domain.model import Audio, Model
from rushes.domain.request import Role
from rushes.testing.fal_schemas import ENDPOINTS
from tests.engines.fal.stage import HAILUO, I2V, KLING, REFERENCES, T2V, TURBO, VEO, WAN, Stage


async def listed(stage: Stage, **settings: Any) -> dict[str, Model]:
    async with stage.engine(**settings) as engine:
        return {model.id: model for model in await engine.list_models()}


async def test_every_page_of_both_categories_is_listed(stage: Stage) -> None:
    """Words to video and pictures to video, page by page, under the name of the instance."""
    models = await listed(stage)
    assert set(models) == {one.id for one in ENDPOINTS}
    assert models[T2V].address == f"fal/{T2V}"
    pages = [one["query"] for one in stage.service.requests("models") if "cursor" in one["query"]]
    assert {one["category"] for one in pages} == {"text-to-video", "image-to-video"}
    assert all(one["expand"] == "openapi-3.0" and one["status"] == "active" for one in pages)


async def test_a_model_can_do_what_its_description_says(stage: Stage) -> None:
    """Lengths, shapes, references, switches: in our words, the endpoint's own default first."""
    models = await listed(stage)
    seedance, hailuo, veo = models[T2V], models[HAILUO], models[VEO]
    assert seedance.lengths.only == tuple(float(number) for number in range(4, 31))
    assert (seedance.resolutions[0], seedance.audio, seedance.seed) == ("720p", Audio.OPTIONAL, False)
    assert (hailuo.lengths.low, hailuo.lengths.high) == (5, 15)
    assert hailuo.resolutions == ("768p", "480p", "1080p")
    assert (hailuo.seed, hailuo.prompt_limit) == (True, 50000)
    assert (veo.lengths.only, veo.seconds, veo.resolutions[2]) == ((4, 6, 8), 8, "2160p")
    assert veo.negative_prompt
    assert str(models[WAN].lengths) == "1.062 to 10.062 s"
    assert models[I2V].roles == {Role.FIRST_FRAME: 1, Role.LAST_FRAME: 1}
    assert models[REFERENCES].roles[Role.SUBJECT] == 3
    assert models[KLING].roles[Role.FIRST_FRAME] == 1
    assert "It needs: first_frame." in models[KLING].notes


async def test_a_price_is_listed_where_one_number_is_the_price(stage: Stage) -> None:
    """By the second where nothing else changes it; tokens, resolutions and sound leave it unknown."""
    models = await listed(stage)
    assert models[TURBO].price.per_second == {"*": Decimal("0.14")}
    assert models[TURBO].price.as_of is not None
    unknown = [T2V, HAILUO, KLING, VEO, WAN]
    assert [models[id].price.per_second for id in unknown] == [None] * len(unknown)
    assert [models[id].price.free for id in unknown] == [False] * len(unknown)


async def test_models_are_listed_without_a_key_too(stage: Stage) -> None:
    """The list is public; only prices want a key, and a wrong one is told."""
    models = await listed(stage, key="")
    assert models[TURBO].price.per_second is None
    with pytest.raises(SignInNeeded):
        await listed(stage, key="wrong-key")


async def test_a_live_quote_is_given_where_it_is_the_price(stage: Stage) -> None:
    """Else the catalogue's table holds; a list that cannot be read never makes a price up."""
    async with stage.engine() as engine:
        quote = await engine.quote(stage.request("a boat", TURBO, seconds=7), TURBO)
        assert quote is not None
        assert (quote.amount, quote.source) == (Decimal("0.98"), "api.fal.ai/v1/models/pricing")
        for model in (T2V, HAILUO, KLING, VEO, WAN):
            assert await engine.quote(stage.request("a boat", model), model) is None
    stage.service.tell("pricing", status=500, body="")
    async with stage.engine() as engine:
        assert await engine.quote(stage.request("a boat", TURBO, seconds=7), TURBO) is None


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "-0.14", "10001", "1e300", "true", "null"])
async def test_an_absurd_unit_price_is_not_known(stage: Stage, price: str) -> None:
    """The catalogue's table holds then, no bill is made of it, and the model is listed without one (F34)."""
    line = f'{{"endpoint_id": "{TURBO}", "unit_price": {price}, "unit": "seconds", "currency": "USD"}}'
    stage.tell("render", facts={"seconds": 0})
    stage.service.tell("pricing", status=200, body=f'{{"prices": [{line}]}}')
    async with stage.engine() as engine:
        assert await engine.quote(stage.request("a boat", TURBO, seconds=7), TURBO) is None
        accepted = await stage.accepted(engine, "a boat", TURBO)
        assert (await engine.poll(accepted.ticket)).cost is None
    assert (await listed(stage))[TURBO].price.per_second is None


@pytest.mark.parametrize("told", [{"status": 500, "body": "x"}, {"status": 404, "body": {}}])
async def test_a_cost_that_cannot_be_priced_is_not_known(stage: Stage, told: dict[str, Any]) -> None:
    """The units alone are no money."""
    stage.tell("render", facts={"seconds": 0})
    stage.service.tell("pricing", **told)
    async with stage.engine() as engine:
        accepted = await stage.accepted(engine, "a boat", TURBO)
        assert (await engine.poll(accepted.ticket)).cost is None


# --- descriptions on disk ---


def kept(stage: Stage) -> Path:
    (file,) = (stage.home / "schemas" / "fal").glob("*.json")
    return file


def asked(stage: Stage) -> int:
    """Return how often a description was asked for."""
    return len([one for one in stage.service.requests("models") if one["query"].get("endpoint_id") == T2V])


async def test_a_description_is_kept_with_its_date(stage: Stage) -> None:
    """Another process composes without asking, while it is fresh."""
    async with stage.engine() as engine:
        await stage.prepared(engine)
    before = asked(stage)
    data = json.loads(kept(stage).read_text())
    assert data["endpoint"] == T2V
    assert datetime.now(UTC) - datetime.fromisoformat(data["read_at"]) < timedelta(minutes=1)
    async with stage.engine(api_url="http://127.0.0.1:9") as engine:
        await stage.prepared(engine)
    assert asked(stage) == before


def age(stage: Stage) -> None:
    data = json.loads(kept(stage).read_text())
    data["read_at"] = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    kept(stage).write_text(json.dumps(data))


async def test_an_old_description_is_read_anew_or_serves_while_nobody_answers(stage: Stage) -> None:
    """What was true three days ago is better than nothing, and worse than what is true now."""
    async with stage.engine() as engine:
        await stage.prepared(engine)
        age(stage)
        before = asked(stage)
        await stage.prepared(engine)
    assert asked(stage) == before + 1
    age(stage)
    async with stage.engine(api_url="http://127.0.0.1:9") as engine:
        await stage.prepared(engine)
    kept(stage).write_text("{not json")
    async with stage.engine(api_url="http://127.0.0.1:9") as engine:
        with pytest.raises(Unreachable):
            await stage.prepared(engine)


async def test_a_description_that_proved_wrong_is_forgotten(stage: Stage) -> None:
    """An endpoint that refuses what it is said to take has changed."""
    stage.tell("create", status=422, body={"detail": []})
    async with stage.engine() as engine:
        prepared = await stage.prepared(engine)
        file = kept(stage)
        with pytest.raises(Exception, match="422"):
            await engine.submit(prepared, key="unused")
    assert not file.exists()


async def test_listing_keeps_the_descriptions(stage: Stage) -> None:
    """After a refresh every endpoint can be composed for without asking again."""
    await listed(stage)
    async with stage.engine(api_url="http://127.0.0.1:9") as engine:
        for model in (T2V, HAILUO, VEO, WAN, TURBO):
            await stage.prepared(engine, "a boat", model)
