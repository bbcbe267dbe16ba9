"""Child processes: one protocol for all programs that a process of ours starts beside itself.

`python -P -m MODULE` reads JSON from its standard input, one value on a line, and writes JSON objects to its
standard output. A program for one order reads that order, and answers `{"progress": …}` any number of times,
then `{"answer": …}` or `{"error": {…}}`. Its input stays open as long as its parent lives: if it ends, the
child removes its unfinished file and ends at once, so that no work outlives who wants it.

`child` is the parent's side, `serving` the child's.
"""

from __future__ import annotations

import sys


def command(module: str) -> list[str]:
    """Return the words that start a child."""
    # Without the working folder on the path: a file of the user's must not stand for a module.
    return [sys.executable, "-P", "-m", module]
