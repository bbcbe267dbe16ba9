"""Models as data: found by address and by variant, held against a request, retired by their host."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.check import complete, unconfirmed
from rushes.catalogue.loading import read_model, shipped_models
from rushes.domain.errors import BadSettings, ModelRetired, UnknownModel, UnsupportedOption
from rushes.domain.model import Model
from rushes.domain.request import Reference, Role, Shot, VideoRequest

TODAY = date(2026, 11, 23)
EVERYTHING: dict[str, Any] = {
    "id": "all",
    "seconds": {"only": [4, 8, 12], "default": 4},
    "extend_seconds": {"only": [8, 12]},
    "styles": True,
    "remix": True,
    "extend": True,
    "storyboard_ids": True,
    "shots": 2,
    "remote_references": True,
    "references": {"subject": 2},
    "prompt_limit": 40,
}
BOAT = Reference(role=Role.SUBJECT, remote="gen_01")
TWO_SHOTS = (Shot(seconds=4, prompt="a gutter"), Shot(seconds=4, prompt="a drain"))


def lab(**table: Any) -> Model:
    """Return a model as a table of the settings file describes it."""
    return read_model({"id": "one", **table}, "lab")


def refusal(model: Model, **asked: Any) -> UnsupportedOption:
    """Return why `model` is refused a request."""
    request = complete(VideoRequest(prompt="a boat", **asked), model)
    with pytest.raises(UnsupportedOption) as caught:
        Catalogue([model]).check(request, model, TODAY)
    return caught.value


@pytest.mark.parametrize(
    ("switch", "asked", "told", "option"),
    [
        ("styles", {"style": "anime"}, "style is anime; allowed: none", "--style"),
        ("remix", {"remix": "s_01"}, "remix is s_01; allowed: none", "--remix"),
        ("extend", {"extend": "gen_01"}, "extend is gen_01; allowed: none", "--extend"),
        (
            "storyboard_ids",
            {"storyboard_id": "sb_01"},
            "storyboard id is sb_01; allowed: none",
            "--storyboard-id",
        ),
        ("shots", {"shots": TWO_SHOTS}, "shots is 2; allowed: none", "--shot"),
        (
            "remote_references",
            {"references": (BOAT,)},
            "reference is id:gen_01; allowed: files only",
            "by id",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_a_model_cannot_do_is_named(switch: str, asked: dict[str, Any], told: str, option: str) -> None:
    """Without its switch each wish is refused by field, value, what is allowed and option; with it, not."""
    without = lab(**{name: value for name, value in EVERYTHING.items() if name != switch})
    able = lab(**EVERYTHING)
    error = refusal(without, **{"seconds": 8, **asked})
    request = complete(VideoRequest(prompt="a boat", **{"seconds": 8, **asked}), able)

    assert told in error.message
    assert option in error.next
    Catalogue([able]).check(request, able, TODAY)


def test_a_storyboard_is_bounded(tmp_path: Path) -> None:
    """More shots than a model takes are refused, and its limit of characters is for all words together."""
    model = lab(**EVERYTHING)
    third = Shot(seconds=4, prompt="the sea")
    long = Shot(seconds=4, prompt="x" * 30)

    assert "shots is 3; allowed: up to 2" in refusal(model, shots=(*TWO_SHOTS, third)).message
    assert "44 characters long, with its shots" in refusal(model, shots=(long, TWO_SHOTS[0])).message
    error = refusal(model, shots=(Shot(seconds=2.5, prompt="a gutter"),))
    assert "seconds is 2.5; allowed: 4, 8, 12 s" in error.message
    assert "--shot" in error.next


def test_a_continuation_has_lengths_of_its_own() -> None:
    """Without a length a continuation takes the nearest it may have; a length of new clips is refused."""
    model = lab(**EVERYTHING)
    made = complete(VideoRequest(prompt="on it goes", extend="gen_01"), model)

    assert made.seconds == 8
    assert complete(VideoRequest(prompt="anew"), model).seconds == 4
    assert "seconds is 4; allowed: 8, 12 s" in refusal(model, extend="gen_01", seconds=4).message


@pytest.mark.parametrize("id", ["sy_20260301", "sy-turbo", "sy.1", "sy:latest"])
def test_a_dated_variant_is_its_model_under_its_own_id(id: str) -> None:
    """An id that goes on after a model's is found as that model, which is asked for by the full id."""
    catalogue = Catalogue([lab(id="sy", variants=True, prompt_limit=77)])
    found = catalogue.find(f"lab/{id}")

    assert (found.id, found.address, found.prompt_limit) == (id, f"lab/{id}", 77)


