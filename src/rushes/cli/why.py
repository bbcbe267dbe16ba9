"""`rushes why`: why a job stands where it stands, and what a person may do about it."""

from __future__ import annotations

import shutil
import textwrap

import click

from rushes.cli.output import JOB, common, echo, put_json, put_lines, style, warn_of, wrapped
from rushes.domain.text import one_line
from rushes.explanation import Action, Explanation, explain
from rushes.studio import Studio

INDENT = 11
"""Columns in front of what is said."""

COMMANDS = {
    Action.WAIT: "rushes wait {id}",
    Action.COLLECT: "rushes collect {id}",
    Action.CANCEL: "rushes cancel {id}",
    Action.ABANDON: "rushes cancel --abandon {id}",
    Action.ABANDON_AT_COST: "rushes cancel --abandon --charged AMOUNT {id}",
    Action.LOOK_UP: "rushes reconcile {id}",
    Action.ACCEPTED: "rushes reconcile {id} --accepted TICKET",
    Action.NOTHING: "rushes reconcile {id} --nothing",
    Action.CHARGED: "rushes reconcile {id} --charged AMOUNT",
    Action.APPROVE: "rushes approve {id}",
    Action.AGAIN: "rushes create … --again",
}


@click.command()
@click.argument("id", metavar=JOB)
@common
def why(as_json: bool, id: str) -> int:
    """Explain the state of a job: why it is there, what it holds, what happens next, and your options."""
    with Studio.open() as studio:
        studio.ensure_worker()
        explanation = explain(studio, id)
        warn_of(studio.silent_worker())
    if as_json:
        put_json(explanation.as_json() | {"commands": _commands(explanation)})
        return 0
    put_explanation(explanation)
    return 0


def put_explanation(explanation: Explanation) -> None:
    """Print an explanation for a person, as wide as the terminal."""
    width = max(40, shutil.get_terminal_size((100, 24)).columns)
    pairs = [
        ("job", f"{explanation.job.id}  {explanation.job.model}"),
        ("state", explanation.state),
        ("money", explanation.money),
        ("why", explanation.reason),
        ("provider", f'"{explanation.provider_words}"' if explanation.provider_words else None),
        ("automatic", explanation.automatic),
        ("advice", explanation.advice),
    ]
    for name, words in pairs:
        if words:
            first, *others = wrapped(one_line(words), width - INDENT)
            echo(f"{style(name.rjust(INDENT - 2), dim=True)}  {first}")
            for line in others:
                echo(" " * INDENT + line)
    echo()
    echo("you can")
    for command, (_, effect) in zip(_commands(explanation), explanation.actions, strict=True):
        echo(f"  {style(command, bold=True)}")
        put_lines(textwrap.indent("\n".join(wrapped(effect, width - 6)), " " * 6))


def _commands(explanation: Explanation) -> list[str]:
    return [COMMANDS[action].format(id=explanation.job.id) for action, _ in explanation.actions]
