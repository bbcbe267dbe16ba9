"""`python -m rushes.testing.sora_emulator`: the emulator as a program."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path

from rushes.domain.errors import SetupError
from rushes.testing.sora_emulator import __doc__ as about
from rushes.testing.sora_emulator.origins import LAYOUTS
from rushes.testing.sora_emulator.server import serve


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m rushes.testing.sora_emulator", description=about)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--origins", choices=LAYOUTS, default="one", help="one for each part of the service")
    parser.add_argument(
        "--tls", type=Path, help="https, by an authority whose ca.pem is written to this folder"
    )
    parser.add_argument("--log", type=Path, help="one JSON line for each accepted create is added here")
    parser.add_argument("--state", type=Path, help="everything outlives the emulator in this folder")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier one left in --state")
    parser.add_argument("--speed", type=float, default=20.0, help="how much faster than real it works (20)")
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
        layout=options.origins,
        tls=options.tls,
        log=options.log,
        state=options.state,
        fresh=options.fresh,
        speed=options.speed,
        drawn=options.footage == "drawn",
        alike=options.footage == "alike",
        faults=options.fault,
        until_stdin_closes=options.until_stdin_closes,
    )
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serving)
    except (ValueError, SetupError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
