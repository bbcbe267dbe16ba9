"""What `rushes doctor` looks at: packages, the ledger, the library, the disk, the engines."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rushes.domain.errors import RushesError
from rushes.engines import registry
from rushes.settings import Settings
from rushes.studio import Studio

LITTLE_SPACE = 2 * 1024**3


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: whether it is `good`, what was found, and the command that mends it."""

    name: str
    good: bool
    told: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(settings: Settings) -> list[Check]:
    """Return every check; nothing is sent anywhere and nothing costs anything."""
    return [*_packages(), *_storage(settings), *_engines(settings)]


def _packages() -> Iterator[Check]:
    yield Check(name="python", good=sys.version_info >= (3, 11), told=platform.python_version())
    for package in ("av", "pillow", "numpy", "httpx"):
        try:
            yield Check(name=package, good=True, told=version(package))
        except PackageNotFoundError:
            mend = f"pip install {package}"
            yield Check(name=package, good=False, told="not installed", mend=mend)


def _storage(settings: Settings) -> Iterator[Check]:
    try:
        with Studio(settings) as studio:
            found = studio.ledger.database.check()
            jobs = len(studio.ledger.jobs(limit=1_000_000))
    except RushesError as error:
        yield Check(name="ledger", good=False, told=error.message, mend=error.next)
        return
    yield Check(name="ledger", good=found == "ok", told=f"{found}, {jobs} jobs, {settings.ledger}")
    free = shutil.disk_usage(settings.home).free
    yield Check(
        name="disk",
        good=free > LITTLE_SPACE,
        told=f"{free / 1e9:.1f} GB free in {settings.home}",
        mend="" if free > LITTLE_SPACE else "free some space; rushes remove ID deletes a clip",
    )


def _engines(settings: Settings) -> Iterator[Check]:
    for engine in settings.engines.values():
        try:
            registry.load(engine.kind)
        except RushesError as error:
            yield Check(name=f"engine {engine.name}", good=False, told=error.message, mend=error.next)
        else:
            yield Check(name=f"engine {engine.name}", good=True, told=f"ready ({engine.kind})")
