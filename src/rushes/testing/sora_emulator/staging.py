"""Where what a clip shows comes from: uploads, references, and the account's other clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rushes.testing.sora_emulator.scene import Scene, scene_of
from rushes.testing.sora_emulator.tasks import Task
from rushes.testing.sora_emulator.world import World

ANY_WORDS = "whatever was asked for"
"""What every clip shows if clips are alike."""


def scene_of_task(world: World, task: Task) -> Scene:
    """Return what the clip of a task shows.

    The picture that is uploaded is its first one if the body says so, or says nothing of it, as bodies before
    2026 did; any other picture is a reference.
    """
    order, has_sound = task.order, "silent" not in task.faults
    if world.alike:
        order = replace(order, prompt=ANY_WORDS)
    if order.extends is not None:
        # The clip before shows already what else its order brought.
        return scene_of(order, before=_clip_of(world, order.extends), has_sound=has_sound)
    pictures = list(_pictures(world, order.inpaint_items))
    uploads = [data for kind, data in pictures if kind in ("upload", "file")]
    first = uploads[0] if uploads and order.use_image_as_first_frame is not False else None
    return scene_of(
        order,
        first=first,
        references=[data for _, data in pictures if data is not first],
        remixed=_clip_of(world, order.remix_target_id),
        has_sound=has_sound,
    )


def _pictures(world: World, items: tuple[Any, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield the kind and the picture of each item of an order; one that is gone by now is left out."""
    for item in items:
        kind = item["kind"]
        found = _picture(world, kind, item[f"{kind}_id"])
        if found is not None:
            yield kind, found


def _picture(world: World, kind: str, id: str) -> bytes | None:
    if kind == "generation":
        task = _task(world, id)
        return None if task is None or task.clip is None else task.clip.poster
    if kind == "reference":
        reference = world.things.references.get(id)
        return None if reference is None else _asset(world, reference["asset_pointers"][0])
    return world.store.read(f"{'files' if kind == 'file' else 'uploads'}/{id}")


def _asset(world: World, pointer: str) -> bytes | None:
    return world.store.read(f"files/{pointer.removeprefix('sediment://')}")


def _clip_of(world: World, id: str | None) -> bytes | None:
    task = None if id is None else _task(world, id)
    return None if task is None or task.clip is None else task.clip.source


def _task(world: World, id: str) -> Task | None:
    """Return the task that a draft's, a task's or a post's id belongs to."""
    return next(
        (one for one in world.tasks.all.values() if id in (one.generation_id, one.id, one.post_id)), None
    )
