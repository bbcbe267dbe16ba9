"""Who pays: the account that follows from an engine's settings, and the engine that a job gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes import settings
from rushes.domain.errors import BadSettings, KeyMissing, SetupError
from rushes.domain.job import Cost, Job, JobState
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.engines.contract import Engine
from rushes.engines.edge import GuardedEngine
from rushes.jobs.key_channel import EngineKey
from rushes.roster import Roster
from rushes.settings import Settings
from rushes.settings.accounts import account_of
from rushes.studio import Studio

KEY, OTHER = "a-secret-key-0123456789", "another-key-9876543210"
LAB = '[engines.lab]\nengine = "openai-videos"\nbase_url = "{}"\n'
PAID_LAB = LAB.format("http://lab:8000") + 'key = "{}"\n'


def load(home: Path, text: str = "", folder: Path | None = None, *, environ: Mapping[str, str]) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return settings.load({"RUSHES_HOME": str(home), **environ}, folder or home)


def account(home: Path, name: str, text: str = "", **variables: str) -> str:
    engine = load(home, text, environ=variables).engine(name)
    assert engine is not None
    return account_of(engine.with_keys())


@pytest.mark.parametrize(
    ("name", "text", "variables"),
    [
        ("animatic", "", {}),
        ("local", "", {"FAL_KEY": KEY}),
        ("sora-web", '[engines.sora-web]\nbase_url = "http://127.0.0.1:9"\n', {"WEBSHARE_API_KEY": KEY}),
    ],
    ids=["animatic", "local", "sora-web"],
)
def test_where_no_key_pays_there_is_one_account(
    tmp_path: Path, name: str, text: str, variables: dict[str, str]
) -> None:
    """Engines of this machine, and one that somebody is signed in to, keep the account they had (F07)."""
    assert account(tmp_path, name, text, **variables) == "default"


def test_another_key_is_another_account(tmp_path: Path) -> None:
    """By key and server; the key is not in it, a line's end makes no other; none is one, too (F07)."""
    found = account(tmp_path, "fal", FAL_KEY=KEY)
    assert found == account(tmp_path, "fal", FAL_KEY=f"{KEY}\n")
    assert found == account(tmp_path, "fal", f'[engines.fal]\nkey = "{KEY}"\n')
    assert found == account(
        tmp_path, "fal", '[engines.fal]\nqueue_url = "https://queue.fal.run/"\n', FAL_KEY=KEY
    )
    others = {
        account(tmp_path, "fal", FAL_KEY=OTHER),
        account(tmp_path, "fal"),
        account(tmp_path, "fal", '[engines.fal]\nqueue_url = "http://127.0.0.1:9"\n', FAL_KEY=KEY),
        account(tmp_path, "fal", '[engines.fal]\naccount = "work"\n', FAL_KEY=KEY),
    }
    assert len({found, *others, "default"}) == 6
    assert not any(KEY[:4] in one or OTHER[:4] in one for one in (found, *others))


def test_a_server_without_a_key_has_the_account_of_its_address(tmp_path: Path) -> None:
    """Scheme, host and port tell servers apart, and not a key that is sent to somebody else (F07)."""
    found = account(tmp_path, "lab", LAB.format("http://lab:80/v1"))
    assert found == account(tmp_path, "lab", LAB.format("http://lab"), OPENAI_API_KEY=KEY)
    assert found != account(tmp_path, "lab", LAB.format("http://lab:81/v1"))
    assert found != account(tmp_path, "lab", LAB.format("http://lab") + f'key = "{KEY}"\n')
    assert account(tmp_path, "openai-videos", OPENAI_API_KEY=KEY) != account(tmp_path, "openai-videos")
    with pytest.raises(BadSettings, match=r"engines\.lab\.base_url is not an address"):
        account(tmp_path, "lab", LAB.format("lab"))


def test_an_engine_of_others_pays_with_all_that_sounds_secret(tmp_path: Path) -> None:
    """Of a kind that is not ours nobody knows which secret is the key; without any it pays nobody."""
    text = '[engines.mine]\nengine = "scripted"\n'
    both = text + 'key = "a"\nclient_secret = "b"\n'
    assert account(tmp_path, "mine", text) == "default"
    assert account(tmp_path, "mine", both) != account(tmp_path, "mine", both.replace('"b"', '"c"'))
    assert account(tmp_path, "mine", text + 'account = "second"\n') == "second"


# --- the engine of a job ---


def options_of(engine: Engine) -> Mapping[str, Any]:
    """Return the options that an engine was made from."""
    assert isinstance(engine, GuardedEngine)
    return engine.adapter.settings


@contextmanager
def workplace(home: Path, text: str = "", **variables: str) -> Iterator[Roster]:
    """Give what a worker has of a settings file and its own environment."""
    load(home, text, environ={})
    with Studio(settings.load_for_worker({"RUSHES_HOME": str(home), **variables})) as studio:
        yield studio.roster


def job_of(engine: str, account: str, key_source: str | None = "the settings file") -> Job:
    """Return a job of an engine that is paid from an account."""
    now = datetime.now(UTC)
    return Job(
        id="j123456789",
        state=JobState.QUEUED,
        engine=engine,
        account=account,
        key_source=key_source,
        model=f"{engine}/any",
        provider="any",
        request=VideoRequest(prompt="a boat"),
        quote=Quote(amount=Decimal(0), basis=Basis.FREE),
        cost=Cost(amount=Decimal(0), currency="USD", basis="free", settled=True),
        created_at=now,
        updated_at=now,
    )


