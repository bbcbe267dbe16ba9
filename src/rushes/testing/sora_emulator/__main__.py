"""`python -m rushes.testing.sora_emulator`: the emulator as a program."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path

from rushes.testing.sora_emulator import __doc__ as about
from rushes.testing.sora_emulator.server import serve


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m rushes.testing.sora_emulator", description=about)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--log", type=Path, help="one JSON line for each accepted create is added here")
    parser.add_argument("--speed", type=float, default=20.0, help="its seconds in each real one (20)")
    parser.add_argument(
        "--footage",
        choices=("plain", "drawn", "alike"),
        default="plain",
        help="drawn: the words are drawn; alike: they leave no trace, and clips of a size are the same",
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[=VALUE]", help="on from the start"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the caller is gone")
    options = parser.parse_args()
    serving = serve(
        port=options.port,
        log=options.log,
        speed=options.speed,
        drawn=options.footage == "drawn",
        alike=options.footage == "alike",
        faults=options.fault,
        until_stdin_closes=options.until_stdin_closes,
    )
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serving)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
