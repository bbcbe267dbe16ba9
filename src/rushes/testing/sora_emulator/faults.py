"""The faults in force: what `--fault` and `POST /emulator/faults` set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rushes.testing.sora_emulator.fault_table import FAULTS, ON, STICKY


@dataclass(kw_only=True)
class Switch:
    """A fault that is on, for the prompts with the words `match`. `times`: how often yet, None for always."""

    name: str
    value: str
    times: int | None = None
    match: str | None = None


class Faults:
    """The switches. For a prompt the one with the longest match counts; a new one replaces its like."""

    def __init__(self) -> None:
        self._on: dict[tuple[str, str], Switch] = {}

    def add(
        self, name: str, value: object = None, *, times: int | None = None, match: str | None = None
    ) -> Switch:
        """Turn a fault on. Raises ValueError for a name or a value that there is not."""
        switch = Switch(name=name, value=_value(name, value), times=times, match=match)
        if FAULTS[name].counts and times is None:
            switch.times = int(switch.value)
        self._on[name, match or ""] = switch
        return switch

    def add_words(self, words: str) -> Switch:
        """Turn on what `NAME[=VALUE]` says. Raises ValueError."""
        name, equals, value = words.partition("=")
        return self.add(name, value if equals else None)

    def remove(self, name: str) -> None:
        for key in [key for key in self._on if key[0] == name]:
            del self._on[key]

    def clear(self) -> None:
        self._on.clear()

    def take(self, name: str, prompt: str = "") -> str | None:
        """Return the value of a fault that is on for this prompt, None if it is not, and count the use."""
        switch = self._find(name, prompt)
        if switch is None:
            return None
        if switch.times is not None:
            switch.times -= 1
            if switch.times <= 0:
                del self._on[name, switch.match or ""]
        return switch.value

    def look(self, name: str, prompt: str = "") -> str | None:
        """Return the same without counting."""
        switch = self._find(name, prompt)
        return None if switch is None else switch.value

    def stick(self, prompt: str) -> dict[str, str]:
        """Return the faults that a new task carries with it, and count them."""
        return {name: value for name in STICKY if (value := self.take(name, prompt)) is not None}

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(switch) for switch in self._on.values()]

    def _find(self, name: str, prompt: str) -> Switch | None:
        fitting = [one for one in self._on.values() if one.name == name and (one.match or "") in prompt]
        return max(fitting, key=lambda one: len(one.match or ""), default=None)


def from_json(faults: Faults, body: Mapping[str, Any]) -> Switch:
    """Turn on what a JSON object says. Raises ValueError."""
    unknown = sorted(body.keys() - {"name", "value", "times", "match"})
    if unknown:
        raise ValueError(f"a fault has no {unknown[0]!r}")
    times = body.get("times")
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError(f"times is 1 or more, not {times!r}")
    return faults.add(str(body.get("name")), body.get("value"), times=times, match=body.get("match"))


def _value(name: str, given: object) -> str:
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}")
    fault = FAULTS[name]
    if given is None or given is True:
        return ON if fault.value is None else fault.value
    value = str(given)
    if fault.value is None and value != ON:
        raise ValueError(f"{name} takes no value, not {value!r}")
    if fault.choices and value not in fault.choices:
        raise ValueError(f"{name} is {' or '.join(fault.choices)}, not {value!r}")
    if fault.value is not None and fault.value.isdigit() and name != "challenge" and not _is_number(value):
        raise ValueError(f"{name} takes a number, not {value!r}")
    if fault.counts and not value.isdigit():
        raise ValueError(f"{name} takes a whole number, not {value!r}")
    return value


def _is_number(value: str) -> bool:
    try:
        return float(value) >= 0
    except ValueError:
        return False
