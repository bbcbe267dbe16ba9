"""Words to shot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.engines.animatic.reading import read
from rushes.engines.animatic.shot import Move, Setting, Shot, Subject, Time, Weather

PROMPTS = json.loads((Path(__file__).parent / "prompts.json").read_text())


@pytest.mark.parametrize("line", PROMPTS, ids=[line["prompt"] for line in PROMPTS])
def test_the_fixed_prompts(line: dict[str, str]) -> None:
    """Each of the fixed prompts is read as the shot it was written for."""
    shot = read(line["prompt"])
    assert [shot.setting, shot.time, shot.weather, shot.move] == [
        line[key] for key in ("setting", "time", "weather", "move")
    ]


def test_the_fixed_prompts_cover_everything() -> None:
    """Every setting, time, weather and camera move is in at least one fixed prompt."""
    for key, kind in (("setting", Setting), ("time", Time), ("weather", Weather), ("move", Move)):
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
        ("ein Schiff im Sturm 船", {"setting": Setting.MOUNTAINS, "subject": None}),
    ],
)
def test_words(prompt: str, expected: dict[str, object]) -> None:
    """Synonyms, plurals, hyphens, capitals and negations are understood."""
    shot = read(prompt)
    assert {key: getattr(shot, key) for key in expected} == expected


def test_a_prompt_that_says_nothing_gets_defaults() -> None:
    """Words that name nothing known give a shot all the same."""
    assert read("xyzzy") == Shot(
        setting=Setting.MOUNTAINS, time=Time.DAY, weather=Weather.CLEAR, move=Move.PUSH_IN
    )
