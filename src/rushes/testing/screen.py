"""A virtual screen, for browsers that a person would see."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Start Xvfb for as long as the block runs and give its name, for DISPLAY. Raises FileNotFoundError."""
    # It picks a free number by itself and says which.
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with (
        open(read) as said,
        subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL) as process,
    ):
        os.close(write)
        try:
            yield f":{said.readline().strip()}"
        finally:
            process.terminate()
