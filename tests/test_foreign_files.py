"""Files that are not ours, or have a mistake: they stop nobody who needs nothing of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import BadSettings, KeyMissing, OverBudget
from rushes.domain.request import VideoRequest
from rushes.settings import Settings
from rushes.studio import Studio
from tests.cli.terminal import QUICK, Terminal
from tests.test_accounts import job_of

KEY = "a-key-0123456789"
LAB = '[engines.lab]\nengine = "scripted"\nbase_url = "http://127.0.0.1:9"\nkey = "abc"\n'


def load(home: Path, text: str = "", folder: Path | None = None, **variables: str) -> Settings:
    """Return the settings of a home, as a command in `folder` has them."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return settings.load({"RUSHES_HOME": str(home), **variables}, folder or home)


def without_right(path: Path) -> None:
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("nobody is kept from reading here")
    path.write_text(f"FAL_KEY={KEY}\n")
    path.chmod(0)


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "Latin-1": (lambda path: path.write_bytes(b"NAME=caf\xe9\n"), "it is not UTF-8 text"),
    "torn UTF-16": (lambda path: path.write_bytes(b"\xff\xfeF"), "it is not UTF-16 text"),
    "binary": (lambda path: path.write_bytes(b"FAL_KEY=x\0y\n"), "it is not text"),
    "pipe": (lambda path: os.mkfifo(path), "it is not a regular file"),
    "folder": (lambda path: path.mkdir(), "it is a folder"),
    "huge": (lambda path: path.write_bytes(b"FAL_KEY=x\n" * 200_000), "it is larger than 1 MB"),
    "unreadable": (without_right, "Permission denied"),
}


@pytest.mark.parametrize(("make", "why"), FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("place", ["above", "beside the settings"])
def test_an_env_file_that_cannot_be_used_is_passed_over(
    tmp_path: Path, make: Callable[[Path], object], why: str, place: str
) -> None:
    """C07: whatever lies at `.env`, the settings are read, and it is named with what is wrong with it."""
    home, folder = tmp_path / "home", tmp_path / "project" / "sub"
    folder.mkdir(parents=True)
    home.mkdir()
    file = (tmp_path / "project" if place == "above" else home) / ".env"
    make(file)
    found = load(home, folder=folder, OPENROUTER_API_KEY=KEY)

    assert found.faults[str(file)].why == f"{file} is passed over: {why}"
    assert found.shipped["openrouter"].options["key"] == KEY
    assert "key" not in found.shipped["fal"].options


def test_a_line_of_an_env_file_that_sets_nothing_is_passed_over(tmp_path: Path) -> None:
    """C07: the others are in force, and the line is named."""
    (tmp_path / ".env").write_text(f"FAL_KEY={KEY}\n= what\nOPENROUTER_API_KEY={KEY}\n")
    found = load(tmp_path)

    assert [fault.why for fault in found.faults.values()] == [
        f"line 2 of {tmp_path / '.env'} is passed over: it is not NAME=value"
    ]
    assert found.shipped["fal"].options["key"] == found.shipped["openrouter"].options["key"] == KEY


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_powershell_writes_is_read(tmp_path: Path, encoding: str) -> None:
    """C07: a `.env` and a settings file in UTF-16 or UTF-8 with a mark at the beginning are as any other."""
    (tmp_path / ".env").write_bytes(f"FAL_KEY={KEY}\r\n".encode(encoding))
    (tmp_path / "config.toml").write_bytes('model = "animatic/storyboard"\r\n'.encode(encoding))
    found = settings.load({"RUSHES_HOME": str(tmp_path)}, tmp_path)

    assert found.shipped["fal"].options["key"] == KEY
    assert (found.model, found.faults) == ("animatic/storyboard", {})


def test_a_foreign_env_file_stops_no_command(terminal: Terminal) -> None:
    """C07: commands that need nothing of it say nothing of it; those that need the settings name it once."""
    terminal.home.joinpath(".env").write_bytes(b"NAME=caf\xe9\n")
    jobs, made, doctor = (
        terminal.run("jobs"),
        terminal.run("create", "a boat", *QUICK),
        terminal.run("doctor"),
    )

    assert (jobs.code, jobs.err) == (0, "")
    assert made.code == 0
    assert made.err.count(".env is passed over: it is not UTF-8 text") == 1
    assert ".env is passed over" in doctor.out


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("[engines.lab]\nconcurrency = 0\n", "engines.lab.concurrency is 0"),
        ('[engines.lab]\nengine = "scripted"\nrate = 3\n', "engines.lab.rate is 3"),
        (
            '[engines.lab]\nengine = "scripted"\nrate = { creates = 2, seconds = "x" }\n',
            "engines.lab.rate.seconds",
        ),
        ('[engines.lab]\nengine = "openai-videos"\nbase_url = "nowhere"\n', "engines.lab.base_url"),
        ('[engines.lab]\nengine = "scripted"\nmodels = ["one"]\n', "engines.lab.models has to be"),
        ("[engines]\nlab = 3\n", "engines.lab is not a table"),
    ],
    ids=["concurrency", "rate", "window", "address", "models", "table"],
)
async def test_a_mistake_in_an_engines_table_is_that_engines(tmp_path: Path, table: str, why: str) -> None:
    """C07: whoever names that engine is told what to correct; the others are chosen, made and asked."""
    with Studio(load(tmp_path, f'{table}[engines.other]\nengine = "scripted"\nkey = "abc"\n')) as studio:
        assert (await studio.quote(VideoRequest(prompt="a boat", model="animatic"))).quote.free
        assert studio.engine("other").name == "other"
        assert [one.engine for one in studio.roster.private_keys()] == []
        assert studio.roster.readiness()["animatic"] is None
        with pytest.raises(BadSettings, match=why) as caught:
            studio.engine("lab")
        assert "rushes config path" in caught.value.next


