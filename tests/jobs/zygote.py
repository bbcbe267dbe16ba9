"""A process that has imported everything, and forks the real worker in a few milliseconds.

`python -m tests.jobs.zygote` reads commands, one a line, and answers each with a line: `run` forks a worker
and gives its process id, `stop` freezes it by SIGSTOP and `cont` has it continue, `kill` ends it by SIGKILL,
`term` by SIGTERM, `wait` waits until it has ended; the last three give its exit status, negative for a
signal. The worker is the one of `rushes worker`.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import NoReturn

# All that a worker imports in its life, so that each fork starts where another process would be after 0.6 s.
import rushes.cli.jobs
import rushes.cli.main
import rushes.jobs.download
import rushes.jobs.inspection
import rushes.jobs.worker
import rushes.studio
import rushes.testing.scripted

LATE = ("anyio._backends._asyncio", "httpcore")
"""What libraries import when they are first used."""


def main() -> None:
    """Serve commands until the caller closes the line."""
    for name in LATE:
        importlib.import_module(name)
    pid = 0
    for line in sys.stdin:
        match line.strip():
            case "run":
                pid = os.fork()
                if pid == 0:
                    be_the_worker()
                answer(pid)
            case "stop":
                os.kill(pid, signal.SIGSTOP)
                answer(pid)
            case "cont":
                os.kill(pid, signal.SIGCONT)
                answer(pid)
            case "kill":
                os.kill(pid, signal.SIGKILL)
                answer(ended(pid))
            case "term":
                os.kill(pid, signal.SIGTERM)
                answer(ended(pid))
            case "wait":
                answer(ended(pid))


def be_the_worker() -> NoReturn:
    """Do what `rushes worker` does, in a session of its own, saying nothing on the line to the caller."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.argv = ["rushes", "worker"]
    rushes.cli.main.main()


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
