"""Each double's own table of faults, in its own words."""

from __future__ import annotations

from rushes.testing import fal_service, openai_videos_service, openrouter_service
from tests.engines.faults import (
    ALWAYS,
    ONCE,
    PAGE,
    End,
    Fault,
    Voice,
    Words,
    asked,
    creates,
    downloads,
    lookups,
    page,
    renders,
    sign_in,
)

# --- servers that speak /v1/videos ---

OPENAI_KEY = openai_videos_service.KEY

OPENAI = Voice(
    error=lambda words: {"error": {"message": words, "code": None}},
    empty={"status": 403, "body": {"error": {"message": "top up", "code": "insufficient_user_quota"}}},
    gone={"status": 503, "body": {"error": {"message": "no channel", "code": "model_not_found"}}},
    content={"status": 400, "body": {"error": {"message": "no", "code": "moderation_blocked"}}},
    wrong_key={"status": 401, "body": {"error": {"message": f"Incorrect API key: {OPENAI_KEY}."}}},
    account={"status": 403, "body": {"error": {"message": "deactivated", "code": "account_deactivated"}}},
)

VIDEOS = [
    *creates(OPENAI, OPENAI_KEY),
    *asked("poll"),
    page("poll"),
    sign_in("poll", OPENAI),
    Fault(name="202 and nothing", operation="poll", told=(("poll", {"status": 202, "body": ""}),)),
    Fault(
        name="a state that nobody knows",
        operation="poll",
        told=(("poll", {"status": 200, "body": {"status": "WARMING_UP"}}),),
    ),
    Fault(name="not known everywhere yet", operation="poll", told=(("poll", {"status": 404}),)),
    Fault(
        name="gone",
        operation="poll",
        told=(("poll", {"status": 410}),),
        end=End.COLLECTED,
        code="result_gone",
        times=ONCE,
    ),
    renders("failed", {"outcome": "failed", "reason": f"Out of memory, {OPENAI_KEY}"}, "render_failed"),
    renders("content of what was made", {"outcome": "failed", "reason": "moderation"}, "content_refused"),
    *asked("content", shown="download"),
    downloads("gone for a moment", ("content", {"status": 404}), times=ONCE),
    downloads("without a video", ("content", {"status": 404}), code="result_gone", times=ALWAYS),
    downloads("a page", ("content", {"status": 200, "body": PAGE}), code="result_gone", times=ALWAYS),
    downloads("truncated", ("content", {"facts": {"truncated": True}}), code="result_broken", times=ALWAYS),
]

STORED = {"cloud": True, "succeeded": {"url": "{other}"}}

SGLANG = [
    *VIDEOS,
    *lookups("list"),
    downloads("400 with an address", ("render", {"facts": STORED}), times=ALWAYS),
    downloads(
        "the address has expired",
        ("render", {"facts": STORED, "times": None}),
        ("file", {"status": 403}),
        times=ONCE,
    ),
]
VLLM = [*VIDEOS, *lookups("list")]
NEW_API = VIDEOS

# --- OpenRouter ---

ROUTER_KEY = openrouter_service.KEY

ROUTER = Voice(
    error=lambda words: {"error": {"code": 400, "message": words}},
    empty={"status": 402, "body": {"error": {"code": 402, "message": "Insufficient credits"}}},
    gone={"status": 404, "body": {"error": {"code": 404, "message": "No endpoints found"}}},
    content={
        "status": 403,
        "body": {"error": {"code": 403, "message": "no", "metadata": {"reasons": ["violence"]}}},
    },
    wrong_key={"status": 401, "body": {"error": {"code": 401, "message": f"No user for {ROUTER_KEY}"}}},
    account={"status": 403, "body": {"error": {"code": 403, "message": "Key disabled"}}},
)
BROKE = {"outcome": "failed", "reason": f"Provider returned error, {ROUTER_KEY}"}
BROKEN_JOB = {"id": "x", "status": "failed", "error": "Provider returned error", "usage": {"cost": 0}}

OPENROUTER = [
    *creates(ROUTER, ROUTER_KEY),
    *asked("poll"),
    page("poll"),
    sign_in("poll", ROUTER),
    Fault(name="202 and nothing", operation="poll", told=(("poll", {"status": 202, "body": ""}),)),
    Fault(
        name="gone",
        operation="poll",
        told=(("poll", {"status": 404}),),
        end=End.COLLECTED,
        code="result_gone",
        times=ONCE,
    ),
    renders("failed", BROKE, "render_failed"),
    renders("failed, with no word on its bill", {**BROKE, "cost": None}, "render_failed"),
    renders("failed, and charged", {**BROKE, "cost": 0.1}, "render_failed"),
    renders(
        "failed, as a 500",
        {"outcome": "failed"},
        "render_failed",
        ("poll", {"status": 500, "body": BROKEN_JOB}),
    ),
    renders("content of what was made", {**BROKE, "reason": "Output moderated"}, "content_refused"),
    renders("expired", {"outcome": "expired"}, "result_gone"),
    renders("completed without a video", {"bare": True}, "result_gone"),
    renders("truncated", {"file": "truncated"}, "result_broken"),
    downloads("the stored copy has expired", ("file", {"status": 403}), times=ALWAYS),
    downloads("the stored copy is a page", ("file", {"status": 200, "body": PAGE}), times=ALWAYS),
    downloads("only the stored copy is there", ("content", {"status": 410}), times=ALWAYS),
    downloads("dropped", ("file", {"drop": True})),
    downloads("503", ("file", {"status": 503})),
    downloads("429", ("file", {"status": 429, "headers": {"Retry-After": "0.1"}})),
    downloads("both expired", ("file", {"status": 403}), ("content", {"status": 403}), times=ONCE),
    downloads(
        "both gone",
        ("file", {"status": 404}),
        ("content", {"status": 410}),
        code="result_gone",
        times=ALWAYS,
    ),
]