@pytest.mark.parametrize("budget", ['per_day = "lots"', "per_dya = 3", 'timezone = "Atlantis"'])
def test_a_budget_that_cannot_be_read_lets_nothing_through(tmp_path: Path, budget: str) -> None:
    """C07: nothing that costs money is admitted until it is corrected, and what is free still is."""
    with Studio(load(tmp_path, f"[budget]\n{budget}\n")) as studio:
        allowance = studio.ledger.allowance(studio.settings.caps)
        allowance.take("animatic", Decimal(0))
        with pytest.raises(OverBudget, match="the budget is not known"):
            allowance.take("fal", Decimal("0.01"))
        with pytest.raises(BadSettings, match="budget"):
            studio.budget()


def test_a_file_that_is_no_toml_stops_only_who_needs_it(terminal: Terminal) -> None:
    """C07: jobs and clips are listed; whoever wants a clip is told what to correct, and where."""
    terminal.settings("[budget\nper_day = 3\n")
    for words in (["jobs"], ["clips"], ["config"], ["worker", "--status"]):
        assert terminal.run(*words).code == 0, words
    for words in (["create", "a boat", *QUICK], ["quote", "a boat"], ["budget"]):
        said = terminal.run(*words)
        assert said.code == BadSettings.exit_code, words
        assert "config.toml cannot be read" in said.err
    assert "config.toml cannot be read" in terminal.run("doctor").out


@pytest.mark.parametrize("text", ["[budget", "model = 3\nnosuch = 4\n"], ids=["torn", "unknown"])
def test_what_cannot_be_read_anew_changes_nothing(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """F09: a worker keeps the engines and the budget that are in force, and says so once in its log."""
    with Studio(load(tmp_path, f"{LAB}[budget]\nper_day = 3\n")) as studio:
        engine, caps = studio.engine("lab"), studio.settings.caps
        (tmp_path / "config.toml").write_text(text)
        for _ in range(3):
            studio.roster.reload()
        assert studio.engine("lab") is engine
        assert studio.settings.caps == caps
        (tmp_path / "config.toml").write_text(f"{LAB}concurrency = 'x'\n")
        for _ in range(3):
            studio.roster.reload()
        assert studio.engine("lab") is engine
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "the settings stay as they were",
        "the engine lab stays as it was",
    ]


@pytest.mark.parametrize("text", ["{", '{"server": 3}', "[" * 100_000], ids=["torn", "newer", "deep"])
def test_a_damaged_list_of_models_is_passed_over(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """C07: the shipped models are used, and one line names the file."""
    (tmp_path / "catalogue").mkdir(parents=True)
    (tmp_path / "catalogue" / "fal.json").write_text(text)
    with Studio(load(tmp_path)) as studio:
        assert studio.roster.models_of("fal")
        studio.roster.reload()
        assert studio.roster.models_of("fal")
    assert len(caplog.records) == 1
    assert "fal.json cannot be used" in caplog.text


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"\xff"), os.mkfifo], ids=["torn", "pipe"])
def test_kept_keys_that_cannot_be_read_stop_who_needs_them(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """C07: an engine whose key comes from elsewhere, or that has none, is used all the same."""
    make(tmp_path / "keys.toml")
    found = load(tmp_path, FAL_KEY=KEY)

    found.engines["animatic"].check_set_up()
    found.shipped["fal"].check_set_up()
    with pytest.raises(BadSettings, match=r"keys\.toml cannot be read"):
        found.shipped["openrouter"].check_set_up()


def test_a_working_folder_that_is_gone_is_not_needed(tmp_path: Path) -> None:
    """F09: settings are read, and read anew, in a folder that was removed."""
    gone, before = tmp_path / "gone", Path.cwd()
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        with Studio(settings.load({"RUSHES_HOME": str(tmp_path / "home")})) as studio:
            studio.roster.reload()
            assert studio.roster.readiness()["animatic"] is None
        with pytest.raises(BadSettings, match="RUSHES_HOME is 'home'"):
            settings.load({"RUSHES_HOME": "home"})
    finally:
        os.chdir(before)


def test_a_key_that_is_missing_is_told_as_before(tmp_path: Path) -> None:
    """A job whose key nobody has is not mistaken for one whose settings cannot be read."""
    with Studio(load(tmp_path)) as studio, pytest.raises(KeyMissing):
        studio.roster.engine_of(job_of("fal", "0000-00000000"))
