"""What short names mean, which model is chosen, and lists that services told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.abilities import ABILITIES, least_per_second
from rushes.catalogue.aliases import meant, names
from rushes.catalogue.choice import choose, reason, weigh
from rushes.catalogue.loading import read_model, shipped_models
from rushes.catalogue.saved import SavedList, merged, save, saved_list
from rushes.domain.errors import BadSettings
from rushes.domain.model import Model
from rushes.domain.request import Reference, Role, VideoRequest

TODAY = date(2026, 11, 23)
KINDS = ("openrouter", "fal", "openai-videos", "sora-web")
SHIPPED = [model for kind in KINDS for model in shipped_models(kind, kind)]
BOAT = VideoRequest(prompt="a boat", seconds=4)


def model(id: str, per_second: float | None = None, engine: str = "lab", **table: Any) -> Model:
    """Return a model of a price, as a table of the settings file describes it."""
    price = {} if per_second is None else {"price": {"per_second": {"*": per_second}}}
    return read_model({"id": id, "seconds": {"low": 1, "high": 10}, **price, **table}, engine)


def addresses(alias: str, models: list[Model]) -> list[str]:
    return [one.address for group in meant(alias, models) for one in group]


@pytest.mark.parametrize(
    ("alias", "ids"),
    [
        ("sora-2", ["openai-videos/sora-2", "sora-web/sy_8"]),
        ("sora-2-pro", ["openai-videos/sora-2-pro", "sora-web/sy_ore"]),
        ("veo-3.1", ["openrouter/google/veo-3.1"]),
        ("veo-3.1-fast", ["openrouter/google/veo-3.1-fast", "fal/fal-ai/veo3.1/fast"]),
        ("Veo-3.1-Lite", ["openrouter/google/veo-3.1-lite"]),
        ("wan-3", ["openrouter/alibaba/wan-3.0"]),
        ("minimax-h3", ["openrouter/minimax/hailuo-3"]),
    ],
)
def test_a_name_means_its_model_wherever_it_is(alias: str, ids: list[str]) -> None:
    """A name with its version is found in ids of every spelling; a tier has to be named."""
    assert addresses(alias, SHIPPED) == ids


def test_tiers_are_meant_where_nothing_bears_the_name_alone() -> None:
    """Kling 3 comes only as standard, pro and turbo: the name means all of them, and no other version."""
    found = addresses("kling-3", [*SHIPPED, model("kling-v30"), model("kling-v3.1"), model("sparkling-3")])

    assert "openrouter/kwaivgi/kling-v3.0-std" in found
    assert "fal/fal-ai/kling-video/v3/turbo/pro/text-to-video" in found
    assert all("kling" in one and "v3" in one for one in found)
    assert not [one for one in found if one.startswith("lab/")]


@pytest.mark.parametrize("text", ["boat", "kling", "3", "lab/one", "nobody-7", "v", ""])
def test_what_is_no_name_means_nothing(text: str) -> None:
    """A name without a version, an address and a name that nobody bears are no aliases."""
    assert meant(text, SHIPPED) == []


def test_best_goes_by_its_list() -> None:
    """The first of the ranked list that can be used is taken, though another is cheaper; it is dated."""
    models = [model("veo-3.1", 0.01), model("seedance-2.5", 0.9), model("seedance-2.0", 0.5, "far")]
    groups = [weigh(BOAT, group, {"far": "no key"}, TODAY) for group in meant("best", models)]
    found = choose(groups)

    assert found is not None
    assert found.model.id == "seedance-2.5"
    assert names().as_of == date(2026, 8, 14)
    assert "arena" in names().source


def test_fast_goes_by_words_of_the_id() -> None:
    """`fast` means ids with such a word in them, and no word that only holds one."""
    models = [model("kling-3-turbo"), model("breakfast-1"), model("veo3.1/fast"), model("plain-2")]

    assert addresses("fast", models) == ["lab/kling-3-turbo", "lab/veo3.1/fast"]
    assert addresses("cheap", models) == [one.address for one in models]


def test_the_cheapest_that_can_is_chosen() -> None:
    """Passed over, each with its reason: the retired, and those that lack a key, a price or an ability."""
    models = [
        model("dead", 0.01, retires_on=date(2026, 11, 22)),
        model("far", 0.01, "far"),
        model("unpriced"),
        model("short", 0.01, seconds={"only": [2]}),
        model("lab/image-to-video", 0.01),
        model("dear", 0.20),
        model("first", 0.10),
        model("second", 0.10),
    ]
    candidates = weigh(BOAT, models, {"far": "the engine far has no key"}, TODAY)
    found = choose([candidates])
    reasons = {one.model.id: one.why_not for one in candidates}

    assert found is not None
    assert found.model.id == "first"
    assert reason([candidates], found) == "the cheapest of 3 that can do it"
    assert reasons == {
        "dead": "retired on 2026-11-22",
        "far": "the engine far has no key",
        "unpriced": "its price is not known; give --model lab/unpriced and --max-usd",
        "short": "seconds is 4; allowed: 2 s",
        "lab/image-to-video": "it makes clips from a reference (image), and none is given",
        "dear": None,
        "first": None,
        "second": None,
    }


def test_the_price_is_that_of_the_whole_clip() -> None:
    """Compared is what the clip costs, not what a second does."""
    per_clip = read_model({"id": "clip", "price": {"per_clip": 0.3}}, "lab")
    long = choose([weigh(VideoRequest(prompt="a boat", seconds=9), [model("s", 0.1), per_clip], {}, TODAY)])
    short = choose([weigh(VideoRequest(prompt="a boat", seconds=2), [model("s", 0.1), per_clip], {}, TODAY)])

    assert long is not None
    assert short is not None
    assert (long.model.id, short.model.id) == ("clip", "s")


@pytest.mark.parametrize(
    "asked",
    [
        {"remix": "s_1"},
        {"extend": "gen_1"},
        {"references": (Reference(role=Role.SUBJECT, remote="gen_1"),)},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_an_id_of_a_provider_is_sent_to_none_that_was_not_named(asked: dict[str, Any]) -> None:
    """What names something by a provider's own id has no model chosen for it."""
    able = model("all", 0.1, remix=True, extend=True, references={"subject": 1}, remote_references=True)
    (one,) = weigh(VideoRequest(prompt="a boat", **asked), [able], {}, TODAY)

    assert one.why_not is not None
    assert "--model" in one.why_not


