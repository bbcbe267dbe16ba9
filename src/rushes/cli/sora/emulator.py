"""`rushes sora emulator`: the service as it was last observed, served on this machine."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import textwrap
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from rushes.cli.output import common, echo, put_json, put_lines, put_pairs, style
from rushes.cli.paths import PATH
from rushes.cli.values import Number, Whole
from rushes.domain.errors import BadInput, SetupError
from rushes.domain.extras import install_command

TRUST = """First have its certificate trusted, by the browser (on Linux) and by rushes, which downloads:

mkdir -p $HOME/.pki/nssdb
certutil -d sql:$HOME/.pki/nssdb -A -n sora-emulator -t C,, -i {authority}
export SSL_CERT_FILE={authority}

"""

NEEDS = ("starlette", "uvicorn")


@click.command(short_help="Serve an emulator of the service on this machine.")
@click.option("--port", type=Whole(0, 65_535), default=8765, show_default=True, help="0: any free port.")
@click.option("--origins", type=click.Choice(["one", "ports", "several"]), default="ports", show_default=True,
              help="ports: site, sign-in, files and other parts each have a port; several: each has an "
              "address of 127.0.0.0/8; one: all share one origin.")  # fmt: skip
@click.option("--tls", type=PATH, metavar="FOLDER",
              help="Serve https; the test authority's ca.pem is written to this folder.")  # fmt: skip
@click.option("--speed", type=Number(0.001, 1_000_000), default=20, show_default=True,
              help="How much faster than the real service it works.")  # fmt: skip
@click.option("--footage", type=click.Choice(["plain", "drawn"]), default="plain", show_default=True,
              help="drawn: clips are drawn from the words of the prompt, which takes longer.")  # fmt: skip
@click.option("--state", type=PATH, metavar="FOLDER",
              help="Where everything is kept between runs.  [default: HOME/emulator]")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Start empty: forget what earlier runs kept.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="Misbehave in this way; repeatable."
)
@click.option("--list-faults", is_flag=True, help="List the faults and exit.")
@common
def emulator(
    as_json: bool,
    port: int,
    origins: str,
    tls: Path | None,
    speed: float,
    footage: str,
    state: Path | None,
    fresh: bool,
    faults: tuple[str, ...],
    list_faults: bool,
) -> int:
    """Serve an emulator of Sora's web app here, until Ctrl-C: no account and no network is needed.

    Accounts, tasks and clips are kept between runs. Whoever was signed in still is, and renders go on while
    it is stopped.
    """
    _check_packages([*NEEDS, *(["cryptography"] if tls else [])])
    from rushes.testing.sora_emulator import serve
    from rushes.testing.trust import AUTHORITY

    if list_faults:
        _list_faults(as_json)
        return 0

    from rushes import settings

    folder = settings.load().home / "emulator" if state is None else state

    def announce(address: str) -> None:
        _say_where(address, folder, as_json, None if tls is None else tls / AUTHORITY)

    serving = serve(
        port=port,
        layout=origins,
        tls=tls,
        state=folder,
        fresh=fresh,
        speed=speed,
        drawn=footage == "drawn",
        faults=faults,
        announce=announce,
    )
    try:
        asyncio.run(serving)
    except ValueError as error:
        raise BadInput(str(error), next="rushes sora emulator --list-faults lists them") from error
    except OSError as error:
        said = f"port {port} of 127.0.0.1 cannot be used: {error.strerror or error}"
        raise SetupError(said, next="give another --port, or --port 0 for any that is free") from error
    return 0


def _check_packages(needed: Sequence[str]) -> None:
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the emulator needs {' and '.join(missing)}, which are not installed",
            next=install_command("testing"),
        )


def _say_where(address: str, folder: Path, as_json: bool, authority: Path | None) -> None:
    from rushes.testing.sora_emulator.accounts import DIRECTOR, PASSWORD

    lines = f'[engines.sora-web]\nbase_url = "{address}"'
    if as_json:
        shape = {"address": address, "email": DIRECTOR, "password": PASSWORD, "state": str(folder)}
        put_json({**shape, "settings": lines, "authority": None if authority is None else str(authority)})
        return
    put_pairs(
        [
            ("address", address),
            ("desk", f"{address}/emulator"),
            ("account", f"{DIRECTOR}, password {PASSWORD}"),
            ("state", str(folder)),
        ]
    )
    put_lines(f"\nFor the settings file (rushes config path says where it is):\n\n{lines}\n\n")
    if authority is not None:
        put_lines(TRUST.format(authority=shlex.quote(str(authority))))
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
