"""`rushes sora emulator`: the service on this machine."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rushes.domain.extras import install_command
from rushes.testing.sora_emulator import FAULTS
from tests.cli.terminal import Terminal


@contextmanager
def serving(terminal: Terminal, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start an emulator; yield its process, once it listens, and what it has printed until then."""
    command = terminal.command("sora", "emulator", "--port", "0", *words)
    with subprocess.Popen(
        command, env={**terminal.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        try:
            yield process, said
        finally:
            process.kill()


def client(said: str) -> httpx.Client:
    """Return a client of the address that an emulator has printed."""
    address = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert address is not None
    return httpx.Client(base_url=address[0])


def sign_in(said: str) -> httpx.Response:
    """Sign in with the account that an emulator has printed."""
    account = re.search(r"(\S+@example\.com), password (\S+)", said)
    assert account is not None
    with client(said) as http:
        return http.post("/auth/login", data={"email": account[1], "password": account[2]})


def test_it_says_where_it_is_and_how_to_use_it(terminal: Terminal) -> None:
    """Address, account and settings are printed; they are good; Ctrl-C ends it."""
    with serving(terminal, "--fault", "session-split") as (process, said):
        signed_in = sign_in(said)
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)

    base_url = str(signed_in.request.url).removesuffix("/auth/login")
    assert f'[engines.sora-web]\nbase_url = "{base_url}"' in said
    assert signed_in.status_code == 303
    # The fault was in force: the cookie came in two parts.
    assert ".1=" in signed_in.headers["set-cookie"]
    assert code == 130


def test_whoever_has_signed_in_still_is_after_a_restart(terminal: Terminal) -> None:
    """Killed and started again it knows its people; with another folder or --fresh it knows nobody."""
    with serving(terminal) as (_, said):
        lines = sign_in(said).headers.get_list("set-cookie")
    cookie = "; ".join(line.partition(";")[0] for line in lines)
    names = []
    for words in ((), ("--state", str(terminal.home / "other")), ("--fresh",)):
        with serving(terminal, *words) as (_, said), client(said) as http:
            session = http.get("/api/auth/session", headers={"Cookie": cookie}).json()
            names.append(session.get("user", {}).get("name"))
    assert names == ["director", None, None]
    assert str(terminal.home / "emulator") in said


def test_one_folder_is_for_one_emulator(terminal: Terminal) -> None:
    """A second one does not start, and says which folder it is about."""
    with serving(terminal):
        said = terminal.run("sora", "emulator", "--port", "0")
    assert said.code == 8
    assert "emulator is in use by another emulator" in said.err
    assert "--state" in said.err


def test_by_tls_it_says_whom_to_trust(terminal: Terminal, tmp_path: Path) -> None:
    """Each part has an origin with a certificate of the authority that is named, and of no other."""
    with serving(terminal, "--tls", str(tmp_path / "tls")) as (_, said):
        address = re.search(r"https://127\.0\.0\.1:\d+", said)
        authority = re.search(r"SSL_CERT_FILE=(\S+)", said)
        assert address is not None
        assert authority is not None
        trusting = ssl.create_default_context(cafile=authority[1])
        origins = httpx.get(f"{address[0]}/emulator/origins", verify=trusting).json()
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{address[0]}/emulator/origins")

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
