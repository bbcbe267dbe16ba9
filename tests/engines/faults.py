"""What goes wrong in the campaign of faults, in the words that every double knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Words = dict[str, Any]
Told = tuple[tuple[str, Words], ...]
"""Operations of the double, each with what is told of it."""

PAGE = "<html><head><title>x</title></head><body><h1>502 Bad Gateway</h1>nginx</body></html>"

LATE_S = 4.0
"""A create that is answered, and by some accepted, after everybody has stopped waiting for it."""


class End(StrEnum):
    """How a job ends that has met a fault, and everything else goes well.

    `CLIP`: nobody notices. `HEARD`: its create was accepted and the answer lost, so it is looked up, replayed
    or adopted by a person. `WRITTEN_OFF`: the answer was lost and nothing accepted, so a person says that
    there is nothing (a replay makes the clip). `MENDED`: it waits for a person, and goes on. `COLLECTED`: it
    fails, and a person collects its clip, free. `FAILED`: there is no clip.
    """

    CLIP = "clip"
    HEARD = "heard of"
    WRITTEN_OFF = "written off"
    MENDED = "mended"
    COLLECTED = "collected"
    FAILED = "failed"


SOME = (1, 2)
ONCE = (1,)
ALWAYS = (None,)
ONCE_OR_ALWAYS = (1, None)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong. `code` is the error's own; `times`, of which one is drawn, None: until it
    is mended; `framed`: it takes a request with a first frame."""

    name: str
    operation: str
    told: Told
    end: End = End.CLIP
    code: str | None = None
    times: Sequence[int | None] = SOME
    framed: bool = False


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a service words its errors, and what it answers a create with in the cases it has numbers for."""

    error: Callable[[str], Any]
    empty: Words
    gone: Words
    content: Words
    wrong_key: Words
    account: Words


def creates(voice: Voice, key: str) -> list[Fault]:
    """Return what may become of the paid create itself; several answers repeat the `key` they were sent."""
    leak = f"it broke with the key {key}"
    lost: dict[str, Words] = {
        "500": {"status": 500, "body": voice.error(leak)},
        "502 as a page": {"status": 502, "body": PAGE},
        "504": {"status": 504, "body": ""},
        "408": {"status": 408, "body": voice.error("too slow")},
        "409": {"status": 409, "body": voice.error("conflict")},
        "dropped before it was accepted": {"drop": True},
        "200 as a page": {"status": 200, "body": PAGE},
    }
    heard: dict[str, Words] = {
        "503, and accepted": {"status": 503, "body": voice.error(leak), "accept": True},
        "dropped after it was accepted": {"drop": True, "accept": True},
        "202 and nothing": {"status": 202, "body": "", "accept": True},
        "200 without a ticket": {"status": 200, "body": {"ok": True, "echo": key}, "accept": True},
        "answered too late": {"delay": LATE_S},
    }
    refused: dict[str, Words] = {
        "400": {"status": 400, "body": voice.error("the seed is odd")},
        "400 with an address": {"status": 400, "body": voice.error("see https://example.com/a?b=c")},
        "413": {"status": 413, "body": PAGE},
        "422": {"status": 422, "body": voice.error("the prompt is missing")},
        "model gone": voice.gone,
    }
    blocked = {
        "sign_in_needed": ("wrong key", voice.wrong_key),
        "quota_exhausted": ("empty balance", voice.empty),
        "account_blocked": ("account", voice.account),
    }
    busy = {"status": 429, "body": voice.error("slow down")}

    def fault(name: str, words: Words, end: End, code: str | None = None, times: Any = SOME) -> Fault:
        told = (("create", words),)
        return Fault(name=name, operation="create", told=told, end=end, code=code, times=times)

    return [
        *(fault(name, words, End.WRITTEN_OFF, "outcome_unknown", ONCE) for name, words in lost.items()),
        *(fault(name, words, End.HEARD, "outcome_unknown", ONCE) for name, words in heard.items()),
        *(fault(name, words, End.FAILED, "refused", ALWAYS) for name, words in refused.items()),
        fault("content of the words", voice.content, End.FAILED, "content_refused", ALWAYS),
        *(fault(name, words, End.MENDED, code, ONCE_OR_ALWAYS) for code, (name, words) in blocked.items()),
        fault("429 with a time", {**busy, "headers": {"Retry-After": "0.2"}}, End.CLIP),
        fault("429", busy, End.CLIP),
    ]


def asked(operation: str, *, shown: str = "", framed: bool = False) -> list[Fault]:
    """Return what may become of a poll or the like, which is asked again; `shown` names it in the report."""
    answers: dict[str, Words] = {
        "500": {"status": 500, "body": "it broke"},
        "502 as a page": {"status": 502, "body": PAGE},
        "429 with a time": {"status": 429, "body": {}, "headers": {"Retry-After": "0.2"}},
        "429": {"status": 429, "body": {}},
        "dropped": {"drop": True},
    }
    return [
        Fault(name=name, operation=shown or operation, told=((operation, words),), framed=framed)
        for name, words in answers.items()
    ]


def page(operation: str, *, shown: str = "") -> Fault:
    """Return a page in place of an answer, such as a proxy's, under the status of a success."""
    told = ((operation, {"status": 200, "body": PAGE}),)
    return Fault(name="200 as a page", operation=shown or operation, told=told)


def sign_in(operation: str, voice: Voice, *, shown: str = "", framed: bool = False) -> Fault:
    """Return a key that is refused in the middle of a job."""
    return Fault(
        name="wrong key",
        operation=shown or operation,
        told=((operation, voice.wrong_key),),
        end=End.MENDED,
        code="sign_in_needed",
        times=ONCE_OR_ALWAYS,
        framed=framed,
    )


def lookups(operation: str) -> list[Fault]:
    """Return a create that was accepted and not heard of, whose list cannot be read at first."""
    return [
        Fault(
            name=f"lost, and {one.name}",
            operation="lookup",
            told=(("create", {"drop": True, "accept": True}), *one.told),
            end=End.HEARD,
            code="outcome_unknown",
            times=ONCE,
        )
        for one in asked(operation)
    ]


def renders(name: str, facts: Words, code: str, *more: tuple[str, Words]) -> Fault:
    """Return a render that comes to nothing."""
    return Fault(
        name=name,
        operation="render",
        told=(("render", {"facts": facts}), *more),
        end=End.FAILED,
        code=code,
        times=ALWAYS,
    )


def downloads(
    name: str, *told: tuple[str, Words], code: str | None = None, times: Sequence[int | None] = SOME
) -> Fault:
    """Return a file that does not come; with a `code` it fails the job, and is collected afterwards."""
    end = End.CLIP if code is None else End.COLLECTED
    return Fault(name=name, operation="download", told=told, end=end, code=code, times=times)
