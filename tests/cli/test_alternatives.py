"""What works instead: told wherever a model is retired, or a storyboard is made because nothing is set up."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes import settings
from rushes.domain.errors import ModelRetired
from rushes.domain.money import usd
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from tests.cli.terminal import QUICK, Terminal
from tests.cli.test_choice import NO_KEYS
from tests.cli.test_doctor import before_all
from tests.cli.test_lists import NO_NETWORK
from tests.mcp.agent import agent, call, words_of

PAGES = {"openrouter": "https://openrouter.ai/settings/keys", "fal": "https://fal.ai/dashboard/keys"}

KEYS = {"openrouter": {"OPENROUTER_API_KEY": "sk-or-v1-invented"}, "fal": {"FAL_KEY": "id:invented"}}

SORA = (
    "sora-web/sy_8",
    "sora-2",
    "sora",
    "Sora",
    "ChatGPT",
    "openai",
    "OpenAI/sora-2",
    "sora2",
    "openai-videos",
)
"""What people who come from Sora call it."""

NOTHING = "nothing that generates video is set up"

OF_ITS_OWN = """
[engines.gateway]
engine = "openai-videos"
base_url = "http://127.0.0.1:9/v1"
[[engines.gateway.models]]
id = "house-video"
price = { per_clip = "0.03" }
"""


@pytest.fixture
def bare(terminal: Terminal) -> Terminal:
    """A terminal where no key is set and no service is reached."""
    return Terminal(home=terminal.home, variables={**NO_KEYS, **NO_NETWORK})


def with_key(bare: Terminal, engine: str) -> Terminal:
    return replace(bare, variables={**bare.variables, **KEYS[engine]})


def error_of(terminal: Terminal, *words: str) -> dict[str, Any]:
    """Return the error of a command that is refused for what was asked, with nothing stored."""
    said = terminal.run(*words, "--json")
    assert said.code == 2, said
    error: dict[str, Any] = said.json()["error"]
    return error


def opening(bare: Terminal, engine: str, model: str | None = None) -> str:
    """Return what is said of an engine that lacks its key, with the price that its own quote has."""
    quote = bare.json("quote", "a boat", "--model", model or engine)
    price = f"{usd(Decimal(quote['quote']['amount']))} for {quote['request']['seconds']:g} s"
    id = quote["model"].partition("/")[2]
    return f"rushes config set {engine}.key ({price} with {id}; key: {PAGES[engine]})"


def test_who_comes_from_sora_reads_which_key_opens_what(bare: Terminal) -> None:
    """By any of its names, in any case: since when it is closed, and each key with its price."""
    ways = [opening(bare, engine) for engine in PAGES]
    for name in SORA:
        error = error_of(bare, "quote", "a boat", "--model", name)
        assert error["code"] == "model_retired", name
        assert "was retired on 2026-" in error["message"]
        assert error["message"].endswith(NOTHING)
        assert all(way in error["next"] for way in ways), error["next"]
        assert "or --model local (free; needs a GPU and the extra rushes[local])" in error["next"]
        assert "animatic" not in error["next"]


@pytest.mark.parametrize("engine", KEYS)
def test_with_a_key_the_cheapest_model_and_its_price_are_named(bare: Terminal, engine: str) -> None:
    """What is named is what `create` would take; nothing is made of it without a wish."""
    keyed = with_key(bare, engine)
    chosen = keyed.json("quote", "a boat")
    price = f"{usd(Decimal(chosen['quote']['amount']))} for {chosen['request']['seconds']:g} s"
    for name in ("sora-web/sy_8", "sora"):
        error = error_of(keyed, "create", "a boat", "--model", name, "--yes")
        assert NOTHING not in error["message"]
        assert error["next"].startswith(f"use --model {chosen['model']} ({price})")
    login = error_of(keyed, "sora", "login")

    assert f'rushes create "PROMPT" --model {chosen["model"]} ({price})' in login["next"]
    assert keyed.json("jobs") == []


def test_what_is_named_can_do_what_was_asked(bare: Terminal) -> None:
    """The price is that of this very request, by a model that can do all of it."""
    words = ("a boat", "--seconds", "12", "--aspect", "9:16")
    keyed = with_key(bare, "openrouter")
    chosen = keyed.json("quote", *words)
    error = error_of(keyed, "quote", *words, "--model", "sora")

    assert chosen["model"] != keyed.json("quote", "a boat")["model"]
    assert f"--model {chosen['model']} ({usd(Decimal(chosen['quote']['amount']))} for 12 s)" in error["next"]


def test_engines_of_ones_own_are_named_too(bare: Terminal, tmp_path: Path) -> None:
    """A server that speaks /v1/videos by its price; open weights are free, so they go first."""
    for package in ("torch", "diffusers", "transformers", "accelerate"):
        (tmp_path / f"{package}.py").touch()
    bare.settings(OF_ITS_OWN)
    server = error_of(bare, "quote", "a boat", "--model", "sora-web/sy_8")["next"]
    bare.settings(OF_ITS_OWN + "[engines.local]\n")
    able = replace(bare, variables={**bare.variables, "PYTHONPATH": before_all(tmp_path)})
    weights = error_of(able, "quote", "a boat", "--model", "sora-web/sy_8")["next"]

    assert server.startswith("use --model gateway/house-video ($0.03 for 5 s)")
    assert weights.startswith("use --model local/Wan-AI/Wan2.1-T2V-1.3B-Diffusers (free)")


def test_a_key_that_opens_nothing_any_more_is_none(bare: Terminal) -> None:
    """With OpenAI's key alone nothing generates: its video service has closed."""
    keyed = replace(bare, variables={**bare.variables, "OPENAI_API_KEY": "sk-invented"})
    quote = keyed.json("quote", "a boat")

    assert quote["model"] == "animatic/storyboard"
    assert quote["chosen"].startswith(NOTHING)
    assert "openai" not in quote["advice"]
    assert error_of(keyed, "quote", "a boat", "--model", "sora-2")["message"].endswith(NOTHING)


