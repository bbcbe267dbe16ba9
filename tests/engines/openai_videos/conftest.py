"""One process for each kind of server, shared by the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rushes.testing.standin_process import StandInProcess, running_standin
from tests.engines.openai_videos.lab import Lab

SERVICE = "rushes.testing.openai_videos_service"
SERVERS = "rushes.testing.openai_videos_servers"
MODULES = {
    "OpenAIVideos": SERVICE,
    "SGLang": SERVERS,
    "VllmOmni": SERVERS,
    "LiteLLM": SERVERS,
    "NewApi": SERVERS,
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], StandInProcess]]:
    """Give the double of a kind of server, started with its first use."""
    started: dict[str, StandInProcess] = {}
    with ExitStack() as stack:

        def of(kind: str) -> StandInProcess:
            if kind not in started:
                log = tmp_path_factory.mktemp(kind) / "creates.jsonl"
                started[kind] = stack.enter_context(running_standin(f"{MODULES[kind]}:{kind}", log))
            return started[kind]

        yield of


@pytest.fixture
def lab(tmp_path: Path, server: Callable[[str], StandInProcess]) -> Callable[..., Lab]:
    """Give a lab on a kind of server, with settings of its own."""

    def on(kind: str = "SGLang", **settings: Any) -> Lab:
        if kind in ("OpenAIVideos", "LiteLLM"):
            settings = {"model": "sora-2", **settings}
        if kind == "SGLang":
            settings = {"transport": "json", "key": None, **settings}
        return Lab(tmp_path / kind, server(kind), **settings)

    return on
