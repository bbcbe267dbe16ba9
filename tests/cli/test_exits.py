"""What a person can do about a job at two in the morning: ask why, end it, settle it, agree to a price."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

SETTINGS = """
[engines.lab]
engine = "scripted"
base_url = "{base_url}"
post_timeout = 2
[[engines.lab.models]]
id = "m"
seconds = {{ low = 0.5, high = 60 }}
resolutions = ["180p"]
audio = "always"
price = {{ per_second = {{ "*" = {price} }} }}
"""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with an engine whose clips cost $0.02 a second."""
    terminal.settings(SETTINGS.format(base_url=provider.base_url, price="0.02"))
    return terminal


def store(terminal: Terminal, prompt: str) -> str:
    """Store a job of five seconds and return its id."""
    words = ("create", prompt, "--model", "lab/m", "--seconds", "5", "--yes", "--no-wait")
    return str(terminal.json(*words)["job"]["id"])


def wait_for(terminal: Terminal, id: str, state: str) -> None:
    """Look at a job until it stands in a state; every look is a process of its own."""
    for _ in range(100):
        if terminal.json("job", id)["job"]["state"] == state:
            return
    raise AssertionError(terminal.json("job", id))


def test_a_running_job_is_explained_and_abandoned(paid: Terminal, provider: ProviderProcess) -> None:
    """(F04, C01, B2) `why` says what is held and what may be done; `cancel --abandon` ends it."""
    provider.script("never done", render={"seconds": 600})
    id = store(paid, "never done")
    wait_for(paid, id, "running")
    explained = paid.run("why", id)
    assert "$0.10 held" in explained.out
    assert f"rushes cancel --abandon {id}" in explained.out
    assert "polled" in explained.out

    requested = paid.run("cancel", id)
    assert (requested.code, f"rushes cancel --abandon {id}" in requested.out) == (0, True)
    abandoned = paid.run("cancel", "--abandon", id)
    assert (abandoned.code, "abandoned" in abandoned.out) == (0, True)
    assert f"rushes reconcile {id} --charged AMOUNT" in abandoned.out
    assert f"rushes collect {id}" in paid.run("why", id).out
    settled = paid.json("reconcile", id, "--charged", "0.03")
    assert settled["cost"] == {"amount": "0.03", "currency": "USD", "known": True, "basis": "per_use"}
    assert paid.json("worker", "--status")["work"] is False


def test_what_the_provider_answered_is_shown_and_stays(paid: Terminal, provider: ProviderProcess) -> None:
    """(C17) 200 with an error in it: its words stand in `why` and `job`, after a vain reconcile as well."""
    words = "No endpoints found that support this"
    body = json.dumps({"error": {"message": words, "code": 404}})
    provider.script("odd answer", create=[{"accept": False, "status": 200, "body": body}])
    id = store(paid, "odd answer")
    wait_for(paid, id, "outcome_unknown")

    first = paid.json("why", id)
    assert words in first["provider_words"]
    assert words in first["reason"]
    assert f"rushes reconcile {id} --nothing" in first["commands"]
    vain = paid.run("reconcile", id)
    assert (vain.code, "--nothing" in vain.err) == (2, True)
    assert words in paid.json("why", id)["reason"]
    assert words in paid.run("job", id).out
    assert paid.run("reconcile", id, "--nothing").code == 0
    assert paid.json("budget")["caps"][0]["held"] == "0"


def test_a_new_price_is_agreed_to_at_the_terminal(paid: Terminal, provider: ProviderProcess) -> None:
    """(F08) Blocked because the price rose: `approve JOB` needs a person, then the job is sent."""
    provider.script("dearer", create=[{"accept": False, "status": 401}])
    id = store(paid, "dearer")
    wait_for(paid, id, "blocked")
    paid.settings(SETTINGS.format(base_url=provider.base_url, price="0.90"))
    provider.script("dearer")
    paid.run("collect", id)
    for _ in range(100):
        why = paid.json("why", id)
        if "now $4.50" in (why["reason"] or ""):
            break
    assert f"rushes approve {id}" in why["commands"]
    refused = paid.run("approve", id)
    assert (refused.code, "$4.50" in refused.err) == (6, True)
    assert provider.log("dearer") == []
    agreed = paid.run("approve", id, "--yes")
    assert (agreed.code, "$4.50" in agreed.out) == (0, True)
    assert paid.json("wait", id)["cost"]["amount"] == "4.5"


def test_a_charge_far_above_its_quote_is_told_by_spend(paid: Terminal, provider: ProviderProcess) -> None:
    """(F06) $2.50 charged for $0.10: `spend` names the job, and `reconcile --charged` corrects it."""
    provider.script("cents for dollars", render={"cost": "2.5"})
    id = store(paid, "cents for dollars")
    paid.json("wait", id)
    assert f"job {id} was charged $2.50" in paid.run("spend").out
    assert paid.json("spend")["unusual"] == [{"job": id, "charged": "2.5", "held": "0.1"}]
    paid.json("reconcile", id, "--charged", "0.025")
    assert paid.json("spend")["unusual"] == []
    assert paid.json("spend")["total"]["spent"] == "0.025"


def test_the_same_words_are_never_bought_twice_by_surprise(paid: Terminal, provider: ProviderProcess) -> None:
    """(F15, U4.1) After a failure that may be billed the same words lead to `collect` first."""
    provider.script("fails once", render={"outcome": "failed"})
    words = ("create", "fails once", "--model", "lab/m", "--seconds", "5", "--yes")
    first = paid.run(*words)
    again = paid.run(*words)
    assert (first.code, again.code) == (5, 5)
    assert "may have been charged" in again.err
    assert "rushes collect" in again.err
    assert len(provider.log("fails once")) == 1
    provider.script("fails once")
    assert paid.run(*words, "--again").code == 0
    assert len(provider.log("fails once")) == 2