def test_a_short_name_says_which_key_opens_it(bare: Terminal) -> None:
    """`best` and a family's name: the model that each key would have it mean, with its price."""
    for name in ("best", "kling-3"):
        error = error_of(bare, "quote", "a boat", "--model", name)
        assert error["message"] == f"'{name}' cannot be used yet: {NOTHING}"
        for engine in PAGES:
            meant = with_key(bare, engine).json("quote", "a boat", "--model", name)["model"]
            assert opening(bare, engine, meant) in error["next"]


def test_a_fallback_takes_the_place_of_a_retired_model(bare: Terminal) -> None:
    """The first living one of the list is used, said at once and on the job; the rest follow."""
    words = ("a boat on a list", *QUICK, "--model", "sora-web/sy_8")
    listed = ("--fallback", "sora-2", "--fallback", "animatic")
    made = bare.run("create", *words, *listed, "--json")
    again = bare.json("create", *words, *listed)
    paid = with_key(bare, "openrouter").json(
        "quote", *words[:1], "--model", "sora", "--fallback", "cheap", *listed[2:]
    )
    warning = "sora-web/sy_8 was retired on 2026-04-26"

    assert made.code == 0, made
    assert "using animatic/storyboard (free)" in made.err
    assert made.json()["job"]["warnings"] == again["job"]["warnings"]
    assert made.json()["job"]["warnings"][0].startswith(warning)
    assert made.json()["job"]["warnings"][0].endswith("using animatic/storyboard (free)")
    assert made.json()["job"]["id"] == again["job"]["id"]
    assert paid["replaces"].startswith(f"sora: {warning}")
    assert paid["model"].startswith("openrouter/")
    assert [one["model"] for one in paid["fallbacks"]] == ["animatic/storyboard"]


def test_a_list_of_retired_models_is_refused(bare: Terminal) -> None:
    """Where the model and all of its fallbacks are closed, each of them is said to be."""
    error = error_of(bare, "create", "a boat", "--model", "sora-web/sy_8", "--fallback", "sora-2")

    assert "sora-web/sy_8 was retired on 2026-04-26" in error["message"]
    assert error["message"].endswith("the fallback sora-2 is retired, too")


WRONG_TABLES = {
    "concurrency is 'many'": '[engines.openrouter]\nkey = "sk-or-v1-invented"\nconcurrency = "many"\n',
    "base_url is not an address": '[engines.sora-web]\nbase_url = "nowhere"\n',
    "no engine of the kind 'openruter' is installed": "[engines.openruter]\n",
}


@pytest.mark.parametrize("told", WRONG_TABLES)
def test_a_mistake_in_an_engines_settings_makes_no_storyboard(bare: Terminal, told: str) -> None:
    """Whoever set up an engine reads what is wrong with it; a storyboard is drawn for its name alone."""
    bare.settings(WRONG_TABLES[told])
    made = bare.run("create", "a boat", *QUICK)
    retired = error_of(bare, "quote", "a boat", "--model", "sora")["message"]
    checked = bare.run("doctor")
    listed = bare.json("jobs")
    named = bare.run("create", "a boat", *QUICK, "--model", "animatic")

    assert made.code == 8, made
    assert told in made.err
    assert NOTHING not in made.err + retired + checked.out
    assert told in retired
    assert listed == []
    assert named.code == 0, named


def test_a_paid_fallback_still_has_to_be_agreed_to(bare: Terminal) -> None:
    """What takes a retired model's place is said with its price, and not bought without a yes."""
    said = with_key(bare, "fal").run("create", "a boat", "--model", "sora", "--fallback", "cheap")

    assert said.code == 6
    assert "openai-videos/sora-2 was retired on 2026-09-24; using fal/" in said.err
    assert "nobody has agreed to it" in said.err


