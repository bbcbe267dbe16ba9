"""`rushes engines`: which engines are set up, and how to set up the others."""

from __future__ import annotations

import click

from rushes.alternatives import Alternatives, own_server
from rushes.cli.output import common, echo, put_json, put_pairs, put_table
from rushes.domain.errors import SetupError
from rushes.engines import registry
from rushes.settings import EngineSettings
from rushes.studio import Studio


@click.command()
@common
def engines(as_json: bool) -> int:
    """List the engines that are set up, and how to set up the others."""
    with Studio.open() as studio:
        rows = [_engine(studio, one) for one in studio.settings.set_up.values()]
        ways = {one.model.engine: one.todo for one in Alternatives(studio.roster).to_set_up()}
        others = {
            name: ways.get(name) or _how_to_set_up(studio, one)
            for name, one in studio.settings.shipped.items()
            if name not in studio.settings.set_up
        }
        kinds = registry.kinds_to_offer()
    if as_json:
        put_json({"engines": rows, "kinds": kinds})
        return 0
    put_table(
        [(one["name"], one["kind"], one["account"], one["recovery"], one["status"]) for one in rows],
        ("ENGINE", "KIND", "ACCOUNT", "RECOVERY", "STATUS"),
    )
    if others:
        echo()
        echo("not set up:")
        put_pairs(list(others.items()))
    return 0


def _engine(studio: Studio, settings: EngineSettings) -> dict[str, str]:
    try:
        studio.roster.check_ready(settings.name)
        engine = studio.engine(settings.name)
    except SetupError as error:
        status, account, recovery = f"{error.message}; {error.next}", "", ""
    else:
        status, account, recovery = "ready", engine.account, engine.recovery.value
    return {
        "name": settings.name,
        "kind": settings.kind,
        "account": account,
        "recovery": recovery,
        "status": status,
    }


def _how_to_set_up(studio: Studio, engine: EngineSettings) -> str:
    if all(studio.roster.listed(model).retired for model in studio.roster.models_of(engine.name)):
        return f"its service is closed; {own_server(engine.name)}"
    if engine.key_setting:
        return f"rushes config set {engine.key_setting}"
    return f"name it (--model {engine.name}/MODEL), or add [engines.{engine.name}] to the settings file"
