"""Writes the documents that come out of the code: errors, command line, engines, the emulator's faults.

python tools/generate_docs.py            writes them
python tools/generate_docs.py --check    exits with 1 where one is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from rushes.catalogue.abilities import ABILITIES
from rushes.catalogue.loading import shipped_models
from rushes.cli.main import COMMANDS, app
from rushes.domain.errors import error_classes
from rushes.domain.model import Model
from rushes.domain.request import Role
from rushes.engines import registry
from rushes.engines.contract import BaseEngine
from rushes.testing.sora_emulator import FAULTS
from rushes.testing.sora_emulator.moderation import RULES

ROOT = Path(__file__).parent.parent
NOTE = "<!-- made by tools/generate_docs.py from the code; run `make generate` after a change -->"


def errors() -> str:
    """Return the table of error classes: code, exit code, HTTP status, retried, billed, what to do."""
    lines = [
        "# Errors",
        NOTE,
        "",
        "Every error has a code, says whether it was billed, and says what to do next. Exit codes: 0 done,",
        "3 still running, 130 stopped by Ctrl-C; the others are below.",
        "",
        "| code | exit | HTTP | tried again automatically | billed | what happened | what to do |",
        "|---|---|---|---|---|---|---|",
    ]
    for cls in error_classes():
        message = (cls.__doc__ or "").strip().splitlines()[0]
        again = "yes" if cls.retryable else "no"
        lines.append(
            f"| `{cls.code}` | {cls.exit_code} | {cls.http_status} | {again} | {cls.billed.value}"
            f" | {message} | {cls.next} |"
        )
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Return the help of every command."""
    lines = ["# The command line", NOTE, ""]
    context = click.Context(app, info_name="rushes")
    lines += ["```text", app.get_help(context), "```", ""]
    for name in COMMANDS:
        command = app.get_command(context, name)
        assert command is not None
        lines += _help(command, context, f"rushes {name}")
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            for part in command.commands.values():
                lines += _help(part, inner, f"rushes {name} {part.name}")
    return "\n".join(lines).rstrip() + "\n"


def _help(command: click.Command, parent: click.Context, title: str) -> list[str]:
    name = title.rsplit(" ", 1)[1]
    text = command.get_help(click.Context(command, info_name=name, parent=parent, max_content_width=100))
    return [f"## {title}", "", "```text", text, "```", ""]


RUN_FOR_REAL = {
    "animatic": "yes: it is this machine",
    "local": "`tiny-random` alone, on a CPU; no downloaded weights",
    "fal": "no, a double of it",
    "openai-videos": "no, a double of it",
    "openrouter": "no, a double of it",
    "sora-web": "no, it closed on 2026-04-26: [an emulator](sora.md) of it",
}
"""By engine kind: whether it was run against the real service. The double in `rushes.testing` is none."""


def engines() -> str:
    """Return the tables of engines, of what each can do, and of their models."""
    kinds = {kind: registry.declared(kind) for kind in sorted(RUN_FOR_REAL)}
    models = {kind: tuple(shipped_models(kind, kind)) or tuple(cls.models) for kind, cls in kinds.items()}
    return "\n".join(
        [
            "# Engines",
            NOTE,
            "",
            "What each engine can do with at least one of the models it comes with. Others are read from a",
            "service's list (`rushes models --refresh`) or described in [the settings](settings.md).",
            "",
            *_abilities(kinds, models),
            "",
            "**A lost create**, of which nobody heard whether it was accepted, is settled",
            "[as the engine declares](how-submits-fail.md).",
            "",
            "## Models",
            "",
            'A model is refused from the day under "retired" on; the error names what replaces it.',
            "",
            "| model | lengths | aspects | resolutions | first / last frame | sound | seed | price |"
            " retired |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_model_row(model) for kind in kinds for model in models[kind]),
            "",
        ]
    )


def _abilities(kinds: Mapping[str, type[BaseEngine]], models: Mapping[str, Sequence[Model]]) -> Iterator[str]:
    """Yield the table of what the engines can do: a column for each engine, a row for each ability."""
    yield "| | " + " | ".join(f"`{kind}`" for kind in kinds) + " |"
    yield "|---|" + "---|" * len(kinds)
    for name, able in ABILITIES.items():
        found = (any(able(model) for model in models[kind]) for kind in kinds)
        yield _row(name.replace("_", " "), (_mark(one) for one in found))
    for words, method in (
        ("cancel", "cancel"),
        ("live price or quota", "quote"),
        ("a list of models", "list_models"),
    ):
        own = (getattr(cls, method) is not getattr(BaseEngine, method) for cls in kinds.values())
        yield _row(words, (_mark(one) for one in own))
    yield _row("a lost create", (f"`{cls.recovery.value}`" for cls in kinds.values()))
    yield _row("run against the real service", (RUN_FOR_REAL[kind] for kind in kinds))


def _mark(able: bool) -> str:
    return "yes" if able else "–"


def _row(head: str, cells: Iterable[str]) -> str:
    return f"| {head} | " + " | ".join(cells) + " |"


