"""The service at five origins with TLS, as it really was: a sign-in over several pages, a job, a refresh."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rushes.testing.sora_process import SoraProcess, running_sora
from rushes.testing.trust import CERTUTIL, trusting
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Terminal

WISH = ("landscape", "small", "150", "--model", "sora-web/sy_8")


@pytest.fixture(scope="module")
def emulator(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    if sys.platform != "linux":
        pytest.skip("elsewhere browsers ask the system whom to trust")
    if shutil.which(CERTUTIL) is None:
        reason = "certutil is not installed: run tools/browsers"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("sora")
    with running_sora(folder / "creates.jsonl", speed=100.0, origins="several", tls=folder / "tls") as one:
        yield one


@pytest.fixture
def home(
    terminal: Terminal, emulator: SoraProcess, chromium: Path, screen: str, tmp_path: Path
) -> Iterator[SoraHome]:
    """A home that trusts the emulator's authority, with a screen; nobody is signed in."""
    assert emulator.authority is not None
    variables = trusting(emulator.authority, tmp_path / "person") | {"DISPLAY": screen}
    one = SoraHome(terminal=replace(terminal, variables=variables), emulator=emulator)
    one.configure(browser=json.dumps(str(chromium)))
    yield one
    emulator.clear()


def test_from_the_sign_in_to_the_clip_and_the_refresh(home: SoraHome) -> None:
    """Site, sign-in, sentinel and files are five origins with TLS, and the product has no switch for it.

    The sign-in leads over five pages of another host; nothing is asked there. The create gets its token from
    another origin, and the clip comes from yet another one.
    """
    home.emulator.fault("scripted-person", 0.1)

    signed_in = home.sora("login", "--timeout", "60")
    made = home.terminal.run("create", "a boat at many hosts", *WISH, "--json")
    refreshed = home.sora("refresh")

    assert signed_in.code == 0, signed_in
    assert "director@example.com" in signed_in.out
    assert made.code == 0, made
    assert Path(made.json()["clips"][0]["path"]).stat().st_size > 10_000
    assert refreshed.code == 0, refreshed
    assert "session: 90 days left" in refreshed.out
    hosts = {name: urlsplit(address).netloc for name, address in home.emulator.origins.items()}
    assert len(set(hosts.values())) == 5
    seen = home.emulator.requests()
    walked = [(one["method"], one["path"]) for one in seen if one["host"] == hosts["auth"]]
    assert walked == [
        ("GET", "/authorize"),
        *(("GET", "/log-in"), ("POST", "/log-in")),
        *(("GET", "/log-in/password"), ("POST", "/log-in/password")),
        *(("GET", "/mfa-challenge"), ("POST", "/mfa-challenge")),
        *(("GET", "/consent"), ("POST", "/consent")),
    ]
    tokens = [one["method"] for one in seen if one["path"] == "/backend-api/sentinel/req"]
    assert {"OPTIONS", "POST"} <= set(tokens)
    assert {one["host"] for one in seen if one["path"].startswith("/az/")} == {hosts["media"]}
    cookies = json.loads((home.profile / "state.json").read_text())["cookies"]
    sessions = {one["domain"] for one in cookies if one["name"].startswith("__Secure-next-auth.session")}
    assert sessions == {urlsplit(home.emulator.base_url).hostname}


def test_a_site_that_challenges_browsers_without_a_window(home: SoraHome, chromium: Path) -> None:
    """A person passes its check in a window; that is worth nothing to jobs without one, and jobs are told so.

    With `headed = true` they have one, with the clearance that the person got, and go on. At no time does the
    browser say that it is another one.
    """
    home.emulator.fault("scripted-person", 0.1)
    assert home.sora("login", "--timeout", "60").code == 0
    forget_that_a_person_was_let_in(home.profile)
    home.emulator.fault("challenge-headless", "everybody")
    earlier = len(home.emulator.requests("/backend/nf/create"))

    first = home.terminal.run("create", "a boat behind a check", *WISH, "--json")
    passed = home.sora("login", "--timeout", "60")
    id = first.json()["job"]["id"]
    second = home.terminal.run("wait", id, "--timeout", "60")

    assert (first.code, passed.code, second.code) == (7, 0, 7), (first, passed, second)
    assert "failed" not in first.err
    assert "rushes sora login" in first.json()["error"]["next"]
    assert "1 job waited for this" in passed.out
    assert "challenges a browser without a window, though it let a person in just now" in second.out
    assert "headed = true under [engines.sora-web]" in second.out

    home.configure(headed="true", browser=json.dumps(str(chromium)))
    collected = home.terminal.run("collect", id)
    made = home.terminal.run("wait", id, "--timeout", "60")

    assert collected.code == 0, collected
    assert made.code == 0, made
    (create,) = home.emulator.requests("/backend/nf/create")[earlier:]
    assert "Headless" not in create["user_agent"]
    assert len(home.emulator.log("a boat behind a check")) == 1


def forget_that_a_person_was_let_in(profile: Path) -> None:
    """As if that had been longer ago."""
    account = profile / "account.json"
    account.write_text(json.dumps({**json.loads(account.read_text()), "let_in_at": None}))
