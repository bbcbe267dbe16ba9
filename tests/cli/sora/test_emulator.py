"""`rushes sora emulator`: the service on this machine."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from rushes.domain.extras import install_command
from rushes.testing.sora_emulator import FAULTS
from tests.cli.terminal import Terminal


def printed(process: subprocess.Popen[str]) -> str:
    """Return all that it prints once it serves."""
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def test_it_says_where_it_is_and_how_to_use_it(terminal: Terminal) -> None:
    """Address, account and settings are printed; they are good; Ctrl-C ends it."""
    words = terminal.command("sora", "emulator", "--port", "0", "--fault", "session-split")
    with subprocess.Popen(
        words, env={**terminal.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        said = printed(process)
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


def test_by_tls_it_says_whom_to_trust(terminal: Terminal, tmp_path: Path) -> None:
    """Each part has an origin with a certificate of the authority that is named, and of no other."""
    words = terminal.command("sora", "emulator", "--port", "0", "--tls", str(tmp_path / "tls"))
    with subprocess.Popen(
        words, env={**terminal.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as process:
        said = printed(process)
        address = re.search(r"https://127\.0\.0\.1:\d+", said)
        authority = re.search(r"SSL_CERT_FILE=(\S+)", said)
        assert address is not None
        assert authority is not None
        trusting = ssl.create_default_context(cafile=authority[1])
        origins = httpx.get(f"{address[0]}/emulator/origins", verify=trusting).json()
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{address[0]}/emulator/origins")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)

    assert f"certutil -d sql:$HOME/.pki/nssdb -A -n sora-emulator -t C,, -i {authority[1]}" in said
    assert len(set(origins.values())) == 5
    assert all(one.startswith("https://127.0.0.1:") for one in origins.values())


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
