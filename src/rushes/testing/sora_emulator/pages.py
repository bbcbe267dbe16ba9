"""The pages that come with this package, with what is filled in."""

from __future__ import annotations

import html
from importlib.resources import files

from rushes.testing.sora_emulator.origins import Origins

ASSETS = {"js": "text/javascript", "css": "text/css"}


def asset(name: str) -> tuple[bytes, str] | None:
    """Return a script or style of the app and its media type, None for one that there is not."""
    folder = files(__package__) / "pages" / "assets"
    found = next((one for one in folder.iterdir() if one.name == name), None)
    return None if found is None else (found.read_bytes(), ASSETS[name.rpartition(".")[2]])


def page(name: str, origins: Origins, **fields: str) -> str:
    """Return `pages/NAME.html` with its `{{…}}` filled in: the origins, by their names, and `fields`.

    `{{sentinel}}/backend-api/sentinel/req` is right whether the sentinel has an origin of its own or not.
    """
    text = (files(__package__) / "pages" / f"{name}.html").read_text(encoding="utf-8")
    for field, value in {**origins.as_json(), **fields}.items():
        text = text.replace("{{" + field + "}}", html.escape(value))
    return text
