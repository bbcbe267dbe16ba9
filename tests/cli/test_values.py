"""Values that are none: refused before anything is sent, with what is allowed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

import rushes
from rushes.domain.errors import BadInput
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, words_of

REFUSED = {
    "timeout below 0": (["create", "x", "--timeout", "-1"], "from 0 to 31,536,000"),
    "timeout of nothing": (["wait", "last", "--timeout", "nan"], "from 0 to 31,536,000"),
    "timeout for ever": (["wait", "last", "--timeout", "inf"], "from 0 to 31,536,000"),
    "no key": (["create", "x", "--key", ""], "'--key': it is empty"),
    "blank key": (["create", "x", "--key", "  "], "'--key': it is empty"),
    "long key": (["create", "x", "--key", "k" * 401], "401 characters"),
    "no model": (["create", "x", "--model", ""], "'--model': it is empty"),
    "no fallback": (["quote", "x", "--fallback", ""], "'--fallback': it is empty"),
    "no length": (["quote", "x", "--seconds", "0"], "longer than 0 and at most 3600 s"),
    "length below 0": (["quote", "x", "--seconds", "-1"], "longer than 0 and at most 3600 s"),
    "length of nothing": (["quote", "x", "--seconds", "nan"], "'nan' is not a number of seconds"),
    "endless": (["quote", "x", "--seconds", "inf"], "'inf' is not a number of seconds"),
    "length in words": (["quote", "x", "--seconds", "five"], "'five' is not a number of seconds"),
    "no takes": (["quote", "x", "--count", "0"], "whole number from 1 to 100"),
    "takes below 0": (["create", "x", "--count", "-3"], "whole number from 1 to 100"),
    "half a take": (["create", "x", "--count", "1.5"], "whole number from 1 to 100"),
    "takes in words": (["create", "x", "--count", "abc"], "'abc' is not a whole number from 1 to 100"),
    "no frames": (["quote", "x", "landscape", "small", "0"], "whole number from 1 to 108,000"),
    "seed below 0": (["quote", "x", "--seed", "-1"], "whole number from 0 to"),
    "seed beyond": (["quote", "x", "--seed", str(2**63)], "whole number from 0 to"),
    "none listed": (["jobs", "--limit", "0"], "whole number from 1 to 100,000"),
    "less than none": (["clips", "--limit", "-1"], "whole number from 1 to 100,000"),
    "beyond all": (["clips", "--limit", str(10**30)], "whole number from 1 to 100,000"),
    "a day": (["spend", "--since", "abc"], "'abc' is not a date such as"),
    "a moment": (["look", "last", "--at", "soon"], "'soon' is not a number of seconds"),
    "a port": (["sora", "emulator", "--port", "70000"], "whole number from 0 to 65,535"),
    "a sign-in": (["sora", "login", "--timeout", "nan"], "from 1 to 31,536,000"),
    "a folder": (["skill", "install", "--dir", ""], "'--dir': the path is empty"),
    "an engine": (["sora", "status", "--engine", ""], "'--engine': it is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_is_none_is_refused_with_its_range(stocked: Terminal, case: str) -> None:
    """At the command line: exit code 2, what is allowed, and no words of a library's."""
    words, tells = REFUSED[case]
    said = stocked.run(*words)

    assert (said.code, tells in said.err) == (2, True), said
    assert "valid " not in said.err.replace("Invalid value", "")


@pytest.mark.parametrize(
    ("words", "tells"),
    [
        (["create", "- a list"], 'rushes create -- "- a list"; or write it to stdin:'),
        (["create", "-5 degrees, snow"], '-- "-5 degrees, snow"'),
        (["quote", "--- a title"], '-- "--- a title"'),
        (["clips", "-old"], 'rushes clips -- "-old"'),
        (["config", "set", "budget.per_day", "-5"], 'rushes config set … -- "-5"'),
    ],
)
def test_a_text_that_begins_with_a_dash_is_explained(stocked: Terminal, words: list[str], tells: str) -> None:
    """It is taken for an option, and what to do is said."""
    said = stocked.run(*words)

    assert said.code == 2
    assert tells in said.err


def test_a_text_that_begins_with_a_dash_is_taken_after_two(stocked: Terminal) -> None:
    """As it was advised; a mistyped option is led to the help all the same."""
    said = stocked.run("quote", "--seconds", "1", "--json", "--", "- a list").json()["request"]
    below = stocked.run("config", "set", "budget.per_day", "--", "-5")

    assert said["prompt"] == "- a list"
    assert below.code == 2
    assert "--help" in stocked.run("create", "x", "--secs", "5").err
    assert "-- " not in stocked.run("create", "x", "--secs", "5").err.partition("next:")[2].replace(
        "--help", ""
    )


@pytest.mark.parametrize(
    "words",
    [{"timeout": -1}, {"timeout": math.nan}, {"key": ""}, {"key": " "}, {"max_usd": Decimal(-1)},
     {"max_usd": Decimal("NaN")}, {"seconds": math.nan}, {"seconds": -1}, {"seed": -1}],
    ids=str,
)  # fmt: skip
def test_python_refuses_them_before_anything_is_stored(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: dict[str, Any]
) -> None:
    """`generate` raises BadInput, and there is no job."""
    monkeypatch.setenv("RUSHES_HOME", str(terminal.home))
    with pytest.raises(BadInput):
        rushes.generate("a boat", **words)
    assert not (terminal.home / "ledger.db").exists() or terminal.json("jobs") == []


async def test_agents_are_refused_them_too(stocked: Terminal) -> None:
    """Each argument is named, and no job is stored."""
    refused: list[tuple[str, dict[str, Any]]] = [
        ("create_video", {"prompt": "x", "key": " "}),
        ("create_video", {"prompt": "x", "seconds": -1}),
        ("quote_video", {"prompt": "x", "count": 0}),
        ("quote_video", {"prompt": "x", "max_usd": -1}),
        ("list_jobs", {"limit": 0}),
        ("wait_for_video", {"job_id": "last", "seconds": -1}),
        ("look_at_video", {"video": "last", "start": -1}),
        ("list_models", {"max_usd_per_second": -1}),
    ]
    before = len(stocked.json("jobs"))
    async with agent(stocked) as client:
        answers = [words_of(await client.call_tool(tool, words)) for tool, words in refused]

    assert [one[:18] for one in answers] == ["error (bad_input):"] * len(refused), answers
    assert len(stocked.json("jobs")) == before
