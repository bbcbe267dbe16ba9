"""What is made of the words of a prompt, asked through the doors, and the shot that they are read as."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import rushes
from rushes import settings
from rushes.domain.understanding import Understanding
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Shot, Subject, Time, Weather
from tests.cli.terminal import QUICK, Terminal
from tests.engines.animatic.clips import Make, coloured
from tests.mcp.agent import agent, call, words_of

PROMPTS = json.loads((Path(__file__).parent / "prompts.json").read_text())


@pytest.mark.parametrize("line", PROMPTS, ids=[line["prompt"] for line in PROMPTS])
def test_the_fixed_prompts(line: dict[str, str]) -> None:
    """Each of the fixed prompts is read as the shot it was written for."""
    shot = read(line["prompt"])
    assert [shot.setting, shot.time, shot.weather, shot.move] == [
        line[key] for key in ("setting", "time", "weather", "move")
    ]


def test_the_fixed_prompts_cover_everything() -> None:
    """Every time, weather and camera move, and every setting with things in it, is in a fixed prompt."""
    bare = {Setting.DESERT, Setting.PLAIN}
    assert {line["setting"] for line in PROMPTS} == set(Setting) - bare
    for key, kind in (("time", Time), ("weather", Weather), ("move", Move)):
        assert {line[key] for line in PROMPTS} == set(kind)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Harbour at golden hour", {"setting": Setting.SEA, "time": Time.DUSK}),
        ("waves on a BEACH, drizzle", {"setting": Setting.SEA, "weather": Weather.RAIN}),
        ("a neon alley", {"setting": Setting.CITY, "time": Time.NIGHT}),
        ("pine woods, light mist", {"setting": Setting.FOREST, "weather": Weather.FOG}),
        ("an office at noon", {"setting": Setting.INTERIOR, "time": Time.DAY}),
        ("a cafe; outside a storm", {"setting": Setting.INTERIOR, "weather": Weather.RAIN}),
        ("moonlit summit in a blizzard", {"time": Time.NIGHT, "weather": Weather.SNOW}),
        ("a house in the forest", {"setting": Setting.FOREST}),
        ("a rainbow over the sea", {"weather": Weather.CLEAR}),
        ("street without any snow or rain", {"weather": Weather.CLEAR}),
        ("no rain, no fog, only snow on the ridge", {"weather": Weather.SNOW}),
        ("not a city but a forest", {"setting": Setting.FOREST}),
        ("dolly-in through the woods", {"move": Move.PUSH_IN}),
        ("the camera slowly zooms out", {"move": Move.PULL_OUT}),
        ("the camera drifts left", {"move": Move.PAN_LEFT}),
        ("panning to the right over the bay", {"move": Move.PAN_RIGHT}),
        ("crane up over rooftops", {"move": Move.TILT_UP}),
        ("the camera descends", {"move": Move.TILT_DOWN}),
        ("locked-off tripod shot", {"move": Move.STATIC}),
        ("a paper boat", {"setting": Setting.SEA, "subject": Subject.PAPER_BOAT}),
        ("an old lighthouse", {"setting": Setting.SEA, "subject": Subject.LIGHTHOUSE}),
        ("ein Schiff im Sturm 船", {"setting": Setting.PLAIN, "subject": None, "marker": None}),
        ("a house in the woods, not a person in sight", {"subject": Subject.CABIN}),
        ("a woman looks up and turns left", {"move": Move.PUSH_IN, "subject": Subject.PERSON}),
        ("the camera looks up at a tower", {"move": Move.TILT_UP}),
        ("a frying pan on a stove", {"move": Move.PUSH_IN, "marker": "pan"}),
        ("a beach, avoid: people, boats, rain", {"weather": Weather.CLEAR, "subject": None}),
        ("a kettle in the rain, no fog or snow", {"weather": Weather.RAIN, "marker": "kettle"}),
    ],
)
def test_words(prompt: str, expected: dict[str, object]) -> None:
    """Synonyms, plurals, hyphens, capitals and negations are understood."""
    shot = read(prompt)
    assert {key: getattr(shot, key) for key in expected} == expected


def test_a_prompt_that_says_nothing_gets_defaults() -> None:
    """Words that name nothing known give a shot all the same."""
    assert read("") == Shot(setting=Setting.PLAIN, time=Time.DAY, weather=Weather.CLEAR, move=Move.PUSH_IN)


# --- what was misread once ---


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "A white lighthouse with a red lamp room stands on a cliff while storm waves break below",
            {"setting": Setting.SEA, "weather": Weather.RAIN, "subject": Subject.LIGHTHOUSE},
        ),
        ("a cat playing piano", {"setting": Setting.INTERIOR, "subject": None, "marker": "cat"}),
        (
            "a rocket launches from a desert, camera follows up",
            {"setting": Setting.DESERT, "subject": None, "marker": "rocket"},
        ),
        (
            "product shot of a coffee cup on a table, steam rising",
            {"setting": Setting.INTERIOR, "weather": Weather.CLEAR, "marker": "coffee cup"},
        ),
        (
            "a woman in a red coat walks a dog across a bridge in Paris",
            {"setting": Setting.CITY, "subject": Subject.PERSON, "marker": None},
        ),
    ],
)
def test_the_setting_is_settled_by_all_words(prompt: str, expected: dict[str, object]) -> None:
    """One word that names another place, or half of one, does not decide where it is."""
    shot = read(prompt)
    assert {key: getattr(shot, key) for key in expected} == expected


@pytest.mark.parametrize("animal", ["cat", "dog", "fox", "wolf", "horse", "bear", "owl", "elephant", "puppy"])
def test_no_animal_is_drawn_as_another(animal: str) -> None:
    """What has no drawing of its own gets a marker with its noun."""
    shot = read(f"a small {animal} stands in the snow")
    assert (shot.subject, shot.marker) == (None, animal)


@pytest.mark.parametrize("animal", ["deer", "stag", "elk", "moose"])
def test_a_deer_is_drawn(animal: str) -> None:
    """What the drawing of a deer is true of is drawn."""
    assert read(f"a {animal} in the woods").subject is Subject.DEER


@pytest.mark.parametrize(
    "prompt",
    [
        "cinematic, moody, slowly",
        "golden light, dramatic atmosphere",
        "a wide shot of the sea",
        "waves and clouds",
        "camera pans left",
        "beautiful handmade video",
        "an old town",
        "steam rises",
    ],
)
def test_no_silly_marker(prompt: str) -> None:
    """Styles, light, places, adverbs and words of the camera are no subjects."""
    assert read(prompt).marker is None


# --- the doors ---


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[rushes.Studio]:
    """A Studio with nothing set up."""
    with rushes.Studio.open(settings.load(environ={"RUSHES_HOME": str(tmp_path)})) as one:
        yield one


async def understood(studio: rushes.Studio, prompt: str) -> Understanding:
    offer = await studio.quote(rushes.VideoRequest(prompt=prompt, model="animatic"))
    found = studio.understanding(offer)
    assert found is not None
    return found


SHOWN = [
    ("a cat playing piano", [], ["cat (name only)", "playing piano"]),
    (
        "a woman in a red coat walks a dog across a bridge in Paris",
        ["person (woman)", "red coat"],
        ["walks", "dog", "bridge", "paris"],
    ),
    ("a man with an umbrella, no fog", ["person (man)"], ["umbrella"]),
    (
        "two men in yellow coats at the harbour",
        ["one person (men)", "coats"],
        ["two", "yellow", "harbour"],
    ),
    ("an astronaut in the desert", ["person", "desert"], ["astronaut"]),
    (
        "a bird's-eye view of dunes at night, stars",
        ["high angle (bird eye view)", "desert (dunes)", "night"],
        ["stars"],
    ),
    ("dunes at night, stars", ["desert (dunes)", "night", "stars"], []),
    ("tracking shot of a red car in slow motion", ["red car"], ["tracking shot", "slow motion"]),
    ("a gull flies over a lake", ["birds (gull)", "flies", "sea (lake)"], []),
    ("neon signs in an alley", ["neon signs", "city street (alley)"], []),
]


@pytest.mark.parametrize(("prompt", "drawn", "left"), SHOWN, ids=[one[0] for one in SHOWN])
async def test_what_is_drawn_and_what_is_not(
    studio: rushes.Studio, prompt: str, drawn: list[str], left: list[str]
) -> None:
    """A word is understood if what it names is drawn; what it only makes likely is assumed."""
    found = await understood(studio, prompt)
    assert (sorted(found.understood), list(found.not_drawn)) == (sorted(drawn), left)


SMALL_WORDS = set(
    re.findall(
        r"\w+",
        "a an the of in on at to from with by for over under and while as is are it its his her their there "
        "into through down across onto near two behind no camera shot view video",
    )
)

LONGER = [
    "Medium shot at gutter height, slow push in. A folded newspaper boat with one torn corner tips over a "
    "kerb stone, turns once and sails on along a narrow street of shops. Rain at dusk, light from shop "
    "windows on the left, amber on slate and rust. 16 mm film, shallow focus.",
    "Close-up of a potter's hands shaping wet clay on a spinning wheel in a sunlit workshop, warm tones, "
    "35mm",
    "A convoy of trucks crosses a frozen lake at dawn, drone shot, the camera glides forward, mist above "
    "the ice",
    "Two astronauts play chess on the moon while the Earth rises behind them, black sky full of stars, "
    "photorealistic",
    "An old fisherman mends a green net on a wooden pier, seagulls circle, golden hour, handheld, 4k",
]


@pytest.mark.parametrize("prompt", LONGER)
async def test_every_word_is_accounted_for(studio: rushes.Studio, prompt: str) -> None:
    """Each noun, verb, adjective and number is among what is understood or what is not drawn."""
    found = await understood(studio, prompt)
    told = set(re.findall(r"\w+", " ".join([*found.understood, *found.not_drawn])))
    words = set(re.findall(r"\w+", prompt.casefold().replace("'s", ""))) - SMALL_WORDS
    spared = {"one", "once", "along", "left", "them", "above", "full", "slow", "film", "light"}
    assert words - told - spared == set()


@pytest.mark.parametrize(
    "prompt",
    [
        "Женщина идёт по улице под дождём",
        "一只猫在弹钢琴",
        "雨の夜、古い灯台",
        "Una mujer camina por la playa al atardecer, hotel y taxi",
        "Eine Frau geht im Regen über die Brücke, am Horizont die Stadt",
        "Une femme marche dans la rue sous la neige",
    ],
)
async def test_another_language_is_not_guessed_at(studio: rushes.Studio, prompt: str) -> None:
    """A prompt that is not English is drawn as bare open land, and that is said."""
    found = await understood(studio, prompt)
    assert found.understood == ()
    assert found.not_drawn == ("everything: the storyboard reads English",)
    assert (read(prompt).setting, read(prompt).marker) == (Setting.PLAIN, None)


async def test_defaults_are_assumed(studio: rushes.Studio) -> None:
    """What nobody asked for is not told as understood."""
    found = await understood(studio, "a lighthouse")
    assert found.understood == ("lighthouse",)
    assert found.assumed == ("sea", "day", "push in")
    assert (await understood(studio, "an umbrella")).assumed == ("city street", "day", "rain", "push in")


async def test_over_a_picture_only_the_move_is_drawn(studio: rushes.Studio, texture: Path) -> None:
    """A first frame takes the place of the scenery: what the words say of that is not drawn."""
    first = rushes.Reference(role=rushes.Role.FIRST_FRAME, path=texture)
    request = rushes.VideoRequest(prompt="rain on the sea, pan left", model="animatic", references=(first,))
    found = studio.understanding(await studio.quote(request))
    assert found is not None
    assert (found.understood, found.not_drawn) == (("your picture", "pan left"), ("rain", "sea"))


def test_the_terminal_tells(terminal: Terminal) -> None:
    """quote, create and job say it in words and in JSON."""
    wish = ("a cat playing piano at night", *QUICK, "--model", "animatic")
    quoted = terminal.json("quote", *wish)
    told = {name: quoted[name] for name in ("understood", "not_drawn", "assumed")}
    assert told == {
        "understood": ["night"],
        "not_drawn": ["cat (name only)", "playing piano"],
        "assumed": ["interior", "push in"],
    }
    lines = ["understood  night; assumed: interior, push in", "not drawn  cat (name only), playing piano"]
    assert [line.strip() for line in terminal.run("quote", *wish).out.splitlines()][2:4] == lines

    made = terminal.run("create", *wish)
    assert (
        "understood: night; assumed: interior, push in\nnot drawn: cat (name only), playing piano\n"
        in made.err
    )
    again = terminal.json("create", *wish)
    assert {name: again[name] for name in told} == told
    shown = terminal.run("job", again["job"]["id"]).out
    assert all(line in shown for line in lines)


def test_a_long_list_is_cut_for_a_person(terminal: Terminal) -> None:
    """In words twelve phrases are told and how many more there are; JSON has all of them."""
    prompt = ", ".join(f"thing{number}" for number in range(15))
    assert " and 3 more" in terminal.run("quote", prompt, "--model", "animatic").out
    assert len(terminal.json("quote", prompt, "--model", "animatic")["not_drawn"]) == 15


def test_engines_that_cannot_tell_say_nothing(terminal: Terminal) -> None:
    """A model that makes videos has no such lines."""
    quoted = terminal.json("quote", "a cat playing piano", "--model", "openrouter/kwaivgi/kling-v3.0-std")
    assert "understood" not in quoted


async def test_the_tools_tell(terminal: Terminal) -> None:
    """quote_video and create_video say it, as fields and in words."""
    async with agent(terminal) as client:
        wish = {"prompt": "a cat playing piano", "model": "animatic", "seconds": 1, "resolution": "480p"}
        quoted = await call(client, "quote_video", **wish)
        made = await call(client, "create_video", **wish)
    for answer, shape in (
        (quoted, quoted.structured_content),
        (made, made.structured_content["jobs"][0]),
    ):
        assert (shape["understood"], shape["assumed"][0]) == ([], "interior")
        assert shape["not_drawn"] == ["cat (name only)", "playing piano"]
        assert "not drawn: cat (name only), playing piano" in words_of(answer)


# --- angles ---


def _share(make: Make, prompt: str) -> tuple[float, float]:
    """Return which parts of the first frame are sand and red coat."""
    frame = coloured(make(prompt, seconds=0.1))[0].astype(np.int16)
    red, green, blue = frame[..., 0], frame[..., 1], frame[..., 2]
    coat = (red > 120) & (green < 90) & (blue < 90)
    sand = (red > blue + 40) & ~coat
    return float(sand.mean()), float(coat.mean())


def test_angles_and_framings_are_seen(make: Make) -> None:
    """From below there is sky behind a tall figure, from above ground and a small one; near and far too."""
    scene = "a woman in a desert, static"
    ground, size = {}, {}
    for words in ("", "low angle, ", "high angle, ", "top-down view, ", "close-up, ", "wide shot, "):
        ground[words], size[words] = _share(make, words + scene)

    assert ground["low angle, "] < ground[""] * 0.6
    assert ground["high angle, "] > ground[""] * 1.5
    assert ground["top-down view, "] > ground["high angle, "]
    assert size["low angle, "] > size[""] * 3
    assert size["high angle, "] < size[""]
    assert size["close-up, "] > size[""] * 8
    assert size["wide shot, "] < size[""] * 0.6


@pytest.mark.parametrize(
    ("words", "angle", "framing"),
    [
        ("low-angle shot", Angle.LOW, Framing.MEDIUM),
        ("worm's-eye view", Angle.LOW, Framing.MEDIUM),
        ("bird's eye view", Angle.HIGH, Framing.MEDIUM),
        ("aerial shot", Angle.HIGH, Framing.MEDIUM),
        ("top-down shot", Angle.OVERHEAD, Framing.MEDIUM),
        ("extreme close-up", Angle.EYE_LEVEL, Framing.CLOSE_UP),
        ("establishing shot", Angle.EYE_LEVEL, Framing.WIDE),
        ("low angle close-up", Angle.LOW, Framing.CLOSE_UP),
        ("light from above", Angle.EYE_LEVEL, Framing.MEDIUM),
    ],
)
def test_the_words_of_angles(words: str, angle: Angle, framing: Framing) -> None:
    """The usual words of the trade are understood, and light from above is none."""
    shot = read(f"{words}, a man on a plain")
    assert (shot.angle, shot.framing) == (angle, framing)


def test_from_below_a_push_keeps_the_subject_in_the_frame(make: Make) -> None:
    """Neither the hull of a boat nor the lamp of a lighthouse leaves it before the end."""
    boat = coloured(make("a red boat at sea, low angle, push in", seconds=0.5))
    hull = [_red(frame[: int(0.9 * len(frame))]).mean() for frame in (boat[0], boat[-1])]
    assert hull[1] > hull[0] > 0
    tower = coloured(make("a lighthouse, low angle, push in", seconds=0.5))
    assert not _red(tower[-1][:1]).any()


def _red(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = (picture[..., colour].astype(np.int16) for colour in range(3))
    return np.asarray((red > 110) & (green < 0.6 * red) & (blue < 0.6 * red))
