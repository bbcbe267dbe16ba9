"""Runs the benchmarks and prints a table; a ratio always compares two things measured in the same run."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import date

from bench import animatic, download, kills, latency, look, sheet, sora, startup, waiting
from bench.row import Row

ALL: dict[str, Callable[[], Iterator[Row]]] = {
    "animatic": animatic.run,
    "sheet": sheet.run,
    "look": look.run,
    "startup": startup.run,
    "download": download.run,
    "latency": latency.run,
    "sora": sora.run,
    "waiting": waiting.run,
    "kills": kills.run,
}


def main() -> int:
    names = sys.argv[1:] or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(ALL)}", file=sys.stderr)
        return 2
    cores = os.cpu_count()
    print(f"{date.today()}, {platform.system()} {platform.machine()}, {cores} cores, Python "
          f"{platform.python_version()}: python -m bench {' '.join(names)}\n")  # fmt: skip
    print("| what | measured | aim | reached |")
    print("|---|---|---|---|")
    missed = 0
    for name in names:
        for row in ALL[name]():
            missed += not row.reached
            reached = "yes" if row.reached else "no"
            print(f"| {row.what} | {row.told} | {row.aim} | {reached} |", flush=True)
    print(f"\n{missed} missed" if missed else "\nall reached")
    return 0


if __name__ == "__main__":
    sys.exit(main())
