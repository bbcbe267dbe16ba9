"""What a request is: refused where it contradicts itself, the same after JSON, the same as it always was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import BadInput
from rushes.domain.request import Reference, Role, Shot, VideoRequest
from rushes.jobs.admission import digest

BOARD = (Shot(seconds=5.6, prompt="one"), Shot(seconds=3.3, prompt="two"), Shot(seconds=1.1, prompt="three"))
"""Ten seconds, which added up as floats are a little less."""

FULL = VideoRequest(
    prompt="a paper boat",
    style="anime",
    caption=False,
    remix="s_01",
    shots=BOARD,
    references=(
        Reference(role=Role.SUBJECT, remote="gen_01"),
        Reference(role=Role.STYLE, path=Path("/a.png"), sha256="ab" * 32),
    ),
)
FIRST_FORM = {
    "prompt": "a paper boat",
    "model": "lab/one",
    "seconds": 5.0,
    "aspect": "16:9",
    "resolution": "720p",
    "references": [{"role": "first_frame", "path": "/a.png", "sha256": "ab" * 32}],
    "seed": None,
    "audio": True,
    "negative_prompt": None,
}
"""A request as the first ledgers hold it, and its digest as they computed it."""

FIRST_DIGEST = "8a16a1ee08836a7919b8f47c3c54a9f77b7d5b7647d3bc35c1ade2842f9a8983"


def test_a_request_comes_back_from_json_as_it_was() -> None:
    """Style, remix, shots, files and ids survive the ledger's JSON."""
    assert VideoRequest.from_json(FULL.as_json()) == FULL
    going_on = VideoRequest(prompt="on it goes", extend="gen_01")
    assert VideoRequest.from_json(going_on.as_json()) == going_on
    board = VideoRequest(prompt="as it stands there", storyboard_id="storyboard_01")
    assert VideoRequest.from_json(board.as_json()) == board


def test_a_request_of_an_older_ledger_is_read_and_is_still_the_same() -> None:
    """JSON without the later names is read, and has the digest that stands beside it."""
    old = VideoRequest.from_json(FIRST_FORM)

    assert (old.style, old.remix, old.extend, old.shots, old.caption) == (None, None, None, (), None)
    assert old.references == (Reference(role=Role.FIRST_FRAME, path=Path("/a.png"), sha256="ab" * 32),)
    assert digest(old, 0) == FIRST_DIGEST


def test_every_wish_makes_another_clip() -> None:
    """Requests that differ in one wish have different digests; a file's name makes no difference."""
    plain: dict[str, Any] = {"prompt": "a boat", "seconds": 10.0}
    wishes: list[dict[str, Any]] = [
        {},
        {"style": "anime"},
        {"style": "news"},
        {"remix": "s_01"},
        {"extend": "s_01"},
        {"storyboard_id": "s_01"},
        {"caption": False},
        {"shots": BOARD},
        {"shots": BOARD[::-1]},
        {"references": (Reference(role=Role.SUBJECT, remote="gen_01"),)},
        {"references": (Reference(role=Role.STYLE, remote="gen_01"),)},
        {"references": (Reference(role=Role.SUBJECT, remote="gen_02"),)},
        {"references": (Reference(role=Role.SUBJECT, path=Path("/a"), sha256="ab" * 32),)},
    ]
    renamed = Reference(role=Role.SUBJECT, path=Path("/b"), sha256="ab" * 32)
    digests = [digest(VideoRequest(**{**plain, **wish}), 0) for wish in wishes]

    assert len(set(digests)) == len(wishes)
    assert digest(VideoRequest(**{**plain, "references": (renamed,)}), 0) == digests[-1]


def test_a_storyboard_sets_the_length() -> None:
    """The shots' seconds add up to the clip's, in fractions too; said twice it is no mistake."""
    assert VideoRequest(prompt="x", shots=BOARD).seconds == 10.0
    assert VideoRequest(prompt="x", shots=BOARD, seconds=10).seconds == 10.0


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"shots": BOARD, "seconds": 9}, "last 10 s together, and seconds is 9"),
        ({"remix": "s_01", "extend": "gen_01"}, "remix is 's_01' and extend is 'gen_01'"),
        ({"style": "  "}, "style is empty"),
        ({"remix": "a" * 201}, "remix has 201 characters"),
        ({"storyboard_id": ""}, "storyboard id is empty"),
        ({"storyboard_id": "s_01", "extend": "gen_01"}, "a provider's storyboard goes alone"),
        ({"storyboard_id": "s_01", "shots": BOARD}, "there are shots"),
        ({"extend": "a\x1b[2J"}, "extend has 5 characters, or some that cannot be printed"),
        ({"shots": (Shot(seconds=2000, prompt="a"), Shot(seconds=2000, prompt="b"))}, "at most 3600 s"),
    ],
)
def test_what_contradicts_itself_is_refused(wishes: dict[str, Any], told: str) -> None:
    """A request that cannot be meant is refused with both sides of it and the option to change."""
    with pytest.raises(BadInput) as caught:
        VideoRequest(prompt="x", **wishes)

    assert told in caught.value.message
    assert "--" in caught.value.next


@pytest.mark.parametrize(
    ("seconds", "prompt"), [(0, "a"), (-1, "a"), (float("nan"), "a"), (5, " "), (5, "\x07")]
)
def test_a_shot_is_refused_as_a_request_is(seconds: float, prompt: str) -> None:
    """A shot lasts, and has words that can be sent."""
    with pytest.raises(BadInput, match="shot"):
        Shot(seconds=seconds, prompt=prompt)


@pytest.mark.parametrize("place", [{}, {"path": Path("/a.png"), "remote": "gen_01"}, {"remote": " "}])
def test_a_reference_is_a_file_or_an_id(place: dict[str, Any]) -> None:
    """Exactly one of the two, and an id that is one."""
    with pytest.raises(BadInput, match="reference"):
        Reference(role=Role.SUBJECT, **place)
