"""Homes for the tests of keys: a terminal with a keyring of its own, and what must never show a key."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

from tests.cli.terminal import Said, Terminal

KEYRINGS = Path(__file__).parent.parent / "keyrings"


def with_keyring(home: Path, backend: str = "paper.Keyring", **variables: str) -> Terminal:
    """Return a terminal whose keyring is a class of `tests/keyrings/paper.py`, or another."""
    path = f"{KEYRINGS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    paper = {"PYTHON_KEYRING_BACKEND": backend, "PAPER_KEYRING": f"{home}.keyring", "PYTHONPATH": path}
    return Terminal(home=home, variables={**paper, **variables})


def entries(terminal: Terminal) -> dict[str, str]:
    """Return what the keyring holds."""
    file = Path(terminal.variables["PAPER_KEYRING"])
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return found


def reads(terminal: Terminal) -> list[str]:
    """Return the entries that were read from the keyring, in order."""
    file = Path(terminal.variables["PAPER_KEYRING"] + ".reads")
    return file.read_text().splitlines() if file.exists() else []


def files_with(secret: str, home: Path) -> list[str]:
    """Return the names of the files under a home that hold a secret."""
    files = (file for file in home.rglob("*") if file.is_file())
    return [file.name for file in files if secret.encode() in file.read_bytes()]


def typed(terminal: Terminal, *words: str, keys: str) -> Said:
    """Run a command at a terminal of its own and type `keys` when it asks; `out` is all that was seen."""
    parent, child = pty.openpty()
    program = subprocess.Popen(
        terminal.command(*words),
        env=terminal.environ,
        cwd=terminal.home,
        stdin=child,
        stdout=child,
        stderr=child,
        # So that the terminal is the one it asks at.
        preexec_fn=lambda: os.login_tty(child),
    )
    os.close(child)
    seen = b""
    asked = False
    while True:
        try:
            seen += os.read(parent, 65536)
        except OSError:
            break
        if not asked and seen.rstrip().endswith(b":"):
            os.write(parent, f"{keys}\n".encode())
            asked = True
    os.close(parent)
    return Said(code=program.wait(timeout=60), out=seen.decode(), err="")
