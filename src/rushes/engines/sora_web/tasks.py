"""Tasks and drafts as the service lists them, read with tolerance: unknown states are alive, unknown fields
are left alone.

A draft belongs to its task by `task_id`. Until November 2025 the draft's own id was the task's; a draft of
that age is found by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rushes.engines.contract import Progress, RenderState, Result, Source

WAITS = frozenset({"preprocessing", "queued", "pending"})
ADDRESSES = ("https://", "http://")
DONE = "succeeded"
FAILED = frozenset({"failed", "error"})
CANCELED = frozenset({"cancelled", "canceled"})

REFUSED = frozenset({"sora_content_violation", "sora_context_violation"})
BROKEN = frozenset({"sora_error", "sora_processing_error"})

UNREADY = Progress(state=RenderState.RUNNING, missing="finished, but without a file")
"""Finished, and its file is not there yet."""

UNLISTED = Progress(state=RenderState.RUNNING, missing="the service does not list it")
"""Accepted, and in none of the lists."""


def progress_of(task: Mapping[str, Any]) -> Progress:
    """Return what a listed task says of its render; a status that nobody knows is a live one."""
    status = str(task.get("status") or "").lower()
    if status in FAILED or status in CANCELED:
        said = task.get("failure_reason") or f"the service says: {status}"
        state = RenderState.CANCELED if status in CANCELED else RenderState.FAILED
        return Progress(state=state, error=str(said), content_refused=refused_for_content(str(said)))
    if status == DONE:
        return Progress(state=RenderState.SUCCEEDED)
    if status in WAITS:
        return Progress(state=RenderState.QUEUED, queue_position=position(task))
    return Progress(state=RenderState.RUNNING, fraction=fraction(task.get("progress_pct")))


def fraction(told: Any) -> float | None:
    """Return `progress_pct` as 0 to 1; it is null early, and one client saw it go to 100."""
    if not isinstance(told, int | float) or isinstance(told, bool):
        return None
    return min(1.0, max(0.0, told / 100 if told > 1 else float(told)))


def position(task: Mapping[str, Any]) -> int | None:
    told = task.get("progress_pos_in_queue")
    return told if isinstance(told, int) else None


def refused_for_content(reason: str) -> bool:
    words = reason.lower()
    return any(part in words for part in ("content", "guardrail", "moderation", "violat", "policy"))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One entry of the drafts: a clip, or why there is none. `files` are addresses, best first."""

    id: str
    task_id: str
    kind: str
    reason: str
    size: tuple[int, int] | None
    files: tuple[Source, ...] = field(repr=False)

    @property
    def refused(self) -> bool:
        return self.kind in REFUSED

    @property
    def failed(self) -> bool:
        """Whether it tells of a failure. Without an address and without a reason it may not be ready yet."""
        return self.refused or self.kind in BROKEN or (not self.files and bool(self.reason))

    def progress(self) -> Progress:
        if self.files and not self.failed:
            return Progress(state=RenderState.SUCCEEDED)
        if self.failed:
            return Progress(
                state=RenderState.FAILED,
                error=self.reason or "the service gives no reason",
                content_refused=self.refused or refused_for_content(self.reason),
            )
        return UNREADY

    def result(self) -> Result:
        return Result(candidates=self.files, size=self.size)


def draft_from(item: Mapping[str, Any]) -> Draft:
    """Return the draft that a list, or the one draft's own address, tells of; some lists wrap it."""
    inner = item.get("draft")
    item = inner if isinstance(inner, Mapping) else item
    id = str(item.get("generation_id") or item.get("id") or "")
    reasons = ("reason_str", "error_reason", "reason", "message", "markdown_reason_str")
    return Draft(
        id=id,
        task_id=str(item.get("task_id") or item.get("id") or ""),
        kind=str(item.get("kind") or ""),
        reason=next((str(item[name]) for name in reasons if item.get(name)), ""),
        size=_size(item),
        files=tuple(_files(item)),
    )


def _size(item: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = item.get("width"), item.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None


def _files(item: Mapping[str, Any]) -> Iterable[Source]:
    """Yield the addresses of a draft or attachment, best first; what is listed twice comes once.

    The one without a mark first, if the account is given it; then the source as it was encoded; the
    top-level `url` is a preview and comes last. Clients that took it first saved 480×872 for 704×1280.
    A file that the service itself lists as the marked one is called `watermark`, whatever else leads to it.
    """
    versions = item.get("download_urls")
    versions = versions if isinstance(versions, Mapping) else {}
    encodings = item.get("encodings")
    encodings = encodings if isinstance(encodings, Mapping) else {}
    offered = (
        ("no_watermark", versions.get("no_watermark")),
        ("source", _encoded(encodings.get("source"))),
        ("downloadable", item.get("downloadable_url")),
        ("watermark", versions.get("watermark")),
        ("source_wm", _encoded(encodings.get("source_wm"))),
        ("preview", item.get("url")),
    )
    # The same file may be signed twice, a moment apart.
    files = [(label, url, _file(url)) for label, url in offered if _file(url)]
    marked = {file for label, _, file in files if label == "watermark"}
    seen = set()
    for label, url, file in files:
        if file not in seen:
            seen.add(file)
            yield Source(url=url, label="watermark" if file in marked else label)


def _file(url: Any) -> str:
    """Return an address without its signature, which tells files apart; empty for what is no address."""
    return url.partition("?")[0] if isinstance(url, str) and url.startswith(ADDRESSES) else ""


def _encoded(encoding: Any) -> Any:
    """Return an encoding's address: `path` where that is one (it was also seen as an internal path)."""
    if not isinstance(encoding, Mapping):
        return None
    path = encoding.get("path")
    return path if isinstance(path, str) and path.startswith(ADDRESSES) else encoding.get("url")
