"""Who pays is written on the job: whoever starts the worker, no job meets another's key (F07)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import pytest

from rushes.database.database import Database
from rushes.domain.errors import KeyMissing
from rushes.domain.job import Job, JobState
from rushes.domain.text import TextFilter
from rushes.engines.edge import GuardedEngine
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Limits
from rushes.jobs.worker import Worker
from rushes.library.library import Library
from rushes.testing.customers import KEYS
from rushes.testing.process import ProviderProcess
from rushes.testing.scripted import ScriptedEngine
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.cli.secret_home import files_with
from tests.cli.terminal import Terminal
from tests.jobs.shop import Shop

ALICE, BOB = KEYS["alice"], KEYS["bob"]
SETTINGS = """
[engines.lab]
engine = "openai-videos"
base_url = "{base_url}"
transport = "json"
post_timeout = 5
list_delay = 0.2
{key}

[[engines.lab.models]]
id = "wan"
provider = "this lab"
seconds = {{ only = [1, 5] }}
aspects = ["16:9"]
resolutions = ["144p"]
price = {{ free = true, source = "our own machine" }}
"""
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("customers") / "creates.jsonl"
    with running_standin("rushes.testing.customers:Customers", log) as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, server: StandInProcess) -> Iterator[Path]:
    """A home that both share, whose workers stay a while; the engine takes its key from LAB_KEY."""
    folder = tmp_path / "home"
    folder.mkdir()
    configure(folder, server.base_url, 'key_env = "LAB_KEY"')
    yield folder
    Terminal(home=folder).stop_worker()
    server.clear()


def configure(home: Path, base_url: str, key: str = "") -> None:
    (home / "config.toml").write_text(SETTINGS.format(base_url=base_url, key=key))


def shell(home: Path, key: str = "", folder: Path | None = None) -> Terminal:
    """Return a shell in which LAB_KEY is `key`."""
    variables = {"RUSHES_IDLE_S": "30", **({"LAB_KEY": key} if key else {})}
    return Terminal(home=home, variables=variables, folder=folder)


def project(home: Path, name: str, key: str) -> Terminal:
    """Return a shell without a key, in a project whose `.env` has one."""
    folder = home.parent / name
    folder.mkdir()
    (folder / ".env").write_text(f"LAB_KEY={key}\n")
    return shell(home, folder=folder)


def create(terminal: Terminal, prompt: str, *words: str) -> dict[str, Any]:
    """Store a job, or make a clip, and return the answer."""
    made = terminal.run("create", prompt, "--model", "lab/wan", "--seconds", "1", "--json", *words)
    assert made.code == 0, made
    found: dict[str, Any] = made.json()
    return found


def payers(server: StandInProcess, prompt: str, operation: str = "") -> set[str]:
    """Return who asked for anything about jobs of a prompt."""
    return {one["payer"] for one in server.requests(operation) if one.get("prompt") == prompt}


def until(true: Callable[[], Any]) -> Any:
    """Return what is true once it is, of processes that tell nobody."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def shown(terminal: Terminal, id: str, state: str) -> dict[str, Any]:
    """Return a job as `rushes job` shows it once it is in a state."""

    def there() -> dict[str, Any] | None:
        answer: dict[str, Any] = terminal.json("job", id)
        return answer if answer["job"]["state"] == state else None

    found: dict[str, Any] = until(there)
    return found


@contextmanager
def worker_of(terminal: Terminal) -> Iterator[None]:
    """Have a worker at work during the block that was started in a terminal, and by nobody else."""
    process = subprocess.Popen(terminal.command("worker"), env=terminal.environ, cwd=terminal.home)
    try:
        until(lambda: terminal.worker() == process.pid)
        yield
    finally:
        process.kill()
        process.wait()


def test_a_job_is_paid_with_the_key_of_who_stored_it(home: Path, server: StandInProcess) -> None:
    """Alice's shell starts the worker; Bob's job is paid with Bob's key, and no file has either (F07)."""
    hers = create(shell(home, ALICE), "a boat for alice")
    pid = shell(home).worker()
    his = create(shell(home, BOB), "a boat for bob")

    assert shell(home).worker() == pid != 0
    assert payers(server, "a boat for alice") == {"alice"}
    assert payers(server, "a boat for bob") == {"bob"}
    assert hers["job"]["account"] != his["job"]["account"]
    assert his["job"]["key_source"] == "the environment variable LAB_KEY"
    assert "the environment variable LAB_KEY" in shell(home).run("job", his["job"]["id"]).out
    for key in (ALICE, BOB):
        assert files_with(key, home) == []
        assert key not in json.dumps([hers, his])


