"""Prices by the service's own list, and its models as models of the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.loading import shipped_models
from rushes.domain.errors import SignInNeeded, Unreachable
from rushes.domain.model import Audio, Model
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.openrouter.prices import size_of
from tests.engines.openrouter.stage import FLUX, HAILUO, KLING, SEEDANCE, Stage

WAN = "alibaba/wan-2.6"
VEO = "google/veo-3.1-lite"
GROK = "x-ai/grok-imagine-video-1.5"
HEYGEN = "heygen/heygen-video-1"
ODD = "example/priced-oddly"

FRAME = (Reference(role=Role.FIRST_FRAME, remote="https://example.com/a.png"),)
TWO_SUBJECTS = tuple(Reference(role=Role.SUBJECT, remote=f"https://example.com/{n}.png") for n in "ab")
CLIP = (Reference(role=Role.INPUT_VIDEO, remote="https://example.com/a.mp4"),)


def asked(**fields: Any) -> VideoRequest:
    """Return a complete request: five seconds at 720p with sound, unless told otherwise."""
    return VideoRequest(
        **{"prompt": "x", "seconds": 5, "aspect": "16:9", "resolution": "720p", "audio": True, **fields}
    )


PRICES: list[tuple[str, VideoRequest, str | None]] = [
    # With sound it costs more, though a line for text at 720p says less.
    (KLING, asked(), "0.63"),
    (KLING, asked(audio=False), "0.42"),
    (VEO, asked(seconds=4, audio=False), "0.12"),
    (VEO, asked(seconds=4, audio=False, resolution="1080p"), "0.20"),
    (VEO, asked(seconds=4, resolution="1080p"), "0.32"),
    (WAN, asked(), "0.40"),
    (WAN, asked(references=FRAME), "0.50"),
    (HAILUO, asked(resolution="1440p"), "0.65"),
    (HAILUO, asked(resolution="1440p", references=TWO_SUBJECTS), "0.73"),
    (HAILUO, asked(resolution="1440p", references=FRAME), "0.65"),
    (FLUX, asked(resolution="1080p"), "1.45"),
    (FLUX, asked(extend="gen-vid-1"), "2.05"),
    (KLING, asked(extend="gen-vid-1"), None),
    (GROK, asked(audio=False), "0.70"),
    (GROK, asked(audio=False, references=FRAME), "0.71"),
    (HEYGEN, asked(resolution="480p", audio=False), "0.10"),
    (HEYGEN, asked(resolution="480p", audio=False, references=TWO_SUBJECTS), "0.20"),
    (HEYGEN, asked(audio=False), None),
    # 1280 x 720 x 24 x 5 / 1024 tokens; the service's own page shows $0.1028 a second at 854 x 480.
    (SEEDANCE, asked(), "1.1556"),
    (SEEDANCE, asked(seconds=10, resolution="480p"), "1.0281"),
    (SEEDANCE, asked(seconds=10, resolution="480p", aspect="21:9"), "1.0748"),
    (SEEDANCE, asked(aspect="2:1"), None),
    (SEEDANCE, asked(references=CLIP), None),
    (ODD, asked(audio=False), None),
]


@pytest.mark.parametrize(("model", "request_", "dollars"), PRICES)
async def test_a_clip_is_priced_by_the_live_list(
    stage: Stage, model: str, request_: VideoRequest, dollars: str | None
) -> None:
    """Sound, resolution, pictures and continuations have prices of their own; what is not known is not 0."""
    async with stage.engine() as engine:
        quote = await engine.quote(request_, model)
    assert quote is not None
    assert quote.amount == (None if dollars is None else Decimal(dollars))
    assert quote.source.endswith("/api/v1/videos/models")
    assert quote.as_of is not None


@pytest.mark.parametrize("told", [-0.1, "-1", "NaN", "Infinity", "sNaN", "1e9", "9e9999999", True, "much"])
@pytest.mark.parametrize("sku", ["duration_seconds", "cents_per_image_input"])
async def test_an_absurd_line_makes_the_price_unknown(stage: Stage, sku: str, told: Any) -> None:
    """It may be the one that counts (F34)."""
    skus = {"duration_seconds_720p": "0.1", sku: told}
    entry = {"id": "a/b", "supported_durations": [5], "supported_resolutions": ["720p"], "pricing_skus": skus}
    stage.service.tell("models", status=200, body={"data": [entry]})
    async with stage.engine() as engine:
        quote = await engine.quote(asked(), "a/b")
        assert quote is not None
        assert quote.amount is None


async def test_a_price_that_adds_up_to_thousands_is_not_known(stage: Stage) -> None:
    """Each line of the list is in the range, and what a clip would cost by it is not (F34)."""
    entry = {
        "id": "a/b",
        "supported_durations": [5],
        "supported_resolutions": ["720p"],
        "supported_sizes": ["1280x720"],
        "pricing_skus": {"video_tokens": "10"},
    }
    stage.service.tell("models", status=200, body={"data": [entry]})
    async with stage.engine() as engine:
        quote = await engine.quote(asked(), "a/b")
        assert quote is not None
        assert quote.amount is None
        stage.service.tell("models", status=200, body={"data": [entry]})
        (model,) = await engine.list_models()
    assert model.price.per_second is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": ""},
        {"status": 200, "body": "<html>maintenance</html>"},
        {"status": 401, "body": {}},
        {"drop": True},
    ],
)
async def test_without_a_list_the_catalogues_price_goes(stage: Stage, answer: dict[str, Any]) -> None:
    """An unreachable list keeps nobody from a quote; the one there is says from when it is."""
    stage.service.tell("models", **answer)
    request = VideoRequest(prompt="x", model=f"openrouter/{KLING}", seconds=5)
    offer = await stage.studio.quote(request)
    assert offer.quote.amount == Decimal("0.6300")
    assert offer.quote.as_of is not None
    assert offer.quote.as_of.isoformat() == "2026-10-09"


async def test_the_list_is_read_once_for_many_quotes(stage: Stage) -> None:
    """Ten quotes are one question, and a refresh is another."""
    before = len(stage.service.requests("models"))
    async with stage.engine() as engine:
        for _ in range(10):
            await engine.quote(asked(), KLING)
        assert len(stage.service.requests("models")) == before + 1
        await engine.list_models()
        assert len(stage.service.requests("models")) == before + 2


async def test_the_list_becomes_models(stage: Stage) -> None:
    """Limits, references, sound and prices in our words; upscalers and editors are left out."""
    async with stage.engine() as engine:
        models = {model.id: model for model in await engine.list_models()}
    assert "runway/aleph-2" not in models
    kling = models[KLING]
    assert kling.address == f"openrouter/{KLING}"
    assert kling.provider == "Kling via OpenRouter"
    assert kling.lengths.only == tuple(float(n) for n in range(3, 16))
    assert kling.aspects == ("16:9", "9:16", "1:1")
    assert kling.roles[Role.LAST_FRAME] == 1
    assert Role.INPUT_VIDEO not in kling.roles
    assert kling.audio is Audio.OPTIONAL
    assert not kling.seed
    assert not kling.extend
    assert kling.price.per_second == {"720p": Decimal("0.126")}
    assert kling.price.as_of is not None
    assert "cfg_scale" in kling.notes
    assert models[HAILUO].resolutions == ("1440p",)
    assert models[SEEDANCE].resolutions == ("720p", "480p")
    assert models[SEEDANCE].roles[Role.INPUT_VIDEO] == 1
    assert models[SEEDANCE].seed
    assert models[FLUX].extend
    assert models[GROK].audio is Audio.NO
    assert models[ODD].price.per_second is None
    for model in models.values():
        Catalogue([model]).check(completed(model), model, kling.price.as_of)


def completed(model: Model) -> VideoRequest:
    return VideoRequest(
        prompt="x",
        model=model.address,
        seconds=model.seconds,
        aspect=model.aspects[0],
        resolution=model.resolutions[0],
        audio=model.audio is not Audio.NO,
    )


async def test_entries_that_cannot_be_read_do_not_hide_the_others(stage: Stage) -> None:
    """One odd field of one model must not take the list away."""
    entry = {"id": "a/b", "supported_durations": [4, "x", True], "supported_resolutions": ["1K", "720p"]}
    odd: list[Any] = [
        None,
        {"name": "no id"},
        {"id": "a/none"},
        {**entry, "pricing_skus": {"video_tokens": "x"}},
    ]
    stage.service.tell("models", status=200, body={"data": odd})
    async with stage.engine() as engine:
        (model,) = await engine.list_models()
    assert model.id == "a/b"
    assert model.lengths.only == (4.0,)
    assert model.resolutions == ("720p",)
    assert model.unconfirmed == model.aspects
    assert model.price.per_second is None


async def test_a_list_that_cannot_be_had_is_told(stage: Stage) -> None:
    """`rushes models --refresh` has to say so."""
    stage.service.tell("models", status=503, body="")
    async with stage.engine() as engine:
        with pytest.raises(Unreachable):
            await engine.list_models()
    stage.service.tell("models", status=401, body={})
    async with stage.engine() as engine:
        with pytest.raises(SignInNeeded):
            await engine.list_models()


async def test_the_shipped_models_agree_with_the_list(stage: Stage) -> None:
    """What both know has the same lengths, shapes, frames and price a second: one source, two roads."""
    async with stage.engine() as engine:
        listed = {model.id: model for model in await engine.list_models()}
    shipped = {model.id: model for model in shipped_models("openrouter", "openrouter")}
    both = set(listed) & set(shipped)
    assert {KLING, SEEDANCE, HAILUO, VEO} <= both
    for id in both:
        one, other = shipped[id], listed[id]
        assert one.lengths.only == other.lengths.only, id
        assert set(one.aspects) == set(other.aspects), id
        assert one.resolutions == other.resolutions, id
        assert one.roles == other.roles, id
        assert (one.audio, one.seed, one.remote_references) == (other.audio, other.seed, True), id
        assert one.price.per_second == other.price.per_second, id


@pytest.mark.parametrize(
    ("aspect", "resolution", "size"),
    [
        ("16:9", "480p", (854, 480)),
        ("9:16", "720p", (720, 1280)),
        ("1:1", "720p", (960, 960)),
        ("1:1", "480p", (640, 640)),
        ("21:9", "720p", (1470, 630)),
        ("4:3", "480p", (752, 560)),
        ("3:2", "480p", None),
    ],
)
def test_the_pixels_are_those_of_the_models_own_list(
    aspect: str, resolution: str, size: tuple[int, int] | None
) -> None:
    """Some models keep the number of pixels and not the short side."""
    sizes = [
        *("854x480", "752x560", "640x640", "560x752", "480x854", "992x432"),
        *("1280x720", "1112x834", "960x960", "834x1112", "720x1280", "1470x630", "wide"),
    ]
    assert size_of(aspect, resolution, sizes) == size


def test_a_square_keeps_the_short_side_where_the_model_does() -> None:
    """720x720 is 720p, though 1080x1080 is closer to the pixels of 1280x720."""
    assert size_of("1:1", "720p", ["480x480", "720x720", "1080x1080"]) == (720, 720)
