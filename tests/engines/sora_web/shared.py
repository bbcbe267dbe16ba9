"""One home, account and warm engine for the tests of a module that only need such a one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from rushes.domain.errors import EngineError
from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.testing.sora_emulator.accounts import VIDEOS
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.stage import Stage

ALL_ENDED_S = 400.0
"""Virtual seconds after which whatever a test has made is through."""

MOST_CREATES = 5
"""What one test may take of the plan's quota."""

Test = TypeVar("Test", bound=Callable[..., object])


def on_one_engine(test: Test) -> Test:
    """Have a test run on the engine that its module shares, in the process and event loop that has it."""
    looped: Test = pytest.mark.asyncio(loop_scope="module")(test)
    grouped: Test = pytest.mark.xdist_group(test.__module__)(looped)
    return grouped


class SharedEngine:
    """A signed-in stage and its warm engine, lent to one test after another.

    Each test gets prompts with a mark of its own. What a test has spoilt is replaced before the next one.
    """

    def __init__(self, emulator: SoraProcess, folder: Callable[[], Path]) -> None:
        self._emulator = emulator
        self._folder = folder
        self._lent: tuple[Stage, SoraWebEngine] | None = None

    async def lend(self) -> tuple[Stage, SoraWebEngine]:
        self._emulator.advance(ALL_ENDED_S)
        if self._lent is None or not await self._is_as_new(*self._lent):
            await self.close()
            self._lent = await self._opened()
        self._lent[0].mark = secrets.token_hex(4)
        return self._lent

    async def close(self) -> None:
        if self._lent is not None:
            stage, engine = self._lent
            self._lent = None
            await engine.aclose()
            stage.close()

    async def _opened(self) -> tuple[Stage, SoraWebEngine]:
        stage = Stage(self._folder() / "home", self._emulator)
        stage.sign_in()
        engine = stage.make()
        await engine.lists.pending()
        return stage, engine

    async def _is_as_new(self, stage: Stage, engine: SoraWebEngine) -> bool:
        """Whether the browser is the first one still, the account alive, and nothing of it under way."""
        account, page = engine.profile.account, engine.site.tab.page
        spent = sum(entry["account"] == stage.email for entry in self._emulator.log())
        if account.get("dead") or account.get("quota_left") == 0 or spent + MOST_CREATES > VIDEOS:
            return False
        with suppress(EngineError):
            return engine.profile.held and await engine.lists.pending() == [] and page.openings == 1
        return False
