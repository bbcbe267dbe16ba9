"""`rushes sora emulator`: the service as it was last observed, served on this machine."""

from __future__ import annotations

import asyncio
import shutil
import textwrap
from importlib.util import find_spec

import click

from rushes.cli.output import common, echo, put_json, put_lines, put_pairs, style
from rushes.cli.values import Number, Whole
from rushes.domain.errors import BadInput, SetupError
from rushes.domain.extras import install_command

NEEDS = ("starlette", "uvicorn")


@click.command(short_help="Serve an emulator of the service on this machine.")
@click.option("--port", type=Whole(0, 65_535), default=8765, show_default=True, help="0: any.")
@click.option("--speed", type=Number(0.001, 1_000_000), default=20, show_default=True,
              help="Its seconds in each real one.")  # fmt: skip
@click.option("--footage", type=click.Choice(["plain", "drawn"]), default="plain", show_default=True,
              help="drawn: the words of each prompt are drawn, which takes a while.")  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="Misbehave so; repeatable.")
@click.option("--list-faults", is_flag=True, help="List the faults, and serve nothing.")
@common
def emulator(
    as_json: bool, port: int, speed: float, footage: str, faults: tuple[str, ...], list_faults: bool
) -> int:
    """Serve an emulator of Sora's web app here, until Ctrl-C: no account and no network is needed."""
    _check_packages()
    from rushes.testing.sora_emulator import serve

    if list_faults:
        _list_faults(as_json)
        return 0

    def announce(address: str) -> None:
        _say_where(address, as_json)

    serving = serve(port=port, speed=speed, drawn=footage == "drawn", faults=faults, announce=announce)
    try:
        asyncio.run(serving)
    except ValueError as error:
        raise BadInput(str(error), next="rushes sora emulator --list-faults lists them") from error
    except OSError as error:
        said = f"port {port} of 127.0.0.1 cannot be used: {error.strerror or error}"
        raise SetupError(said, next="give another --port, or --port 0 for any that is free") from error
    return 0


def _check_packages() -> None:
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the emulator needs {' and '.join(missing)}, which are not installed",
            next=install_command("testing"),
        )


def _say_where(address: str, as_json: bool) -> None:
    from rushes.testing.sora_emulator.accounts import DIRECTOR, PASSWORD

    lines = f'[engines.sora-web]\nbase_url = "{address}"'
    if as_json:
        shape = {"address": address, "email": DIRECTOR, "password": PASSWORD}
        put_json({**shape, "settings": lines})
        return
    put_pairs(
        [
            ("address", address),
            ("desk", f"{address}/emulator"),
            ("account", f"{DIRECTOR}, password {PASSWORD}"),
        ]
    )
    put_lines(f"\nFor the settings file (rushes config path says where it is):\n\n{lines}\n\n")
    echo("Then, in another terminal: rushes sora login. Ctrl-C ends the emulator.")


def _list_faults(as_json: bool) -> None:
    from rushes.testing.sora_emulator import FAULTS

    if as_json:
        put_json({name: {"value": one.value, "does": one.does} for name, one in FAULTS.items()})
        return
    width = shutil.get_terminal_size((100, 24)).columns
    indent = max(map(len, FAULTS)) + 2
    for name, one in FAULTS.items():
        told = one.does + (f" (default: {one.value})" if one.value is not None else "")
        lines = textwrap.wrap(told, max(40, width - indent))
        put_lines(style(name.ljust(indent), bold=True) + f"\n{' ' * indent}".join(lines))
