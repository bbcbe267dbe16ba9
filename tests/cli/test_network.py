"""What a shell around rushes does to its network: proxies, exceptions to them, certificates."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rushes.testing.openai_videos_service import KEY
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.cli.terminal import Said, Terminal
from tests.engines.listeners import socks_proxy
from tests.engines.sora_web.proxies import authenticating

MODEL = "plain/m"
GNOME = "socks://127.0.0.1:10808/"
"""As GNOME exports its own setting; nobody listens there."""

PATIENCE_S = 60.0

NO_SOCKS = 'import sys\nsys.modules["socksio"] = None\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("server") / "creates.jsonl"
    with running_standin("rushes.testing.openai_videos_servers:NewApi", log) as one:
        yield one


@contextmanager
def shell(home: Path, base_url: str, options: str = "", **variables: str) -> Iterator[Terminal]:
    """Give a terminal with the engine `plain`, whose environment has these variables and no other proxies."""
    # In lower case, which wins: so nothing of what is set around the tests counts.
    proxies = {name: variables.pop(name.upper(), "") for name in ("http_proxy", "all_proxy", "no_proxy")}
    home.mkdir(exist_ok=True)
    one = Terminal(home=home, variables={**proxies, "https_proxy": "", **variables})
    one.settings(
        f'[engines.plain]\nengine = "openai-videos"\nbase_url = "{base_url}"\nkey = "{KEY}"\n'
        f'{options}\n[[engines.plain.models]]\nid = "m"\nprice = {{ per_clip = 0.2 }}\n'
    )
    try:
        yield one
    finally:
        # Until none holds the lock: the next one has to start with the environment of its own command.
        while one.worker():
            one.stop_worker()
            time.sleep(0.05)


def create(terminal: Terminal, prompt: str) -> tuple[Said, dict[str, Any]]:
    said = terminal.run("create", prompt, "--model", MODEL, "--yes", "--timeout", "60", "--json")
    return said, json.loads(said.out)


@pytest.mark.parametrize("exceptions", ["127.0.0.1,localhost", "10.0.0.0/8, 127.0.0.0/8", "*"])
def test_a_host_in_no_proxy_needs_no_proxy(tmp_path: Path, server: StandInProcess, exceptions: str) -> None:
    """GNOME's ALL_PROXY, with the very host among the exceptions: the clip is made, directly (C05)."""
    prompt = f"a kite {tmp_path.name}"
    with shell(tmp_path / "home", server.base_url, ALL_PROXY=GNOME, NO_PROXY=exceptions) as terminal:
        said, told = create(terminal, prompt)
        assert said.code == 0, said
    assert told["job"]["state"] == "completed"
    assert len(server.log(prompt)) == 1


BROKEN = {
    "a scheme of its own": ("all_proxy", "socks4://me:a-password@127.0.0.1:1"),
    "no address": ("all_proxy", "http://me:a-password@"),
    "no package": ("all_proxy", GNOME),
    "certificates": ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
}


