"""What `rushes doctor` looks at: packages, the ledger, the library, the disk, the engines."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rushes import settings
from rushes.alternatives import NOTHING, Alternatives, in_words
from rushes.domain.errors import BadSettings, RushesError, SignInNeeded, StorageError
from rushes.domain.extras import command_to_install, install_command
from rushes.domain.permissions import is_read_by_others, opening
from rushes.jobs.rescue import rescued_files
from rushes.jobs.starter import is_held
from rushes.settings import EngineSettings, Settings
from rushes.settings.defaults import is_secret
from rushes.settings.keys import read_kept
from rushes.studio import Studio

LITTLE_SPACE = 2 * 1024**3

LONGEST_CHECK_S = 20.0
"""Seconds an engine may take to look at itself."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: whether it is `good`, what was found, and the command that mends it.

    `key_from` says of an engine where its key comes from, "" where it has none. What is not `needed` may be
    amiss on a machine that is in order: nothing is broken.
    """

    name: str
    good: bool
    told: str
    mend: str = ""
    key_from: str = ""
    needed: bool = True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Check]:
    """Return every check. Engines ask their services who we are; nothing costs anything."""
    checks = list(_packages())
    try:
        found = settings.load()
    except BadSettings as error:
        return [*checks, Check(name="settings", good=False, told=error.message, mend=error.next)]
    return [*checks, *_settings(found), _keys(found), *_open_files(found), *_storage(found), *_engines(found)]


def _packages() -> Iterator[Check]:
    yield Check(name="python", good=sys.version_info >= (3, 11), told=platform.python_version())
    for package in ("av", "pillow", "numpy", "httpx"):
        try:
            yield Check(name=package, good=True, told=version(package))
        except PackageNotFoundError:
            mend = command_to_install(package)
            yield Check(name=package, good=False, told="not installed", mend=mend)


def _settings(found: Settings) -> Iterator[Check]:
    """Say what of the settings, and of the files beside them, cannot be used."""
    for part, fault in found.faults.items():
        # Engines have a check of their own.
        if not part.startswith("engines.") or part.removeprefix("engines.") not in found.engines:
            yield Check(name="settings", good=False, told=fault.why, mend=fault.fix)
    if not found.faults:
        yield Check(name="settings", good=True, told=str(found.config))


def _keys(found: Settings) -> Check:
    """Say where keys are kept by `rushes config set`, without opening the keyring."""
    kept = read_kept(found.config.parent)
    if kept.fault:
        return Check(name="keys", good=False, told=kept.fault, mend=kept.mend)
    in_keyring = sum(map(len, kept.in_keyring.values()))
    told = f"{sum(map(len, kept.in_file.values()))} in {kept.path}, {in_keyring} in the keyring"
    if in_keyring and find_spec("keyring") is None:
        told += ", whose package is not installed"
        return Check(name="keys", good=False, told=told, mend=install_command("keyring"))
    return Check(name="keys", good=True, told=told)


def _open_files(found: Settings) -> Iterator[Check]:
    """Yield a check for each `.env` that a key or a password is taken from and that everybody can read."""
    engines = (*found.engines.values(), *found.shipped.values())
    # "NAME in FILE", as `Environment.place` says it.
    places = sorted({where for engine in engines for where in engine.key_sources.values()})
    for variable, _, file in (where.partition(" in ") for where in places):
        if Path(file).name == ".env" and is_read_by_others(Path(file)):
            yield Check(
                name="keys",
                good=False,
                told=f"everybody who uses this machine can read {variable} in {file}",
                mend=f"chmod 600 {file}",
            )


def _storage(found_settings: Settings) -> Iterator[Check]:
    try:
        with Studio(found_settings) as studio:
            studio.ledger.trust.inspect()
            doubt = studio.ledger.trust.doubt()
            worker = _worker(studio)
    except RushesError as error:
        yield Check(name="ledger", good=False, told=error.message, mend=error.next)
        return
    if doubt is None:
        yield Check(name="ledger", good=True, told=f"no problems found, {found_settings.ledger}")
    else:
        yield Check(name="ledger", good=False, told=doubt.error.message, mend=doubt.error.next)
    where = [found_settings.home, found_settings.config.parent, found_settings.log.parent]
    for folder in dict.fromkeys(where):
        if why := opening(folder):
            yield Check(
                name="folder",
                good=False,
                told=f"{folder}: {why}",
                mend=f"as its owner: chmod 700 {folder}; or set RUSHES_HOME to a folder of your own",
            )
    yield worker
    yield from _rescued(found_settings)
    free = shutil.disk_usage(found_settings.home).free
    yield Check(
        name="disk",
        good=free > LITTLE_SPACE,
        told=f"{free / 1e9:.1f} GB free in {found_settings.home}",
        mend="" if free > LITTLE_SPACE else "free some space; rushes remove ID deletes a clip",
    )


def _worker(studio: Studio) -> Check:
    silent = studio.silent_worker()
    if silent is not None:
        return Check(name="worker", good=False, told=silent.words, mend=silent.advice)
    alive = is_held(studio.settings.lock)
    told = (
        f"process {studio.ledger.worker_pid()}" if alive else "none is running; one starts if there is work"
    )
    return Check(name="worker", good=True, told=told)


def _rescued(found: Settings) -> Iterator[Check]:
    """Yield a check for each ticket that a ledger could not keep, and that this one has not taken."""
    for file in rescued_files(found.home):
        yield Check(
            name="ticket",
            good=False,
            told=f"{file} has the ticket of a paid job that this ledger does not know",
            mend="the file says what was made and where; rushes jobs takes it up if the ledger it is from is"
            " put back",
        )


def _engines(found: Settings) -> list[Check]:
    return asyncio.run(_all(found))


async def _all(found: Settings) -> list[Check]:
    """Have all engines that are set up look at themselves, at the same time."""
    try:
        async with Studio(found) as studio:
            checks = await asyncio.gather(*(_engine(studio, one) for one in found.set_up.values()))
            return [*checks, *_generating(studio)]
    except StorageError:
        # Told already, as the ledger's own check.
        return []


def _generating(studio: Studio) -> Iterator[Check]:
    """Yield a check if nothing that generates video is set up: storyboards are drawn without."""
    alternatives = Alternatives(studio.roster)
    # What is wrong with the settings of an engine is said by its own check.
    with suppress(BadSettings):
        if not alternatives.exist() and alternatives.broken() is None:
            mend = in_words(alternatives.to_set_up())
            yield Check(name="video", good=False, needed=False, told=NOTHING, mend=mend)


async def _engine(studio: Studio, settings: EngineSettings) -> Check:
    """Have an engine look at itself, which costs nothing."""
    name, good, mend = settings.name, False, ""
    try:
        # On a thread: it may wait for the keyring, or load a large package.
        studio.roster.check_ready(name)
        engine = await asyncio.to_thread(studio.engine, name)
        async with asyncio.timeout(LONGEST_CHECK_S):
            told = await engine.check()
        good = True
    except TimeoutError:
        told, mend = f"no answer within {LONGEST_CHECK_S:g} s", "see whether its server runs"
    except RushesError as error:
        told, mend = error.message, error.next
        if isinstance(error, SignInNeeded):
            mend += _keeping_a_key(settings)
    except Exception as error:  # noqa: BLE001 - one engine's own mistake does not hide the other checks
        told, mend = f"the engine failed: {type(error).__name__}: {error}", RushesError.next
    return Check(
        name=f"engine {name}",
        good=good,
        told=f"{told} ({settings.kind})",
        mend=mend,
        key_from=", ".join(dict.fromkeys(settings.key_sources.values())),
    )


def _keeping_a_key(settings: EngineSettings) -> str:
    """Return how a new key can be kept for an engine, "" where it signs in without one."""
    options = settings.needed_keys or ("key",)
    option = next((one for one in options if settings.holds(one)), options[0])
    if not is_secret(settings.kind, option):
        return ""
    return f"; to keep it: rushes config set {settings.name}.{option}"