def _model_row(model: Model) -> str:
    frames = " / ".join(
        "yes" if role in model.roles else "no" for role in (Role.FIRST_FRAME, Role.LAST_FRAME)
    )
    price = "free" if model.price.free else "not known"
    if model.price.included_in_plan:
        price = "in the plan"
    if model.price.per_second:
        rates = sorted(set(model.price.per_second.values()))
        price = ", ".join(f"${rate:f}/s" for rate in rates)
    cells = (
        f"`{model.address}`",
        str(model.lengths),
        " ".join(model.aspects),
        " ".join(model.resolutions),
        frames,
        model.audio.value,
        "yes" if model.seed else "no",
        price,
        "" if model.retires_on is None else model.retires_on.isoformat(),
    )
    return "| " + " | ".join(cells) + " |"


def faults() -> str:
    """Return the table of the ways in which the Sora emulator can misbehave."""
    lines = [
        "# What the Sora emulator can do wrong",
        NOTE,
        "",
        "`rushes sora emulator --fault NAME[=VALUE]`, or a switch on its page `/emulator`. With none on, it",
        "is the service as it was last observed, in March and April 2026.",
        "",
        "| fault | value | looked at | what is then different |",
        "|---|---|---|---|",
    ]
    for name, fault in FAULTS.items():
        values = fault.choices or ((fault.value,) if fault.value else ())
        value = " or ".join(f"`{one}`" for one in values)
        does = fault.does.replace("|", "\\|")
        lines.append(f"| `{name}` | {value} | {fault.area} | {does} |")
    return "\n".join([*lines, "", *objections()]) + f"\n{SIGN_IN}"


def objections() -> list[str]:
    """Return the table of the words to which the Sora emulator objects."""
    then = {
        "create": "the create is refused, 400",
        "draft": "the task ends as a `sora_content_violation`",
        "upload": "the upload of a picture with this in its file's name is refused, 400",
    }
    rows = [
        f"| {', '.join(rule.words)} | {then[rule.at]} | {rule.reason} | {'yes' if rule.seen else 'a guess'} |"
        for rule in RULES
    ]
    return [
        "## What it objects to",
        "",
        "Without any fault, and in any case of the letters; `no-moderation` turns it off.",
        "",
        "| words | what happens | what it says | was it seen so |",
        "|---|---|---|---|",
        *rows,
    ]


SIGN_IN = """
## Its origins, and its sign-in

Site, sentinel, sign-in, files and an identity provider have an origin each, as they had hosts:
`--origins ports` (the default of the command) gives each a port of 127.0.0.1, `several` an address of its
own (127.0.0.2 and on, so that cookies are apart too), `one` puts all at one. Each serves its own paths
only; the session's cookie is the site's, and the site's pages call the sentinel by CORS. `--tls FOLDER`
serves https by a test authority and prints how a browser is told to trust it; rushes has no switch for
that, as it has none for the real service.

`Log in` leads to the sign-in's own pages: address, password (or *Continue with Example ID*, the provider,
in a window of its own), one-time code, consent, and back to the site with a code. There is no phone, so
the code stands on the page that asks for it. `--fault scripted-person` has all of that done by nobody.

`--fault challenge-headless` stands for a site that takes a browser without a window for a robot. The check
is a button; what passes gets a clearance that is good for its address and user agent. rushes never says
that it is another browser: a job that is challenged waits for a person, and one that is challenged again
after a person was let in says that it needs `headed = true`.
"""


def skill_errors() -> str:
    """Return the skill's table of errors, in the order of their exit codes: what an agent needs of them."""
    lines = [
        "# Errors",
        NOTE,
        "",
        "With `--json` a command that fails prints `error.code`, `message`, `billed` and `next`; the exit",
        "code is that of the kind. 0 is done, 130 is stopped by Ctrl-C. `billed` below is what holds by",
        "itself; the answer may know better. Where it is `unknown` or `yes`, ask the person before anything",
        "is bought again. Agreeing to a price is the person's, also where the last column speaks of `--yes`",
        "or `--max-usd`; so is `--again` for a paid clip. ID is the job's.",
        "",
        "| exit | code | tried again automatically | billed | what happened | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for cls in sorted(error_classes(), key=lambda cls: cls.exit_code):
        message = (cls.__doc__ or "").strip().splitlines()[0]
        again = "yes" if cls.retryable else "no"
        lines.append(
            f"| {cls.exit_code} | `{cls.code}` | {again} | {cls.billed.value} | {message} | {cls.next} |"
        )
    return "\n".join(lines) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/errors.md": errors,
    "docs/cli.md": commands,
    "docs/engines.md": engines,
    "docs/sora-emulator.md": faults,
    "src/rushes/skill/video/references/errors.md": skill_errors,
}


def main() -> int:
    stale = []
    for name, write in DOCUMENTS.items():
        file, text = ROOT / name, write()
        if "--check" not in sys.argv:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"{name} is out of date: run make generate", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
