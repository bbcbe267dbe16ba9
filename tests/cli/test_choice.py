"""Choosing a model at the terminal: by price, by alias, from lists that services told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from rushes import settings
from rushes.domain.errors import ApprovalNeeded
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.openrouter_service import KEY
from rushes.testing.process import ProviderProcess, running
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.cli.terminal import Terminal

SHORT = ("--seconds", "2")
NOBODY = "http://127.0.0.1:9"
NO_KEYS = dict.fromkeys(("OPENROUTER_API_KEY", "FAL_KEY", "OPENAI_API_KEY", "RUSHES_MODEL"), "")

STORYBOARD = (
    "animatic/storyboard (nothing that generates video is set up: a free storyboard, not generated video)"
)

LAB = """
[engines.lab]
engine = "scripted"
base_url = "{base_url}"
{more}
[[engines.lab.models]]
id = "free"
price = {{ per_second = {{ "*" = "0.30" }} }}
[[engines.lab.models]]
id = "boat-2.5-pro"
price = {{ per_second = {{ "*" = "0.20" }} }}
[[engines.lab.models]]
id = "boat-1"
price = {{ per_second = {{ "*" = "0.01" }} }}
retires_on = 2026-01-31
replacement = "lab/boat-2.5-pro"
"""
"""An engine none of whose models is free: its own `priced` costs $0.10 a second."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.log") as one:
        yield one


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    """The double of OpenRouter, whose list of models is asked for."""
    log = tmp_path_factory.mktemp("service") / "creates.log"
    with running_standin("rushes.testing.openrouter_service:OpenRouterService", log) as one:
        yield one


@pytest.fixture
def terminal(terminal: Terminal) -> Terminal:
    """A terminal in whose environment no key is set."""
    return Terminal(home=terminal.home, variables=NO_KEYS)


