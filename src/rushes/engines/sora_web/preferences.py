"""The browser's own settings on its profile: it keeps nothing that is typed, and asks nobody but the site.

What has no setting has a switch; see `chromium.arguments`. Names are those of Chromium's source
(`*_pref_names.h`); one that a version does not know does nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.domain.permissions import make_private
from rushes.engines.sora_web.profile import read, write_private

PREFERENCES: Mapping[str, Any] = {
    # Passwords: not offered to be saved, and not compared with Google's list of leaked ones.
    "credentials_enable_service": False,
    "credentials_enable_autosignin": False,
    "profile": {"password_manager_enabled": False, "password_manager_leak_detection": False},
    # What is typed into forms: not kept, and the forms' shapes not described to Google.
    "autofill": {"profile_enabled": False, "credit_card_enabled": False},
    # The browser's own account.
    "signin": {"allowed": False, "allowed_on_next_startup": False},
    # Addresses and words that would be sent while one types or looks.
    "search": {"suggest_enabled": False},
    "safebrowsing": {"enabled": False, "enhanced": False},
    "translate": {"enabled": False},
    "spellcheck": {"use_spelling_service": False},
    "alternate_error_pages": {"enabled": False},
    # 2: never look addresses up or connect ahead of a click.
    "net": {"network_prediction_options": 2},
}

TYPED = ("Login Data", "Login Data For Account", "Web Data", "Account Web Data")
"""The files of `Default/` that hold what was typed: passwords, addresses, fields of forms."""


def write_preferences(browser: Path) -> None:
    """Put our settings into the profile in the folder `browser`, which no browser uses now.

    On a profile that did not have them, what an earlier version let the browser keep of what was typed goes.
    """
    folder = browser / "Default"
    file = folder / "Preferences"
    held = read(file)
    merged = _merged(held, PREFERENCES)
    if merged == held:
        return
    make_private(folder)
    for name in TYPED:
        (folder / name).unlink(missing_ok=True)
        (folder / f"{name}-journal").unlink(missing_ok=True)
    write_private(file, merged)


def _merged(held: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with ours over those that are held."""
    found = dict(held)
    for name, value in ours.items():
        inner = found.get(name)
        if isinstance(value, Mapping):
            value = _merged(inner if isinstance(inner, Mapping) else {}, value)
        found[name] = value
    return found
