"""The pages that come with this package, with what is filled in."""

from __future__ import annotations

import html
from importlib.resources import files

from rushes.testing.sora_emulator.accounts import DIRECTOR, PASSWORD
from rushes.testing.sora_emulator.faults import Faults
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
    return _filled(_text(name), origins, fields)


def sign_in_page(name: str, origins: Origins, **fields: str) -> str:
    """Return a page of a sign-in, `pages/steps/NAME.html` in the frame that all of them have."""
    return _filled(_text("sign-in").replace("{{step}}", _text(f"steps/{name}")), origins, fields)


def with_scripted_person(text: str, faults: Faults) -> str:
    """Return a page with the script that plays a person, if that fault is on."""
    seconds = faults.take("scripted-person")
    if seconds is None:
        return text
    way = faults.look("scripted-way") or "password"
    wait = str(float(seconds) * 1000)
    script = _filled(
        _text("person"), Origins(), {"email": DIRECTOR, "password": PASSWORD, "way": way, "wait": wait}
    )
    return text.replace("</body>", f"{script}</body>")


def _text(name: str) -> str:
    return (files(__package__) / "pages" / f"{name}.html").read_text(encoding="utf-8")


def _filled(text: str, origins: Origins, fields: dict[str, str]) -> str:
    for field, value in {**origins.as_json(), **fields}.items():
        text = text.replace("{{" + field + "}}", html.escape(value))
    return text
