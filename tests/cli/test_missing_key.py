"""An engine without its key says so, and where to get one, before a price is agreed to or a job stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from mcp_types import ElicitResult

from rushes import settings
from rushes.domain.errors import KeyMissing
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Said, Terminal
from tests.cli.test_choice import NO_KEYS
from tests.mcp.agent import agent, call, words_of

FAL = "fal/minimax/h3-max/text-to-video"
FAL_PAGE = "https://fal.ai/dashboard/keys"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.log") as one:
        yield one


@pytest.fixture
def keyless(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal where no key is set, with a paid engine that needs none."""
    terminal.settings(
        f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n'
        '[engines.mine]\nengine = "fal"\n'
    )
    return Terminal(home=terminal.home, variables=NO_KEYS)


def refused(said: Said, name: str, advice: str) -> None:
    """Check that the key is what is missing, and that the command that stores one is told."""
    assert said.code == 8, said
    assert f"{name} has no key" in said.err
    assert advice in said.err
    assert "$" not in said.err


@pytest.mark.parametrize(
    "agreed", [(), ("--yes",), ("--max-usd", "5", "--count", "2")], ids=lambda one: str(one)
)
@pytest.mark.parametrize(
    ("words", "name", "advice"),
    [
        ((FAL,), "fal", f"get one at {FAL_PAGE}, then: rushes config set fal.key"),
        (("fal",), "fal", "rushes config set fal.key"),
        (("mine/minimax/h3-max/text-to-video",), "mine", f"{FAL_PAGE}, then: rushes config set mine.key"),
        (("lab/priced", "--fallback", FAL), "fal", "rushes config set fal.key"),
        (
            ("openrouter/alibaba/wan-3.0",),
            "openrouter",
            "https://openrouter.ai/settings/keys, then: rushes config set openrouter.key",
        ),
    ],
    ids=["fal", "fal by its name", "another instance", "a fallback", "openrouter"],
)
def test_create_says_which_key_is_missing(
    keyless: Terminal, words: tuple[str, ...], name: str, advice: str, agreed: tuple[str, ...]
) -> None:
    """Neither a price nor a question comes before it, whatever was agreed to, and no job is stored (U3.3)."""
    refused(keyless.run("create", "a boat", "--model", *words, *agreed), name, advice)
    assert keyless.json("jobs") == []


def test_a_batch_says_it_once(keyless: Terminal, provider: ProviderProcess) -> None:
    """One of three lines needs a key: none is stored, and no total is asked for (U3.3)."""
    lines = [{"prompt": f"a keyless batch {number}", "model": "lab/priced"} for number in range(2)]
    lines.append({"prompt": "a keyless batch 2", "model": FAL})
    (keyless.home / "shots.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))

    refused(keyless.run("create", "--batch", "shots.jsonl"), "fal", "rushes config set fal.key")
    refused(keyless.run("create", "--batch", "shots.jsonl", "--yes"), "fal", "rushes config set fal.key")
    assert keyless.json("jobs") == []
    assert provider.log("a keyless batch") == []


def test_a_quote_shows_the_price_and_what_is_missing(keyless: Terminal) -> None:
    """The price is known without a key; the quote has it, and a line about the key (U3.3)."""
    said = keyless.run("quote", "a boat", "--model", FAL, "--seconds", "5")
    shape = keyless.json("quote", "a boat", "--model", FAL, "--seconds", "5")
    ready = keyless.json("quote", "a boat", "--model", "lab/priced")

    assert said.code == 0
    assert "$0.40" in said.out
    assert f"fal has no key; get one at {FAL_PAGE}, then: rushes config set fal.key" in said.out
    assert shape["quote"]["amount"] == "0.4000"
    assert shape["missing"]["code"] == "key_missing"
    assert ready["missing"] is None


async def test_python_raises_before_anything_is_stored(keyless: Terminal) -> None:
    """submit, submit_takes and generate all raise KeyMissing, with a bound and without (U3.3)."""
    request = VideoRequest(prompt="a boat", model=FAL, seconds=5)
    async with Studio.open(settings.load(keyless.environ, keyless.home)) as studio:
        for store in (
            lambda: studio.submit(request),
            lambda: studio.submit_takes(request, 3, max_usd=Decimal(5)),
            lambda: studio.generate(request, max_usd=Decimal(5)),
        ):
            with pytest.raises(KeyMissing, match="fal has no key"):
                await store()
        assert studio.ledger.jobs() == []


async def test_agents_are_told_what_the_person_has_to_do(keyless: Terminal) -> None:
    """A quote remarks on it, the person is not asked to agree, and a create stores no job (U3.3)."""
    asked = []

    async def yes(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    async with agent(keyless, elicitation_callback=yes) as client:
        quote = await call(client, "quote_video", prompt="a boat", model=FAL, seconds=5)
        id = quote.structured_content["quote_id"]
        approved = await client.call_tool("approve_quote", {"quote_id": id})
        created = await client.call_tool("create_video", {"prompt": "a boat", "model": FAL})
    by_hand = keyless.run("approve", id, "--yes")

    assert "$0.40" in words_of(quote)
    assert "fal has no key" in words_of(quote)
    assert FAL_PAGE in quote.structured_content["next"]
    for result in (approved, created):
        assert result.is_error
        assert "key_missing" in words_of(result)
        assert "rushes config set fal.key" in words_of(result)
    assert by_hand.code == 8
    assert asked == []
    assert keyless.json("jobs") == []


def test_with_a_key_nothing_is_missing(keyless: Terminal) -> None:
    """Stored with the command that the error names, the key counts at once (U3.3)."""
    keyless.run("config", "set", "mine.key", stdin="id:invented")
    nobody = 'queue_url = "http://127.0.0.1:9"\napi_url = "http://127.0.0.1:9/v1"\n'
    keyless.settings((keyless.home / "config.toml").read_text() + nobody)
    said = keyless.run("create", "a boat", "--model", "mine/minimax/h3-max/text-to-video", "--seconds", "5")

    assert said.code == 6, said
    assert "$0.40; nobody has agreed to it" in said.err


def test_a_server_of_ones_own_needs_no_key(keyless: Terminal) -> None:
    """An engine for many servers needs a key at the service that it comes with, and nowhere else (U3.3)."""
    keyless.settings('[engines.own]\nengine = "openai-videos"\nbase_url = "http://127.0.0.1:9"\n')
    with Studio.open(settings.load(keyless.environ, keyless.home)) as studio:
        studio.roster.check_ready("own")
        with pytest.raises(KeyMissing) as caught:
            studio.roster.check_ready("openai-videos")

    assert caught.value.next == "rushes config set openai-videos.openai_key"