def test_a_job_gets_the_key_it_is_for_or_none(tmp_path: Path) -> None:
    """That of the worker's variable, one kept behind it, one that was handed over; no other (F07)."""
    handed, kept = "handed-0123456789", tmp_path / "home" / "keys.toml"
    kept.parent.mkdir()
    kept.write_text(f'[file.fal]\nkey = "{OTHER}"\n')
    kept.chmod(0o600)
    jobs = {
        key: job_of("fal", account(tmp_path / "other", "fal", FAL_KEY=key)) for key in (KEY, OTHER, handed)
    }
    with workplace(tmp_path / "home", FAL_KEY=KEY) as roster:
        for key in (KEY, OTHER):
            engine = roster.engine_of(jobs[key])
            assert (options_of(engine)["key"], engine.account) == (key, jobs[key].account)
            assert roster.engine_of(jobs[key]) is engine
        with pytest.raises(KeyMissing, match="job j123456789 is for the key from the settings file"):
            roster.engine_of(jobs[handed])
        # Whatever account it is handed over for, it pays for its own.
        roster.take(EngineKey(engine="fal", account=jobs[KEY].account, options={"key": handed}))
        assert options_of(roster.engine_of(jobs[handed]))["key"] == handed
        assert options_of(roster.engine_of(jobs[KEY]))["key"] == KEY


def test_a_key_that_was_handed_over_goes_to_the_server_it_was_for(tmp_path: Path) -> None:
    """When the settings name another server since, it is not sent there (F07)."""
    text = LAB.format("http://lab:8000")
    job = job_of("lab", account(tmp_path / "other", "lab", f'{text}key = "{KEY}"\n'))
    with workplace(tmp_path / "home", text) as roster:
        roster.take(EngineKey(engine="lab", account=job.account, options={"key": KEY}))
        assert options_of(roster.engine_of(job))["base_url"] == "http://lab:8000"
        (tmp_path / "home" / "config.toml").write_text(LAB.format("http://lab:9000"))
        roster.reload()
        with pytest.raises(KeyMissing, match="another address"):
            roster.engine_of(job)


def test_a_job_that_was_stored_without_a_key_is_paid_by_nobody_else(tmp_path: Path) -> None:
    """Where the worker has a key, a job of somebody who had none does not use it (F07)."""
    job = job_of("fal", account(tmp_path / "other", "fal"), None)
    with workplace(tmp_path / "one", FAL_KEY=KEY) as roster:
        assert "key" not in options_of(roster.engine_of(job))
    with workplace(tmp_path / "two", f'[engines.fal]\nkey = "{KEY}"\n') as roster:
        with pytest.raises(KeyMissing, match="stored without a key") as caught:
            roster.engine_of(job)
        assert "rushes collect j123456789" in caught.value.next


@pytest.mark.parametrize("earlier", ["default", "work"])
def test_a_job_from_before_has_the_engine_that_is_configured(tmp_path: Path, earlier: str) -> None:
    """Jobs of an earlier rushes do not say whose key they are for (F07)."""
    text = f'[engines.fal]\naccount = "work"\nkey = "{KEY}"\n'
    with workplace(tmp_path, text) as roster:
        assert options_of(roster.engine_of(job_of("fal", earlier, None)))["key"] == KEY


def test_what_else_an_engine_lacks_is_told_as_that(tmp_path: Path) -> None:
    """A proxy's variable that is not set is no missing key; the variable of the key itself is one."""
    text = PAID_LAB.format(KEY)
    job = job_of("lab", account(tmp_path / "other", "lab", text))
    with workplace(tmp_path / "one", f'{text}proxy_url_env = "PROXY"\n') as roster:
        with pytest.raises(SetupError, match="takes its proxy_url from PROXY, which is not set") as caught:
            roster.engine_of(job)
        assert not isinstance(caught.value, KeyMissing)
    named = LAB.format("http://lab:8000") + 'key_env = "MINE"\n'
    with workplace(tmp_path / "two", named) as roster:
        with pytest.raises(KeyMissing) as missing:
            roster.engine_of(job)
        assert "set MINE to that key" in missing.value.next
        assert "rushes config set lab.key" in missing.value.next


def test_only_what_no_other_process_has_is_handed_over(tmp_path: Path) -> None:
    """Keys of the environment and of a project's `.env`; not those of the home, nor of other engines."""
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    (project / ".env").write_text(f"OPENROUTER_API_KEY={KEY}\nSORA_PROXY_URL=http://a:b@proxy\n")
    text = PAID_LAB.format(OTHER)
    variables = {"FAL_KEY": KEY, "OPENAI_API_KEY": OTHER}
    with Studio(load(home, text, project, environ=variables)) as studio:
        keys = {one.engine: one for one in studio.roster.private_keys()}
        variables_of_folder = studio.settings.folder_variables
    (home / ".env").write_text(f"OPENROUTER_API_KEY={KEY}\n")
    with Studio(load(home, text, environ={})) as studio:
        assert studio.roster.private_keys() == []

    assert keys.keys() == {"fal", "openrouter", "openai-videos"}
    assert keys["fal"].options == {"key": KEY}
    assert KEY not in repr(keys)
    assert variables_of_folder == {"SORA_PROXY_URL": "http://a:b@proxy"}


def test_a_home_that_is_named_from_here_is_the_same_for_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RUSHES_HOME may be relative; a worker, which works in another folder, is given the whole path."""
    monkeypatch.chdir(tmp_path)
    found = settings.load({"RUSHES_HOME": "clips"})
    assert found.environ["RUSHES_HOME"] == str(tmp_path / "clips") == str(found.home)
