"""The words that describe a clip: the options of `create` and `quote`, made into a request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rushes.cli.values import Number, Text, Whole
from rushes.domain.errors import BadInput
from rushes.domain.paths import absolute, read_path
from rushes.domain.request import FRAMES_PER_SECOND, SECONDS_LIMIT, Reference, Role, Shot, VideoRequest
from rushes.studio import MOST_TAKES

Value = TypeVar("Value")

ORIENTATIONS = {"landscape": "16:9", "portrait": "9:16", "square": "1:1"}
SIZES = {"small": "480p", "medium": "720p", "large": "1080p"}
MOST_FRAMES = int(FRAMES_PER_SECOND * SECONDS_LIMIT)

BYTE_ORDER_MARK = "\ufeff"
"""What some editors on Windows begin a file with."""


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the words that describe a clip."""
    options = [
        click.argument("prompt", required=False),
        click.argument("orientation", required=False),
        click.argument("size", required=False),
        click.argument("n_frames", required=False, type=Whole(1, MOST_FRAMES)),
        click.option(
            "--model",
            type=Text(),
            metavar="ENGINE/MODEL",
            help="Which model makes it (rushes models), or a short name: best, cheap, fast, kling-3 …"
            " Without it: the cheapest that can and is set up.",
        ),
        click.option(
            "--fallback",
            type=Text(),
            multiple=True,
            metavar="ENGINE/MODEL",
            help="Try this model if the one before it rejects the request. Repeatable.",
        ),
        click.option("--seconds", type=Number(unit="seconds"), metavar="SECONDS", help="How long it is."),
        click.option("--aspect", metavar="W:H", help="16:9, 9:16, 1:1 …"),
        click.option("--resolution", metavar="480p|720p|1080p", help="The short side."),
        click.option("--first-frame", metavar="FILE", help="Image for the first frame."),
        click.option("--last-frame", metavar="FILE", help="Image for the last frame."),
        click.option(
            "--reference",
            multiple=True,
            metavar="ROLE=FILE|id:ID",
            help="A picture or clip with a role: a file, or what the provider holds under this id.",
        ),
        click.option("--style", metavar="NAME", help="A style, by the provider's own name for it."),
        click.option("--remix", metavar="ID", help="The provider's id of a clip to remix."),
        click.option("--extend", metavar="ID", help="The provider's id of a clip to go on from."),
        click.option(
            "--storyboard-id", metavar="ID", help="The provider's id of a storyboard that it holds already."
        ),
        click.option(
            "--shot",
            multiple=True,
            metavar="SECONDS:WORDS",
            help='One shot of a storyboard, "5: a boat in the gutter"; PROMPT then goes for all of them.',
        ),
        click.option(
            "--seed",
            type=Whole(0, 2**63 - 1),
            metavar="NUMBER",
            help="The same seed makes the same clip, if the model can.",
        ),
        click.option("--no-audio", is_flag=True, help="A silent clip."),
        click.option(
            "--no-caption",
            is_flag=True,
            help="No words on the picture (a storyboard has a caption, a slate and markers).",
        ),
        click.option(
            "--count",
            type=Whole(1, MOST_TAKES),
            default=1,
            show_default=True,
            metavar="NUMBER",
            help="How many clips to make, one job each.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def request_from(
    prompt: str | None,
    orientation: str | None,
    size: str | None,
    n_frames: int | None,
    model: str | None,
    fallback: tuple[str, ...],
    seconds: float | None,
    aspect: str | None,
    resolution: str | None,
    first_frame: str | None,
    last_frame: str | None,
    reference: tuple[str, ...],
    style: str | None,
    remix: str | None,
    extend: str | None,
    storyboard_id: str | None,
    shot: tuple[str, ...],
    seed: int | None,
    no_audio: bool,
    no_caption: bool,
) -> VideoRequest:
    """Return the request that the words on the command line describe. Raises BadInput."""
    if prompt is None:
        raise BadInput("PROMPT is missing", next='say what to show: rushes create "a paper boat at dusk"')
    frames = None if n_frames is None else n_frames / FRAMES_PER_SECOND
    references = [named_reference(one) for one in reference]
    if first_frame is not None:
        references.append(file_reference(Role.FIRST_FRAME, first_frame))
    if last_frame is not None:
        references.append(file_reference(Role.LAST_FRAME, last_frame))
    return VideoRequest(
        prompt=prompt_from_pipe(sys.stdin.read()) if prompt == "-" else prompt,
        model=model,
        seconds=once("N_FRAMES", frames, "--seconds", seconds),
        aspect=once("ORIENTATION", word("orientation", orientation, ORIENTATIONS), "--aspect", aspect),
        resolution=once("SIZE", word("size", size, SIZES), "--resolution", resolution),
        references=tuple(references),
        seed=seed,
        audio=False if no_audio else None,
        caption=False if no_caption else None,
        style=style,
        remix=remix,
        extend=extend,
        storyboard_id=storyboard_id,
        shots=tuple(timed_shot(one) for one in shot),
        fallback=fallback,
    )


def prompt_from_pipe(text: str) -> str:
    """Return the prompt in what a pipe or a file holds: without the newline that `echo` and editors add."""
    return text.removeprefix(BYTE_ORDER_MARK).removesuffix("\n").removesuffix("\r")


def word(what: str, given: str | None, known: dict[str, str]) -> str | None:
    """Return what a positional word stands for. Raises BadInput, hinting at a prompt without quotes."""
    if given is None:
        return None
    if given not in known:
        raise BadInput(
            f"the {what} is {given!r}; allowed: {', '.join(known)}",
            next='put the whole prompt in quotes: rushes create "a paper boat at dusk" landscape medium 150',
        )
    return known[given]


def once(place: str, positional: Value | None, flag: str, option: Value | None) -> Value | None:
    """Return whichever was given. Raises BadInput where both were."""
    if positional is not None and option is not None:
        raise BadInput(f"{place} and {flag} both say it", next=f"leave one of them out: {place} or {flag}")
    return option if positional is None else positional


def named_reference(text: str) -> Reference:
    """Return the reference that ROLE=FILE or ROLE=id:ID names. Raises BadInput."""
    word, found, place = text.partition("=")
    roles = ", ".join(one.value for one in Role)
    if not found or word.replace("-", "_") not in list(Role):
        raise BadInput(
            f"--reference {text!r}: allowed roles: {roles}",
            next="write it as --reference ROLE=FILE, or as --reference ROLE=id:ID",
        )
    role = Role(word.replace("-", "_"))
    if place.startswith("id:"):
        return Reference(role=role, remote=place.removeprefix("id:"))
    return file_reference(role, place)


def file_reference(role: Role, place: str) -> Reference:
    """Return a file as a reference. Raises BadInput for a web address, and for what can be no path."""
    if place.lower().startswith(("http:", "https:")):
        option = f"--reference {role.value}=id:https://…"
        raise BadInput(
            f"the {role.value} reference is a web address, not a file",
            next=f"download it first; or, where the provider itself may fetch it, {option}",
        )
    what = f"the {role.value} reference"
    return Reference(role=role, path=absolute(read_path(place, what=what), what=what))


def timed_shot(text: str) -> Shot:
    """Return the shot that SECONDS:WORDS describes. Raises BadInput."""
    seconds, found, words = text.partition(":")
    try:
        length = float(seconds)
    except ValueError:
        length = None
    if not found or length is None:
        raise BadInput(
            f"--shot {text!r} does not begin with its seconds",
            next='write it as --shot "5: a boat in the gutter"',
        )
    return Shot(seconds=length, prompt=words.strip())
