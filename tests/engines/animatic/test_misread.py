"""What was misread once in prompts that other people wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rushes
from rushes import settings
from rushes.engines.animatic.planes import blank
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.scene import drawn, stage_for
from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Shot, Subject, Time, Weather
from rushes.engines.animatic.understanding import understand
from tests.engines.animatic.clips import Make, Pixels, coloured


@pytest.mark.parametrize(
    ("prompt", "setting"),
    [
        ("A serene meadow filled with wildflowers and butterflies.", Setting.PLAIN),
        ("Travelers hurry through a bustling airport terminal", Setting.INTERIOR),
        ("Ships are docked at a bustling port city, with merchants trading goods", Setting.SEA),
        ("a dog wearing vr goggles on a boat", Setting.SEA),
        ("A bear wearing a superhero cape, flying over a bustling city.", Setting.CITY),
        ("A child building a sandcastle by the beach umbrella", Setting.SEA),
        ("Workers pick grapes as the sun bathes the vines", Setting.PLAIN),
        ("Firefighter spraying a jet of water at a burning structure", Setting.PLAIN),
        ("A boat out on the water", Setting.SEA),
        ("two cities at night", Setting.CITY),
        ("A deer stepping onto a frozen pond", Setting.FOREST),
        ("Mount Fuji", Setting.MOUNTAINS),
        ("Space shuttles dock and depart from a space station", Setting.PLAIN),
        ("A big Ferris wheel is rotating in an amusement park.", Setting.PLAIN),
        ("INT. OFFICE - NIGHT. John opens a letter.", Setting.INTERIOR),
    ],
)
def test_where_it_is(prompt: str, setting: Setting) -> None:
    """The setting is what a person would choose: a verb, a garment or a glass of water names no place."""
    assert read(prompt).setting is setting


@pytest.mark.parametrize(
    ("prompt", "subject", "marker"),
    [
        ("The Golden Gate Bridge spans the picturesque bay", None, "golden gate bridge"),
        ("Hailstones pelt an abandoned car in a barren field.", None, "hailstones"),
        ("Two hikers celebrate reaching the mountain peak.", Subject.PERSON, None),
        ("Yellow flowers swing in the wind", None, "flowers"),
        ("a garden swing in the rain", None, "garden swing"),
        ("A trio of powerful grizzly bears fishes for salmon", None, "bears"),
        ("With the style of van gogh, a young couple dances by the lake.", Subject.PERSON, None),
        ("A post-apocalyptic city overrun by nature", None, None),
        ("The snow fell softly on the frozen lake", None, None),
        ("Cars make their way down the road, fog", Subject.CAR, None),
        ("Two hot air balloons colliding mid-air", None, "hot air balloons"),
        ("a fluffy tabby cat lazily stretched out", None, "cat"),
        ("1girl, solo, red dress, city street, masterpiece", Subject.PERSON, None),
        ("<p><b>A dog</b> runs in the <i>forest</i></p>", None, "dog"),
        ("EXT. BEACH - DAY. A woman walks toward camera.", Subject.PERSON, None),
        ("someone stokes the fireplace in a mountain lodge, a warm room", Subject.PERSON, None),
        ("a.b.c", None, None),
        ("open sea at noon, a sailing boat far out", Subject.SHIP, None),
        ("People gather on a peaceful beach at sunset", Subject.PERSON, None),
        ("Car brakes abruptly, stopping at a red light", Subject.CAR, None),
        ("Monks meditate in a serene mountaintop temple", Subject.PERSON, None),
    ],
)
def test_who_it_is_about(prompt: str, subject: Subject | None, marker: str | None) -> None:
    """A marker bears the noun that a person would call the subject, and never a verb, a style or a letter."""
    shot = read(prompt)
    assert (shot.subject, shot.marker) == (subject, marker)


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("a man on a street, slow pan left", Move.PAN_LEFT),
        ("a lake, slow pan from right to left", Move.PAN_LEFT),
        ("camera pan from right to left, a trio of bears", Move.PAN_LEFT),
        ("camera pan from left to right, a pink giraffe", Move.PAN_RIGHT),
        ("panning slowly to the left over a lake", Move.PAN_LEFT),
        ("the camera tilts slowly down", Move.TILT_DOWN),
        ("the camera cranes up", Move.TILT_UP),
        ("the camera zooms slowly out", Move.PULL_OUT),
        ("slow pan over a lake, a man turns left", Move.PAN_RIGHT),
        ("a tree on the left, slow pan", Move.PAN_RIGHT),
    ],
)
def test_where_the_camera_goes(prompt: str, move: Move) -> None:
    """A direction counts wherever it stands after the move, and only there."""
    assert read(prompt).move is move


def test_when_the_sun_sets() -> None:
    """A sun that sets is dusk."""
    assert read("a windmill, its blades turning as the sun sets in the background").time is Time.DUSK


def test_a_winter_storm_is_snow() -> None:
    """And a sun hat is no sun."""
    assert read("a robot taking a stroll during a winter storm").weather is Weather.SNOW
    assert understand("a woman in a sun hat on a plain by day").understood == (
        "person (woman)",
        "open land (plain)",
        "day",
    )


def test_what_is_said_is_not_seen() -> None:
    """Dialogue and signs in quotation marks draw nothing, and are told as not drawn."""
    prompt = 'A man says "I love the ocean and my boat" in a kitchen'
    assert (read(prompt).setting, read(prompt).subject) == (Setting.INTERIOR, Subject.PERSON)
    assert {"ocean", "boat"} <= set(understand(prompt).not_drawn)
    assert read("“We go to the mountains,” she whispers in a cafe").setting is Setting.INTERIOR


@pytest.mark.parametrize(
    "prompt",
    [
        '"a woman walks on a beach at sunset"',
        '{"scene": "a woman walks on a beach", "lighting": "sunset", "style": "anime"}',
        '{"shots": ["a woman walks on a beach", "sunset"], "negative_prompt": "rain, snow"}',
    ],
)
def test_quotation_marks_that_are_no_speech(prompt: str) -> None:
    """A prompt that is quoted as a whole, or in JSON, is read as usual, without JSON's keys."""
    shot = read(prompt)
    assert (shot.setting, shot.time, shot.subject) == (Setting.SEA, Time.DUSK, Subject.PERSON)
    assert shot.weather is Weather.CLEAR
    assert {"lighting", "negative", "rain", "snow"}.isdisjoint(understand(prompt).not_drawn)


