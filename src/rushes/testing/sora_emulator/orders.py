"""What a create may ask for: its body, read as strictly as the facts about it allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rushes.testing.sora_emulator.refusals import looks_wrong

FPS = 30
FRAMES = (150, 300, 450, 600)
PRO_FRAMES = (750,)
MODELS = ("sy_8", "sy_ore")
PRO = "sy_ore"
PIXELS = {
    ("small", "landscape"): (640, 352),
    ("small", "portrait"): (352, 640),
    ("medium", "landscape"): (896, 512),
    ("medium", "portrait"): (512, 896),
    ("large", "landscape"): (1280, 704),
    ("large", "portrait"): (704, 1280),
}
SQUARE = (512, 512)
SECONDS = {150: 5.0, 300: 10.1, 450: 14.8}
"""By frames: the lengths of drafts that were seen. Of others nothing is known."""
ITEM_IDS = {
    "upload": "upload_id",
    "file": "file_id",
    "generation": "generation_id",
    "reference": "reference_id",
}
CAMEOS = 3


@dataclass(frozen=True, kw_only=True)
class Order:
    """One video that was asked for; `n_frames` at 30 frames per second.

    `made`: the pixels that come out, where they are not those that size and orientation suggest.
    `extends` is the draft that an extension goes on from. `use_image_as_first_frame` is None if the body says
    nothing of it.
    """

    prompt: str
    orientation: str = "landscape"
    size: str = "small"
    n_frames: int = 300
    model: str = "sy_8"
    title: str | None = None
    style_id: str | None = None
    inpaint_items: tuple[Mapping[str, Any], ...] = ()
    remix_target_id: str | None = None
    storyboard_id: str | None = None
    made: tuple[int, int] | None = None
    use_image_as_first_frame: bool | None = None
    extends: str | None = None

    @property
    def pixels(self) -> tuple[int, int]:
        return self.made or PIXELS.get((self.size, self.orientation), SQUARE)

    @property
    def seconds(self) -> float:
        """The length of what comes out, as it was seen to be: not exactly what was asked for."""
        exactly = round(self.n_frames / FPS, 1)
        # What an extension brings is counted by its own length, and not by that of the whole.
        return exactly if self.extends is not None else SECONDS.get(self.n_frames, exactly)


def read_order(body: Any, *, knows: Callable[[str, str], bool]) -> Order:
    """Return what a create's body asks for.

    `knows` tells whether an id of a kind ("upload", "style", "post" …) is one of the account's. Raises the
    service's 400 with the field at fault as `param`.
    """
    if not isinstance(body, dict):
        raise looks_wrong()
    for name in sorted(body.keys() - _FIELDS.keys()):
        raise looks_wrong(name)
    for name, fits in _FIELDS.items():
        if not fits(body[name]) if name in body else name in _REQUIRED:
            raise looks_wrong(name)
    items = tuple(body["inpaint_items"])
    if not items and "orientation" not in body:
        raise looks_wrong("orientation")
    _check_together(body, knows)
    values = {name: body[name] for name in _KEPT if name in body}
    return Order(**{**values, "inpaint_items": items})


def _check_together(body: Mapping[str, Any], knows: Callable[[str, str], bool]) -> None:
    """Check what one field allows another, and the ids."""
    pro = body["model"].startswith(PRO)
    if body["n_frames"] in PRO_FRAMES and not pro:
        raise looks_wrong("n_frames")
    for item in body["inpaint_items"]:
        if not knows(item["kind"], item[ITEM_IDS[item["kind"]]]):
            raise looks_wrong("inpaint_items")
    for name, kind in _KINDS.items():
        if body.get(name) is not None and not knows(kind, body[name]):
            raise looks_wrong(name)


_KINDS = {
    "style_id": "style",
    "remix_target_id": "target",
    "reroll_target_id": "target",
    "storyboard_id": "storyboard",
}
"""The fields that name something the account has."""


def check_doubtful(order: Order, has: Callable[[str], bool]) -> None:
    """Refuse what one source saw work and others never did, as the faults want it. Raises the 400.

    `has` tells whether a fault is on.
    """
    if order.n_frames == 600 and has("no-600"):
        raise looks_wrong("n_frames")
    if order.size == "large" and not order.model.startswith(PRO) and has("large-pro-only"):
        raise looks_wrong("size")


def _null(value: Any) -> bool:
    return value is None


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _one_of(*values: object) -> Callable[[Any], bool]:
    return lambda value: type(value) in (str, int) and value in values


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _model(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(MODELS)


def _item(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("kind") not in ITEM_IDS:
        return False
    id_field = ITEM_IDS[value["kind"]]
    extra = {"frames", "entity"} if value["kind"] == "file" else set()
    others = value.keys() - {"kind", id_field}
    return (
        isinstance(value.get(id_field), str) and others <= extra and all(value[one] is None for one in others)
    )


def _items(value: Any) -> bool:
    return isinstance(value, list) and all(map(_item, value))


def _cameos(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) <= CAMEOS and all(isinstance(one, str) for one in value)
    )


def _replacements(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(one, str) for pair in value.items() for one in pair)
    )


def _seed(value: Any) -> bool:
    return value is None or type(value) is int


_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "kind": _one_of("video"),
    "prompt": _text,
    "title": _text_or_null,
    "orientation": _one_of("portrait", "landscape", "square"),
    "size": _one_of("small", "medium", "large"),
    "n_frames": _one_of(*FRAMES, *PRO_FRAMES),
    "inpaint_items": _items,
    "remix_target_id": _text_or_null,
    "reroll_target_id": _text_or_null,
    "project_config": _null,
    "trim_config": _null,
    "metadata": _null,
    "use_image_as_first_frame": _flag,
    "cameo_ids": _cameos,
    "cameo_replacements": _replacements,
    "model": _model,
    "style_id": _text_or_null,
    "audio_caption": _null,
    "audio_transcript": _null,
    "video_caption": _null,
    "i2v_reference_instruction": _null,
    "remix_prompt_template": _null,
    "storyboard_id": _text_or_null,
    "project_id": _null,
    "seed": _seed,
}
_REQUIRED = ("kind", "prompt", "size", "n_frames", "model", "inpaint_items")
_KEPT = (
    "prompt",
    "orientation",
    "size",
    "n_frames",
    "model",
    "title",
    "style_id",
    "remix_target_id",
    "storyboard_id",
    "use_image_as_first_frame",
)