def test_a_list_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    """Every shipped model survives being written and read, with its prices, dates and lengths."""
    for kind in (*KINDS, "animatic"):
        models = shipped_models(kind, kind, base_url=None)
        kept = SavedList(server=kind, read_on=TODAY, models=models)
        save(tmp_path, kind, kept)
        found = saved_list(tmp_path, kind)

        assert found is not None
        assert (found.server, found.read_on) == (kind, TODAY)
        for one, other in zip(found.models, models, strict=True):
            assert one.as_json() | {"service": None} == other.as_json() | {"service": None}
    assert saved_list(tmp_path, "lab") is None


def test_a_list_stands_between_the_settings_and_what_is_shipped() -> None:
    """A model of the settings wins over the listed one, that over the shipped one, which keeps its place."""
    shipped = [model("a", 0.1), model("b", 0.1), model("c", 0.1)]
    listed = SavedList(server="x", read_on=TODAY, models=(model("d", 0.2), model("c", 0.2), model("b", 0.2)))
    found = merged([model("b", 0.3)], shipped, listed)

    assert [(one.id, str(least_per_second(one))) for one in found] == [
        ("b", "0.3"),
        ("a", "0.1"),
        ("c", "0.2"),
        ("d", "0.2"),
    ]
    assert merged([], shipped, None) == tuple(shipped)


@pytest.mark.parametrize(("read_on", "kept"), [(date(2026, 11, 1), True), (date(2026, 11, 20), False)])
def test_a_retirement_holds_until_a_later_list_denies_it(read_on: date, kept: bool) -> None:
    """A list read before the day of retirement cannot know; one read after it shows the model alive."""
    shipped = model("veo", 0.4, retires_on=date(2026, 11, 17))
    (found,) = merged([], [shipped], SavedList(server="x", read_on=read_on, models=(model("veo", 0.3),)))

    assert (found.retires_on is not None) is kept
    assert str(least_per_second(found)) == "0.3"


@pytest.mark.parametrize(
    "price",
    [
        {"per_clip": "-1"},
        {"per_clip": "NaN"},
        {"per_clip": "Infinity"},
        {"per_clip": "10001"},
        {"per_second": {"720p": "0.1", "1080p": "-0.1"}},
        {"per_second": {"720p": "0.1"}, "per_clip": "1e9"},
    ],
)
def test_an_absurd_price_of_a_list_is_not_known(tmp_path: Path, price: dict[str, Any]) -> None:
    """A service's nonsense takes neither the model nor its list away, and is never quoted (F34)."""
    table = {"id": "a", "price": {**price, "source": "x", "as_of": "2026-11-23"}}
    body = {"server": "x", "read_on": "2026-11-23", "models": [table]}
    (tmp_path / "lab.json").write_text(json.dumps(body))
    found = saved_list(tmp_path, "lab")

    assert found is not None
    (listed,) = found.models
    assert (listed.price.per_clip, listed.price.per_second, listed.price.free) == (None, None, False)
    assert listed.price.source == "x"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"server": "x"}', '{"server":"x","read_on":"2026-11-23","models":[{}]}']
)
def test_a_damaged_list_names_its_file(tmp_path: Path, text: str) -> None:
    """A file that cannot be used is named, with the command that writes it anew."""
    (tmp_path / "lab.json").write_text(text)
    with pytest.raises(BadSettings) as caught:
        saved_list(tmp_path, "lab")

    assert str(tmp_path / "lab.json") in caught.value.message
    assert "--refresh" in caught.value.next


def test_abilities_tell_models_apart() -> None:
    """Each word of --can holds for a model that has it, and for none that lacks everything."""
    able = model(
        "all",
        audio="optional",
        seed=True,
        negative_prompt=True,
        styles=True,
        remix=True,
        extend=True,
        storyboard_ids=True,
        shots=2,
        references=dict.fromkeys(Role, 1),
    )
    bare = model("bare")

    assert all(can(able) for can in ABILITIES.values())
    assert [word for word, can in ABILITIES.items() if can(bare)] == ["silent"]
