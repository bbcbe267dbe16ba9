"""What `models` and `engines` list: the same everywhere, with what each needs and whether it is retired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.cli.terminal import QUICK, Terminal
from tests.cli.test_choice import NO_KEYS
from tests.mcp.agent import agent, call, words_of

NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""Whoever looks for a service finds nobody, at once."""


@pytest.fixture
def bare(terminal: Terminal) -> Terminal:
    """A terminal where no key is set and no service is reached."""
    return Terminal(home=terminal.home, variables={**NO_KEYS, **NO_NETWORK})


def in_the_environment(bare: Terminal) -> Terminal:
    return replace(bare, variables={**bare.variables, "FAL_KEY": "id:invented"})


def stored(bare: Terminal) -> Terminal:
    assert bare.run("config", "set", "fal.key", stdin="id:invented").code == 0
    return bare


def with_a_table(bare: Terminal) -> Terminal:
    bare.settings('[engines.fal]\nkey = "id:invented"\n[engines.lab]\nengine = "scripted"\n')
    return bare


SET_UP: dict[str, tuple[Callable[[Terminal], Terminal], set[str]]] = {
    "nothing": (lambda bare: bare, {"animatic"}),
    "a key in the environment": (in_the_environment, {"animatic", "fal"}),
    "a stored key": (stored, {"animatic", "fal"}),
    "tables": (with_a_table, {"animatic", "fal", "lab"}),
}


@pytest.mark.parametrize(("set_up", "expected"), SET_UP.values(), ids=list(SET_UP))
async def test_every_door_lists_the_same_engines(
    bare: Terminal, set_up: Callable[[Terminal], Terminal], expected: set[str]
) -> None:
    """models, engines, doctor, config, a refresh, quote and the agents' list have the same engines (U3.2)."""
    one = set_up(bare)
    async with agent(one) as client:
        told = await call(client, "list_models")
    doctor = [check["name"] for check in one.run("doctor", "--json").json()]
    candidates = one.json("quote", "a boat", "--seconds", "5", "--model", "cheap", "--explain")["candidates"]
    lists = {
        "models": {row["model"].partition("/")[0] for row in one.json("models")},
        "engines": {row["name"] for row in one.json("engines")["engines"]},
        "doctor": {name.removeprefix("engine ") for name in doctor if name.startswith("engine ")},
        "config": {name.partition(" ")[0] for name in one.json("config")["engines"].split(", ")},
        "refresh": {row["engine"] for row in one.run("models", "--refresh", "--json").json()},
        "agents": {row["model"].partition("/")[0] for row in told.structured_content["models"]},
    }
    usable = {row["model"].partition("/")[0] for row in candidates if row["why_not"] is None}

    assert lists == dict.fromkeys(lists, expected)
    assert usable <= expected
    assert ("fal" in usable) is ("fal" in expected)


def test_what_is_not_shown_is_counted(bare: Terminal) -> None:
    """The list ends with how many more there are, and --all shows them with what each needs (U3.2)."""
    said = bare.run("models")
    every = bare.json("models", "--all")
    table = bare.run("models", "--all")
    status = {one["model"]: one["status"] for one in every}
    more = [one for one in every if not one["retired"] and one["model"] != "animatic/storyboard"]

    assert "STATUS" in said.out
    assert f"{len(more)} more models need a key or settings: rushes models --all" in said.err
    assert len(more) > 20
    assert status["animatic/storyboard"] == "ready"
    assert status["fal/minimax/h3-max/text-to-video"] == "needs key: rushes config set fal.key"
    assert status["openrouter/google/veo-3.1"] == "retired 2026-11-17"
    assert all(f"{one['model']} " in table.out for one in every)
    assert "more models" not in table.err
    assert "more models" not in bare.run("models", "--json").err


def test_what_is_counted_fits_the_filters(bare: Terminal) -> None:
    """Only models that the filters leave are counted, and none where one engine is asked for (U3.2)."""
    able = [one for one in bare.json("models", "--all", "--can", "negative-prompt") if not one["retired"]]

    assert f"{len(able)} more models need" in bare.run("models", "--can", "negative-prompt").err
    assert bare.run("models", "--engine", "fal").err == ""


def test_retired_models_are_marked_in_json(bare: Terminal) -> None:
    """`retired` is there for every model, also where one is asked for alone (U3.4)."""
    retired = {one["model"] for one in bare.json("models", "--all") if one["retired"]}
    alone = bare.json("models", "openrouter/google/veo-3.1-fast")

    assert {"openrouter/google/veo-3.1", "openai-videos/sora-2", "sora-web/sy_8"} <= retired
    assert not any(one["retired"] for one in bare.json("models"))
    assert (alone["retired"], alone["status"]) == (True, "retired 2026-11-17")
    assert alone["replacement"] == "openrouter/google/veo-3.1-lite"
    assert "retired 2026-11-17" in bare.run("models", "veo-3.1").out


