"""Every fault, each against its check, and how faults are turned on and off."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from rushes.testing.sora_emulator import FAULTS
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.testing.sora_emulator.create_checks import CREATES, POLLS
from tests.testing.sora_emulator.draft_checks import DRAFT, LISTS, MEDIA, TASKS, UPLOADS
from tests.testing.sora_emulator.session_checks import SESSIONS
from tests.testing.sora_emulator.visitor import Check, Visitor

CHECKS = {**SESSIONS, **CREATES, **POLLS, **TASKS, **DRAFT, **LISTS, **MEDIA, **UPLOADS}
"""By NAME or NAME=VALUE."""


def holds(check: Check, visitor: Visitor) -> bool:
    """Return whether a check holds; one that does not find what it looks at does not."""
    try:
        return check(visitor)
    except (LookupError, TypeError, ValueError, httpx.UnsupportedProtocol, pytest.fail.Exception):
        return False


@pytest.mark.parametrize("words", CHECKS)
def test_a_fault_does_what_its_line_says(visitor: Visitor, words: str) -> None:
    """Its check holds while it is on, and not while everything is off."""
    with Visitor(visitor.sora) as other:
        assert not holds(CHECKS[words], other)
    visitor.sora.clear()
    visitor.refresh()
    name, equals, value = words.partition("=")
    visitor.sora.fault(name, value if equals else None)
    assert CHECKS[words](visitor)


def test_every_fault_has_a_test() -> None:
    """A new line in the table needs one in these."""
    tested = {words.partition("=")[0] for words in CHECKS}
    assert tested == set(FAULTS)


def test_a_fault_counts_down_and_ends(visitor: Visitor) -> None:
    """`times` uses, and then it is off; the longest match wins."""
    visitor.sora.fault("payment", times=2)
    visitor.sora.fault("heavy-load", match="boat house")
    codes = [visitor.create("boat").status_code for _ in range(3)]
    assert codes == [402, 402, 200]
    assert visitor.create("a boat house").status_code == 429


def test_the_longest_match_wins(visitor: Visitor) -> None:
    """One fault may have a value for some words and another for more of them."""
    visitor.sora.fault("heavy-load", 429)
    visitor.sora.fault("heavy-load", 503, match="boat")
    assert [visitor.create(words).status_code for words in ("a car", "a boat")] == [429, 503]


@pytest.mark.parametrize(
    ("name", "value"),
    [("no-such", None), ("region", "418"), ("payment", "yes"), ("listed-late", "many"), ("poll-500", "x")],
)
def test_a_fault_that_there_is_not_is_refused(sora: SoraProcess, name: str, value: str | None) -> None:
    """A typing mistake in a test must not pass as the usual behaviour."""
    with pytest.raises(ValueError, match=name):
        sora.fault(name, value)


def test_faults_may_be_on_from_the_start(tmp_path: Path) -> None:
    """As the command line says them; and all of them are listed."""
    with running_sora(tmp_path / "log", faults=["region=404", "drop-create"]) as sora:
        listed = httpx.get(f"{sora.base_url}/emulator/faults").json()
        assert {one["name"]: one["value"] for one in listed["on"]} == {"region": "404", "drop-create": "on"}
        assert {one["name"] for one in listed["table"]} == set(FAULTS)
        sora.clear()
        assert httpx.get(f"{sora.base_url}/emulator/faults").json()["on"] == []
