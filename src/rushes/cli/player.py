"""The player of this machine: what the desktop opens a video with, started apart from this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rushes.domain.errors import SetupError

OPENERS = (("xdg-open",), ("gio", "open"), ("wslview",))
"""What opens a file on a desktop of freedesktop.org, of GNOME, and of Windows from within its Linux."""

START_S = 5.0
"""An opener that fails does so within that time; one that still runs then is the player itself."""


def play(path: Path) -> None:
    """Open a video in the player of this machine; nothing of what that prints is shown.

    Raises SetupError if there is none, or if it does not start.
    """
    if sys.platform == "win32":
        _start_on_windows(path)
    elif sys.platform == "darwin":
        _run(("open",), path)
    else:
        found = [one for one in OPENERS if shutil.which(one[0]) is not None]
        if not found:
            raise _no_player(path, "neither xdg-open nor another program that opens files is installed")
        _run(found[0], path)


def _run(opener: tuple[str, ...], path: Path) -> None:
    quiet = subprocess.DEVNULL
    try:
        started = subprocess.Popen(
            [*opener, str(path)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
        code = started.wait(timeout=START_S)
    except subprocess.TimeoutExpired:
        return
    except OSError as error:
        raise _no_player(path, f"{opener[0]} cannot be started ({error.strerror})") from error
    if code != 0:
        raise _no_player(path, f"{opener[0]} found no program for it (it ended with {code})")


def _start_on_windows(path: Path) -> None:
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError as error:
            raise _no_player(path, f"Windows found no program for it ({error.strerror})") from error


def _no_player(path: Path, why: str) -> SetupError:
    return SetupError(f"no player was started: {why}", next=f"open the file yourself: {path}")
