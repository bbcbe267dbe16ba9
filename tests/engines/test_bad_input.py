"""Bad input at every living engine: a wrong key, an empty balance, what a model cannot do, addresses of a
private network, pages in place of answers. Each is told clearly, nothing of it is billed, no key is shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.domain.errors import BadInput, Billed, EngineError, UnsupportedOption
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.contract import BaseEngine
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.process import running
from rushes.testing.scripted import ScriptedEngine
from tests.cli.terminal import Terminal
from tests.engines import fault_tables as tables
from tests.engines.counters import ServiceCounter
from tests.engines.fault_campaign import NO_CAPS
from tests.engines.faults import PAGE, Voice
from tests.engines.living import QUICK, fal, openrouter, services, videos
from tests.engines.working import settled, working

WRONG_KEY = "wrong-id-0123456789:wrong-secret-0123456789"

VOICES: Mapping[str, Voice] = {
    "NewApi": tables.OPENAI,
    "openrouter": tables.ROUTER,
    "fal": tables.FAL_VOICE,
}
"""The living engines that want a key, each with how its service words its refusals."""

LIMITS: Mapping[str, Mapping[str, Any]] = {
    "NewApi": {"max_reference_mb": 0.5},
    "openrouter": {"reference_mb": 0.5},
    "fal": {},
}
"""The largest reference that is sent, half a megabyte; of fal's endpoint that is what it says itself."""

CHECKS = {"NewApi": "models", "openrouter": "key", "fal": "pricing"}
"""What `rushes doctor` asks each of them."""


@dataclass(frozen=True, kw_only=True)
class House:
    """A home folder with one engine; `mark` is in its prompts and in no other's."""

    counter: ServiceCounter
    settings: Settings
    studio: Studio
    mark: str

    def request(self, *references: Reference, **asked: Any) -> VideoRequest:
        model = f"{self.counter.name}/{self.counter.model(framed=bool(references))}"
        return VideoRequest(prompt=f"{self.mark} a boat", model=model, references=references, **asked)

    async def submit(self, *references: Reference, **asked: Any) -> Job:
        request = self.request(*references, **asked)
        return await self.studio.submit(request, again=True, max_usd=Decimal(5))

    async def settled(self, job: Job, *states: JobState) -> tuple[Job, Failure | None]:
        job = await settled(self.studio, job, *states)
        return job, job.failure

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work in this process, with an engine of its own."""
        with Studio(self.settings) as studio:
            engine = studio.engine(self.counter.name)
            async with working(self.settings, engine, 8):
                yield
            await engine.aclose()

    def accepted(self) -> int:
        return len(self.counter.service.log(self.mark))

    def posts(self) -> int:
        return len([one for one in self.counter.service.requests("create") if self.mark in one["prompt"]])

    def tell(self, operation: str, **words: Any) -> None:
        self.counter.service.tell(operation, self.mark, **words)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServiceCounter]]:
    with services(tmp_path_factory.mktemp("books")) as start:
        yield {
            "NewApi": videos(start, "NewApi", ()),
            "openrouter": openrouter(start),
            "fal": fal(start),
        }


@pytest.fixture(params=VOICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def house(name: str, tmp_path: Path, every: dict[str, ServiceCounter]) -> AsyncIterator[House]:
    counter = every[name]
    options = {**counter.options, **LIMITS[name]}
    settings = Settings(
        home=tmp_path,
        config=tmp_path / "config.toml",
        log=tmp_path / "worker.log",
        engines={name: EngineSettings(name=name, kind=counter.kind, options=options)},
        caps=NO_CAPS,
    )
    async with Studio(settings) as studio:
        yield House(counter=counter, settings=settings, studio=studio, mark=tmp_path.name)
    counter.service.clear()


# --- the key ---


@pytest.fixture
def terminal(name: str, tmp_path: Path, every: dict[str, ServiceCounter]) -> Iterator[Terminal]:
    """A terminal whose settings file has the engine under its own name, with a key that is wrong."""
    one = Terminal(home=tmp_path / "home")
    one.home.mkdir()
    one.settings(settings_file(every[name], WRONG_KEY))
    yield one
    one.stop_worker()


def settings_file(counter: ServiceCounter, key: str) -> str:
    """Return the settings of one engine as TOML; of its models, if it names any, the first."""
    plain = {name: value for name, value in counter.options.items() if name != "models"}
    lines = [f"[engines.{counter.name}]", f'engine = "{counter.kind}"']
    # A string, or a number, is written in TOML as it is in JSON.
    lines += [f"{name} = {json.dumps(value)}" for name, value in {**plain, "key": key}.items()]
    for model in counter.options.get("models", ()):
        lines += [f"[[engines.{counter.name}.models]]", f"id = {json.dumps(model['id'])}"]
        lines += ["price = { per_clip = 0.2 }"]
    return "\n".join(lines)


def test_a_wrong_key_blocks_and_once_it_is_right_the_job_goes_on(
    terminal: Terminal, name: str, tmp_path: Path, every: dict[str, ServiceCounter]
) -> None:
    """Nothing is billed, no key is shown or kept, and with the right one the clip is bought once."""
    counter, mark = every[name], f"{tmp_path.name} key"
    model = f"{name}/{counter.model(framed=False)}"
    said = terminal.run("create", mark, "--model", model, "--max-usd", "5", "--json")
    assert said.code == 7, said
    told = said.json()
    assert told["error"]["code"] == "sign_in_needed"
    assert told["error"]["billed"] == "no"
    assert told["error"]["next"]
    written = [path.read_bytes() for path in terminal.home.rglob("*") if is_ours(path)]
    assert written
    for secret in WRONG_KEY.split(":"):
        assert secret not in said.out + said.err
        assert not any(secret.encode() in data for data in written)
    assert counter.service.log(mark) == []

    terminal.settings(settings_file(counter, counter.key))
    assert terminal.run("collect", told["job"]["id"]).code == 0
    assert terminal.run("wait", told["job"]["id"]).code == 0
    assert len(counter.service.log(mark)) == 1


def is_ours(path: Path) -> bool:
    """Whether a file was written by rushes, not by the person who keeps the key in it."""
    return path.is_file() and path.name != "config.toml"


# --- money ---


async def test_an_empty_balance_holds_the_account_until_it_is_topped_up(house: House, name: str) -> None:
    """Blocked, nothing billed; the account's other job waits behind it; topped up, each is bought once."""
    house.tell("create", **VOICES[name].empty)
    async with house.working():
        first, second = await house.submit(), await house.submit()
        first, failure = await house.settled(first, JobState.BLOCKED)
        assert failure is not None
        assert (failure.code, failure.billed) == ("quota_exhausted", Billed.NO)
        assert failure.next
        assert house.accepted() == 0
        assert house.studio.budget().standings[0].spent == 0
        house.tell("create")
        house.studio.collect(first.id)
        for job in (first, second):
            job, failure = await house.settled(job, JobState.COMPLETED, JobState.FAILED)
            assert job.state is JobState.COMPLETED, failure
    assert house.accepted() == 2