@pytest.mark.parametrize("options", ['recovery = "ask"', ""], ids=["ask", "lookup"])
@pytest.mark.parametrize(("variable", "value"), BROKEN.values(), ids=BROKEN.keys())
def test_a_client_that_cannot_be_made_blocks_the_job_before_anything_is_sent(
    tmp_path: Path, server: StandInProcess, variable: str, value: str, options: str
) -> None:
    """Set-up, named by its variable; never unknown, no POST; corrected, the same job is bought once (C05)."""
    prompt, home = f"a kite {tmp_path.name}", tmp_path / "home"
    (tmp_path / "sitecustomize.py").write_text(NO_SOCKS)
    variables = {variable.upper(): value, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    base_url = "https://127.0.0.1:9/v1" if variable == "SSL_CERT_FILE" else server.base_url
    with shell(home, base_url, options, **variables) as terminal:
        said, told = create(terminal, prompt)
        assert said.code == 8, said
        assert (told["job"]["state"], told["job"]["reason"]) == ("blocked", "setup")
        assert (told["error"]["code"], told["error"]["billed"]) == ("setup", "no")
        assert variable in told["error"]["message"]
        assert variable in told["error"]["next"]
        assert "a-password" not in said.out + said.err
        events = terminal.json("job", told["job"]["id"])["events"]
        assert "outcome_unknown" not in [event["kind"] for event in events]
    assert server.log(prompt) == []
    assert resumed(home, server, options, told["job"]["id"]).code == 0
    assert len(server.log(prompt)) == 1


def resumed(home: Path, server: StandInProcess, options: str, id: str) -> Said:
    """Have a blocked job tried again by a worker of a good environment, and return how it ended."""
    end = time.monotonic() + PATIENCE_S
    while True:
        with shell(home, server.base_url, options) as terminal:
            assert terminal.run("collect", id).code == 0
            said = terminal.run("wait", id)
        # A worker that was still starting with the bad environment may have come first.
        if said.code == 0 or time.monotonic() > end:
            return said


def test_a_socks_proxy_carries_creates_polls_and_files(tmp_path: Path, server: StandInProcess) -> None:
    """`socks://` is taken for `socks5://`; nothing goes around it (C05)."""
    with (
        socks_proxy() as proxy,
        shell(tmp_path, server.base_url, ALL_PROXY=f"socks://{proxy.place}/") as terminal,
    ):
        said, told = create(terminal, f"a kite {tmp_path.name}")
        assert said.code == 0, said
    assert told["job"]["state"] == "completed"
    assert set(proxy.heard) == {server.base_url.removeprefix("http://").removesuffix("/v1")}
    # A connection of its own for the create, one for the polls, one for the file.
    assert len(proxy.heard) >= 3


def test_a_proxy_with_a_password_shows_it_to_nobody(tmp_path: Path, server: StandInProcess) -> None:
    """The clip comes through it; a wrong password is told, and neither is written anywhere (C05, B1)."""
    home, prompt = tmp_path / "home", f"a kite {tmp_path.name}"
    with authenticating(tmp_path, username="ada", password="a-proxy-password") as proxy:
        with shell(home, server.base_url, HTTP_PROXY=proxy.url) as terminal:
            said, _ = create(terminal, prompt)
            assert said.code == 0, said
            assert proxy.logged("POST")
        wrong = proxy.url.replace("a-proxy-password", "wrong-password")
        with shell(home, server.base_url, HTTP_PROXY=wrong) as terminal:
            refused, _ = create(terminal, f"{prompt} again")
            doctor = terminal.run("doctor", "--debug")
    assert len(server.log(prompt)) == 1
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for secret in ("a-proxy-password", "wrong-password"):
        assert secret not in "".join(one.out + one.err for one in (said, refused, doctor))
        assert secret.encode() not in written


def test_networks_in_no_proxy_are_no_mistake_of_the_address(tmp_path: Path, server: StandInProcess) -> None:
    """A proxy that is not there, and exceptions that are about other hosts: the create waits (C05)."""
    variables = {"ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": "10.0.0.0/8,fd00::/8,[::1]"}
    with shell(tmp_path / "home", server.base_url, 'recovery = "ask"', **variables) as terminal:
        said = terminal.run("create", "a kite", "--model", MODEL, "--yes", "--no-wait", "--json")
        assert said.code == 0, said
        id = said.json()["job"]["id"]
        end = time.monotonic() + PATIENCE_S
        while (job := terminal.json("job", id)["job"])["reason"] is None and time.monotonic() < end:
            time.sleep(0.2)
    assert job["state"] == "waiting"
    assert "could not be reached" in job["reason"]


@pytest.mark.parametrize(
    "words", [("quote", "hello", "--model", "fal/minimax/h3-max/text-to-video"), ("doctor",)]
)
def test_what_only_asks_names_the_variable_too(
    tmp_path: Path, server: StandInProcess, words: tuple[str, ...]
) -> None:
    """Quotes and checks of an engine end as a set-up error, not as a mistake of ours (C05)."""
    variables = {"ALL_PROXY": "socks4://127.0.0.1:1", "FAL_KEY": "an-id:a-secret"}
    with shell(tmp_path / "home", server.base_url, **variables) as terminal:
        said = terminal.run(*words)
    assert said.code == 8, said
    assert "all_proxy is not the address of a proxy" in said.out + said.err
    assert "mistake" not in said.out + said.err