def test_each_project_pays_with_the_key_of_its_own_env_file(home: Path, server: StandInProcess) -> None:
    """Two projects with a `.env` each; the worker reads neither, and outlives the first folder (F07, B3)."""
    first, second = project(home, "projA", ALICE), project(home, "projB", BOB)
    create(first, "a kite of project A")
    his = create(second, "a kite of project B")
    assert first.folder is not None
    (first.folder / ".env").unlink()
    first.folder.rmdir()
    create(second, "another of project B")

    assert payers(server, "a kite of project A") == {"alice"}
    assert payers(server, "a kite of project B") == payers(server, "another of project B") == {"bob"}
    assert his["job"]["key_source"] == f"LAB_KEY in {second.folder}/.env"
    assert [*files_with(ALICE, home), *files_with(BOB, home)] == []


def test_a_paid_job_waits_for_its_key_and_says_which(home: Path, server: StandInProcess) -> None:
    """Alice's worker is killed, Bob's shell starts the next: her job waits until she is back (F07)."""
    alice, bob = shell(home, ALICE), project(home, "projB", BOB)
    server.tell("render", "a whale", facts={"seconds": 5})
    job = at_provider(alice, "a whale")
    alice.stop_worker()
    asked = calls(server, "a whale")
    waits = shown(bob, job, "blocked")

    assert waits["job"]["reason"] == "key"
    assert waits["error"]["code"] == "key_missing"
    assert "the environment variable LAB_KEY" in waits["error"]["message"]
    assert "set LAB_KEY" in waits["error"]["next"]
    assert "rushes config set lab.key" in waits["error"]["next"]
    assert "blocked (key)" in bob.run("jobs").out
    assert bob.json("jobs")[0]["error"] == waits["error"]
    # A key that cannot be used is not the one that it waits for.
    assert shell(home, f"{ALICE}\x07").json("jobs")[0]["error"] == waits["error"]
    create(bob, "a shark")
    assert calls(server, "a whale") == asked

    assert alice.run("wait", job).code == 0
    assert payers(server, "a whale") == {"alice"}
    assert len(server.log("a whale")) == 1


def test_a_shell_whose_key_cannot_be_used_sees_the_job_of_another(home: Path, server: StandInProcess) -> None:
    """Its worker waits for the key of the job, as one without a key does (B1, F07)."""
    alice, spoilt = shell(home, ALICE), shell(home, f"{ALICE[:6]}\x07{ALICE[6:]}")
    server.tell("render", "a narwhal", facts={"seconds": 5})
    job = at_provider(alice, "a narwhal")
    alice.stop_worker()
    asked = calls(server, "a narwhal")
    waits = shown(spoilt, job, "blocked")

    assert waits["job"]["reason"] == "key"
    assert "the worker has another one from there" in waits["error"]["message"]
    assert [one["error"] for one in spoilt.json("jobs")] == [waits["error"]]
    assert calls(server, "a narwhal") == asked
    assert alice.run("wait", job).code == 0
    assert payers(server, "a narwhal") == {"alice"}


def test_a_key_that_only_a_shell_has_reaches_a_worker_without_it(home: Path, server: StandInProcess) -> None:
    """A worker that has no key is handed one in memory; the job is never blocked, no file has it (F07)."""
    bob = shell(home, BOB)
    with worker_of(shell(home, "")):
        pid = bob.worker()
        job = create(bob, "an owl")["job"]
        events = [one["kind"] for one in bob.json("job", job["id"])["events"]]
        assert bob.worker() == pid

    assert payers(server, "an owl") == {"bob"}
    assert "blocked" not in events
    assert files_with(BOB, home) == []


def test_an_address_that_only_a_project_has_reaches_the_worker(home: Path, server: StandInProcess) -> None:
    """Where base_url stands in a project's `.env`, a worker without it is told, as it is of a key."""
    text = SETTINGS.format(base_url="", key='key_env = "LAB_KEY"')
    (home / "config.toml").write_text(text.replace('base_url = ""', 'base_url_env = "LAB_URL"'))
    theirs = project(home, "projB", BOB)
    assert theirs.folder is not None
    with (theirs.folder / ".env").open("a") as file:
        file.write(f"LAB_URL={server.base_url}\n")
    with worker_of(shell(home)):
        create(theirs, "a bat")

    assert payers(server, "a bat") == {"bob"}


