"""The processes of this machine, as `ps` lists them."""

from __future__ import annotations

import asyncio
import subprocess

PATIENCE_S = 60.0


def children(parent: int, program: str = "") -> list[int]:
    """Return the ids of the living children of a process that have `program` in their command."""
    return [pid for pid, ppid, words in _listed() if ppid == parent and program in words]


async def first_child(parent: int, program: str) -> int:
    """Return the id of such a child, once there is one."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := children(parent, program)):  # noqa: ASYNC110 - what starts wakes nobody
            await asyncio.sleep(0.05)
    return found[0]


async def gone(*pids: int) -> None:
    """Return once none of the processes is alive."""
    async with asyncio.timeout(PATIENCE_S):
        while any(pid in pids for pid, _, _ in _listed()):  # noqa: ASYNC110 - what ends wakes nobody
            await asyncio.sleep(0.05)


def _listed() -> list[tuple[int, int, str]]:
    words = ["ps", "-A", "-o", "pid=,ppid=,stat=,args="]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(None, 3) for line in lines]
    # One that has ended, and that nobody has asked about yet, is listed as Z.
    return [
        (int(row[0]), int(row[1]), row[3])
        for row in rows
        if len(row) == 4 and not row[2].startswith("Z") and not row[3].startswith("ps ")
    ]