async def test_agents_are_not_offered_retired_models(bare: Terminal) -> None:
    """The agents' list leaves them out and says how many; what is not set up says what it lacks (U3.4)."""
    async with agent(bare) as client:
        openrouter = await call(client, "list_models", engine="openrouter")
        sora = await call(client, "list_models", engine="openai-videos")
    models = {one["model"]: one["status"] for one in openrouter.structured_content["models"]}

    assert "openrouter/google/veo-3.1" not in models
    assert set(models.values()) == {"needs key: rushes config set openrouter.key"}
    assert "retired and not listed: 2" in words_of(openrouter)
    assert sora.structured_content["models"] == []
    assert "retired and not listed: 2" in words_of(sora)


def test_the_error_about_a_retired_model_names_its_replacement(bare: Terminal) -> None:
    """By its address and by its short name, the model that replaces it is told (U3.4)."""
    for name in ("veo-3.1", "openrouter/google/veo-3.1"):
        said = bare.run("quote", "a boat", "--model", name)
        assert said.code == 2
        assert "openrouter/google/veo-3.1-lite replaces it" in said.err
        assert "rushes config set openrouter.key ($0.20 for 4 s with google/veo-3.1-lite" in said.err


def test_engines_says_how_to_set_up_the_others(bare: Terminal) -> None:
    """Each engine that is not set up stands there with how to; a double for tests does not (U3.2)."""
    said = bare.run("engines").out
    lines = {words[0]: line for line in said.splitlines() if (words := line.split())}

    assert "rushes config set fal.key" in lines["fal"]
    assert "--model local (free" in lines["local"]
    assert "its service is closed" in lines["sora-web"]
    assert "scripted" not in said
    assert "scripted" not in bare.json("engines")["kinds"]


def test_an_engine_without_its_key_is_not_called_ready(bare: Terminal) -> None:
    """A table without a key is listed, and engines, models and doctor say what is missing (U3.2)."""
    bare.settings("[engines.fal]\nconcurrency = 2\n")
    engine = {one["name"]: one["status"] for one in bare.json("engines")["engines"]}["fal"]
    doctor = {one["name"]: one for one in bare.run("doctor", "--json").json()}["engine fal"]

    assert (
        engine == "fal has no key; get one at https://fal.ai/dashboard/keys, then: rushes config set fal.key"
    )
    assert {one["status"] for one in bare.json("models", "--engine", "fal")} == {
        "needs key: rushes config set fal.key"
    }
    assert "fal has no key" in doctor["told"]
    assert "rushes config set fal.key" in doctor["mend"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("klng-3", "kling-3"),
        ("seedance", "seedance-2.5"),
        ("wann-3", "wan-3"),
        ("chep", "cheap"),
        ("fal/kling", "fal/fal-ai/kling-video/v3/standard/text-to-video"),
    ],
)
def test_a_misspelt_name_is_answered_with_what_it_may_mean(bare: Terminal, name: str, meant: str) -> None:
    """Short names are suggested as whole addresses are, for a quote and for the list (U3.6)."""
    for said in (bare.run("quote", "a boat", "--model", name), bare.run("models", name)):
        assert said.code == 2
        assert f"there is no model {name!r}" in said.err
        assert meant in said.err.partition("did you mean")[2]


def test_an_engine_alone_means_its_cheapest_that_can(bare: Terminal) -> None:
    """`--model fal` is the cheapest of fal for the request; one that fal cannot make is refused (U3.6)."""
    plain = bare.json("quote", "a boat", "--model", "fal", "--seconds", "5")
    long = bare.json("quote", "a boat", "--model", "fal", "--seconds", "20")
    never = bare.run("quote", "a boat", "--model", "fal", "--seconds", "999")
    listed = bare.json("models", "fal")

    assert plain["model"] == "fal/minimax/h3-max/text-to-video"
    assert plain["chosen"].startswith("fal: the cheapest of ")
    assert long["model"] == "fal/fal-ai/ltx-2.3/text-to-video/fast"
    assert never.code == 2
    assert "seconds is 999" in never.err
    assert {one["model"].partition("/")[0] for one in listed} == {"fal"}


def test_a_short_name_lists_what_it_means(bare: Terminal) -> None:
    """`rushes models kling-3` shows the models that `--model kling-3` would choose from (U3.6)."""
    found = [one["model"] for one in bare.json("models", "kling-3")]

    assert "openrouter/kwaivgi/kling-v3.0-std" in found
    assert all("kling" in one for one in found)


def test_what_another_engine_can_do_is_told(bare: Terminal) -> None:
    """With a key, models of its engine are named where the one that was asked for cannot do it (U3.2)."""
    said = in_the_environment(bare).run(
        "quote", "a boat", "--model", "fal/fal-ai/ltx-2.3/text-to-video/fast", "--resolution", "768p"
    )

    assert said.code == 2
    assert "--model fal/minimax/h3-max/text-to-video could do it" in said.err


def test_a_table_is_as_wide_as_the_terminal(terminal: Terminal) -> None:
    """The colour of a state takes no room: at 80 columns no row is longer, however long its prompt is."""
    made = terminal.run("create", "a boat " * 20, *QUICK, "--no-wait")
    narrow = replace(terminal, variables={**terminal.variables, "COLUMNS": "80"})
    head, row = narrow.run("jobs").out.splitlines()
    terminal.run("cancel", "--all", "--yes")

    assert made.code == 0, made
    assert row.endswith("…")
    assert max(len(head), len(row)) <= 80
