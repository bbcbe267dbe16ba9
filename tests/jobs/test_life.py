"""The worker's life: it depends on nobody's folder, ends in one way, and is named if it does not respond."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from rushes.cli.worker_log import FOLD_S, Fold
from rushes.database.database import Database
from rushes.domain.errors import LedgerCorrupt, Superseded
from rushes.domain.job import JobState
from rushes.jobs.heartbeat import SILENT_S, beating, find_silent_worker, read_heartbeat
from rushes.jobs.ledger import Ledger
from rushes.jobs.rescue import adopt_rescued, rescued_files
from rushes.jobs.starter import LARGEST_LOG, Starter, end_of, is_held
from rushes.jobs.tenure import Tenure
from rushes.testing.process import ProviderProcess
from rushes.testing.scripted import ScriptedEngine
from tests.cli.terminal import Terminal
from tests.jobs.freezing import age_heartbeat, frozen
from tests.jobs.shop import Shop

PATIENCE_S = 60.0
SLOW_S = 2.0
"""How late the provider answers a create that it has accepted."""

SETTINGS = """
[engines.lab]
engine = "scripted"
base_url = "{base_url}"
recovery = "ask"
post_timeout = 40
"""


def until(true: Callable[[], Any]) -> Any:
    """Return what `true` returns once it is something."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
    return found


