"""The doubles as a person sees them: each tells what goes wrong, and shows its own books."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from rushes.testing.process import ProviderProcess
from rushes.testing.standin_process import StandInProcess
from tests.engines.faults import Fault

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """One job of the campaign: the fault it is to meet `times` times, and what is asked for.

    `mark` stands in its prompt and in no other; `picture` is its first frame, and nobody else's.
    """

    mark: str
    counter: Counter
    fault: Fault
    times: int | None
    picture: Path | None

    @property
    def prompt(self) -> str:
        return f"{self.mark} a paper boat"


@dataclass(frozen=True, kw_only=True)
class Booked:
    """One accepted create in a service's own books: `made` says whether it has a clip to show for it."""

    ticket: str
    charged: Decimal
    made: bool


class Counter(Protocol):
    """One engine over one double. `kind` and `options` are its settings, `key` what nobody may repeat."""

    name: str
    kind: str
    key: str
    options: Options
    faults: Sequence[Fault]

    def model(self, *, framed: bool) -> str: ...
    def tell(self, take: Take) -> None: ...
    def mend(self, take: Take) -> None: ...
    def books(self, take: Take) -> list[Booked]: ...
    def unmet(self, takes: Sequence[Take]) -> list[Take]: ...


class ServiceCounter:
    """An engine over a double of a service. Without a price of its own, a clip costs `price`."""

    def __init__(
        self,
        name: str,
        kind: str,
        service: StandInProcess,
        *,
        key: str,
        options: Options,
        faults: Sequence[Fault],
        models: tuple[str, str],
        price: Decimal | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.key = key
        self.options = options
        self.faults = faults
        self.service = service
        self._models = models
        self._price = price

    def model(self, *, framed: bool) -> str:
        return self._models[framed]

    def tell(self, take: Take) -> None:
        for operation, words in take.fault.told:
            match = _match(operation, take)
            self.service.tell(operation, match, **{"times": take.times, **words})

    def mend(self, take: Take) -> None:
        """Have the calls that went wrong go right; what a render has become, it stays."""
        for operation, _ in take.fault.told:
            if operation != "list":
                self.service.tell(operation, _match(operation, take))

    def books(self, take: Take) -> list[Booked]:
        return [self._booked(entry) for entry in self.service.log(take.mark)]

    def _booked(self, entry: Mapping[str, Any]) -> Booked:
        made = entry["stage"] == "succeeded"
        charged = entry["charged"]
        if self._price is not None:
            charged = self._price if made else 0
        ticket = entry["id"]
        if self.kind == "fal":
            framed = "image_url" in entry["body"]
            ticket = f"{self.model(framed=framed)}/requests/{ticket}"
        return Booked(ticket=ticket, charged=Decimal(str(charged)), made=made)

    def unmet(self, takes: Sequence[Take]) -> list[Take]:
        """Return the takes whose fault never came about, of those that count how often they do."""
        left = {(one["operation"], one["match"]): one["times"] for one in self.service.told()}
        return [
            take
            for take in takes
            if take.times is not None
            and any(
                left[operation, _match(operation, take)] == take.times
                for operation, words in take.fault.told
                if operation != "list" and "times" not in words
            )
        ]


class ProviderCounter:
    """The engine `scripted` over the provider that honours keys."""

    name = kind = "scripted"

    def __init__(
        self,
        provider: ProviderProcess,
        *,
        key: str,
        options: Options,
        faults: Sequence[Fault],
        price: Decimal,
    ) -> None:
        self.key = key
        self.options = options
        self.faults = faults
        self._provider = provider
        self._price = price

    def model(self, *, framed: bool) -> str:
        return "priced"

    def tell(self, take: Take) -> None:
        rule: dict[str, Any] = {"render": {"seconds": 0.1}}
        for operation, words in take.fault.told:
            counted = {**words, "times": take.times}
            match operation:
                case "create":
                    rule["create"] = [_step(counted)]
                case "prepare":
                    rule["prepare"] = [counted]
                case "poll":
                    rule["render"]["faults"] = [counted]
                case "render":
                    rule["render"] |= words["facts"]
                case _:
                    rule |= words
        self._provider.script(take.mark, keys=True, **rule)

    def mend(self, take: Take) -> None:
        if take.fault.operation != "render":
            self._provider.script(take.mark, keys=True)

    def books(self, take: Take) -> list[Booked]:
        facts = dict(take.fault.told).get("render", {}).get("facts", {})
        made = facts.get("outcome", "succeeded") == "succeeded"
        charged = Decimal(str(facts.get("cost", self._price if made else 0)))
        return [
            Booked(ticket=entry["id"], charged=charged, made=made) for entry in self._provider.log(take.mark)
        ]

    def unmet(self, takes: Sequence[Take]) -> list[Take]:
        return []


def _match(operation: str, take: Take) -> str:
    """Return by what a call of this take is told from others; a list is everybody's."""
    if operation == "upload" and take.picture is not None:
        # The library names a file by its hash, and so does whoever uploads it.
        return hashlib.sha256(take.picture.read_bytes()).hexdigest()
    return "" if operation == "list" else take.mark


def _step(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a create in the words of the script, where accepting it is the rule."""
    step = {name: value for name, value in words.items() if name != "delay"}
    if "delay" in words:
        return {**step, "delay_before": words["delay"]}
    body = step.get("body")
    if body is not None and not isinstance(body, str):
        step["body"] = json.dumps(body)
    return {"accept": False, **step}
