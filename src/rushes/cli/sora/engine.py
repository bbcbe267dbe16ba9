"""Which Sora engine a command of `rushes sora` means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from rushes.alternatives import Alternatives, own_server
from rushes.cli.output import say
from rushes.cli.values import Text
from rushes.domain.errors import BadInput, Billed, EngineError, ModelRetired
from rushes.studio import Studio

if TYPE_CHECKING:
    from rushes.engines.sora_web.engine import SoraWebEngine

KIND = "sora-web"

AGAIN = "run it again; if that does not help, rushes sora status shows the account, the proxy and the browser"


def which(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that chooses the engine."""
    return click.option(
        "--engine",
        type=Text(),
        metavar="NAME",
        help="Which configured engine of the kind sora-web, if there are several.",
    )(command)


def sora_engine(studio: Studio, name: str | None) -> SoraWebEngine:
    """Return the engine `name`; without one the only one of its kind, or the one named after its kind.

    Raises BadInput for one of another kind or if there are several, and what `Studio.engine` raises.
    """
    configured = [one.name for one in studio.settings.engines.values() if one.kind == KIND]
    if name is None:
        name = configured[0] if len(configured) == 1 else KIND
        if len(configured) > 1 and KIND not in configured:
            raise BadInput(
                f"several engines of the kind {KIND} are configured: {', '.join(configured)}",
                next="give --engine NAME",
            )
    guarded = studio.engine(name)
    from rushes.engines.edge import GuardedEngine
    from rushes.engines.sora_web.engine import SoraWebEngine

    # These commands look into the browser and its profile, which the contract says nothing about.
    found = guarded.adapter if isinstance(guarded, GuardedEngine) else guarded
    if not isinstance(found, SoraWebEngine):
        raise BadInput(
            f"the engine {name} is not of the kind {KIND}", next="rushes engines lists what each one is"
        )
    return found


def open_engine(studio: Studio, name: str | None) -> SoraWebEngine:
    """Return the same, if its service still answers. Raises ModelRetired for the official host too."""
    from rushes.engines.sora_web.engine import BASE_URL

    found = sora_engine(studio, name)
    if found.base_url == BASE_URL:
        alternatives = Alternatives(studio.roster)
        ready = alternatives.cheapest()
        use = f'rushes create "PROMPT" {ready.todo}' if ready else alternatives.advice()
        lacking = "" if alternatives.exist() else f"; {alternatives.lacking()}"
        raise ModelRetired(
            f"Sora's web app closed on 2026-04-26{lacking}",
            next=f"{use}; or {own_server(found.name)}; or to try this flow: rushes sora emulator",
        )
    found.tell = say
    return found


@asynccontextmanager
async def opened(name: str | None) -> AsyncIterator[SoraWebEngine]:
    """Have the engine for a block; its browser, if it opened one, is closed with it."""
    with outside_a_job():
        async with Studio.open() as studio:
            yield open_engine(studio, name)


@contextmanager
def outside_a_job() -> Iterator[None]:
    """Have errors of the block say nothing of charges and retries: nothing here is paid for or queued."""
    try:
        yield
    except EngineError as error:
        error.billed = Billed.NO
        if error.next == type(error).next:
            error.next = AGAIN
        raise
