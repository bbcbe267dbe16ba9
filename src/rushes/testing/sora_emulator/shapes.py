"""The service's JSON: the balance, a task, a draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rushes.testing.sora_emulator.accounts import Account
from rushes.testing.sora_emulator.faults import Faults
from rushes.testing.sora_emulator.media import ADDRESS_S, VARIANTS, Store
from rushes.testing.sora_emulator.styles import STYLES
from rushes.testing.sora_emulator.tasks import Moment, Task, Tasks

NEWS = {"novel_field": {"of": ["a", "later", "release"]}, "another_novelty": 7}


def balance(account: Account, now: float, *, resets_in: int | None = None) -> dict[str, Any]:
    """Return what is left of the quota; with `resets_in`, as it is when nothing is left."""
    left = account.left(now) if resets_in is None else 0
    wait = account.resets_in(now) if resets_in is None else resets_in
    return {
        "rate_limit_reached": not left,
        "access_resets_in_seconds": 0 if left else wait,
        "credit_remaining": 0,
        "estimated_num_videos_remaining": left,
        "estimated_num_purchased_videos_remaining": 0,
    }


def profile_json(account: Account) -> dict[str, Any]:
    """Return what others see of an account."""
    return {"user_id": account.id, "username": account.name, "display_name": account.name}


def creation_config(task: Task, *, task_id: str | None) -> dict[str, Any]:
    order = task.order
    style = next((one for one in STYLES if one["id"] == order.style_id), None)
    items = [dict(item) for item in order.inpaint_items]
    references = [item for item in items if item["kind"] == "reference"]
    images = [item for item in items if item["kind"] != "reference"]
    return {
        "remix_target_post": _remixed(order.remix_target_id),
        "style": style,
        "inpaint_image": images[0] if images else None,
        "reference_inpaint_items": references or None,
        "prompt": order.prompt,
        "task_id": task_id,
        "cameo_profiles": [],
        "orientation": order.orientation,
        "n_frames": order.n_frames,
        "storyboard_id": order.storyboard_id,
        "editing_config": None,
    }


def _remixed(id: str | None) -> dict[str, Any] | None:
    return None if id is None else {"post": {"id": id}, "profile": None, "reposter_profile": None}


def task_json(task: Task, stand: Moment, generations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a task as pending lists it; the endpoint of single tasks shows the same object."""
    progress = stand.progress
    if "progress-null" in task.faults:
        progress = None
    elif "progress-percent" in task.faults and progress is not None:
        progress = round(progress * 100, 1)
    return {
        "id": task.id,
        "task_type": "video_gen",
        "status": stand.status,
        "failure_reason": stand.reason,
        "prompt": task.order.prompt,
        "title": task.order.title,
        "progress_pct": progress,
        "generations": generations,
        "creation_config": creation_config(task, task_id=None),
    }


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """Writes drafts, each time with addresses signed anew."""

    store: Store
    faults: Faults
    tasks: Tasks

    def write(self, task: Task, base: str) -> dict[str, Any]:
        """Return a draft as one read of it shows it; `base` is the address that the caller used for us."""
        draft = self._failure(task) or self._video(task, base)
        if "old-ids" in task.faults:
            draft["id"] = task.id
            del draft["task_id"], draft["generation_id"]
            draft.get("creation_config", {}).update(task_id=None)
        if "no-created-at" in task.faults:
            draft.pop("created_at", None)
        if self.faults.take("extra-fields", task.order.prompt) is not None:
            draft |= NEWS
        return draft

    def _failure(self, task: Task) -> dict[str, Any] | None:
        blocked = task.faults.get("violation")
        broken = task.faults.get("render-error", task.faults.get("fails-in-pending"))
        if blocked is None and broken is None:
            return None
        base = {
            "id": task.generation_id,
            "generation_id": task.generation_id,
            "task_id": task.id,
            "url": "",
            "downloadable_url": None,
            "generation_type": None,
            "created_at": round(self.tasks.drafted_at(task), 2),
            "prompt": task.order.prompt,
        }
        if blocked is not None:
            told = {"reason_str": blocked, "markdown_reason_str": blocked}
            return {**base, "kind": "sora_content_violation", **told}
        return {**base, "kind": "sora_error", "error_reason": broken, "reason_str": None}

    def _video(self, task: Task, base: str) -> dict[str, Any]:
        assert task.clip is not None
        width, height = task.order.pixels
        factor = 2 if "wrong-size" in task.faults else 1
        open_to = task.post_id is None
        return {
            "id": task.generation_id,
            "generation_id": task.generation_id,
            "task_id": task.id,
            "kind": "sora_draft",
            **self._addresses(task, base),
            "width": width * factor,
            "height": height * factor,
            "duration_s": task.clip.seconds,
            "generation_type": "video_gen",
            "created_at": round(self.tasks.drafted_at(task), 2),
            "prompt": task.order.prompt,
            "title": task.order.title,
            "draft_reviewed": task.reviewed,
            "creation_config": creation_config(task, task_id=task.id),
            "can_remix": True,
            "can_extend": open_to,
            "can_storyboard": True,
            "can_create_character": True,
            "has_children": False,
            "storyboard_id": task.order.storyboard_id,
            "post_visibility": task.post_visibility,
            "post": None if open_to else {"id": task.post_id},
            "unwrap": None,
            "shot_data": None,
            "operations": [],
            "rooted_project": None,
            "tags": [],
        }

    def _addresses(self, task: Task, base: str) -> dict[str, Any]:
        """Return every field that leads to a file."""
        if "no-url" in task.faults or task.first_times("no-url-first"):
            none = {"watermark": None, "no_watermark": None, "endcard_watermark": None}
            return {"url": "", "downloadable_url": None, "download_urls": none, "encodings": None}
        lifetime = float(self.faults.take("url-expires", task.order.prompt) or ADDRESS_S)
        if "url-expired-once" in task.faults and not task.reads["url-expired-once"]:
            task.reads["url-expired-once"] += 1
            lifetime = -60.0

        def at(variant: str, source: str | None = None) -> str:
            return self.store.address(base, self.store.keep(task, variant, source or variant), lifetime)

        marked = at("source_wm", "marked")
        # The notes of an account that was given clips without the mark have one file under both names.
        free = None if "no-watermark-null" in task.faults else at("source")
        downloadable = marked if free is None or "downloadable-marked" in task.faults else free
        if "downloadable-small" in task.faults:
            downloadable = at("small", "md")
        urls = {"watermark": marked, "no_watermark": free, "endcard_watermark": at("endcard", "marked")}
        if "preview-only" in task.faults:
            gone = {"downloadable_url": None, "download_urls": dict.fromkeys(urls), "encodings": None}
            return {"url": at("md"), **gone}
        return {
            "url": at("md"),
            "downloadable_url": "" if "downloadable-empty" in task.faults else downloadable,
            "download_urls": urls,
            "encodings": self._encodings(task, at),
        }

    def _encodings(self, task: Task, at: Callable[[str, str], str]) -> dict[str, Any]:
        """Return all that was made of a clip, with the sizes in bytes.

        Whoever is given no clip without the mark finds the marked one as the source too: in the capture of
        March 2026 both had one size.
        """
        assert task.clip is not None
        shape: dict[str, Any] = {"endcard_wm": None}
        files = {"source_wm": "source_wm", **{name: name for name in ("md", "ld", *VARIANTS)}}
        files["source"] = "source_wm" if "no-watermark-null" in task.faults else "source"
        for name, file in files.items():
            path = at(file, "marked" if file == "source_wm" else file)
            if "path-not-url" in task.faults:
                path = f"/mnt/generations/{task.generation_id}/{name}"
            still = name in VARIANTS
            shape[name] = {
                "url" if "encoding-url" in task.faults else "path": path,
                "size": None if still else self.store.size(task.file(file)),
                "ssim": None if still else 0.99,
            }
        for name in ("source", "source_wm"):
            shape[name]["duration_secs"] = task.clip.seconds
        return shape
