"""`rushes config | doctor`: what is set, setting it, and whether this machine and its engines are ready."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.output import common, echo, one_to_a_line, put_json, put_pairs, put_table, say, shown, style
from rushes.domain.errors import BadInput, SetupError
from rushes.domain.money import usd

if TYPE_CHECKING:
    from rushes.diagnosis import Check
    from rushes.settings import EngineSettings, Settings
    from rushes.settings.changing import Changed
    from rushes.settings.naming import Setting


@click.group(invoke_without_command=True)
@common
@click.pass_context
def config(context: click.Context, as_json: bool) -> int | None:
    """Show the settings in force (show), say where their file is (path), or change them (set, unset)."""
    if context.invoked_subcommand is None:
        return _show(as_json)
    if as_json:
        context.default_map = {name: {"as_json": True} for name in config.commands}
    return None


@config.command()
@common
def show(as_json: bool) -> int:
    """Show the settings in force, and where each engine's key comes from; never a key itself."""
    return _show(as_json)


@config.command()
@common
def path(as_json: bool) -> int:
    """Show where the settings file is, there or not."""
    from rushes import settings

    # Without reading it: this is where a mistake in it leads to.
    found = settings.places()[1]
    put_json({"path": str(found)}) if as_json else echo(found)
    return 0


@config.command("set", short_help="Set one, or keep a key: rushes config set fal.key")
@click.argument("setting")
@click.argument("value", nargs=-1)
@common
def set_(as_json: bool, setting: str, value: tuple[str, ...]) -> int:
    """Set one in the settings file, or keep an engine's key.

    \b
    rushes config set budget.per_day 5
    rushes config set engines.lab.base_url http://127.0.0.1:8000
    rushes config set fal.key

    A key is asked for without showing it, or read from stdin; it is never an argument, which others could
    read. It is kept in the system's keyring, or in a file for its owner alone.
    """
    from rushes.settings.changing import set_plain, set_secret, to_set

    found = to_set(setting)
    if found.secret:
        _refuse_argument(found, value)
        return _tell("set", set_secret(found, _ask(found)), as_json)
    if len(value) != 1:
        raise BadInput(
            f"{found} takes one value, and {len(value) or 'none'} {'are' if value else 'is'} given",
            next=f"rushes config set {found} VALUE; put quotes around one with spaces",
        )
    return _tell("set", set_plain(found, value[0]), as_json)


@config.command(short_help="Remove a setting, or a key from where it is kept.")
@click.argument("setting")
@common
def unset(as_json: bool, setting: str) -> int:
    """Remove a setting from the settings file, or a key from where it is kept."""
    from rushes.settings import changing

    return _tell("unset", changing.unset(changing.to_unset(setting)), as_json)


def _refuse_argument(found: Setting, value: tuple[str, ...]) -> None:
    if value:
        raise BadInput(
            f"{found} is secret, and an argument can be read by others: in the list of processes and in the "
            "shell's history; nothing was kept",
            next=f"run rushes config set {found} and give it when asked, or pipe it in; where others use "
            "this machine, make a new one",
        )


def _ask(found: Setting) -> str:
    """Return the key: typed without being shown, or everything that comes on stdin."""
    if sys.stdin.isatty():
        key: str = click.prompt(shown(str(found)), hide_input=True, err=True)
        return key
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise BadInput("what came on stdin is no text; nothing was kept") from None


def _tell(done: str, changed: Changed, as_json: bool) -> int:
    if as_json:
        shape = {"where": list(changed.where), "hidden_by": changed.hidden_by or None}
        put_json({"done": done, "setting": str(changed.setting), **shape})
        return 0
    echo(f"{done} {changed.setting} in {' and '.join(changed.where)}")
    if changed.hidden_by:
        say(f"{style('note', fg='yellow')}: used in its place is {changed.hidden_by}")
    return 0


def _show(as_json: bool) -> int:
    from rushes import settings

    found = settings.load()
    caps = found.caps
    keys = [row for engine in _with_keys(found) for row in _key_rows(engine)]
    shape: dict[str, Any] = {
        "config": str(found.config) + ("" if found.config.exists() else " (not there: all defaults)"),
        "home": str(found.home),
        "log": str(found.log),
        "model": found.model or "the cheapest that can and is set up, else animatic/storyboard (free)",
        "engines": ", ".join(f"{one.name} ({one.kind})" for one in found.set_up.values()),
        "budget": "not known, so nothing that costs money is sent"
        if caps.unreadable
        else f"{_cap(caps.per_job)} a job, {_cap(caps.per_day)} a day, {_cap(caps.per_month)} a month",
        "timezone": caps.timezone,
    }
    problems = [fault.why for fault in found.faults.values()]
    if as_json:
        put_json({**shape, "keys": keys, "problems": problems})
        return 0
    lines = [f"{row['setting']}: {row['from'] or 'none'}" for row in keys] or ["none is needed"]
    put_pairs([*shape.items(), *_listed("keys", lines), *_listed("problems", problems)])
    return 0


def _listed(name: str, lines: list[str]) -> list[tuple[str, str]]:
    """Return lines as pairs, with their name before the first."""
    return list(zip([name, *[""] * len(lines)], lines, strict=False))


def _with_keys(found: Settings) -> list[EngineSettings]:
    """Return the engines that are configured, and the shipped ones that have a key."""
    return [*found.engines.values(), *(one for one in found.shipped.values() if one.key_sources)]


def _key_rows(engine: EngineSettings) -> list[dict[str, str | None]]:
    """Return where each secret of an engine comes from: one row without a place where it has none at all."""
    from rushes.settings.defaults import secrets_of

    places: dict[str, str | None] = {
        option: f"{where}, not used: {engine.refused[option].why}" if option in engine.refused else where
        for option, where in engine.key_sources.items()
    }
    places |= {option: f"{variable}, which is not set" for option, variable in engine.missing.items()}
    if not places:
        places = dict.fromkeys(secrets_of(engine.kind)[:1])
    return [{"setting": f"{engine.name}.{option}", "from": where} for option, where in places.items()]


def _cap(amount: Decimal | None) -> str:
    return "no cap" if amount is None else usd(amount)


@click.command()
@common
def doctor(as_json: bool) -> int:
    """Check this machine and every engine that is set up, at no cost; name the command that repairs it."""
    from rushes.diagnosis import examine

    checks = examine()
    if as_json:
        put_json([check.as_json() for check in checks])
    else:
        rows = [
            (_mark(one), one.name, one.told + (f"; key: {one.key_from}" if one.key_from else ""))
            for one in checks
        ]
        put_table(rows, ("", "CHECK", "FOUND"))
        for mend in dict.fromkeys(check.mend for check in checks if check.mend):
            echo(f"{style('repair', fg='cyan')}: {one_to_a_line(mend)}")
    return 0 if all(check.good or not check.needed for check in checks) else SetupError.exit_code


def _mark(check: Check) -> str:
    if check.good:
        return style("ok", fg="green")
    return style("no", fg="red") if check.needed else style("--", fg="yellow")
