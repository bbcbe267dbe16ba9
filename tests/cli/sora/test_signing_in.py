"""Signing in to Sora's web app and out again, and how the account stands, from the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.engines.sora_web.profile import Profile
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Terminal


@pytest.fixture
def home(terminal: Terminal, emulator: SoraProcess) -> Iterator[SoraHome]:
    one = SoraHome(terminal=terminal, emulator=emulator)
    one.configure()
    yield one
    emulator.clear()


def test_a_session_from_elsewhere_is_taken_over(home: SoraHome) -> None:
    """Cookies that were exported elsewhere sign in here; who it is and how long it lasts is said."""
    said = home.sign_in()

    assert said.code == 0, said
    assert home.email in said.out
    assert "90 days left" in said.out
    assert str(home.profile / "state.json") in said.out
    assert (home.profile / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_person_signs_in_in_a_window(home: SoraHome, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window opens, the person signs in on the site, and the command ends by itself."""
    monkeypatch.setenv("DISPLAY", screen)
    home.emulator.fault("scripted-person", 0.2)

    said = home.sora("login", "--timeout", "60", "--json")

    assert said.code == 0, said
    assert said.json()["email"] == "director@example.com"
    assert said.json()["alive"] is True
    assert "A window opens" in said.err
    assert "What you type goes only to the site and is not saved" in said.err
    assert home.terminal.json("sora", "status")["email"] == "director@example.com"


