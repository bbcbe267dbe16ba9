"""`rushes mcp`: the agents' door, over stdio or HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.output import common, put_json, say
from rushes.cli.paths import FOLDER
from rushes.cli.worker_log import log_warnings_to_stderr
from rushes.domain.errors import BadInput, EngineMissing
from rushes.domain.extras import install_command
from rushes.studio import Studio


@click.command()
@click.option("--http", "address", metavar="HOST:PORT", help="Serve Streamable HTTP there, not stdio.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=FOLDER,
    metavar="FOLDER",
    help="A folder whose files clients may look at and use; give it again for more.",
)
@common
def mcp(as_json: bool, address: str | None, roots: tuple[Path, ...]) -> int:
    """Serve agents by MCP: on stdin and stdout, or over HTTP.

    Clients may read the library, the folders named here or under [mcp] roots, and without --http the folder
    they start it in. Over HTTP they send a token: that of RUSHES_MCP_TOKEN, or one that is made and shown at
    each start. Other machines can reach it only if RUSHES_MCP_TOKEN is set.
    """
    import asyncio

    place = None if address is None else host_and_port(address)
    try:
        from rushes.mcp.server import serve_stdio
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"the MCP server needs the package {error.name}, which is not installed",
            next=install_command("mcp"),
        ) from error

    def started(url: str, made: str | None) -> None:
        if as_json:
            put_json({"url": url, "token": made})
            return
        say(f"serving MCP at {url}; Ctrl-C ends it, never a job")
        if made:
            say(f"token for this run: {made} (set RUSHES_MCP_TOKEN to keep the same one)")
            say(f'next: claude mcp add --transport http rushes {url} --header "Authorization: Bearer {made}"')

    async def serve() -> None:
        async with Studio.open() as studio:
            studio.settings.check("mcp")
            # Before the SDK sets up a log of its own: that one imports modules while it tells of an error,
            # which fails where no more files can be opened, and ends the process.
            log_warnings_to_stderr(studio.roster.text)
            if place is None:
                await serve_stdio(studio, roots)
                return
            from rushes.mcp.http import serve_http

            await serve_http(studio, place, roots, started)

    asyncio.run(serve())
    return 0


def host_and_port(address: str) -> tuple[str, int]:
    """Return the parts of HOST:PORT, [::1]:8000 among them. Raises BadInput."""
    host, found, port = address.rpartition(":")
    if not found or not host or not port.isdecimal() or int(port) > 65535:
        raise BadInput(f"--http {address!r} is no HOST:PORT", next="write it as 127.0.0.1:8765")
    return host.removeprefix("[").removesuffix("]"), int(port)
