"""The question before money is spent: what it says, and what no, Ctrl-C and an answer given before mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.keyboard import CTRL_C, typing
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call

types = pytest.mark.skipif(sys.platform != "linux", reason="types on a pseudo-terminal of Linux")

QUESTION = "[y/N]: "


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with a paid engine, twenty cents a clip."""
    terminal.settings(f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n')
    lines = [{"prompt": f"a batch {number}", "model": "lab/priced"} for number in range(3)]
    (terminal.home / "shots.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return terminal


ASKING = {
    "one clip": ("create", "a boat", "--model", "lab/priced"),
    "takes": ("create", "a boat", "--model", "lab/priced", "--count", "3"),
    "a batch": ("create", "--batch", "shots.jsonl"),
}


@types
@pytest.mark.parametrize("words", ASKING.values(), ids=list(ASKING))
def test_the_first_ctrl_c_at_the_question_ends_it(
    paid: Terminal, provider: ProviderProcess, words: tuple[str, ...]
) -> None:
    """One Ctrl-C, and the command is gone with 130; nothing is stored or sent (U4.2)."""
    with typing(paid, *words) as keys:
        keys.until(QUESTION)
        keys.until_it_reads()
        keys.type(CTRL_C)
        code = keys.end(limit_s=20)

    assert code == 130, keys.shown
    assert "stopped; nothing was sent" in keys.shown
    assert "Traceback" not in keys.shown
    assert paid.json("jobs") == []


@types
@pytest.mark.parametrize("words", ASKING.values(), ids=list(ASKING))
def test_a_no_is_told_as_a_no(paid: Terminal, words: tuple[str, ...]) -> None:
    """After "n" the exit code is that of a missing approval, and nothing was sent (U4.4)."""
    with typing(paid, *words) as keys:
        keys.until(QUESTION)
        keys.type("n\n")
        code = keys.end()

    assert code == 6, keys.shown
    assert "not approved; nothing was sent" in keys.shown
    assert paid.json("jobs") == []


@types
async def test_a_no_to_an_agents_quote_is_a_no(paid: Terminal) -> None:
    """`rushes approve` says the same, and the quote stays unapproved (U4.4)."""
    async with agent(paid) as client:
        quote = await call(client, "quote_video", prompt="a boat", model="lab/priced")
    with typing(paid, "approve", quote.structured_content["quote_id"]) as keys:
        keys.until(QUESTION)
        keys.type("n\n")
        code = keys.end()

    assert code == 6, keys.shown
    assert "not approved; nothing was sent" in keys.shown


@types
def test_a_yes_buys_what_the_question_said(paid: Terminal, provider: ProviderProcess) -> None:
    """The question has the number of clips and the total; a yes buys exactly these (U4.5)."""
    with typing(paid, "create", "agreed takes", "--model", "lab/priced", "--count", "2", "--no-wait") as keys:
        keys.until(QUESTION)
        keys.type("y\n")
        code = keys.end()

    assert code == 0, keys.shown
    assert "lab/priced: 2 × $0.20 = $0.40. Make them?" in keys.shown
    assert len(paid.json("jobs")) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lab/priced", "--max-usd", "0.30"), "lab/priced: 3 × $0.20 = $0.60"),
        (("lab/priced", "--yes"), "lab/priced: 3 × $0.20 = $0.60"),
        (("lab/unpriced", "--max-usd", "0.30"), "lab/unpriced: price not known, at most 3 × $0.30 = $0.90"),
    ],
    ids=["bounded", "agreed to", "unknown"],
)
def test_the_total_of_several_is_told_before_they_are_sent(
    paid: Terminal, words: tuple[str, ...], told: str
) -> None:
    """Who agreed with an option reads what all of it costs, above the first job (U4.5)."""
    said = paid.run("create", "told takes", "--model", *words, "--count", "3", "--no-wait")

    assert said.code == 0, said
    assert said.err.index(told) < said.err.index("job j")
