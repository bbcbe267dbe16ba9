"""What `rushes doctor` looks at: packages, the ledger, the library, the disk, the engines."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rushes import settings
from rushes.domain.errors import BadSettings, LedgerCorrupt, RushesError, StorageError
from rushes.settings import Settings
from rushes.studio import Studio

LITTLE_SPACE = 2 * 1024**3

LONGEST_CHECK_S = 20.0
"""Seconds an engine may take to look at itself."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: whether it is `good`, what was found, and the command that mends it."""

    name: str
    good: bool
    told: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Check]:
    """Return every check; nothing is sent anywhere and nothing costs anything."""
    checks = list(_packages())
    try:
        found = settings.load()
    except BadSettings as error:
        return [*checks, Check(name="settings", good=False, told=error.message, mend=error.next)]
    checks.append(Check(name="settings", good=True, told=str(found.config)))
    return [*checks, *_storage(found), *_engines(found)]


def _packages() -> Iterator[Check]:
    yield Check(name="python", good=sys.version_info >= (3, 11), told=platform.python_version())
    for package in ("av", "pillow", "numpy", "httpx"):
        try:
            yield Check(name=package, good=True, told=version(package))
        except PackageNotFoundError:
            mend = f"pip install {package}"
            yield Check(name=package, good=False, told="not installed", mend=mend)


def _storage(found_settings: Settings) -> Iterator[Check]:
    try:
        with Studio(found_settings) as studio:
            found = studio.ledger.database.check()
    except RushesError as error:
        yield Check(name="ledger", good=False, told=error.message, mend=error.next)
        return
    yield Check(
        name="ledger",
        good=found == "ok",
        told=f"{found}, {found_settings.ledger}",
        mend="" if found == "ok" else LedgerCorrupt.next,
    )
    free = shutil.disk_usage(found_settings.home).free
    yield Check(
        name="disk",
        good=free > LITTLE_SPACE,
        told=f"{free / 1e9:.1f} GB free in {found_settings.home}",
        mend="" if free > LITTLE_SPACE else "free some space; rushes remove ID deletes a clip",
    )


def _engines(found: Settings) -> Iterator[Check]:
    try:
        with Studio(found) as studio:
            for name in found.engines:
                yield asyncio.run(_engine(studio, name))
    except StorageError:
        # Told already, as the ledger's own check.
        return


async def _engine(studio: Studio, name: str) -> Check:
    """Have an engine look at itself, which costs nothing."""
    try:
        engine = studio.engine(name)
        async with asyncio.timeout(LONGEST_CHECK_S):
            told = await engine.check()
        await engine.aclose()
    except TimeoutError:
        told = f"no answer within {LONGEST_CHECK_S:g} s"
        return Check(name=f"engine {name}", good=False, told=told, mend="see whether its server runs")
    except RushesError as error:
        return Check(name=f"engine {name}", good=False, told=error.message, mend=error.next)
    return Check(name=f"engine {name}", good=True, told=f"{told} ({studio.settings.engines[name].kind})")
