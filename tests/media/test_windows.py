"""Long clips are judged a window at a time: the same verdicts at its seams, and no more memory (B9, F20)."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame

from rushes.domain.clip import Span
from rushes.media.look import CONTEXT, WINDOW, Look, LookFacts
from tests.media.footage import Pixels

FPS = 24
WIDTH, HEIGHT = 192, 108
SEAM = WINDOW - CONTEXT
"""The number of the first frame that is not judged with the first window."""

LENGTH = SEAM + 420
Film = list[Pixels]


def pan(seed: int, frames: int) -> Film:
    """Return a slow pan over soft hills (height, width)."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(40, 220, (HEIGHT // 18, (WIDTH + frames) // 18 + 2)).astype(np.float32)
    wide = coarse.repeat(18, 0).repeat(18, 1)
    soft = np.lib.stride_tricks.sliding_window_view(np.pad(wide, 9, mode="edge"), 19, axis=1).mean(axis=-1)
    picture = soft.astype(np.uint8)[:HEIGHT]
    return [picture[:, at : at + WIDTH] for at in range(frames)]


def look_at(film: Film) -> LookFacts:
    look = Look()
    for number, picture in enumerate(film):
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="gray")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        look.add(frame)
    return look.facts()


def at(frame: int) -> float:
    return round(frame / FPS, 3)


@pytest.mark.parametrize("frame", [SEAM - 1, SEAM, SEAM + 1])
def test_a_cut_at_a_seam_is_told_once(frame: int) -> None:
    """B9: neither window may miss it, and both may not tell it."""
    facts = look_at(pan(1, frame) + pan(2, LENGTH - frame))

    assert (facts.cuts, facts.jumps, facts.flashes, facts.frozen) == ((at(frame),), (), (), ())


def test_a_flash_across_a_seam_is_one_flash() -> None:
    """B9: its start is in one window and its end in the next."""
    film = pan(1, LENGTH)
    film[SEAM - 1 : SEAM + 1] = [np.full((HEIGHT, WIDTH), 255, np.uint8)] * 2
    facts = look_at(film)

    assert (facts.flashes, facts.cuts, facts.jumps) == ((at(SEAM - 1),), (), ())


@pytest.mark.parametrize(("first", "after"), [(SEAM - 12, SEAM + 12), (600, LENGTH + 1400)])
def test_a_frozen_stretch_across_seams_is_one_stretch(first: int, after: int) -> None:
    """B9: a second around a seam, and two minutes over several windows."""
    film = pan(1, first + 1)
    film += [film[-1]] * (after - first - 1)
    film += pan(1, len(film) + 200)[first + 1 :][:200]
    facts = look_at(film)

    assert facts.frozen == (Span(start=at(first), end=at(after)),)
    assert facts.repeated == round((after - first - 1) / len(film), 3)


def test_black_across_a_seam_is_one_stretch() -> None:
    """B9: what is told as black is told once, and its edges are no cuts."""
    film = pan(1, LENGTH)
    film[SEAM - 5 : SEAM + 5] = [np.full((HEIGHT, WIDTH), 16, np.uint8)] * 10
    facts = look_at(film)

    assert facts.black == (Span(start=at(SEAM - 5), end=at(SEAM + 5)),)
    assert (facts.cuts, facts.jumps, facts.flashes) == ((), (), ())


def test_pictures_that_change_their_size_are_judged() -> None:
    """F20: from a picture of many lines to one of a few there is nothing to compare."""
    small = [picture[:20, :30] for picture in pan(2, 40)]
    facts = look_at(pan(1, 40) + small + pan(1, 40))

    assert facts.end == at(120)


def peak_of(frames: int) -> int:
    """Return how many bytes it took at most to look at a clip of so many frames."""
    film = pan(1, 500)
    look = Look()
    tracemalloc.start()
    try:
        for number in range(frames):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(film[number % 500]), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            look.add(frame)
        look.facts()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_length() -> None:
    """B9, F20: twice as long a clip takes a few bytes a frame more, and no pictures."""
    short, long = peak_of(1600), peak_of(3200)

    assert long - short < 1600 * 64
