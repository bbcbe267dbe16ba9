"""What each kind of engine has where nothing is set, and which of its options are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SOUNDS_SECRET = re.compile(r"(?:^|_)(?:key|token|secret|password)$")


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What an engine kind has where the settings file says nothing.

    `concurrency` counts jobs at the provider; `variables` maps an option to the environment variable that
    fills it; `secrets` are the options that are neither shown nor written into the settings file, the one
    that is usually set first; `address` is the option that names the server its key is sent to, None if no
    key pays; `key_page` is the address where its service hands out keys.
    """

    concurrency: int = 4
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ("key",)
    address: str | None = "base_url"
    key_page: str = ""


DEFAULTS = {
    # One render uses both cores of a small machine; two at once only make both late.
    "animatic": Defaults(concurrency=1, secrets=(), address=None),
    "sora-web": Defaults(
        # What its accounts were allowed when it was last seen.
        concurrency=3,
        variables={"webshare_key": "WEBSHARE_API_KEY", "proxy_url": "SORA_PROXY_URL"},
        secrets=("webshare_key", "proxy_url"),
        # Who is signed in pays, and that stands in its profile.
        address=None,
    ),
    "openrouter": Defaults(
        variables={"key": "OPENROUTER_API_KEY"}, key_page="https://openrouter.ai/settings/keys"
    ),
    # Not `key`: that would be sent to whatever server base_url names.
    "openai-videos": Defaults(variables={"openai_key": "OPENAI_API_KEY"}, secrets=("openai_key", "key")),
    "fal": Defaults(
        variables={"key": "FAL_KEY"}, address="queue_url", key_page="https://fal.ai/dashboard/keys"
    ),
    # One model fits into a GPU, and one clip at a time.
    "local": Defaults(concurrency=1, secrets=(), address=None),
}
"""By kind; a kind that is not here has those of `Defaults`."""


def is_secret(kind: str, option: str) -> bool:
    """Whether an option of a kind is secret; of a kind that we do not ship, by the sound of its name."""
    if kind in DEFAULTS:
        return option in DEFAULTS[kind].secrets
    return SOUNDS_SECRET.search(option) is not None


def secrets_of(kind: str) -> tuple[str, ...]:
    """Return the options of a kind that are secret, as far as they are known."""
    return DEFAULTS.get(kind, Defaults()).secrets
