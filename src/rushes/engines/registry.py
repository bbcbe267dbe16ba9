"""Finds an engine by its name and loads it on first use, so that an engine nobody asks for costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rushes.domain.errors import EngineMissing, UnknownEngine
from rushes.domain.extras import command_to_install, install_command
from rushes.domain.text import TextFilter
from rushes.engines.contract import BaseEngine

if TYPE_CHECKING:
    from rushes.engines.edge import GuardedEngine

SHIPPED = {
    "animatic": "rushes.engines.animatic.engine:AnimaticEngine",
    "sora-web": "rushes.engines.sora_web.engine:SoraWebEngine",
    "openrouter": "rushes.engines.openrouter.engine:OpenRouterEngine",
    "openai-videos": "rushes.engines.openai_videos.engine:OpenAIVideosEngine",
    "fal": "rushes.engines.fal.engine:FalEngine",
    "local": "rushes.engines.local.engine:LocalEngine",
}
"""Engine kind to `module:class`. Third parties register under the entry-point group `rushes.engines`."""

GROUP = "rushes.engines"

EXTRAS = {"scripted": "testing", "sora-web": "sora"}
"""Engine kind to the extra of rushes that brings its packages, where that has another name."""


def kinds() -> dict[str, str]:
    """Return every engine kind that is installed, with the `module:class` that speaks it."""
    # Reading what is installed takes longer than a whole command that only reads the ledger.
    from importlib.metadata import entry_points

    return SHIPPED | {point.name: point.value for point in entry_points(group=GROUP)}


def kinds_to_offer() -> list[str]:
    """Return the kinds that a person may want, sorted: not the doubles of tests."""
    return sorted(kind for kind in kinds() if EXTRAS.get(kind) != "testing")


def load(kind: str) -> type[BaseEngine]:
    """Import and return the class of an engine kind. Raises UnknownEngine, or EngineMissing with the cure."""
    found = declared(kind)
    for package in found.packages:
        if find_spec(package) is None:
            raise _missing(kind, package)
    return found


def declared(kind: str) -> type[BaseEngine]:
    """Import and return the class of an engine kind, whether or not the packages it uses are installed."""
    target = SHIPPED.get(kind) or kinds().get(kind)
    if target is None:
        known = ", ".join(kinds_to_offer())
        raise UnknownEngine(
            f"no engine of the kind {kind!r} is installed; there are: {known}",
            next="correct `engine = …` in the settings file (rushes config path), or install its package",
        )
    module, _, name = target.partition(":")
    try:
        found: type[BaseEngine] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise _missing(kind, error.name) from error
    return found


def _missing(kind: str, package: str | None) -> EngineMissing:
    return EngineMissing(
        f"the engine {kind!r} needs the package {package!r}, which is not installed",
        next=_cure(kind, package),
    )


def _cure(kind: str, package: str | None) -> str:
    """Return the command that brings what an engine lacks: the extra of one of ours, else that package."""
    if kind in SHIPPED or kind in EXTRAS:
        return install_command(EXTRAS.get(kind, kind))
    return command_to_install(str(package).partition(".")[0])


def make(kind: str, name: str, settings: Mapping[str, Any], text: TextFilter) -> GuardedEngine:
    """Return the engine `name`, of a `kind`, made from its own table of the settings file, and guarded.

    `text` knows the secrets in force. Raises UnknownEngine, EngineMissing, BadSettings.
    """
    # The edge brings the HTTP client, which no command needs that only reads the settings and the ledger.
    from rushes.engines.edge import make_guarded

    engine = load(kind)
    return make_guarded(lambda: engine(name, settings), name, text)
