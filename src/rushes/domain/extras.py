"""The commands that bring a package that is missing into the environment that this process runs in."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution


def install_command(extra: str) -> str:
    """Return the shell command that adds the packages of an extra of rushes to those that are there.

    It names the folder that rushes was installed from. Where there is none it names the packages: rushes is
    on no registry, and whatever has that name there is not this.
    """
    # Reading what is installed is left to those who need it: a command that misses nothing never does.
    from importlib.metadata import distribution

    rushes = distribution("rushes")
    return command_to_install(*(_from_folder(rushes, extra) or _packages(rushes, extra)))


def command_to_install(*what: str) -> str:
    """Return the shell command that installs `what`, in the words of pip, where this process runs."""
    # Environments made by uv have no pip.
    installer = (
        [sys.executable, "-m", "pip", "install"]
        if find_spec("pip") is not None
        else ["uv", "pip", "install", "--python", sys.executable]
    )
    return shlex.join([*installer, *what])


def _from_folder(rushes: Distribution, extra: str) -> Sequence[str]:
    """Return the words that install the extra from rushes' own folder; none where there is no such folder.

    The folder is in direct_url.json, whose form is that of PEP 610.
    """
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    origin = json.loads(rushes.read_text("direct_url.json") or "{}")
    if "dir_info" not in origin:
        return ()
    folder = Path(url2pathname(urlsplit(origin["url"]).path))
    if not folder.is_dir():
        return ()
    target = f"{folder}[{extra}]"
    return ("-e", target) if origin["dir_info"].get("editable") else (target,)


def _packages(rushes: Distribution, extra: str) -> list[str]:
    """Return what rushes requires for the extra alone: "playwright>=1.50"."""
    marked = (re.fullmatch(r"(.+?)\s*;\s*extra == ['\"](.+)['\"]", one) for one in rushes.requires or ())
    return [found[1] for found in marked if found and found[2] == extra]
