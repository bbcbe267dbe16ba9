"""Who pays: the account of a configured engine, a fingerprint of its key and of where that is sent."""

from __future__ import annotations

import hashlib

from rushes.catalogue.loading import key_options, origin, service_of
from rushes.settings.defaults import DEFAULTS, Defaults, is_secret
from rushes.settings.settings import EngineSettings

NOBODY = "default"
"""The account of an engine that nobody's key pays for, and of every job stored before there were others."""


def account_of(engine: EngineSettings) -> str:
    """Return who pays for the jobs of an engine, once its keys were read (`EngineSettings.with_keys`).

    `PLACE-KEY`: fingerprints (sha256 in hex, shortened) of where a key is sent, and of the key with it.
    Without a key the first alone; for an engine that has neither its own option `account`, else "default".
    That option is part of every fingerprint: by another word there, another account. Raises BadSettings for
    an address that is none.
    """
    label = str(engine.options.get("account", NOBODY))
    keys = [str(engine.options[option]).strip() for option in paying_options(engine)]
    address = address_of(engine)
    if not keys and address is None and not _needed(engine):
        return label
    place = (label, address or engine.kind)
    return "-".join([_fingerprint(*place)[:4], *([_fingerprint(*place, *keys)[:8]] if keys else [])])


def key_source_of(engine: EngineSettings) -> str | None:
    """Return in words where the key of an engine comes from; None where it has none."""
    found = [engine.sources[option] for option in paying_options(engine) if option in engine.sources]
    return ", ".join(dict.fromkeys(found)) or None


def is_at_hand(engine: EngineSettings) -> bool:
    """Whether who pays for an engine can be told from its options: no key in the keyring, or refused."""
    return engine.broken is None and not any(
        option in engine.keyring or option in engine.refused for option in paying_options(engine)
    )


def same_place(account: str, other: str) -> bool:
    """Whether the keys of two accounts of one engine are sent to the same server."""
    return account.partition("-")[0] == other.partition("-")[0]


def paying_options(engine: EngineSettings) -> tuple[str, ...]:
    """Return the options that are set and that an engine pays with: of a kind that we ship it is one."""
    held = tuple(option for option in key_options_of(engine) if engine.holds(option))
    return held[:1] if engine.kind in DEFAULTS else held


def key_options_of(engine: EngineSettings) -> tuple[str, ...]:
    """Return the options that can hold an engine's key, set or not, the one that it prefers first.

    Of a kind that we do not ship: all that sound secret.
    """
    if engine.kind in DEFAULTS:
        return tuple(dict.fromkeys((*_needed(engine), "key")))
    known = {*engine.options, *engine.keyring, *engine.variables}
    return tuple(sorted(option for option in known if is_secret(engine.kind, option))) or ("key",)


def payer_options_of(engine: EngineSettings) -> frozenset[str]:
    """Return all options, set or not, by which it is told who pays: for its keys, and for their server."""
    address = address_option(engine)
    return frozenset((*key_options_of(engine), *([address] if address else [])))


def address_option(engine: EngineSettings) -> str | None:
    """Return the option that names the server a key is sent to; None where nobody is paid by a key."""
    return DEFAULTS.get(engine.kind, Defaults()).address


def _needed(engine: EngineSettings) -> tuple[str, ...]:
    return key_options(engine.kind, engine.name, base_url=engine.options.get("base_url"))


def address_of(engine: EngineSettings) -> str | None:
    """Return the server that a key is sent to; None: it is not set, or set to the kind's own service.

    Raises BadSettings for an address that is none.
    """
    option = address_option(engine)
    url = engine.options.get(option) if option else None
    if not option or not url:
        return None
    found, service = origin(str(url), engine.name, option), service_of(engine.kind)
    if service is not None and found == origin(service, engine.name):
        return None
    scheme, host, port = found
    return f"{scheme}://{host}:{port}"


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
