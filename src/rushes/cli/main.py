"""`rushes`: the group of commands, each loaded when it is called, and the one place where errors end."""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from rushes.domain.errors import BadInput, RushesError

COMMANDS = {
    "create": ("create:create", "Make a clip: words in, a verified MP4 and its contact sheet out."),
    "quote": ("create:quote", "Say what a clip would cost, and send nothing."),
    "jobs": ("jobs:jobs", "List jobs, the newest first."),
    "job": ("jobs:job", "Show one job and everything that happened to it."),
    "wait": ("jobs:wait", "Watch jobs until they have ended."),
    "cancel": ("jobs:cancel", "Cancel jobs, as far as their providers let us."),
    "collect": ("jobs:collect", "Poll and download a job's result again, free."),
    "reconcile": ("jobs:reconcile", "Settle a job whose outcome or bill is not known."),
    "worker": ("jobs:worker", "Be the process that carries jobs through (started by itself)."),
    "clips": ("clips:clips", "List or search the clips in the library."),
    "clip": ("clips:clip", "Show one clip."),
    "open": ("clips:open_clip", "Open a clip in the player of this machine."),
    "remove": ("clips:remove", "Delete clips and their files."),
    "library": ("clips:library", "Verify the library, or rebuild its rows from sidecars."),
    "look": ("look:look", "Tell what is to be seen and heard in a clip, and show its frames."),
    "sheet": ("files:sheet", "Draw a contact sheet of any video file."),
    "lint": ("files:lint", "Say where a video file will not play, and mend it."),
    "budget": ("house:budget", "Show the caps, and what is held and spent."),
    "spend": ("spend:spend", "Show where the money went, by day, engine or model."),
    "engines": ("house:engines", "List the engines that are configured or can be."),
    "models": ("house:models", "List models and what they can do."),
    "config": ("config:config", "Show the settings in force, change them, keep keys."),
    "mcp": ("mcp:mcp", "Serve agents by MCP, on stdin and stdout or over HTTP."),
    "approve": ("approve:approve", "Agree to the price of a quote that an agent was given."),
    "sora": ("sora.group:sora", "Sign in to Sora's web app, look into it, and emulate it."),
    "skill": ("skill:skill", "Give agents the skill that makes clips with rushes."),
    "doctor": ("config:doctor", "Check this machine and its engines; name the command that mends it."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and one line on each, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"rushes.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rushes")
def app() -> None:
    """Generate videos: a prompt in, a clip on disk that plays everywhere, paid for once.

    \b
    rushes create "a paper boat sails down a rainy street at dusk, slow push in" --seconds 5
    rushes jobs
    """


def main() -> NoReturn:
    """Run the command line; every error ends here as a message and an exit code, never as a traceback."""
    try:
        status = app(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        # A group without a command has been asked what there is. Its message is the whole help.
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        said = BadInput(error.format_message(), next=_help_for(error))
        _tell(said)
        sys.exit(said.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read us (head, less) has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(0)
    except RushesError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the boundary: no traceback reaches a person unasked
        _tell(RushesError(f"a mistake of ours: {type(error).__name__}: {error}"))
        sys.exit(RushesError.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _help_for(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "rushes"
    return f"{path} --help shows how it is used"


def _tell(error: RushesError) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    if "--json" in sys.argv:
        shape: dict[str, object] = {"job": None, "clips": [], "cost": None, "error": error.as_json()}
        click.echo(json.dumps(shape, indent=2, ensure_ascii=False))
    billed = {"yes": "; it was charged", "unknown": "; whether it was charged is not known"}
    note = billed.get(error.billed.value, "")
    click.echo(f"{click.style('error', fg='red')}: {error.message}{note}", err=True)
    click.echo(f"{click.style(' next', fg='cyan')}: {error.next}", err=True)
