"""What a command loads before it does anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.terminal import Terminal

HEAVY = (
    "av",
    "numpy",
    "PIL",
    "httpx",
    "ssl",
    "playwright",
    "asyncio",
    "rich",
    "rushes.engines",
    "rushes.studio",
)


def loaded(words: list[str], terminal: Terminal) -> set[str]:
    """Return the modules a command has imported by its end."""
    program = (
        "import sys, contextlib, io\n"
        f"sys.argv = ['rushes', *{words!r}]\n"
        "from rushes.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=terminal.environ, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_help_imports_nothing_heavy(terminal: Terminal) -> None:
    """`rushes --help` imports no engine, PyAV, HTTP client or browser, and not even the Studio."""
    assert loaded(["--help"], terminal).isdisjoint(HEAVY)


@pytest.mark.parametrize("words", [["jobs"], ["clips"], ["budget"]], ids=lambda words: words[0])
def test_reading_the_ledger_imports_no_heavy_library(terminal: Terminal, words: list[str]) -> None:
    """Commands that only read cost tens of milliseconds: no PyAV, HTTP client, numpy or event loop."""
    assert loaded(words, terminal).isdisjoint({"av", "numpy", "PIL", "httpx", "asyncio", "rich"})


def test_every_command_has_help_json_and_debug(terminal: Terminal) -> None:
    """Each command that is listed can be loaded, and has --json."""
    from rushes.cli.main import COMMANDS

    for name in COMMANDS:
        words = ["library", "verify", "--help"] if name == "library" else [name, "--help"]
        said = terminal.run(*words)
        assert said.code == 0, name
        assert "--json" in said.out, name
        assert "--debug" in said.out, name


@pytest.mark.parametrize("group", ["", "sora", "skill", "library"])
def test_a_group_alone_shows_its_help(terminal: Terminal, group: str) -> None:
    """A group without a command is answered with what --help says, on stdout, and it is no error."""
    bare = terminal.run(*group.split())
    asked = terminal.run(*group.split(), "--help")

    assert (bare.code, bare.err) == (0, "")
    assert bare.out == asked.out


def test_an_unknown_command_is_a_clear_error(terminal: Terminal) -> None:
    """A misspelt command exits with 2 and names the way to the list."""
    said = terminal.run("craete")

    assert said.code == 2
    assert "rushes --help" in said.err