def test_nobody_signs_in(home: SoraHome, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window in which nobody signs in is closed after the time that was given."""
    monkeypatch.setenv("DISPLAY", screen)

    said = home.sora("login", "--timeout", "2")

    assert said.code == 7, said
    assert "nobody signed in within 2 s" in said.err


def test_without_a_screen_the_way_around_is_named(home: SoraHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server the sign-in is brought over from another machine, and that is what it says."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    said = home.sora("login")

    assert said.code == 8, said
    assert "rushes sora import STATE.json" in said.err
    assert "A window opens" not in said.err


def test_jobs_that_waited_for_the_sign_in_go_on(home: SoraHome) -> None:
    """A job that was blocked because nobody was signed in completes once somebody is."""
    job = home.terminal.run("create", "a paper boat", "--model", "sora-web/sy_8", "--seconds", "5", "--json")
    assert job.code == 7, job
    id = job.json()["job"]["id"]

    said = home.sign_in()

    assert "1 job waited for this and now continues" in said.out
    assert home.terminal.run("wait", id, "--timeout", "60").code == 0
    assert len(home.emulator.log("a paper boat")) == 1


def test_a_job_of_another_engine_does_not_go_on(home: SoraHome) -> None:
    """Signing in with one engine leaves the blocked jobs of another as they are."""
    settings = home.terminal.home / "config.toml"
    settings.write_text(settings.read_text() + settings.read_text().replace(
        "[engines.sora-web]", '[engines.second]\nengine = "sora-web"'
    ))  # fmt: skip
    words = ("create", "a paper boat", "--model", "second/sy_8", "--seconds", "5", "--json")
    assert home.terminal.run(*words).code == 7

    assert "none waited for this" in home.sign_in().out


def test_the_account_stands_as_the_service_says(home: SoraHome) -> None:
    """Who, how long, how much is left, through what: asked of the service now."""
    home.sign_in()

    found = home.terminal.json("sora", "status")
    said = home.sora("status")

    assert found["email"] == home.email
    assert found["alive"] is True
    assert found["quota_left"] == 100
    assert found["not_newer_because"] is None
    assert found["proxy"] == "none"
    assert found["profile"] == str(home.profile)
    for words in (home.email, "alive, 90 days left", "100 videos left", "asked", "s ago", found["browser"]):
        assert words in said.out


def test_a_service_that_does_not_answer(terminal: Terminal, tmp_path: Path) -> None:
    """Where the service cannot be asked, what it said last is shown, with its time and the reason."""
    with running_sora(tmp_path / "creates.jsonl") as emulator:
        home = SoraHome(terminal=terminal, emulator=emulator)
        home.configure()
        home.sign_in()

    said = home.sora("status")

    assert said.code == 0, said
    assert home.email in said.out
    assert "this is not from now" in said.out
    assert "ERR_CONNECTION_REFUSED" in said.out
    assert home.terminal.json("sora", "status")["not_newer_because"] is not None


def test_a_dead_session_and_a_service_that_does_not_answer(home: SoraHome) -> None:
    """What the service said last was that the session has ended: that is told, with its age."""
    profile = Profile(home.profile)
    profile.note(email=home.email)
    profile.note_dead()
    home.terminal.settings('[engines.sora-web]\nbase_url = "http://127.0.0.1:9"\n')

    said = home.sora("status")

    assert said.code == 7, said
    assert re.search(rf"the session of {home.email} has ended \(as the service said \d+ s ago\)", said.err)


@pytest.mark.parametrize("command", ["status", "refresh", "explore"])
def test_nobody_is_signed_in(home: SoraHome, command: str) -> None:
    """Without a sign-in every command that needs one says so, with the code of that."""
    said = home.sora(command)

    assert said.code == 7, said
    assert "rushes sora login" in said.err


def test_a_session_that_has_ended(home: SoraHome) -> None:
    """A dead session is told by refresh and by status, who both ask, and the service gets no other call."""
    home.sign_in()
    home.emulator.fault("session-dead")
    called = len(home.emulator.requests("/backend/"))

    refreshed = home.sora("refresh")
    asked = len(home.emulator.requests("/api/auth/session"))
    standing = home.sora("status")

    assert (refreshed.code, standing.code) == (7, 7)
    assert f"the session of {home.email} has ended" in refreshed.err
    assert "rushes sora login" in refreshed.err
    assert len(home.emulator.requests("/api/auth/session")) > asked
    assert len(home.emulator.requests("/backend/")) == called


def test_a_session_that_was_wrongly_said_to_have_ended(home: SoraHome) -> None:
    """The service errs for a while and a job is blocked: the next refresh finds the session alive."""
    home.sign_in()
    home.emulator.fault("session-dead")
    job = home.terminal.run("create", "a lighthouse", "--model", "sora-web/sy_8", "--seconds", "5", "--json")
    assert (job.code, job.json()["job"]["reason"]) == (7, "sign-in"), job
    home.emulator.clear()

    said = home.sora("refresh")

    assert said.code == 0, said
    assert said.out.endswith("; jobs: 1 job waited for this and now continues\n")
    assert home.terminal.run("wait", job.json()["job"]["id"], "--timeout", "60").code == 0


def test_refresh_is_one_plain_line(home: SoraHome) -> None:
    """What cron gets is one line without colours: who, and how long session and token last."""
    home.sign_in()

    said = home.sora("refresh")

    assert said.code == 0
    assert said.err == ""
    assert said.out == f"{home.email} is signed in; session: 90 days left; token: 8 days left\n"


def test_signing_out_removes_everything_and_can_be_repeated(home: SoraHome) -> None:
    """Profile, cookies and account are gone; a second time there is nothing to do; and status says so."""
    home.sign_in()

    first, second = home.sora("logout"), home.sora("logout")

    assert (first.code, second.code) == (0, 0)
    assert home.email in first.out
    assert "its cookies" in first.out
    assert "the records of your jobs stay; a record may name the account" in first.out
    assert "nothing to remove" in second.out
    assert [one.name for one in home.profile.iterdir() if one.name != "lock"] == []
    assert home.sora("status").code == 7


def test_cookies_without_a_session_are_refused(home: SoraHome) -> None:
    """A file that signs nobody in is refused by name, and nothing is kept of it."""
    file = home.terminal.home / "other.json"
    file.write_text('[{"name": "theme", "value": "dark", "domain": "example.com"}]')

    said = home.sora("import", str(file))

    assert said.code == 2, said
    assert "holds no session" in said.err
    assert not home.profile.exists()


def test_cookies_of_other_sites_are_left_out(home: SoraHome) -> None:
    """An export of a whole browser: only the site's own are kept, and how many others there were is said."""
    file = home.cookies()
    others = [{"name": "SID", "value": "a-secret", "domain": f".{one}.example"} for one in ("mail", "bank")]
    file.write_text(json.dumps([*json.loads(file.read_text()), *others]))

    said = home.sora("import", str(file))

    assert said.code == 0, said
    assert f"2 cookies of other sites in {file} left out" in said.err
    assert "a-secret" not in (home.profile / "state.json").read_text()


def test_an_import_that_is_killed_changes_nothing(home: SoraHome) -> None:
    """While other cookies are tried it is ended: who was signed in still is; the next one can be tried."""
    home.sign_in()
    before = [(home.profile / name).read_bytes() for name in ("state.json", "account.json")]
    dead = home.cookies()
    dead.write_text(dead.read_text().replace('"value": "', '"value": "dead'))
    trial = home.profile / "import"
    importing = subprocess.Popen(
        home.terminal.command("sora", "import", str(dead)), env=home.terminal.environ
    )
    deadline = time.monotonic() + 60
    while not (trial / "browser" / "SingletonLock").is_symlink():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    importing.kill()
    importing.wait()

    assert [(home.profile / name).read_bytes() for name in ("state.json", "account.json")] == before
    assert home.sora("import", str(dead)).code == 7
    assert home.terminal.json("sora", "status")["email"] == home.email
    assert [one.name for one in trial.iterdir()] == ["lock"]


def test_an_engine_has_to_be_chosen_among_several(terminal: Terminal) -> None:
    """With two engines of the kind, the one that is meant has to be named; another kind is refused."""
    elsewhere = 'engine = "sora-web"\nbase_url = "http://127.0.0.1:9"\n'
    terminal.settings(f"[engines.one]\n{elsewhere}[engines.two]\n{elsewhere}")

    unnamed = terminal.run("sora", "refresh")
    named = terminal.run("sora", "refresh", "--engine", "two")
    other = terminal.run("sora", "refresh", "--engine", "animatic")

    assert unnamed.code == 2
    assert "one, two" in unnamed.err
    assert named.code == 7
    assert other.code == 2
    assert "not of the kind sora-web" in other.err


def test_help_imports_neither_playwright_nor_the_engine(terminal: Terminal) -> None:
    """Reading how the group is used costs no browser library and no engine."""
    program = (
        "import sys, contextlib, io\n"
        "sys.argv = ['rushes', 'sora', '--help']\n"
        "from rushes.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "print(*sys.modules)"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env=terminal.environ, capture_output=True, text=True, check=True)

    heavy = {"playwright", "httpx", "av", "starlette", "rushes.engines.sora_web", "rushes.testing"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("words", ["login", "status", "refresh", "explore", "inspect pending"])
def test_the_official_host_is_said_to_have_closed(terminal: Terminal, words: str) -> None:
    """Without a `base_url` of one's own: when it closed and what works now; no browser is started."""
    said = terminal.run("sora", *words.split())

    assert said.code == 2
    assert "closed on 2026-04-26" in said.err
    assert "rushes config set openrouter.key ($" in said.err
    assert "rushes sora emulator" in said.err


def test_signing_out_needs_no_service(terminal: Terminal) -> None:
    """What is left on this machine can go, also when the service has."""
    assert terminal.run("sora", "logout").code == 0