class House:
    """A home whose engine has no list: a create that is cut off could only be settled by a person."""

    def __init__(self, folder: Path, provider: ProviderProcess) -> None:
        self.provider = provider
        self.mark = f"life-{os.urandom(5).hex()}"
        self.terminal = Terminal(home=folder / "home", folder=folder)
        self.furnish()
        self.slow = {"create": [{"delay_after": SLOW_S, "times": 1}], "render": {"seconds": 0.2}}

    @property
    def home(self) -> Path:
        return self.terminal.home

    def furnish(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.terminal.settings(SETTINGS.format(base_url=self.provider.base_url))

    def script(self, **rule: Any) -> None:
        self.provider.script(self.mark, **rule)

    def store(self, words: str = "", terminal: Terminal | None = None) -> str:
        """Store a job, have a worker started for it, and return its id."""
        told = (terminal or self.terminal).json(*self.create(words))
        return str(told["job"]["id"])

    def create(self, words: str) -> list[str]:
        return ["create", f"{self.mark} {words}", "--model", "lab/priced", "--yes", "--no-wait"]

    def creates(self, words: str = "") -> list[dict[str, Any]]:
        return self.provider.log(f"{self.mark} {words}".strip())

    def state(self, id: str) -> str:
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            return str(ledger.execute("SELECT state FROM jobs WHERE id = ?", [id]).fetchone()[0])

    def states(self, id: str) -> list[str]:
        """Return what happened to a job, in order."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            rows = ledger.execute("SELECT kind FROM events WHERE job_id = ? ORDER BY id", [id])
            return [row[0] for row in rows]

    def completes(self, id: str) -> None:
        """The job becomes a clip, nobody has to settle it, and the provider was asked once."""
        told = self.terminal.run("wait", id, "--timeout", str(PATIENCE_S))
        assert told.code == 0, told
        assert "outcome_unknown" not in self.states(id)
        assert len(self.creates()) == 1


@pytest.fixture
def house(tmp_path: Path, provider: ProviderProcess) -> Iterator[House]:
    one = House(tmp_path, provider)
    yield one
    one.terminal.stop_worker()


@contextmanager
def worker_of(house: House, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run `rushes worker` as a child whose exit status can be asked for."""
    process = subprocess.Popen(
        [*command, *house.terminal.command("worker")],
        env={**house.terminal.environ, "RUSHES_IDLE_S": "600"},
        cwd=house.home,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: read_heartbeat(house.home / "worker.beat"))
        yield process
    finally:
        process.kill()
        process.communicate()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# --- one way to end -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 0), ("SIGINT", 130), ("SIGHUP", 0)])
def test_a_worker_that_is_asked_to_end_stores_its_tickets_first(house: House, name: str, status: int) -> None:
    """F21: the answer to a create that is under way is waited for, and nothing new is sent."""
    house.script(**house.slow)
    with worker_of(house) as worker:
        id = house.store("first")
        until(lambda: house.creates("first"))
        worker.send_signal(signal.Signals[name])
        until(lambda: "waiting for the answers" in read_line(worker))
        assert worker.wait(PATIENCE_S) == status
        assert house.state(id) == "queued"
    house.completes(id)


def read_line(worker: subprocess.Popen[str]) -> str:
    assert worker.stderr is not None
    return worker.stderr.readline()


def test_a_second_signal_ends_a_worker_at_once(house: House) -> None:
    """F21: whoever asks twice does not wait for a slow provider, and is told what that means."""
    house.script(create=[{"delay_after": 30.0}])
    with worker_of(house) as worker:
        id = house.store()
        until(house.creates)
        worker.terminate()
        until(lambda: "waiting for the answers" in read_line(worker))
        worker.terminate()
        assert "creates without an answer are settled later" in worker.communicate(timeout=25)[1]
        assert worker.returncode == 128 + signal.SIGTERM
    assert house.state(id) == "submitting"


def test_a_worker_that_is_process_1_can_be_asked_to_end(house: House) -> None:
    """F21: in a container the system ignores SIGTERM for process 1 unless it handles it."""
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no namespace of processes can be made here")
    with worker_of(house, *inside) as outer:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert outer.wait(PATIENCE_S) == 0


def remove_ledger(house: House) -> None:
    for file in house.home.glob("ledger.*"):
        file.unlink()


def put_older_ledger(house: House) -> None:
    for file in house.home.glob("ledger.*-*"):
        file.unlink()
    os.replace(house.home / "older", house.home / "ledger.db")


GOES = {
    "the home": lambda house: shutil.rmtree(house.home),
    "the ledger": remove_ledger,
    "the ledger for an older one": put_older_ledger,
}


@pytest.mark.parametrize("goes", GOES.values(), ids=GOES.keys())
def test_a_ticket_survives_the_ledger_that_it_was_for(house: House, goes: Callable[[House], Any]) -> None:
    """F09, F19: what goes away in the middle of a create costs no paid clip; the next command has it back."""
    house.script(**house.slow)
    house.terminal.json("jobs")
    with closing(sqlite3.connect(house.home / "ledger.db")) as old:
        old.execute("VACUUM INTO ?", [str(house.home / "older")])
    id = house.store()
    until(house.creates)
    pid = house.terminal.worker()
    goes(house)
    until(lambda: gone(pid))
    kept = json.loads((house.home / "rescued" / f"{id}.json").read_text())
    assert kept["ticket"] == {"id": house.creates()[0]["id"]}
    house.furnish()
    assert id in house.terminal.run("jobs").out
    house.completes(id)
    assert not (house.home / "rescued" / f"{id}.json").exists()
    spent = house.terminal.json("budget")
    assert "0.2" in json.dumps(spent)


def test_jobs_at_the_provider_survive_a_removed_ledger(house: House) -> None:
    """F19: a worker whose ledger is gone ends, and the renders that it followed are taken up again."""
    house.script(render={"seconds": 3.0})
    id = house.store()
    until(lambda: house.state(id) == "running")
    pid = house.terminal.worker()
    remove_ledger(house)
    until(lambda: gone(pid))
    house.completes(id)


LOST = {
    "the folder of the client": lambda house, folder: shutil.rmtree(folder),
    "the log": lambda house, folder: (house.home / "worker.log").unlink(),
    "the settings": lambda house, folder: [
        (house.home / "config.toml").unlink(),
        (house.home / "config.toml").mkdir(),
    ],
    "a .env that is no text": lambda house, folder: (house.home / ".env").write_bytes(b"KEY=\xe9\n"),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST.keys())
def test_a_worker_outlives_what_its_first_client_had(
    house: House, tmp_path: Path, lose: Callable[[House, Path], Any]
) -> None:
    """F09, B4: whatever of it goes in the middle of a create, the ticket is stored by the same worker."""
    house.script(**house.slow)
    folder = tmp_path / "agent"
    folder.mkdir()
    id = house.store(terminal=Terminal(home=house.home, folder=folder))
    until(house.creates)
    pid = house.terminal.worker()
    lose(house, folder)
    # Another client writes: the worker looks at its settings again.
    with closing(sqlite3.connect(house.home / "ledger.db")) as ledger, ledger:
        ledger.execute("INSERT INTO events (job_id, at, kind) VALUES ('j0', 0, 'anything')")
    until(lambda: house.state(id) in ("queued", "running", "collecting", "completed"))
    assert house.terminal.worker() in (pid, 0)
    assert "outcome_unknown" not in house.states(id)


def damage(shop: Shop, table: str) -> None:
    """Overwrite the first page of a table, and have every process read the pages anew."""
    page = shop.database.one("SELECT rootpage FROM sqlite_schema WHERE name = :table", {"table": table})
    size = shop.database.one("PRAGMA page_size")
    assert page is not None
    assert size is not None
    shop.database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    with (shop.home / "ledger.db").open("r+b") as file:
        file.seek((page[0] - 1) * size[0])
        file.write(b"\xff" * size[0])
    with closing(sqlite3.connect(shop.home / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE fence SET pid = pid")


async def test_a_damaged_ledger_ends_the_worker(shop: Shop) -> None:
    """B19: it ends with the reason, and does not have the job try again for ever."""
    shop.script(render={"seconds": 1.0})
    job = shop.submit()
    async with shop.working() as worker:
        await shop.until(job, JobState.RUNNING)
        damage(shop, "events")
        with pytest.raises(LedgerCorrupt):
            await asyncio.wait_for(asyncio.shield(worker), PATIENCE_S)


async def test_a_ticket_that_a_damaged_ledger_cannot_take_is_rescued(tmp_path: Path, provider: Any) -> None:
    """B19: the answer to a create goes into a file, and from there into a ledger that was put back."""
    shop = Shop(tmp_path / "home", provider, post_timeout=20.0)
    shop.script(create=[{"delay_after": 1.0}])
    job = shop.submit()
    async with shop.working() as worker:
        await asyncio.to_thread(until, shop.creates)
        shop.database.run("VACUUM INTO :file", {"file": str(tmp_path / "backup.db")})
        damage(shop, "events")
        with pytest.raises(LedgerCorrupt):
            await asyncio.wait_for(asyncio.shield(worker), PATIENCE_S)
    with closing(Database(tmp_path / "backup.db")) as backup:
        ledger = Ledger(backup)
        assert ledger.job(job.id).ticket is None
        adopt_rescued(ledger, shop.home)
        assert ledger.job(job.id).ticket == {"id": shop.creates()[0]["id"]}
        assert ledger.job(job.id).state is JobState.QUEUED
    assert not list(rescued_files(shop.home))
    shop.close()


class Answered(ScriptedEngine):
    """Says when a create was answered."""

    answered: asyncio.Event

    async def submit(self, *args: Any, **kwargs: Any) -> Any:
        accepted = await super().submit(*args, **kwargs)
        asyncio.get_running_loop().call_later(0.1, self.answered.set)
        return accepted


async def test_a_second_signal_loses_no_ticket_that_waits_for_room(tmp_path: Path, provider: Any) -> None:
    """F21: a worker that waits for the ledger to take a ticket, and is told to end at once, rescues it."""
    Answered.answered = asyncio.Event()
    with closing(Shop(tmp_path / "home", provider)) as shop:
        shop.engine_class = Answered
        job = shop.submit("a take")
        with closing(sqlite3.connect(shop.database.path)) as raw, raw:
            raw.execute(
                "CREATE TRIGGER no_room BEFORE UPDATE OF ticket ON submissions"
                " BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        async with shop.worker() as worker:
            working = asyncio.create_task(worker.run())
            await Answered.answered.wait()
            for _ in range(2):
                worker._ending.ask(signal.SIGTERM)
            await working
        with closing(sqlite3.connect(shop.database.path)) as raw, raw:
            raw.execute("DROP TRIGGER no_room")
        assert list(rescued_files(shop.home))
        (done,) = await shop.carry(job)
        assert done.state is JobState.COMPLETED
        assert len(shop.creates()) == 1


async def test_a_superseded_worker_stores_the_ticket_it_waits_for(tmp_path: Path, provider: Any) -> None:
    """F21: the newer worker cannot know the answer to the older one's create."""
    shop = Shop(tmp_path / "home", provider, post_timeout=20.0)
    shop.script(create=[{"delay_after": 1.0}])
    job = shop.submit()
    async with shop.working() as worker:
        await asyncio.to_thread(until, shop.creates)
        with closing(Database(shop.home / "ledger.db")) as other:
            Tenure(Ledger(other))
            shop.ledger.cancel(job.id)
            with pytest.raises(Superseded):
                await asyncio.wait_for(asyncio.shield(worker), PATIENCE_S)
    assert shop.now(job).ticket == {"id": shop.creates()[0]["id"]}
    assert shop.now(job).state is JobState.QUEUED
    shop.close()


# --- a worker that does not respond ---------------------------------------------------------------


def test_a_frozen_worker_is_named_everywhere(house: House) -> None:
    """F27: every door says so, with its process and what to do; continued, it carries on."""
    house.script(render={"seconds": 0.5})
    with worker_of(house):
        id = house.store("first")
        until(lambda: house.state(id) != "waiting")
        with frozen(house.terminal) as pid:
            for words in (
                ["jobs"],
                ["job", id],
                ["wait", id, "--timeout", "0.5"],
                ["worker", "--status"],
                ["why", id],
            ):
                told = house.terminal.run(*words)
                assert f"process {pid}) has not responded" in told.err, words
                assert f"kill -CONT {pid}" in told.err, words
            stored = house.terminal.run(*house.create("new"))
            assert f"kill -CONT {pid}" in stored.err
            assert house.terminal.json("worker", "--status")["silent"]["pid"] == pid
            found = json.loads(house.terminal.run("doctor", "--json").out)
            (check,) = (one for one in found if one["name"] == "worker")
            assert not check["good"]
            assert f"kill -CONT {pid}" in check["mend"]
        told = house.terminal.run("wait", id, "--timeout", str(PATIENCE_S))
        assert told.code == 0, told


async def test_a_clock_that_is_set_makes_no_frozen_worker(tmp_path: Path) -> None:
    """F27: set forward or back by an hour, a heartbeat is as old as it is; and nobody else's is believed."""
    lock, file = tmp_path / "worker.lock", tmp_path / "worker.beat"
    with FileLock(lock):
        async with beating(file, epoch=1):
            await asyncio.sleep(0)
            await asyncio.to_thread(until, lambda: read_heartbeat(file))
            text = file.read_text()
            beat = json.loads(text)
            for seconds in (3600, -3600):
                file.write_text(json.dumps({**beat, "at": beat["at"] + seconds}))
                assert find_silent_worker(lock, file) is None
            age_heartbeat(file, 2 * SILENT_S)
            assert find_silent_worker(lock, file) is not None
            # What a killed worker left, while the next one is just starting.
            ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
            await ended.wait()
            file.write_text(json.dumps({**json.loads(file.read_text()), "pid": ended.pid}))
            assert find_silent_worker(lock, file) is None
            file.write_text(text)
        assert not file.exists()
    assert find_silent_worker(lock, file) is None


async def test_a_blocked_event_loop_is_a_silent_worker(tmp_path: Path) -> None:
    """F27: the heartbeat comes from the loop itself, so that it stops with it."""
    file = tmp_path / "worker.beat"
    async with beating(file, epoch=1):
        await asyncio.sleep(0.01)
        first = file.read_text()
        time.sleep(2.2)  # noqa: ASYNC251 - blocking the loop is what this is about
        assert file.read_text() == first
        await asyncio.to_thread(until, lambda: file.read_text() != first)


# --- its log, and how it is started ---------------------------------------------------------------

CHATTER = """
import logging, sys
from pathlib import Path
from rushes.cli.worker_log import log_worker
from rushes.domain.text import TextFilter
log_worker(TextFilter(), Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    logging.getLogger("rushes.worker").info("line %d %s", number, "x" * 200)
print("the last words", file=sys.stderr)
"""


def chatter(log: Path, lines: int) -> None:
    """Have a process log as a worker does whose stderr is `log`."""
    with log.open("a") as file:
        subprocess.run([sys.executable, "-c", CHATTER, str(log), str(lines)], stderr=file, check=True)


def test_the_log_has_a_bounded_size(tmp_path: Path) -> None:
    """F31, B16: it is put aside when it is large, once, and what is written past the logging follows."""
    log = tmp_path / "worker.log"
    chatter(log, 4 * LARGEST_LOG // 200)
    assert {file.name for file in tmp_path.iterdir()} == {"worker.log", "worker.log.1"}
    assert all(file.stat().st_size <= LARGEST_LOG + 1000 for file in tmp_path.iterdir())
    assert log.read_text().endswith("the last words\n")


def test_a_log_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    """F31: whoever removes the log of a living worker still finds its next words."""
    log = tmp_path / "worker.log"
    code = CHATTER.replace("for number", "Path(sys.argv[1]).unlink()\nfor number")
    with log.open("a") as file:
        subprocess.run([sys.executable, "-c", code, str(log), "3"], stderr=file, check=True)
    assert len(log.read_text().splitlines()) == 4


def test_a_line_that_is_repeated_is_counted() -> None:
    """F31: the same line again is one line a minute at most, ever more seldom, without its traceback."""
    now = 0.0
    fold = Fold(clock=lambda: now)

    def written(words: str) -> str | None:
        trace = (OSError, OSError(), None)
        record = logging.LogRecord("rushes", logging.ERROR, __file__, 1, "%s", (words,), trace)
        return f"{record.getMessage()}{'+' * bool(record.exc_info)}" if fold.filter(record) else None

    lines = []
    for second in range(0, 600, 5):
        now = float(second)
        lines += [line for line in (written("job j1: it stopped"), written(f"other {second}")) if line]
    repeats = [line for line in lines if "j1" in line]
    assert repeats[0] == "job j1: it stopped+"
    assert repeats[1] == f"job j1: it stopped (repeated {FOLD_S / 5:.0f} times)"
    assert len(repeats) <= 5
    assert len([line for line in lines if "other" in line]) == 120


def test_the_end_of_a_log_of_any_size_is_read_alone(tmp_path: Path) -> None:
    """B16: of a log that would not fit into memory the last lines are told."""
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        file.truncate(200 * 1024**3)
        file.seek(0, os.SEEK_END)
        file.write(b"\none\ntwo\n\nthree\n")
    assert end_of(log) == "two; three"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_worker_that_has_ended_is_no_zombie(tmp_path: Path) -> None:
    """F27: a program that keeps a Studio open buries its workers without being called again."""
    terminal = Terminal(home=tmp_path, variables={"RUSHES_IDLE_S": "0"})
    terminal.json("jobs")
    Starter(tmp_path / "worker.lock", tmp_path / "worker.log", terminal.environ).ensure()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    pid = until(lambda: [int(one) for one in children.read_text().split() if is_worker(int(one))])[0]
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert not is_held(tmp_path / "worker.lock")


def is_worker(pid: int) -> bool:
    return b"rushes\0worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
