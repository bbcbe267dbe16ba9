"""Short names for models, and the one rule that says what each means.

- `cheap` is every model, `fast` every one whose id has a word such as "fast" or "turbo" in it, `best` those
  of a ranked list (`data/names.toml`, with its source and day), best first.
- Any other alias is a name with its version: `kling-3`, `wan-3`. It means every model whose id has these
  words in this order, wherever it is served; "v", "video" and ".0" do not count. Where one bears the name
  alone, its tiers ("pro", "fast", "lite" …) are not meant; name them to have them: `seedance-2.0-fast`.

What is used of these is decided in `choice`. An engine's own name is no alias.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from rushes.domain.model import Model

FAST = frozenset({"fast", "flash", "lite", "mini", "schnell", "turbo"})
TIERS = FAST | {"max", "prime", "pro", "standard", "std", "ultra"}
"""Words that tell one quality of a model from another."""

SILENT = frozenset({"ai", "v", "video"})
"""Words of an id that tell no model from another."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The ranked list behind `best`, with its source and day, and names by the id that lacks them.

    `called` has short names by what else they are called, in lower case.
    """

    best: Sequence[str]
    source: str
    as_of: date
    known_as: Mapping[str, str]
    called: Mapping[str, str]


@cache
def names() -> Names:
    """Return what is shipped."""
    file = resources.files("rushes.catalogue") / "data" / "names.toml"
    data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    best = data["best"]
    return Names(
        best=tuple(best["names"]),
        source=best["source"],
        as_of=best["as_of"],
        known_as=data["known_as"],
        called=data["called"],
    )


def short_name(name: str) -> str:
    """Return the short name that is meant by what people call a model elsewhere; else `name` itself."""
    return names().called.get(name.lower(), name)


def meant(alias: str, models: Iterable[Model]) -> list[list[Model]]:
    """Return the models that an alias means, in groups: one of an earlier group goes first.

    Empty where it is no alias; a group may be empty.
    """
    models = list(models)
    if alias == "cheap":
        return [models]
    if alias == "fast":
        return [[model for model in models if FAST & {*_words(model.id)}]]
    if alias == "best":
        return [_named(name, models) for name in names().best]
    if "/" in alias or not re.search(r"[a-z].*\d", alias.lower()):
        return []
    found = _named(alias, models)
    return [found] if found else []


def suggestions(text: str, models: Iterable[Model]) -> list[str]:
    """Return at most three short names that somebody may have misspelt as `text`, the closest first."""
    known = {"cheap", "fast", "best"}
    for model in models:
        for name in (model.id, names().known_as.get(model.id, "")):
            known |= {f"{word}-{version}" for word, version in _versions(name)}
    return get_close_matches(text.lower(), sorted(known), n=3)


def _versions(name: str) -> Iterator[tuple[str, str]]:
    """Yield each word of a name that a version follows: "kling-v3.0-pro" has kling, 3."""
    for word, version in pairwise(_words(name)):
        if len(word) > 1 and word.isalpha() and not version.isalpha():
            yield word, version


def _named(name: str, models: Sequence[Model]) -> list[Model]:
    """Return the models of that name; its tiers only where none bears the name alone."""
    asked = _words(name)
    found = [(model, rest) for model in models if (rest := _rest(asked, model)) is not None]
    plain = [model for model, rest in found if not TIERS & {*rest}]
    return plain or [model for model, _ in found]


def _rest(asked: Sequence[str], model: Model) -> Sequence[str] | None:
    """Return the words of a model's name beside those `asked` for; None: it is another model."""
    for name in (model.id, names().known_as.get(model.id, "")):
        words, count = _words(name), len(asked)
        for at in range(len(words) - count + 1):
            if words[at : at + count] == asked:
                return words[:at] + words[at + count :]
    return None


def _words(text: str) -> list[str]:
    """Return the words and numbers of an id: "fal-ai/kling-video/v3.0/pro" has fal, kling, 3, pro."""
    found = re.findall(r"\d+(?:\.\d+)*|[a-z]+", text.lower())
    return [word.removesuffix(".0") for word in found if word not in SILENT]
