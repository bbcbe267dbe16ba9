"""A key with a stray byte, from end to end: it works where only copying left it, and is shown to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.terminal import QUICK, Terminal
from tests.engines.counters import ServiceCounter
from tests.engines.living import fal, openrouter, services, videos
from tests.mcp.agent import agent, words_of

VARIABLES: Mapping[str, str] = {"NewApi": "LAB_KEY", "openrouter": "OPENROUTER_API_KEY", "fal": "FAL_KEY"}


@dataclass(frozen=True, kw_only=True)
class Copied:
    """An engine whose key comes from an environment variable, as somebody copied it."""

    counter: ServiceCounter
    home: Path

    @property
    def variable(self) -> str:
        return VARIABLES[self.counter.name]

    @property
    def model(self) -> str:
        return f"{self.counter.name}/{self.counter.model(framed=False)}"

    @property
    def prompt(self) -> str:
        """Words that are in no other test's prompt."""
        return f"a boat {self.home.parent.name}"

    def terminal(self, key: str) -> Terminal:
        """Return a terminal whose environment has `key`."""
        self.home.mkdir(exist_ok=True)
        one = Terminal(
            home=self.home, variables={**dict.fromkeys(VARIABLES.values(), ""), self.variable: key}
        )
        one.settings(settings_file(self.counter, self.variable))
        return one

    def written(self) -> bytes:
        """Return every byte that rushes has written: the ledger, sidecars, the worker's log, ours too."""
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())

    def parts(self, key: str) -> list[str]:
        """Return what of a key must be nowhere."""
        return [part for part in key.replace("\x07", ":").replace("é", ":").split(":") if len(part) >= 6]


def settings_file(counter: ServiceCounter, variable: str) -> str:
    """Return the settings of one engine as TOML, without its key."""
    plain = {name: value for name, value in counter.options.items() if name not in ("models", "key")}
    lines = [f"[engines.{counter.name}]", f'engine = "{counter.kind}"', f'key_env = "{variable}"']
    # A string, or a number, is written in TOML as it is in JSON.
    lines += [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    for model in counter.options.get("models", ()):
        lines += [f"[[engines.{counter.name}.models]]", f"id = {json.dumps(model['id'])}"]
        lines += ["price = { per_clip = 0.2 }"]
    return "\n".join(lines)


def keep(terminal: Terminal, copied: Copied, key: str) -> None:
    """Write a key itself into the settings file."""
    settings = settings_file(copied.counter, copied.variable)
    terminal.settings(settings.replace(f'key_env = "{copied.variable}"', f"key = {json.dumps(key)}"))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServiceCounter]]:
    with services(tmp_path_factory.mktemp("books")) as start:
        counters = (videos(start, "NewApi", ()), openrouter(start), fal(start))
        yield {one.name: one for one in counters}


@pytest.fixture(params=VARIABLES)
def copied(
    request: pytest.FixtureRequest, tmp_path: Path, every: dict[str, ServiceCounter]
) -> Iterator[Copied]:
    one = Copied(counter=every[request.param], home=tmp_path / "home")
    yield one
    one.terminal("").stop_worker()


@pytest.mark.parametrize("around", ["{}\r", "\ufeff{}\r\n", " \t{} "], ids=["CR", "BOM and CRLF", "spaces"])
def test_what_copying_left_around_a_key_is_taken_off(copied: Copied, around: str) -> None:
    """`FAL_KEY="$(cat key)"` of a file with CRLF line ends: the clip is made, and the key is nowhere (B1)."""
    key = copied.counter.key
    terminal = copied.terminal(around.format(key))
    said = terminal.run("create", copied.prompt, "--model", copied.model, "--max-usd", "5", "--json")
    assert said.code == 0, said
    assert said.json()["job"]["state"] == "completed"
    assert len(copied.counter.service.log(copied.prompt)) == 1
    for part in copied.parts(key):
        assert part not in said.out + said.err
        assert part.encode() not in copied.written()


@pytest.mark.parametrize("inside", ["\x07", "é"], ids=["control character", "beyond ASCII"])
async def test_a_key_that_no_header_can_carry_is_told_and_never_shown(copied: Copied, inside: str) -> None:
    """Refused by its name at use, in every command and over MCP; nothing is stored, held or sent (B1)."""
    middle = len(copied.counter.key) // 2
    key = f"{copied.counter.key[:middle]}{inside}{copied.counter.key[middle:]}"
    terminal = copied.terminal(key)
    words = ("--model", copied.model, "--max-usd", "5")
    doctor = terminal.run("doctor", "--debug")
    created = terminal.run("create", copied.prompt, *words, "--yes", "--debug")
    asked = terminal.run("create", copied.prompt, *words, "--json")
    config, models = terminal.run("config"), terminal.run("models", "--refresh", "--debug")
    async with agent(terminal) as client:
        quoted = words_of(await client.call_tool("quote_video", {"prompt": "a boat", "model": copied.model}))

    refusal = f"(the environment variable {copied.variable}) is not used"
    for said in (doctor.out, created.err, asked.out, quoted):
        assert f"the key of the engine {copied.counter.name} {refusal}" in said
        assert "has a character that no key can have" in said
    assert (doctor.code, created.code, asked.code) == (8, 8, 8)
    assert "not used: it has a character that no key can have" in config.out
    everything = "".join(one.out + one.err for one in (doctor, created, asked, config, models)) + quoted
    for part in copied.parts(key):
        assert part not in everything
        assert part.encode() not in copied.written()
    assert copied.counter.service.log(copied.prompt) == []
    assert terminal.json("jobs") == []
    assert "mistake" not in everything

    # Nobody else minds.
    made = terminal.run("create", "a lighthouse", "--model", "animatic/storyboard", *QUICK)
    assert made.code == 0, made


def test_a_key_that_spoils_while_a_job_waits_blocks_it(copied: Copied) -> None:
    """Stored with a good key, carried with a bad one: blocked by set-up, nothing sent or told (B1)."""
    counter, key = copied.counter, copied.counter.key
    terminal = copied.terminal("")
    # In the settings file, which a living worker reads anew: a key of the environment is handed to it.
    keep(terminal, copied, key)
    wall = {"status": 401, "body": {"detail": "no"}}
    counter.service.tell("create", copied.prompt, **wall)
    stored = terminal.run("create", copied.prompt, "--model", copied.model, "--max-usd", "5", "--json")
    assert stored.code == 7, stored
    id = stored.json()["job"]["id"]
    counter.service.tell("create", copied.prompt)
    spoilt = f"{key[:8]}\x07{key[8:]}"
    keep(terminal, copied, spoilt)
    assert terminal.run("collect", id).code == 0
    waited, shown = terminal.run("wait", id, "--json"), terminal.run("job", id)
    assert waited.code == 8, waited
    assert (waited.json()["job"]["state"], waited.json()["job"]["reason"]) == ("blocked", "setup")
    assert waited.json()["error"]["billed"] == "no"
    for part in copied.parts(spoilt):
        assert part not in waited.out + waited.err + shown.out
        assert part.encode() not in b"".join(
            path.read_bytes()
            for path in copied.home.rglob("*")
            if path.is_file() and path.name != "config.toml"
        )
    assert counter.service.log(copied.prompt) == []