@pytest.fixture
def lab(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    terminal.settings(LAB.format(base_url=provider.base_url, more=""))
    return terminal


def openrouter(terminal: Terminal, base_url: str, more: str = "") -> None:
    terminal.settings(f'[engines.openrouter]\nbase_url = "{base_url}"\nkey = "{KEY}"\n{more}')


def test_the_cheapest_is_chosen_and_still_asks(lab: Terminal, provider: ProviderProcess) -> None:
    """Without --model the cheapest priced one is taken, named in the answer, and sent only when agreed to."""
    quote = lab.json("quote", "a cheap boat", *SHORT)
    refused = lab.run("create", "a cheap boat", *SHORT)
    before = provider.log("a cheap boat")
    made = lab.run("create", "a cheap boat", *SHORT, "--yes", "--no-wait")

    assert quote["model"] == "lab/priced"
    assert quote["chosen"] == "the cheapest of 3 that can do it"
    assert refused.code == 6
    assert "lab/priced: $0.20" in refused.err
    assert before == []
    assert made.code == 0, made
    assert "lab/priced (the cheapest of 3 that can do it)" in made.err


async def test_a_program_that_named_no_model_has_to_agree(lab: Terminal, provider: ProviderProcess) -> None:
    """A submit without a model and without a bound buys nothing of a model that was chosen for it."""
    request = VideoRequest(prompt="a boat of a program", seconds=2)
    async with Studio.open(settings.load(lab.environ, lab.home)) as studio:
        with pytest.raises(ApprovalNeeded, match="lab/priced"):
            await studio.submit(request)
        assert studio.ledger.jobs() == []
        job = await studio.submit(request, max_usd=Decimal("0.20"))
    assert job.engine == "lab"


def test_an_engine_without_its_key_is_not_chosen(terminal: Terminal) -> None:
    """With its key missing no engine counts; the free storyboard is used, and --explain says why."""
    terminal.settings(LAB.format(base_url=NOBODY, more='key_env = "LAB_KEY"'))
    said = terminal.run("quote", "a boat", *SHORT, "--explain")
    shape = terminal.json("quote", "a boat", *SHORT, "--explain")
    reasons = {one["model"]: one["why_not"] for one in shape["candidates"]}

    assert shape["model"] == "animatic/storyboard"
    assert STORYBOARD in said.out
    assert reasons["animatic/storyboard"] is None
    assert "takes its key from LAB_KEY" in reasons["lab/priced"]
    assert "2026-01-31; lab/boat-2.5-pro replaces it" in reasons["lab/boat-1"]
    assert reasons["fal/minimax/h3-max/text-to-video"] == "fal has no key: rushes config set fal.key"
    assert "lab/priced" in said.out


def test_what_generates_nothing_is_never_chosen_before_what_does(lab: Terminal) -> None:
    """A storyboard and pipelines of noise are free, and used only where they are named."""
    found = lab.json("quote", "a boat", *SHORT, "--explain")["candidates"]
    reasons = {one["model"]: one["why_not"] for one in found}

    assert "only where it is named" in reasons["animatic/storyboard"]
    assert all(reasons[model] for model in reasons if model.startswith("local/tiny-random"))


def test_a_key_in_the_environment_makes_an_engine_count(terminal: Terminal) -> None:
    """A shipped kind whose variable is set is chosen from, priced by the catalogue when it is not reached."""
    keyed = Terminal(home=terminal.home, variables={**NO_KEYS, "FAL_KEY": "id:invented"})
    candidates = keyed.json("quote", "a boat", "--model", "animatic/storyboard", "--explain")["candidates"]
    able = {one["model"].partition("/")[0] for one in candidates if one["why_not"] is None}

    assert able == {"fal"}


def test_what_no_engine_that_is_set_up_can_do_is_no_storyboard(lab: Terminal) -> None:
    """Whoever has an engine that generates wants a video: the wish is refused, and says what each makes."""
    said = lab.run("create", "a boat", "--seconds", "2", "--aspect", "21:9")

    assert said.code == 2
    assert "no model that is set up can do this: lab/free and 1 more: aspect is 21:9" in said.err
    assert "--model animatic/storyboard" in said.err
    assert lab.json("jobs") == []
    named = lab.json(
        "quote", "a boat", "--seconds", "2", "--aspect", "21:9", "--model", "animatic/storyboard"
    )
    assert named["model"] == "animatic/storyboard"


SORA = '[engines.sora-web]\nbase_url = "http://127.0.0.1:9"\n'


def test_a_mistyped_number_of_frames_says_which_there_are(terminal: Terminal) -> None:
    """100 for 150 is no reason for a storyboard; as a fallback, too, it is said in the words it came in."""
    terminal.settings(SORA)
    said = terminal.run("create", "a kite", "landscape", "small", "100")
    as_fallback = terminal.run(
        "create",
        "a kite",
        "landscape",
        "small",
        "100",
        "--model",
        "animatic/storyboard",
        "--fallback",
        "cheap",
    )

    assert said.code == as_fallback.code == 2
    frames = "seconds is 3.33 (100 frames); allowed: 5, 10, 15, 20 s (150, 300, 450, 600 frames)"
    assert f"sora-web/sy_8: {frames}" in said.err
    assert f"as a fallback: no model that is set up can do this: sora-web/sy_8: {frames}" in as_fallback.err
    assert terminal.json("jobs") == []


@pytest.mark.parametrize(
    ("words", "doubt"),
    [
        (("landscape", "small", "150"), []),
        (("landscape", "small", "600"), ["20 s"]),
        (("portrait", "large", "150"), ["1080p"]),
        (("square", "medium", "--seconds", "20"), ["1:1", "720p", "20 s"]),
    ],
)
def test_every_value_of_the_first_notes_goes_to_the_model_of_the_notes(
    terminal: Terminal, words: tuple[str, ...], doubt: list[str]
) -> None:
    """With Sora's web app set up and no model named it is sy_8; what nobody confirmed is said."""
    terminal.settings(SORA)
    quote = terminal.json("quote", "a kite", *words)

    assert quote["model"] == "sora-web/sy_8"
    assert quote["unconfirmed"] == doubt


def test_whoever_asks_for_the_cheapest_reads_why_it_is_a_storyboard(terminal: Terminal) -> None:
    """`cheap` with nothing set up: the table has one row that can be used, and it is the chosen one."""
    said = terminal.run("quote", "a boat", *SHORT, "--model", "cheap", "--explain")
    able = [line.split()[0] for line in said.out.splitlines() if line.endswith("can be used")]

    assert able == ["animatic/storyboard"]
    assert STORYBOARD in said.out


def test_the_default_that_cannot_do_it_is_not_said_to(terminal: Terminal) -> None:
    """What the storyboard cannot do either is refused, and its row of the table says why."""
    said = terminal.run("quote", "a boat", "--remix", "some-id", "--explain")
    row = next(line for line in said.out.splitlines() if line.startswith("animatic/storyboard"))

    assert said.code == 2
    assert "an id of one provider's own" in row


def test_aliases_say_what_they_mean(lab: Terminal, provider: ProviderProcess) -> None:
    """A name with its version stands for the model, on the command line and in the settings file."""
    asked = lab.json("quote", "a boat", *SHORT, "--model", "boat-2.5")
    preset = Terminal(home=lab.home, variables={**NO_KEYS, "RUSHES_MODEL": "boat-2.5"})
    made = preset.run("create", "a boat by its name", *SHORT, "--yes", "--no-wait")

    assert (asked["model"], asked["chosen"]) == (
        "lab/boat-2.5-pro",
        "boat-2.5: the only one that can do it",
    )
    assert "lab/boat-2.5-pro (boat-2.5: the only one that can do it)" in made.err


def test_an_alias_that_cannot_be_used_says_why(lab: Terminal) -> None:
    """A retired name is refused with its date and replacement, one without a key by its engine."""
    retired = lab.run("quote", "a boat", *SHORT, "--model", "boat-1")
    sora = lab.run("create", "a boat", "--model", "sora-2", "--yes")
    far = lab.run("quote", "a boat", *SHORT, "--model", "kling-3")
    typo = lab.run("quote", "a boat", *SHORT, "--model", "klong-3")

    assert retired.code == 2
    assert "lab/boat-1 was retired on 2026-01-31; lab/boat-2.5-pro replaces it" in retired.err
    assert "was retired on 2026-09-24" in sora.err
    assert far.code == 2
    for engine in ("openrouter", "fal"):
        assert far.err.count(f"{engine} has no key: rushes config set {engine}.key") == 1
    assert "there is no model 'klong-3'" in typo.err
    assert lab.json("jobs") == []


def test_a_refreshed_list_is_used_offline(terminal: Terminal, service: StandInProcess) -> None:
    """What a service lists is kept with its day, stands for the shipped entries, and is used without it."""
    openrouter(terminal, service.base_url)
    shipped = terminal.json("models", "openrouter/kwaivgi/kling-v3.0-std")
    rows = {row["engine"]: row for row in terminal.json("models", "--refresh")}
    asked = len(service.requests("models"))
    listed = terminal.json("models", "openrouter/kwaivgi/kling-v3.0-std")
    kept = json.loads((terminal.home / "catalogue" / "openrouter.json").read_text())

    assert rows["openrouter"]["models"] == len(kept["models"])
    assert rows["animatic"]["told"] == "offers no list"
    assert shipped["price_source"] == "openrouter.ai/api/v1/videos/models"
    assert listed["price_source"].startswith(service.base_url)
    assert listed["price_as_of"] == kept["read_on"]
    assert len(service.requests("models")) == asked
    assert KEY not in json.dumps(kept)


def test_a_failed_refresh_keeps_the_list(terminal: Terminal, service: StandInProcess) -> None:
    """An engine whose service does not answer says so; its list stays, and the others are asked."""
    openrouter(terminal, service.base_url, LAB.format(base_url=NOBODY, more=""))
    terminal.json("models", "--refresh")
    file = terminal.home / "catalogue" / "openrouter.json"
    before = file.read_text()
    service.tell("models", status=503, body="no")
    said = terminal.run("models", "--refresh", "--json")
    service.clear()
    rows = {row["engine"]: row for row in said.json()}

    assert said.code == 5
    assert rows["openrouter"]["error"]["code"] == "unreachable"
    assert rows["lab"]["told"] == "offers no list"
    assert file.read_text() == before
    assert terminal.run("models").code == 0


def test_a_damaged_list_is_repaired_by_a_refresh(terminal: Terminal, service: StandInProcess) -> None:
    """A file that cannot be used is passed over and named with its cure, and the cure works."""
    openrouter(terminal, service.base_url)
    file = terminal.home / "catalogue" / "openrouter.json"
    file.parent.mkdir()
    file.write_text("half a li")
    broken = terminal.run("models")
    terminal.json("models", "--refresh")

    assert broken.code == 0
    assert str(file) in broken.err
    assert "rushes models --refresh" in broken.err
    assert str(file) not in terminal.run("models").err


def test_settings_win_over_a_list(terminal: Terminal, service: StandInProcess) -> None:
    """A table of the settings file stands for a listed model; a list of another host is not used."""
    table = (
        '[[engines.openrouter.models]]\nid = "kwaivgi/kling-v3.0-std"\nprice = { per_clip = "0.07" }\n'
        '[[engines.openrouter.models]]\nid = "mine"\n'
    )
    openrouter(terminal, service.base_url, table)
    terminal.json("models", "--refresh")
    own = terminal.json("models", "openrouter/kwaivgi/kling-v3.0-std")
    openrouter(terminal, NOBODY)
    elsewhere = terminal.json("models", "openrouter/kwaivgi/kling-v3.0-std")

    assert own["price_per_clip"] == "0.07"
    assert elsewhere["price_source"] == "openrouter.ai/api/v1/videos/models"


def test_models_are_filtered(lab: Terminal) -> None:
    """By engine, ability, price and life; a word that is no ability is refused with those there are."""

    def ids(*words: str) -> list[str]:
        return [one["model"] for one in lab.json("models", *words)]

    assert ids("--engine", "lab") == ["lab/free", "lab/boat-2.5-pro", "lab/priced", "lab/unpriced"]
    assert "lab/boat-1" in ids("--engine", "lab", "--all")
    assert ids("--engine", "lab", "--can", "first_frame") == ["lab/priced", "lab/unpriced"]
    assert ids("--can", "first_frame", "--can", "last_frame") == ["animatic/storyboard"]
    assert ids("--max-price", "0.20", "--engine", "lab") == ["lab/boat-2.5-pro", "lab/priced"]
    assert ids("--engine", "sora-web") == []
    assert "retired 2026-01-31" in lab.run("models", "--all").out
    assert lab.run("models", "--engine", "nosuch").code == 8
    wrong = lab.run("models", "--can", "fly")
    assert wrong.code == 2
    assert "first_frame" in wrong.err