# --- what the model, or the service, does not have ---


async def test_a_model_that_is_gone_ends_the_job_unbilled(house: House, name: str) -> None:
    """The model is named, and where to find another; the create is sent once."""
    house.tell("create", **VOICES[name].gone)
    async with house.working():
        job, failure = await house.settled(await house.submit())
    assert failure is not None
    assert (job.state, failure.code, failure.billed) == (JobState.FAILED, "refused", Billed.NO)
    assert house.counter.model(framed=False) in failure.message
    assert "model" in failure.next
    assert (house.posts(), house.accepted()) == (1, 0)


@pytest.mark.parametrize(
    "asked",
    [{"seconds": 3000}, {"aspect": "7:5"}, {"resolution": "999p"}, {"style": "noir"}],
    ids=lambda asked: next(iter(asked)),
)
async def test_an_option_that_the_model_does_not_have_is_named_and_nothing_is_stored(
    house: House, asked: Mapping[str, Any]
) -> None:
    """The option, the value that was given and those that are taken; no worker and no service hears of it."""
    with pytest.raises(UnsupportedOption) as caught:
        await house.submit(**asked)
    (option, value) = next(iter(asked.items()))
    assert option in caught.value.message
    assert str(value) in caught.value.message
    assert caught.value.next
    assert house.studio.ledger.jobs() == []
    assert house.posts() == 0


# --- references ---


def noise(path: Path) -> Reference:
    """Return a picture of more than half a megabyte, which no encoder makes smaller."""
    Image.effect_noise((1000, 800), 80).convert("RGB").save(path)
    assert path.stat().st_size > 500_000
    return Reference(role=Role.FIRST_FRAME, path=path)


async def test_a_picture_that_is_too_large_is_named_with_the_limit(house: House, tmp_path: Path) -> None:
    """Whose role it has, how large it is, how large it may be; it is neither uploaded nor sent."""
    uploads = len(house.counter.service.requests("upload"))
    async with house.working():
        job, failure = await house.settled(await house.submit(noise(tmp_path / "large.png")))
    assert failure is not None
    assert (job.state, failure.code, failure.billed) == (JobState.FAILED, "bad_reference", Billed.NO)
    for words in ("first_frame", " MB", "0.5 MB", "nothing was sent"):
        assert words in failure.message
    assert "smaller" in failure.next
    assert house.posts() == 0
    assert len(house.counter.service.requests("upload")) == uploads


PRIVATE = [
    "file:///etc/passwd",
    "http://10.0.0.7/a.png",
    "https://127.0.0.1/a.png",
    "http://127.1/a.png",
    "https://2130706433/a.png",
    "https://0x7f.0.0.1/a.png",
    "http://169.254.169.254/latest/meta-data/",
    "https://localhost/a.png",
    "https://localhost./a.png",
    "https://api.localhost/a.png",
    "https://[::1]/a.png",
    "https://[::ffff:10.0.0.7]/a.png",
    "https://nas.internal./a.png",
    "https://192.168.1.4:8443/a.png",
    "https://someone:a-password-0123@10.0.0.7/a.png",
]


