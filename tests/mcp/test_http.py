"""The door over HTTP: who gets in, and who does not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.terminal import Terminal
from tests.mcp.agent import BEARER, ERAS, TOKEN, call, http_agent, serving
from tests.mcp.test_approvals import YES, Person, quoted

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    },
}
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def hello(address: str, headers: Mapping[str, str]) -> int:
    """Return the status that a first request with these headers, and the token, gets."""
    return httpx.post(address, json=HELLO, headers={**JSON, **BEARER, **headers}).status_code


def test_a_web_page_gets_nothing(terminal: Terminal) -> None:
    """A page of another origin, and one that reached us by a name of its own, are refused."""
    with serving(terminal) as address:
        port = urlsplit(address).port
        answers = [
            hello(address, headers)
            for headers in (
                {},
                {"origin": f"http://localhost:{port}"},
                {"origin": "https://example.com"},
                {"origin": "null"},
                {"host": f"rebound.example.com:{port}"},
                {"host": "127.0.0.1:1"},
            )
        ]

    assert answers == [200, 200, 403, 403, 421, 421]


def test_nobody_gets_in_without_the_token(terminal: Terminal) -> None:
    """F38, B20: on loopback, too, every request needs the token, given as a bearer and in no other way."""
    wrong = ("", "Bearer wrong-token-of-that-length", f"Basic {TOKEN}", f"Bearer  {TOKEN}", TOKEN)
    with serving(terminal) as address, httpx.Client() as client:
        refused = [
            client.request(method, address, json=HELLO, headers={**JSON, "authorization": given}).status_code
            for method in ("POST", "GET", "DELETE")
            for given in wrong
        ]
        accepted = hello(address, {})

    assert refused == [401] * 3 * len(wrong)
    assert accepted == 200


def test_a_token_is_made_where_none_is_set(terminal: Terminal) -> None:
    """F38: it is shown once at the start, and there is another at the next start."""
    none = Terminal(home=terminal.home, variables={"RUSHES_MCP_TOKEN": ""})
    made = []
    for _ in range(2):
        with subprocess.Popen(
            none.command("mcp", "--http", "127.0.0.1:0", "--json"),
            env=none.environ,
            cwd=none.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                shown = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
                statuses = [
                    hello(shown["url"], {"authorization": f"Bearer {token}"})
                    for token in (shown["token"], TOKEN)
                ]
            finally:
                process.terminate()
            _, log = process.communicate(timeout=20)
        made.append(shown["token"])
        assert statuses == [200, 401]
        assert shown["token"] not in log

    assert len(set(made)) == 2
    assert min(map(len, made)) >= 32


def test_a_name_in_the_settings_is_answered(terminal: Terminal) -> None:
    """Behind a proxy the server goes by its name there, and by no other."""
    terminal.json("config", "set", "mcp.hosts", '["studio.example.com"]')
    with serving(terminal) as address:
        answers = [hello(address, {"host": name}) for name in ("studio.example.com", "example.com")]

    assert answers == [200, 421]


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_asked_over_http(paid: Terminal, era: str) -> None:
    """In either era the form comes to the client that called, and its answer back."""
    person = Person(YES)
    with serving(paid) as address:
        async with http_agent(address, mode=era, elicitation_callback=person) as client:
            quote = await quoted(client, "over http")
            approved = await call(client, "approve_quote", quote_id=quote)

    assert len(person.asked) == 1
    assert approved.structured_content["approved"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "example.com:0"])
def test_other_machines_need_a_token(terminal: Terminal, address: str) -> None:
    """Where others could reach it, nothing is started without a token, nor with a short one."""
    open_ = terminal.run("mcp", "--http", address)
    short = Terminal(home=terminal.home, variables={"RUSHES_MCP_TOKEN": "short"})
    guessed = short.run("mcp", "--http", address)

    assert (open_.code, guessed.code) == (8, 8)
    assert "RUSHES_MCP_TOKEN" in open_.err


def test_everywhere_is_reached_by_this_machines_names(terminal: Terminal) -> None:
    """Served on all addresses with a token, it answers under 127.0.0.1, and not under any name."""
    with serving(terminal, host="0.0.0.0") as address:
        near = address.replace("0.0.0.0", "127.0.0.1")
        answer = httpx.post(near, json={}, headers=BEARER)
        strange = httpx.post(near, json={}, headers={**BEARER, "Host": "elsewhere.example"})

    assert answer.status_code not in {401, 403, 421}
    assert strange.status_code == 421


def test_a_bad_address_is_told(terminal: Terminal) -> None:
    """An address that is none, or that is taken, is an error that says so."""
    with serving(terminal) as address:
        taken = terminal.run("mcp", "--http", urlsplit(address).netloc)
    wrong = terminal.run("mcp", "--http", "8000")

    assert (taken.code, wrong.code) == (8, 2)
    assert "cannot be listened at" in taken.err
