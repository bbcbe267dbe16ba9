"""`rushes`: the group of commands, each loaded when it is called, and the one place where errors end."""

from __future__ import annotations

import re
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from rushes.cli.output import bill_words, echo, put_json, put_lines, say_next, style, warn_of
from rushes.domain.errors import BadInput, LedgerBusy, RushesError
from rushes.domain.permissions import keep_files_private
from rushes.domain.text import TextFilter

if TYPE_CHECKING:
    from rushes.jobs.heartbeat import SilentWorker

COMMANDS = {
    "create": ("create:create", "Make a clip: words in, a verified MP4 and its contact sheet out."),
    "quote": ("create:quote", "Say what a clip would cost, and send nothing."),
    "jobs": ("jobs:jobs", "List jobs, the newest first."),
    "job": ("jobs:job", "Show one job and everything that happened to it."),
    "why": ("why:why", "Explain the state of a job: its money, what happens next, and your options."),
    "wait": ("jobs:wait", "Watch jobs until they have ended."),
    "cancel": ("cancel:cancel", "Cancel jobs, or stop following them."),
    "collect": ("jobs:collect", "Poll and download a job's result again, free."),
    "reconcile": ("jobs:reconcile", "Settle a job whose outcome or bill is not known."),
    "worker": ("jobs:worker", "Run the background worker (starts automatically)."),
    "clips": ("clips:clips", "List or search the clips in the library."),
    "clip": ("clips:clip", "Show one clip."),
    "open": ("clips:open_clip", "Open a clip in the player of this machine."),
    "remove": ("clips:remove", "Delete clips and their files."),
    "library": ("clips:library", "Verify the library, or rebuild its rows from sidecars."),
    "ledger": ("ledger:ledger", "Check the ledger; decide what a copied or restored one does."),
    "look": ("look:look", "Tell what is to be seen and heard in a clip, and show its frames."),
    "sheet": ("files:sheet", "Draw a contact sheet of any video file."),
    "lint": ("files:lint", "Say where a video file does not play, and repair it."),
    "budget": ("budget:budget", "Show the caps, and what is held and spent."),
    "spend": ("spend:spend", "Show where the money went, by day, engine or model."),
    "engines": ("engines:engines", "List the engines that are set up, and how to set up the others."),
    "models": ("models:models", "List models, what they can do and what they lack to be used."),
    "config": ("config:config", "Show the settings in force, change them, keep keys."),
    "mcp": ("mcp:mcp", "Serve agents by MCP, on stdin and stdout or over HTTP."),
    "approve": ("approve:approve", "Agree to the price of an agent's quote, or of a blocked job."),
    "sora": ("sora.group:sora", "Sign in to Sora's web app, look into it, and emulate it."),
    "skill": ("skill:skill", "Give agents the skill that makes clips with rushes."),
    "doctor": ("config:doctor", "Check this machine and its engines; name the command that repairs it."),
}


DASHED_TEXT = re.compile(r"-(-?[^\s=]*\s|[^-\s]|-$|--)")
"""How a text begins that is no option: with one dash, with three, or with a blank before any value."""


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

    Jobs and clips are named by the id of either or the beginning of one, by a file of the clip, or by "last",
    the newest.
    """


def main() -> NoReturn:
    """Run the command line; every error ends here as a message and an exit code, never as a traceback."""
    keep_files_private()
    try:
        status = app(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        # A group without a command has been asked what there is. Its message is the whole help.
        put_lines(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        said = BadInput(error.format_message(), next=_after_usage_error(error))
        tell(said)
        sys.exit(said.exit_code)
    except click.ClickException as error:
        echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read us (head, less) has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(0)
    except RushesError as error:
        tell(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the boundary: no traceback reaches a person unasked
        tell(RushesError(f"internal error: {type(error).__name__}: {error}"))
        sys.exit(RushesError.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _after_usage_error(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "rushes"
    texts = [one for one in error.ctx.command.params if isinstance(one, click.Argument)] if error.ctx else []
    dashed = next((word for word in sys.argv[1:] if DASHED_TEXT.match(word)), None)
    if isinstance(error, click.NoSuchOption) and texts and dashed is not None:
        stdin = f"; or write it to stdin: {path} -" if texts[0].name == "prompt" else ""
        text = f'{path}{" …" * (len(texts) > 1 and not stdin)} -- "{dashed[:40]}"'
        return f"put -- before a text that begins with a dash, and options before that: {text}{stdin}"
    return f"{path} --help shows how it is used"


def tell(error: RushesError) -> None:
    """Say what went wrong and what to do next, on stderr, and with --json on stdout."""
    text = _text_filter()
    error.message, error.next = text.block(error.message), text.block(error.next)
    if "--debug" in sys.argv:
        echo(text.block(traceback.format_exc()), err=True)
    if "--json" in sys.argv:
        shape: dict[str, object] = {
            "job": None,
            "clips": [],
            "copies": [],
            "cost": None,
            "error": error.as_json(),
        }
        put_json(shape)
    echo(f"{style('error', fg='red')}: {error.message}{bill_words(error.billed)}", err=True)
    say_next(error.next)
    if isinstance(error, LedgerBusy):
        warn_of(_silent_worker())


def _silent_worker() -> SilentWorker | None:
    """Return the worker that may keep the ledger locked: one that was stopped in the middle of a write."""
    from rushes import settings
    from rushes.jobs.heartbeat import find_silent_worker

    try:
        found = settings.load()
        return find_silent_worker(found.lock, found.heartbeat)
    except Exception:  # noqa: BLE001 - the error itself has been told already
        return None


def _text_filter() -> TextFilter:
    """Return what makes texts safe here; settings that cannot be read have no secrets that are in use."""
    from rushes import settings

    try:
        return TextFilter(settings.load().secrets())
    except Exception:  # noqa: BLE001 - an error must be told whatever state the settings are in
        return TextFilter()
