"""`rushes sora emulator`: the service on this machine."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from rushes.domain.extras import install_command
from rushes.testing.sora_emulator import FAULTS
from tests.cli.terminal import Terminal


def test_it_says_where_it_is_and_how_to_use_it(terminal: Terminal) -> None:
    """Address, account and settings are printed; they are good; Ctrl-C ends it."""
    words = terminal.command("sora", "emulator", "--port", "0", "--fault", "session-split")
    with subprocess.Popen(
        words, env={**terminal.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        account = re.search(r"(\S+@example\.com), password (\S+)", said)
        assert address is not None
        assert account is not None
        with httpx.Client(base_url=address[0]) as client:
            form = {"email": account[1], "password": account[2]}
            signed_in = client.post("/auth/login", data=form)
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)

    assert f'[engines.sora-web]\nbase_url = "{address[0]}"' in said
    assert signed_in.status_code == 303
    # The fault was in force: the cookie came in two parts.
    assert ".1=" in signed_in.headers["set-cookie"]
    assert code == 130


def test_every_fault_is_listed(terminal: Terminal) -> None:
    """The table has each fault and what it does, within the terminal's width."""
    listed = terminal.json("sora", "emulator", "--list-faults")
    said = terminal.run("sora", "emulator", "--list-faults")

    assert {name: one["does"] for name, one in listed.items()} == {
        name: one.does for name, one in FAULTS.items()
    }
    assert all(re.search(rf"^{name} ", said.out, re.MULTILINE) for name in FAULTS)
    assert max(map(len, said.out.splitlines())) <= 100


def test_a_fault_that_there_is_not(terminal: Terminal) -> None:
    """A misspelt fault is refused, and the list is named."""
    said = terminal.run("sora", "emulator", "--port", "0", "--fault", "nonsense")

    assert said.code == 2
    assert "--list-faults" in said.err


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_its_packages_it_names_the_extra(terminal: Terminal, package: str) -> None:
    """Where the packages of the doubles are not installed, the extra that brings them is named."""
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "sys.argv = ['rushes', 'sora', 'emulator', '--list-faults']\n"
        "from rushes.cli.main import main\n"
        "main()"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env=terminal.environ, capture_output=True, text=True)

    assert done.returncode == 8
    assert package in done.stderr
    assert install_command("testing") in done.stderr