@pytest.mark.parametrize("address", ["lab/sy2", "lab/s", "lab/plain_1", "other/sy_1"])
def test_what_only_looks_like_a_variant_is_not_one(address: str) -> None:
    """An id without a separator, of a model without variants, or of another engine, is unknown."""
    catalogue = Catalogue([lab(id="sy", variants=True), lab(id="plain")])

    with pytest.raises(UnknownModel):
        catalogue.find(address)


def test_the_longest_id_has_the_variant() -> None:
    """Where two models' ids begin a variant's, the closer one is meant; an exact id is itself."""
    catalogue = Catalogue([lab(id="sy", variants=True), lab(id="sy_ore", variants=True, prompt_limit=9)])

    assert catalogue.find("lab/sy_ore_2").prompt_limit == 9
    assert catalogue.find("lab/sy_ore").id == "sy_ore"
    assert catalogue.find("lab/sy_or").prompt_limit == 4000


SERVICE = "https://sora.chatgpt.com"


@pytest.mark.parametrize(
    "base_url", [None, SERVICE, f"{SERVICE}/", "HTTPS://SORA.ChatGPT.com:443", f"{SERVICE}/backend"]
)
def test_a_model_is_retired_with_its_service(base_url: str | None) -> None:
    """With the service's own address, however it is written, a retired model is refused."""
    models = shipped_models("sora-web", "mine", base_url=base_url)

    with pytest.raises(ModelRetired):
        Catalogue(models).check(VideoRequest(prompt="a boat"), models[0], TODAY)


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:8000/", "http://sora.chatgpt.com", f"{SERVICE}:8443", "https://example.com"],
)
def test_another_host_is_not_retired(base_url: str) -> None:
    """Another scheme, host or port is another service: its models go on."""
    models = shipped_models("sora-web", "mine", base_url=base_url)
    request = complete(VideoRequest(prompt="a boat"), models[0])

    Catalogue(models).check(request, models[0], TODAY)
    assert models[0].as_json()["retires_on"] is None


@pytest.mark.parametrize("base_url", ["sora.chatgpt.com", "ftp://example.com", "http://", "http://a:port"])
def test_an_address_that_is_none_is_named(base_url: str) -> None:
    """A base_url nobody could speak to is a mistake in the settings, and names its place."""
    with pytest.raises(BadSettings, match=r"engines\.mine\.base_url"):
        shipped_models("sora-web", "mine", base_url=base_url)


def test_a_caption_is_refused_only_by_what_cannot_write_one() -> None:
    """Who asks for words on the picture needs a model that writes them; all others give none anyway."""
    plain, writing = lab(id="plain"), lab(id="writing", caption=True)
    catalogue = Catalogue([plain, writing])
    for model in (plain, writing):
        catalogue.check(VideoRequest(prompt="a boat", caption=False), model, TODAY)
    catalogue.check(VideoRequest(prompt="a boat", caption=True), writing, TODAY)
    with pytest.raises(UnsupportedOption, match="caption"):
        catalogue.check(VideoRequest(prompt="a boat", caption=True), plain, TODAY)


def test_a_retired_model_says_when_and_what_replaces_it() -> None:
    """The error has the day and the replacement, and where nothing replaces it, the day alone."""
    for replacement, more in (("lab/new", "; lab/new replaces it"), (None, "")):
        gone = lab(id="gone", retires_on=date(2026, 4, 26), replacement=replacement)
        with pytest.raises(ModelRetired) as caught:
            Catalogue([gone]).check(VideoRequest(prompt="a boat"), gone, TODAY)
        assert caught.value.message == f"lab/gone was retired on 2026-04-26{more}"