# --- fal ---

FAL_KEY = fal_service.KEY


def flagged(where: str) -> Words:
    """Return the model's own words for what its filter stopped."""
    one = {"loc": ["body", where], "msg": f"Flagged. {FAL_KEY}", "type": "content_policy_violation"}
    return {"detail": [one]}


FAL_VOICE = Voice(
    error=lambda words: {"detail": words},
    empty={"status": 403, "body": {"detail": "User is locked. Reason: Exhausted balance."}},
    gone={"status": 404, "body": {"detail": "Application not found"}},
    content={"status": 422, "body": flagged("prompt")},
    wrong_key={"status": 401, "body": {"detail": f"Authorization token={FAL_KEY} is invalid."}},
    account={"status": 403, "body": {"detail": "Cannot access application"}},
)
FAL = [
    *creates(FAL_VOICE, FAL_KEY),
    *asked("upload", shown="prepare", framed=True),
    sign_in("upload", FAL_VOICE, shown="prepare", framed=True),
    *asked("status", shown="poll"),
    page("status", shown="poll"),
    sign_in("status", FAL_VOICE, shown="poll"),
    Fault(name="202 and nothing", operation="poll", told=(("status", {"status": 202, "body": ""}),)),
    Fault(
        name="gone",
        operation="poll",
        told=(("status", {"status": 404}),),
        end=End.COLLECTED,
        code="result_gone",
        times=ONCE,
    ),
    *asked("result", shown="results"),
    page("result", shown="results"),
    sign_in("result", FAL_VOICE, shown="results"),
    renders(
        "failed, as a 500", {"outcome": "failed", "code": 500, "answer": {"detail": FAL_KEY}}, "render_failed"
    ),
    renders(
        "failed, with no word on its bill",
        {"outcome": "failed", "code": 422, "answer": {"detail": [{"loc": ["body"], "msg": "Odd"}]}},
        "render_failed",
    ),
    renders(
        "content of the picture",
        {"outcome": "failed", "code": 422, "answer": flagged("image_url")},
        "content_refused",
    ),
    renders("completed without a video", {"outcome": "empty"}, "render_failed"),
    *lookups("list"),
    downloads("expired for a moment", ("content", {"status": 403}), times=ONCE),
    downloads("gone for a moment", ("content", {"status": 404}), times=ONCE),
    downloads("500", ("content", {"status": 500})),
    downloads("dropped", ("content", {"drop": True})),
    downloads("gone", ("content", {"status": 410}), code="result_gone", times=ALWAYS),
    downloads("a page", ("content", {"facts": {"kind": "html"}}), code="result_gone", times=ALWAYS),
    downloads("truncated", ("content", {"facts": {"kind": "truncated"}}), code="result_broken", times=ALWAYS),
]

# --- the scripted provider, whose words are those of `rushes.testing.script` ---

SCRIPTED_KEY = "a-secret-key-0123456789"

SCRIPTED_VOICE = Voice(
    error=lambda words: words,
    empty={"status": 402},
    gone={"status": 404},
    content={"status": 400, "body": "content"},
    wrong_key={"status": 401},
    account={"status": 403},
)


def _answers(operation: str) -> list[Fault]:
    kinds: dict[str, Words] = {
        "500": {"status": 500},
        "no JSON": {"garbage": True},
        "429 with a time": {"status": 429, "headers": {"Retry-After": "0.2"}},
        "429": {"status": 429},
        "dropped": {},
    }
    framed = operation == "prepare"
    return [
        Fault(name=name, operation=operation, told=((operation, words),), framed=framed)
        for name, words in kinds.items()
    ]


SCRIPTED = [
    *creates(SCRIPTED_VOICE, SCRIPTED_KEY),
    *_answers("prepare"),
    *_answers("poll"),
    sign_in("poll", SCRIPTED_VOICE),
    renders("failed, and free", {"outcome": "failed", "cost": "0"}, "render_failed"),
    renders("failed, and charged", {"outcome": "failed", "cost": "0.03"}, "render_failed"),
    renders("failed, with no word on its bill", {"outcome": "failed"}, "render_failed"),
    renders("content of what was made", {"outcome": "failed-content"}, "content_refused"),
    renders("expired", {"outcome": "expired"}, "result_gone"),
    downloads("expired", ("file", {"candidates": ["expires"]})),
    downloads("cut again and again", ("file", {"candidates": ["cut"]})),
    downloads("the first is truncated", ("file", {"candidates": ["truncated", "ok"]})),
    downloads("gone", ("file", {"candidates": ["gone"]}), code="result_gone"),
    downloads("a page", ("file", {"candidates": ["html"]}), code="result_gone"),
    downloads("truncated", ("file", {"candidates": ["truncated"]}), code="result_broken"),
    downloads("without a video", ("file", {"files": 0}), code="result_gone"),
]