async def test_an_address_of_a_private_network_is_sent_to_nobody(house: House) -> None:
    """However it is written; the error says which reference it is, and shows no password."""
    async with house.working():
        jobs = {}
        refused: dict[str, Mapping[str, Any]] = {}
        for address in PRIVATE:
            try:
                jobs[address] = await house.submit(Reference(role=Role.FIRST_FRAME, remote=address))
            except BadInput as error:
                refused[address] = error.as_json()
        for address, job in jobs.items():
            job, failure = await house.settled(job)
            assert failure is not None, address
            refused[address] = failure.as_json()
    assert house.posts() == 0
    for address in PRIVATE:
        told = refused[address]
        assert (told["code"], told["billed"]) in {("bad_reference", "no"), ("unsupported_option", "no")}, told
        assert "reference" in told["message"]
        assert "a-password-0123" not in str(told)
        assert told["next"]


async def test_a_web_address_is_no_file(house: House) -> None:
    """Given where a file belongs, it is looked for on this disk, not there, and fetched from nowhere."""
    frame = Reference(role=Role.FIRST_FRAME, path=Path("https://example.com/a.png"))
    with pytest.raises(BadInput, match=r"example\.com/a\.png does not exist"):
        await house.submit(frame)
    assert house.studio.ledger.jobs() == []


# --- pages ---


@pytest.mark.parametrize(
    ("status", "code"), [(403, "account_blocked"), (413, "refused"), (502, "outcome_unknown")]
)
async def test_a_page_in_place_of_an_answer_is_told_in_plain_words(
    house: House, status: int, code: str
) -> None:
    """A proxy's page ends the create as its status says; what it says is told without its tags."""
    house.tell("create", status=status, body=PAGE, headers={"Content-Type": "text/html"})
    async with house.working():
        job, failure = await house.settled(await house.submit())
    assert failure is not None
    assert failure.code == code
    assert failure.billed is (Billed.UNKNOWN if code == "outcome_unknown" else Billed.NO)
    said = " ".join(str(one["detail"].get("because")) for one in house.studio.ledger.events(job.id))
    assert "502 Bad Gateway" in said
    assert "<" not in said + failure.message
    assert failure.next
    assert (house.posts(), house.accepted()) == (1, 0)


async def test_doctor_says_that_a_page_came(house: House, name: str) -> None:
    """What `rushes doctor` asks is answered with a page: an error of ours, without tags or key."""
    house.counter.service.tell(CHECKS[name], status=502, body=PAGE)
    engine = house.studio.engine(name)
    with pytest.raises(EngineError) as caught:
        await engine.check()
    assert "502" in caught.value.message
    assert "<" not in caught.value.message
    assert house.counter.key not in str(caught.value)


# --- where a service says that its file is ---


class PublicEngine(ScriptedEngine):
    """An engine whose service is on the public network, as far as anybody can tell by its settings."""

    in_private_network = False


@pytest.mark.parametrize(("engine", "fetched"), [(PublicEngine, False), (ScriptedEngine, True)])
async def test_a_service_on_the_public_network_has_no_files_in_ours(
    tmp_path: Path, engine: type[ScriptedEngine], fetched: bool
) -> None:
    """Its address of a result leads to this machine: nothing is asked there, and the job says where."""
    with running(tmp_path / "provider", footage="160x96x0.5") as provider:
        options = {**QUICK, "base_url": provider.base_url}
        one = EngineSettings(name="scripted", kind="scripted", options=options)
        settings = Settings(
            home=tmp_path, config=tmp_path / "none", log=tmp_path / "log", engines={"scripted": one}
        )
        made = engine("scripted", options)
        async with Studio(settings) as studio, working(settings, made, 1):
            request = VideoRequest(prompt="a boat", model="scripted/priced")
            job = await settled(studio, await studio.submit(request, max_usd=Decimal(5)))
        await made.aclose()
        assert (provider.stats().get("files", 0) > 0) is fetched
    assert job.state is (JobState.COMPLETED if fetched else JobState.FAILED)
    if not fetched:
        assert job.failure is not None
        assert (job.failure.code, job.failure.billed) == ("result_broken", Billed.YES)
        assert "leads to 127.0.0.1, which is not on the public network" in job.failure.message
        assert "base_url" in job.failure.next


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://gpu-box:30000", True),
        ("http://gpu.lan.", True),
        ("https://10.1.2.3", True),
        ("https://api.example.com/v1", False),
        ("https://8.8.8.8", False),
    ],
)
def test_where_a_service_is_decides_where_its_files_may_be(address: str, private: bool) -> None:
    """By the addresses of its settings, and by no other words in them."""
    options = {"base_url": address, "key": "10.0.0.1", "models": [{"id": "http://127.0.0.1/"}]}
    assert BaseEngine("lab", options).in_private_network is private
    assert not BaseEngine("lab", {}).in_private_network
