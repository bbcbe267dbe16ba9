"""A child that does as it is told: `python -m tests.children.program`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from rushes.children.serving import ParentLine, serve
from rushes.domain.errors import BadInput

MEMORY = 1 << 30


def work(order: dict[str, Any], line: ParentLine) -> Any:
    match order["do"]:
        case "answer":
            # Not for the parent: a library that prints must not spoil the answer.
            os.write(1, b"noise\n")
            return order["words"]
        case "refuse":
            raise BadInput("it is 3", next="make it 4")
        case "blunder":
            raise KeyError("nobody thought of this")
        case "eat":
            return len(b"x" * (2 * MEMORY))
        case "crash":
            os.write(2, b"a bad pixel\n")
            os.abort()
        case "leave":
            os._exit(order["status"])
        case "shout":
            return "x" * order["bytes"]
        case "draw":
            line.unfinished = Path(order["file"])
            line.unfinished.touch()
    line.send({"progress": 0.5})
    time.sleep(3600)


if __name__ == "__main__":
    serve(work, memory=MEMORY)