def test_a_negative_list_ends_with_its_line() -> None:
    """What is to be left out is neither drawn nor missed, and what follows on a line of its own counts."""
    prompt = "A forest at dawn.\nNegative prompt: people, fog\nCamera: pan left"
    assert read(prompt).move is Move.PAN_LEFT
    found = understand(prompt)
    assert found.understood == ("forest", "dawn", "pan left")
    assert found.not_drawn == ()


@pytest.mark.parametrize("prompt", ["Pies biegnie po plaży", "Köpek sahilde koşuyor"])
def test_a_short_sentence_in_another_language(prompt: str) -> None:
    """It is told as another language, though none of its words is a common one."""
    assert understand(prompt).not_drawn == ("everything: the storyboard reads English",)


def test_no_word_is_lost() -> None:
    """An adjective that ends like an adverb is told, too."""
    assert "grizzly" in " ".join(understand("a powerful grizzly bear").not_drawn)


@pytest.mark.parametrize(
    ("prompt", "marker"),
    [("a serene cabin by the lake", "cabin"), ("a car on a beach at sunset", "car")],
)
def test_nothing_drives_on_the_sea(prompt: str, marker: str) -> None:
    """What stands on land beside water is a marker rather than afloat."""
    shot = read(prompt)
    assert (shot.setting, shot.subject, shot.marker) == (Setting.SEA, None, marker)
    assert f"{marker} (name only)" in " ".join(understand(prompt).not_drawn)


def _drawn(shot: Shot) -> Pixels:
    stage = stage_for(shot, 320, 180, 1)
    frame = blank(320, 180)
    for part in drawn(shot, stage):
        part.paint(frame, stage.camera.view(0), 0.0)
    return frame.y.astype(np.int16)


@pytest.mark.parametrize("angle", list(Angle))
@pytest.mark.parametrize("subject", [Subject.BOAT, Subject.PERSON, Subject.LIGHTHOUSE])
def test_no_wave_hides_the_subject(angle: Angle, subject: Subject) -> None:
    """At sea the subject is in sight from every height."""

    def at_sea(one: Subject | None) -> Shot:
        return Shot(
            setting=Setting.SEA,
            time=Time.DAY,
            weather=Weather.CLEAR,
            move=Move.STATIC,
            angle=angle,
            subject=one,
        )

    seen = np.abs(_drawn(at_sea(subject)) - _drawn(at_sea(None))) > 8
    assert seen.sum() > 80


def test_a_wide_shot_from_below_is_wide() -> None:
    """Both are seen: the figure is far smaller than in a low angle alone."""

    def size(framing: Framing) -> int:
        shot = read("low angle, a man in a desert, static")
        with_him = Shot(**{**vars(shot), "framing": framing})
        without = Shot(**{**vars(shot), "framing": framing, "subject": None})
        return int((np.abs(_drawn(with_him) - _drawn(without)) > 8).sum())

    assert size(Framing.WIDE) < size(Framing.MEDIUM) * 0.5


def test_without_captions_there_is_no_marker(make: Make) -> None:
    """No frame holds a word then, neither below nor on a marker: the scenery alone is drawn."""
    marked, bare, empty = (
        coloured(make(prompt, seconds=0.1, caption=caption))[0].astype(np.int16)
        for prompt, caption in (
            ("a cat in a desert, static", True),
            ("a cat in a desert, static", False),
            ("a desert, static", False),
        )
    )
    assert np.abs(bare - empty).max() <= 2
    assert (np.abs(marked - empty) > 60).any()


async def test_without_captions_no_name_is_told(tmp_path: Path) -> None:
    """A noun that is in no frame, for want of captions or under a given picture, is not told as there."""
    with rushes.Studio.open(settings.load(environ={"RUSHES_HOME": str(tmp_path)})) as studio:
        for caption, told in ((None, "cat (name only)"), (True, "cat (name only)"), (False, "cat")):
            request = rushes.VideoRequest(prompt="a cat in a desert", model="animatic", caption=caption)
            found = studio.understanding(await studio.quote(request))
            assert found is not None
            assert found.not_drawn == (told,)
    assert understand("a cat in a desert", picture=True).not_drawn == ("cat", "desert")


@pytest.mark.parametrize(
    "prompt", ["avoid:", "Character: a red fox", "x" * 4000, "negative prompt:", "[]", '""']
)
def test_no_heading_and_no_letters_on_a_marker(prompt: str) -> None:
    """What is told stays short and names something, whatever the prompt."""
    found = understand(prompt)
    assert read(prompt).marker in (None, "fox")
    assert all(0 < len(one.removesuffix(" (name only)").strip()) <= 41 for one in found.not_drawn)