def test_a_storyboard_says_how_to_get_video(bare: Terminal) -> None:
    """Made because nothing else is set up: it is called a storyboard, and the last line says what to do."""
    made = bare.run("create", "a boat", *QUICK)
    quoted = bare.run("quote", "a boat", *QUICK)
    named = bare.run("quote", "a boat", *QUICK, "--model", "animatic")

    assert made.code == 0
    assert "a free storyboard, not generated video" in made.err
    for said in (made, quoted):
        *_, openrouter, fal, local = said.err.splitlines()
        assert openrouter.startswith(" next: for generated video: rushes config set openrouter.key ($")
        assert fal.startswith("    or rushes config set fal.key ($")
        assert local.startswith("    or --model local (free")
    assert "for generated video" not in named.err + named.out


def test_a_batch_says_it_once(bare: Terminal) -> None:
    """Storyboards, a retired model with a fallback, and one without, which is refused with what works."""

    def batch(*lines: dict[str, Any]) -> str:
        (bare.home / "shots.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return "shots.jsonl"

    common = {"seconds": 1, "resolution": "480p"}
    boats = [{"prompt": f"boat {number}", **common} for number in range(2)]
    kite = {"prompt": "kite", "model": "sora", "fallback": ["animatic"], **common}
    made = bare.run("create", "--batch", batch(*boats, kite), "--no-wait")
    refused = bare.run("create", "--batch", batch({"prompt": "kite", "model": "chatgpt"}))

    assert made.code == 0, made
    assert made.err.count("for generated video: rushes config set openrouter.key") == 1
    assert made.err.count("using animatic/storyboard (free)") == 1
    assert refused.code == 2
    assert "chatgpt: sora-web/sy_8 was retired on 2026-04-26" in refused.err
    assert "rushes config set fal.key ($" in refused.err


def test_lists_name_the_key_that_each_engine_lacks(bare: Terminal) -> None:
    """models and engines name it with page and price; once it is set, the models are in the list itself."""
    ways = {engine: opening(bare, engine) for engine in PAGES}
    models, engines = bare.run("models"), bare.run("engines")
    keyed = with_key(bare, "openrouter")
    listed = keyed.run("models")

    assert all(way in models.err and way in engines.out for way in ways.values())
    assert ways["fal"] in listed.err
    assert ways["openrouter"] not in listed.err
    assert keyed.json("quote", "a boat")["model"] in listed.out


def test_doctor_has_a_row_for_it(bare: Terminal) -> None:
    """That nothing generates is no fault of the machine: it has a repair, and the exit code is 0."""
    said = bare.run("doctor")
    (row,) = [one for one in bare.run("doctor", "--json").json() if one["name"] == "video"]
    keyed = with_key(bare, "fal").run("doctor", "--json").json()

    assert said.code == 0, said
    assert f"--  video            {NOTHING}" in said.out
    assert (row["good"], row["needed"]) == (False, False)
    assert row["mend"].startswith(opening(bare, "openrouter"))
    assert "repair: rushes config set openrouter.key ($" in said.out
    assert "video" not in [one["name"] for one in keyed]


async def test_a_program_reads_it_too(bare: Terminal) -> None:
    """In Python an error has the way out as its `next`, an offer what it replaces and what is missing."""
    request = VideoRequest(prompt="a boat", model="sora-web/sy_8")
    async with Studio.open(settings.load(bare.environ, bare.home)) as studio:
        with pytest.raises(ModelRetired) as caught:
            await studio.quote(request)
        offer = await studio.quote(replace(request, fallback=("animatic",)))
        drawn = await studio.quote(replace(request, model=None))

    assert "rushes config set openrouter.key" in caught.value.next
    assert offer.model.address == "animatic/storyboard"
    assert "sora-web/sy_8 was retired on 2026-04-26" in (offer.replaces or "")
    assert offer.advice is None
    assert "rushes config set openrouter.key" in (drawn.advice or "")


async def test_an_agent_reads_it_in_the_words_of_its_tools(bare: Terminal) -> None:
    """Keys are left to the person, models are arguments; a storyboard and a fallback are told as such."""
    async with agent(bare) as client:
        closed = await client.call_tool("create_video", {"prompt": "a boat", "model": "sora"})
        drawn = await call(client, "create_video", prompt="a boat", seconds=1, resolution="480p")
        turned = await call(client, "quote_video", prompt="a kite", model="sora", fallback=["animatic"])
        models = await call(client, "list_models")
    async with agent(with_key(bare, "openrouter")) as client:
        keyed = await client.call_tool("quote_video", {"prompt": "a boat", "model": "chatgpt"})

    person = "the person runs: rushes config set openrouter.key ($"
    assert closed.is_error
    assert f"next: {person}" in words_of(closed)
    assert "; or model local (free" in words_of(closed)
    assert "; or with a server of your own: the person runs: rushes config set" in words_of(closed)
    assert f"for generated video: {person}" in drawn.structured_content["next"]
    assert "using animatic/storyboard (free)" in turned.structured_content["remarks"][0]
    assert person in models.structured_content["next"]
    assert "next: use model openrouter/" in words_of(keyed)
    assert "--model" not in words_of(closed) + words_of(keyed)
