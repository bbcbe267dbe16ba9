"""The protocol's own conformance suite: what it says of the server, and of its tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import serving
from tests.mcp.fixtures import script, translating
from tests.mcp.forwarding import with_token
from tests.mcp.installed import node, program, ran

BASELINE = Path(__file__).with_name("conformance.yml")
"""Which checks are not for this server, and why. What else fails is told, and what of it passes."""


def checked(terminal: Terminal, address: str, *words: str) -> dict[str, dict[str, str]]:
    """Run scenarios against the server at `address`; return the state of each check of each of them."""
    results = terminal.home / f"results {words[-1]}"
    suite = program("conformance")
    told = ("--expected-failures", BASELINE, "--output-dir", results)
    done = ran(
        node(), suite, "server", "--url", address, *words, *told, env=terminal.environ, cwd=terminal.home
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    found: dict[str, dict[str, str]] = {}
    for folder in sorted(results.iterdir()):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*", "", folder.name)
        checks = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
        found[scenario] = {check["id"]: check["status"] for check in checks}
    return found


def test_the_suite_finds_no_fault(terminal: Terminal) -> None:
    """In every era each check passes that is not about a made-up tool or an optional part."""
    with serving(terminal) as door, with_token(door) as address:
        found = {
            era: checked(terminal, address, "--suite", "all", "--spec-version", era)
            for era in ("2025-06-18", "2025-11-25", "2026-07-28")
        }

    assert set(found["2025-06-18"]["server-initialize"].values()) == {"SUCCESS"}
    assert set(found["2025-11-25"]["dns-rebinding-protection"].values()) == {"SUCCESS"}
    for scenario in ("tools-list", "caching", "http-header-validation", "sep-2164-resource-not-found"):
        assert set(found["2026-07-28"][scenario].values()) == {"SUCCESS"}


def test_the_suite_finds_no_fault_in_tasks(paid: Terminal, provider: ProviderProcess) -> None:
    """Its made-up tools are calls of ours here, so that it is our tasks that are made, read, and canceled."""
    script(provider)
    with serving(paid) as door, with_token(door) as address, translating(address) as made_up:
        found = checked(paid, made_up, "--suite", "pending")

    for scenario in (
        "capability-negotiation",
        "wire-fields",
        "request-state-removal",
        "dispatch-and-envelope",
    ):
        assert set(found[f"tasks-{scenario}"].values()) == {"SUCCESS"}
    assert found["tasks-lifecycle"]["sep-2663-tool-error-uses-completed-status"] == "SUCCESS"
    assert (
        found["tasks-request-headers"]["sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get"]
        == "SUCCESS"
    )