def test_the_key_of_a_fallback_is_handed_over_with_the_job(home: Path, server: StandInProcess) -> None:
    """Whoever stored the job may be gone when it turns to the next engine: that has its key by then."""
    dead = SETTINGS.replace("lab", "dead").format(base_url="http://127.0.0.1:9", key='key = "sk-dead"')
    (home / "config.toml").write_text((home / "config.toml").read_text() + dead)
    bob, bare = shell(home, BOB), shell(home)
    words = ("--model", "dead/wan", "--fallback", "lab/wan", "--seconds", "1", "--no-wait", "--json")
    with worker_of(bare):
        stored = bob.run("create", "a lynx", *words)
        assert stored.code == 0, stored
        made = shown(bare, stored.json()["job"]["id"], "completed")["job"]

    assert payers(server, "a lynx") == {"bob"}
    assert (made["model"], made["key_source"]) == ("lab/wan", "the environment variable LAB_KEY")


def test_a_worker_whose_variable_hides_a_kept_key_pays_with_both(home: Path, server: StandInProcess) -> None:
    """Alice's shell has a variable, and the home a key in its file: each job is paid with its own."""
    alice, bare = shell(home, ALICE), shell(home)
    bare.run("config", "set", "lab.key", stdin=BOB)
    with worker_of(alice):
        create(alice, "a hen")
        his = create(bare, "a goose")

    assert payers(server, "a hen") == {"alice"}
    assert payers(server, "a goose") == {"bob"}
    assert his["job"]["key_source"] == str(home / "keys.toml")


def test_the_channel_is_for_its_owner_alone(home: Path, server: StandInProcess) -> None:
    """Its file is closed to others; who has a wrong secret, or says nothing or nonsense, harms nobody."""
    bob, file = shell(home, BOB), home / "worker.channel"
    with worker_of(shell(home)):
        told = json.loads(until(lambda: file.is_file() and file.read_text()))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(told["address"]).parent.stat().st_mode) == 0o700
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(told["address"], authkey=b"wrong").send_bytes(b"{}")
        with Client(told["address"]) as silent:
            create(bob, "a heron")
            with suppress(EOFError, OSError):
                # Its first words are a challenge; then it is given up.
                while silent.poll(PATIENCE_S):
                    silent.recv_bytes()
        for message in (b"no JSON", b"[]", b'{"engine": "lab"}', b"x" * 100_000):
            with suppress(EOFError, OSError), Client(told["address"], authkey=secret(told)) as rude:
                rude.send_bytes(message)
                assert rude.poll(PATIENCE_S)
                assert rude.recv_bytes() != b"taken"
        create(bob, "an egret")

    assert payers(server, "a heron") == payers(server, "an egret") == {"bob"}


def secret(told: dict[str, str]) -> bytes:
    return bytes.fromhex(told["authkey"])


def test_nothing_of_a_channel_is_left(home: Path, server: StandInProcess) -> None:
    """A worker that ends takes file and socket away; what a killed one left, the next one clears away."""
    bob, file = shell(home, BOB), home / "worker.channel"
    create(bob, "a crane")
    left = Path(json.loads(file.read_text())["address"]).parent
    os.kill(bob.worker(), signal.SIGKILL)
    until(lambda: not bob.worker())
    assert left.is_dir()
    last = Terminal(home=home, variables={"LAB_KEY": BOB, "RUSHES_IDLE_S": "0.5"})
    create(last, "a stork")
    until(lambda: not last.worker())
    assert not left.exists()
    assert not file.exists()


def test_a_create_that_was_cut_off_is_settled_with_its_own_key(home: Path, server: StandInProcess) -> None:
    """Killed while Alice's create is on its way: it is not sent again, nor looked up by Bob's key (F07)."""
    alice, bob = shell(home, ALICE), project(home, "projB", BOB)
    server.tell("create", "an eel", accept=True, drop=True, delay=4.0)
    job = create(alice, "an eel", "--no-wait")["job"]["id"]
    until(lambda: payers(server, "an eel", "create"))
    alice.stop_worker()
    server.clear()
    lists = his_lists(server)
    waits = until(lambda: waiting_for_key(bob, job))

    assert waits["job"]["state"] == "outcome_unknown"
    assert "the environment variable LAB_KEY" in waits["error"]["message"]
    assert his_lists(server) == lists
    assert alice.run("wait", job).code == 0
    assert payers(server, "an eel") == {"alice"}
    assert len([one for one in server.requests("create") if one["prompt"] == "an eel"]) == 1


def his_lists(server: StandInProcess) -> int:
    return len([one for one in server.requests("list") if one["payer"] == "bob"])


