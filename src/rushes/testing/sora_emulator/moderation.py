"""What the service objects to without any fault: words of prompts, and pictures of people."""

from __future__ import annotations

import re
from dataclasses import dataclass

THIRD_PARTY = "This content may violate our guardrails concerning similarity to third-party content."
PHOTO = "We currently do not support uploads of images containing photorealistic people"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One objection: `reason` is what the service says to any of the `words`.

    `at` says where: "create", the prompt is refused; "draft", the task ends as a `sora_content_violation`;
    "upload", a picture with the words in its file's name is refused. `seen`: the reason was recorded, else it
    is a guess.
    """

    at: str
    words: tuple[str, ...]
    reason: str
    seen: bool


RULES = (
    Rule(
        at="draft",
        words=("Mickey Mouse", "Pikachu", "Darth Vader", "Super Mario"),
        reason=THIRD_PARTY,
        seen=True,
    ),
    Rule(
        at="draft",
        words=("gore", "beheading", "massacre"),
        reason="This content may violate our guardrails concerning violence.",
        seen=False,
    ),
    Rule(
        at="create",
        words=("pornographic", "nude"),
        reason="This prompt may violate our content policies.",
        seen=False,
    ),
    Rule(at="upload", words=("real-person",), reason=PHOTO, seen=True),
)
"""A few words for each kind, whole and in any case: enough to see what a client makes of an objection."""


def objection(at: str, text: str) -> str | None:
    """Return what the service says to a text at "create", "draft" or "upload", None without an objection."""
    return next((rule.reason for rule in RULES if rule.at == at and _mentions(text, rule.words)), None)


def _mentions(text: str, words: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.IGNORECASE) for one in words)
