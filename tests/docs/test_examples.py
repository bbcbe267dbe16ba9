"""No document, help text or tool offers a model that the catalogue says is retired."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rushes.catalogue.aliases import meant, names
from rushes.catalogue.catalogue import alive
from rushes.catalogue.loading import shipped_models
from rushes.engines.registry import SHIPPED
from tests.cli.terminal import Terminal
from tests.docs.test_documents import DOCS, ROOT
from tests.mcp.agent import agent

EVERY = [model for kind in SHIPPED for model in shipped_models(kind, kind)]
TODAY = datetime.now(UTC).date()
RETIRED = [model for model in EVERY if not alive(model, TODAY)]

SKILL = ROOT / "src" / "rushes" / "skill"
PAGES = [
    page
    for page in (*DOCS, *sorted(SKILL.rglob("*.md")))
    # These are about a service that has closed, and say so at their beginning.
    if page.name not in {"sora.md", "sora-emulator.md"}
]
NAME = re.compile(r"[A-Za-z][\w-]*(?:[./_][\w-]+)*")
DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def retired_names(text: str) -> Iterator[str]:
    """Yield every word of a text that names a retired model: its address, its id, or a short name for it."""
    addresses = {model.address for model in RETIRED} | {model.id for model in RETIRED}
    living = {model.id for model in EVERY if alive(model, TODAY)} | set(names().known_as.values())
    for word in NAME.findall(text):
        models = [model for group in meant(word, EVERY) for model in group]
        if word in addresses - living or (models and not any(alive(model, TODAY) for model in models)):
            yield word


def sections(page: Path) -> Iterator[str]:
    """Yield the parts of a page, each with its heading."""
    yield from re.split(r"^(?=#+ )", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_retired_names_are_found() -> None:
    """The search itself: addresses, ids and short names of retired models, and of no others."""
    text = (
        "`--model veo-3.1`, openrouter/google/veo-3.1-fast, sy_8, sora-2; not veo-3.1-lite, kling-3, sora-web"
    )

    assert list(retired_names(text)) == ["veo-3.1", "openrouter/google/veo-3.1-fast", "sy_8", "sora-2"]


@pytest.mark.parametrize("page", PAGES, ids=lambda one: str(one.relative_to(ROOT)))
def test_no_page_has_a_retired_model_as_an_example(page: Path) -> None:
    """A retired model is named only with its day, or in a section on a service that closed (U3.4)."""
    for section in sections(page):
        if "service closed" not in section:
            for line in section.splitlines():
                assert DAY.search(line) or list(retired_names(line)) == [], line


async def test_no_tool_has_a_retired_model_as_an_example(terminal: Terminal) -> None:
    """Neither descriptions nor schemas of the agents' tools, nor what the server says of itself (U3.4)."""
    async with agent(terminal) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        told = [client.instructions or "", *(one.model_dump_json() for one in (*tools, *prompts))]

    assert list(retired_names(json.dumps(told))) == []


def test_the_table_of_models_marks_the_retired() -> None:
    """docs/engines.md has the day in the row of each model that has one, and in no other (U3.4)."""
    rows = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8").splitlines()
    for model in EVERY:
        (row,) = (one for one in rows if one.startswith(f"| `{model.address}` |"))
        assert row.split("|")[-2].strip() == (model.retires_on.isoformat() if model.retires_on else "")


def test_what_replaces_a_retired_model_is_alive() -> None:
    """A replacement is a model of the catalogue that can be used, and Veo 3.1 has one (U3.4)."""
    living = {model.address for model in EVERY if alive(model, TODAY)}
    replaced = {model.address: model.replacement for model in RETIRED if model.replacement}

    assert set(replaced.values()) <= living
    assert replaced["openrouter/google/veo-3.1"] == "openrouter/google/veo-3.1-lite"
    assert replaced["openrouter/google/veo-3.1-fast"] == "openrouter/google/veo-3.1-lite"