def waiting_for_key(terminal: Terminal, id: str) -> dict[str, Any] | None:
    """Return a job as it is shown, if it waits for its key."""
    answer: dict[str, Any] = terminal.json("job", id)
    return answer if answer["job"]["reason"] == "key" else None


def test_another_address_is_not_asked_about_a_job(home: Path, server: StandInProcess, tmp_path: Path) -> None:
    """Where base_url is changed under a job, it waits and says so; set back, it goes on (F07)."""
    bare, key = shell(home), f'key = "{ALICE}"'
    configure(home, server.base_url, key)
    server.tell("render", "a seal", facts={"seconds": 5})
    with running_standin("rushes.testing.customers:Customers", tmp_path / "other.jsonl") as other:
        job = at_provider(bare, "a seal")
        configure(home, other.base_url, key)
        bare.stop_worker()
        waits = shown(bare, job, "blocked")
        assert other.requests() == []
    assert waits["job"]["reason"] == "key"
    assert "another address" in waits["error"]["message"]

    configure(home, server.base_url, key)
    assert bare.run("wait", job).code == 0
    assert len(server.log("a seal")) == 1


def test_a_person_can_have_a_job_go_on_with_another_key(home: Path, server: StandInProcess) -> None:
    """A key that was mistyped, or changed: `rushes collect` goes on with the one that there is now."""
    bare = shell(home)
    configure(home, server.base_url, 'key = "sk-mistyped"')
    said = bare.run("create", "a mole", "--model", "lab/wan", "--seconds", "1", "--json")
    job = said.json()["job"]
    assert (said.code, job["reason"]) == (7, "sign-in")
    configure(home, server.base_url, f'key = "{ALICE}"')
    other = bare.json("collect", job["id"])
    assert bare.run("wait", job["id"]).code == 0
    assert payers(server, "a mole", "create") == {"", "alice"}
    now = bare.json("job", job["id"])
    assert now["job"]["account"] != job["account"], other
    assert "another_key" in [one["kind"] for one in now["events"]]


def test_a_job_of_an_earlier_rushes_goes_on(tmp_path: Path, provider: ProviderProcess) -> None:
    """Stored before jobs said who pays, it is carried with the key that is configured."""
    shop = Shop(tmp_path / "home", provider)
    (shop.home / "config.toml").write_text(
        f'[engines.scripted]\nbase_url = "{provider.base_url}"\nkey = "a-key-0123456789"\n'
    )
    terminal = Terminal(home=shop.home)
    job = shop.submit()
    try:
        assert terminal.run("wait", job.id).code == 0
        made = terminal.json("job", job.id)["job"]
    finally:
        terminal.stop_worker()
        shop.close()
    assert (made["account"], made["key_source"]) == ("default", None)
    assert len(shop.creates()) == 1


async def test_a_key_that_goes_while_a_create_waits_for_its_turn(shop: Shop) -> None:
    """Nothing is sent and nothing counts as sent; when the key is back, the job is bought once."""
    asked, gone = asyncio.Event(), set[str]()
    database = Database(shop.home / "ledger.db")
    engine = GuardedEngine(ScriptedEngine("scripted", shop.settings), TextFilter())

    def engine_of(job: Job) -> GuardedEngine:
        if job.id in gone:
            asked.set()
            raise KeyMissing
        return engine

    worker = Worker(
        Ledger(database),
        Library(shop.home, database),
        engine_of,
        lambda name: Limits(concurrency=20, rate=1, window=2.0),
        lock=shop.home / "worker.lock",
        idle_s=3600.0,
    )
    first, second = shop.submit("first"), shop.submit("second")
    task = asyncio.create_task(worker.run())
    await shop.until(first, JobState.QUEUED, JobState.RUNNING, JobState.COLLECTING, JobState.COMPLETED)
    gone.add(second.id)
    await asyncio.wait_for(asked.wait(), PATIENCE_S)
    gone.clear()
    third = shop.submit("third")
    done = [await shop.settled(job) for job in (second, third)]
    task.cancel()
    await asyncio.wait([task])
    await engine.aclose()
    database.close()

    assert [job.state for job in done] == [JobState.COMPLETED] * 2
    assert not {"outcome_unknown", "blocked"} & set(shop.kinds(second))
    assert len(shop.creates("second")) == 1


def at_provider(terminal: Terminal, prompt: str) -> str:
    """Store a job and return its id once its provider has it."""
    job: str = create(terminal, prompt, "--no-wait")["job"]["id"]
    until(lambda: terminal.json("job", job)["job"]["state"] in ("queued", "running"))
    return job


def calls(server: StandInProcess, prompt: str) -> int:
    return len([one for one in server.requests() if one.get("prompt") == prompt])