def test_before_its_day_a_model_is_alive() -> None:
    """A retirement to come keeps nobody from using the model."""
    model = shipped_models("sora-web", "mine")[0]
    request = complete(VideoRequest(prompt="a boat"), model)

    Catalogue([model]).check(request, model, date(2026, 4, 25))
    with pytest.raises(ModelRetired):
        Catalogue([model]).check(request, model, date(2026, 4, 26))


def test_only_what_was_asked_for_is_told_as_unconfirmed() -> None:
    """Of the values nobody saw work, those of this request are told, and none for a plain one."""
    model = shipped_models("sora-web", "mine")[0]
    bold = VideoRequest(prompt="a boat", aspect="1:1", resolution="720p", seconds=20)

    assert unconfirmed(complete(bold, model), model) == ("1:1", "720p", "20 s")
    assert unconfirmed(complete(VideoRequest(prompt="a boat"), model), model) == ()


def test_the_larger_model_makes_what_the_smaller_does_not() -> None:
    """25 s is refused with a way to the model that makes it; 1080p is for both, as unconfirmed for one."""
    models = shipped_models("sora-web", "mine", base_url="http://127.0.0.1:9")
    catalogue = Catalogue(models)
    small, large = (catalogue.find(f"mine/{id}") for id in ("sy_8", "sy_ore"))
    request = VideoRequest(prompt="a boat", seconds=25.0)
    with pytest.raises(UnsupportedOption) as caught:
        catalogue.check(complete(request, small), small, TODAY)
    assert "--model mine/sy_ore could do it" in caught.value.next
    catalogue.check(complete(request, large), large, TODAY)
    request = VideoRequest(prompt="a boat", resolution="1080p")
    told = [unconfirmed(complete(request, model), model) for model in (small, large)]
    catalogue.check(complete(request, small), small, TODAY)
    assert told == [("1080p",), ()]


def test_a_switch_that_is_no_switch_is_named() -> None:
    """A field of the wrong kind in a model's table is a mistake that names the model."""
    with pytest.raises(BadSettings, match="lab/one"):
        lab(shots="several")


@pytest.mark.parametrize(
    "value", [-1, "-0.01", float("nan"), float("inf"), 10_001, "1e999999", True, "cheap"]
)
def test_what_can_be_no_price_is_named(value: Any) -> None:
    """A price of the settings file is refused with its entry, and neither quoted nor tripped over (F34)."""
    said = r"the model lab/one is described wrongly: price\.{}.* US dollars, from 0 to 10,000"
    with pytest.raises(BadSettings, match=said.format("per_clip is")):
        lab(price={"per_clip": value})
    with pytest.raises(BadSettings, match=said.format(r"per_second\.720p is")):
        lab(price={"per_second": {"*": 0.1, "720p": value}})


@pytest.mark.parametrize("price", [0.1, "free", {"per_second": 0.1}, {"per_second": [0.1]}])
def test_a_price_of_another_shape_is_named(price: Any) -> None:
    """It is a table, and so is what a second costs."""
    with pytest.raises(BadSettings, match=r"lab/one.*price.* has to be a table"):
        lab(price=price)


def test_a_price_may_be_nothing_or_large() -> None:
    """The ends of the range are in it."""
    assert lab(price={"per_clip": 0}).price.per_clip == 0
    assert lab(price={"per_second": {"*": "10000"}}).price.per_second == {"*": Decimal(10_000)}


def test_a_password_in_an_address_is_not_shown() -> None:
    """The error about an address that is none holds nothing of it."""
    with pytest.raises(BadSettings) as caught:
        shipped_models("sora-web", "mine", base_url="http://me:secret/4711@example.com")

    assert "secret" not in f"{caught.value.message}{caught.value.next}{caught.value.__cause__}"
