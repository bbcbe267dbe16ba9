"""What `rushes sora` says when something fails: nothing of jobs, charges and retries that there are not."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Said, Terminal
from tests.engines.sora_web.proxies import authenticating

COMMANDS = ("login", "refresh", "explore", "inspect check", "download gen_1", "import exported.json")


def check_plain(said: Said) -> None:
    """Check that an error speaks neither of charges nor of retries: no job is concerned."""
    for words in ("charged", "automatically", "retried", "by itself", "collect"):
        assert words not in said.err, said


def test_a_dead_proxy_reads_alike_in_every_command(
    home: SoraHome, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command names the proxy, says that it does not answer and what to do, and nothing of a job."""
    monkeypatch.setenv("DISPLAY", screen)
    assert home.sign_in().code == 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    home.configure(proxy_url=f'"http://{place}"')
    (home.terminal.home / "exported.json").rename(home.terminal.home / "other.json")
    for command in COMMANDS:
        words = command.replace("exported.json", str(home.terminal.home / "other.json")).split()
        said = home.sora(*words)
        assert said.code == 5, (command, said)
        assert f"error: the proxy {place} does not answer\n" in said.err, (command, said)
        assert "check that it runs and that proxy_url" in said.err, (command, said)
        check_plain(said)
    shown = home.sora("refresh", "--json").json()["error"]
    assert shown["billed"] == "no"
    assert f"the proxy {place} does not answer" in home.sora("status").out


def test_a_proxy_that_refuses_the_password_of_a_sign_in(
    home: SoraHome, screen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The window does not open on an error page: user or password are wrong, and where they are set."""
    monkeypatch.setenv("DISPLAY", screen)
    with authenticating(tmp_path, username="ada", password="invented") as proxy:
        home.configure(proxy_url=f'"{proxy.url.replace("invented", "mistyped")}"')
        said = home.sora("login", "--timeout", "30")
    assert said.code == 8, said
    assert "does not take its user or password" in said.err
    assert "SORA_PROXY_URL" in said.err
    assert "mistyped" not in said.err
    check_plain(said)


def test_a_service_that_does_not_answer_is_named(home: SoraHome) -> None:
    """The address of the service is where nobody listens: what could not be opened, and what to check."""
    assert home.sign_in().code == 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        place = f"http://127.0.0.1:{probe.getsockname()[1]}"
    settings = home.terminal.home / "config.toml"
    settings.write_text(settings.read_text().replace(home.emulator.base_url, place))
    said = home.sora("refresh")
    assert said.code == 5, said
    assert f"{place}/explore could not be opened" in said.err
    assert "check that it runs" in said.err
    check_plain(said)


@pytest.mark.parametrize("address", ["127.0.0.1:8765", "localhost", "ftp://127.0.0.1"])
def test_an_address_without_http_is_refused_with_its_name(terminal: Terminal, address: str) -> None:
    """`base_url` without a scheme: the settings are refused, naming the key; no window opens on nothing."""
    terminal.settings(f'[engines.sora-web]\nbase_url = "{address}"\n')
    said = terminal.run("sora", "login")
    assert said.code == 8, said
    assert "engines.sora-web.base_url is not an address" in said.err
    assert "A window opens" not in said.err


def test_an_outage_is_told_in_full_while_a_job_is_watched(home: SoraHome) -> None:
    """Who watches a job through an outage reads why nothing comes, uncut; the worker's log has its calls,
    failed ones too, without queries. After the outage the job goes on.
    """
    assert home.sign_in().code == 0
    home.emulator.fault("poll-drop")
    words = home.terminal.command("create", "a tram in an outage", "landscape", "small", "150")
    with subprocess.Popen(words, env=home.terminal.environ, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None
        try:
            line = next(line for line in watching.stderr if "got no answer" in line)
        finally:
            home.emulator.clear()
        watching.stderr.read()
        assert watching.wait(timeout=60) == 0
    assert line.endswith("(the page got no answer (net::ERR_EMPTY_RESPONSE))\n"), line
    log = (home.terminal.home / "worker.log").read_text()
    for call in ("GET /backend/nf/pending/v2: net::ERR_EMPTY_RESPONSE", "POST /backend/nf/create: 200"):
        assert f"{call}\n" in log, log
    assert "?" not in log
