"""Finding a Chrome or Chromium on this machine, and how it is started."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rushes.domain.errors import EngineMissing, SetupError

NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

INSIDE = ("chrome-*/chrome", "chrome-*/*.app/Contents/MacOS/*")
"""Where `playwright install` puts the program into a folder of its own."""

INSTALL = (sys.executable, "-m", "playwright", "install", "chromium")
"""Brings one; the program `playwright` itself need not be on the PATH."""

NOWHERE = "https://localhost:1"
"""An address that the browser itself refuses to open (ERR_UNSAFE_PORT): nothing is sent for it."""

QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    # Who is signed in to the browser itself is asked at every start, and push messages are registered for;
    # neither has a switch of its own. Sites that sign people in with Google are not concerned.
    f"--gaia-url={NOWHERE}",
    "--gcm-checkin-url=data:,",
)
"""Together with `preferences` the browser speaks to the site and to nobody else: measured through a proxy,
with Chromium 150. Nothing here hides what it is."""


def find(configured: str | None = None) -> Path:
    """Return the browser's program: the configured one, else the system's, else Playwright's own.

    Raises EngineMissing, naming what to install.
    """
    if configured:
        given = shutil.which(configured)
        if given is None:
            raise EngineMissing(
                f"the browser {configured} is not there or cannot be run", next="correct `browser = …`"
            )
        return Path(given)
    for name in (*NAMES, *ELSEWHERE):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    own = [path for inside in INSIDE for path in _own_browsers().glob(f"chromium-*/{inside}")]
    if own:
        return max(own)
    raise EngineMissing(
        "no Chrome or Chromium is installed",
        next=f"apt-get install chromium (Debian), or anywhere: {shlex.join(INSTALL)}",
    )


def arguments() -> list[str]:
    """Return the switches it is started with."""
    # As root, Chromium's sandbox cannot be set up at all.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


def check_display(environ: Mapping[str, str], *, worker: bool = False) -> None:
    """Raise SetupError if `environ` names no screen to show a browser on; `worker`: this process is one."""
    if sys.platform != "linux" or display(environ):
        return
    if worker:
        raise SetupError(
            f"the worker (process {os.getpid()}) has no screen to show the browser on",
            next=f"kill {os.getpid()}, and the next command in a terminal with a screen starts another "
            "worker; or take headed = true out of the settings (rushes config path)",
        )
    raise SetupError(
        "there is no screen here to show a browser on",
        next="to sign in: run `rushes sora login` on a machine with a screen, copy the state.json that it "
        "names, and run `rushes sora import STATE.json` here; all else works without a window: no --headed, "
        "no headed = true",
    )


def display(environ: Mapping[str, str]) -> str:
    """Return the name of the screen that programs of this environment show their windows on, or ""."""
    return environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY") or ""


def _own_browsers() -> Path:
    """Return where `playwright install` puts browsers on this system."""
    home = Path.home()
    folders = {"darwin": home / "Library" / "Caches" / "ms-playwright"}
    return folders.get(sys.platform, home / ".cache" / "ms-playwright")
