"""The bodies of creates, as the browser sent them in March 2026, and what must come back equal.

Fields that were always null in what was observed are sent as null; nothing is made up for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.domain.errors import Refused
from rushes.domain.request import FRAMES_PER_SECOND, Reference, Role, VideoRequest
from rushes.engines.contract import Prepared

PRO = "sy_ore"

ORIENTATIONS = {"16:9": "landscape", "9:16": "portrait", "1:1": "square"}
SIZES = {"480p": "small", "720p": "medium", "1080p": "large"}

MOST_REFERENCES = 5
"""What one client allowed itself; the service's own limit is not known."""

TITLE_OF_STORYBOARD = "Draft your video"


@dataclass(frozen=True, kw_only=True)
class Create:
    """One create: where it goes, its JSON, and the name under which the page's script hands out a token."""

    path: str
    body: Mapping[str, Any]
    flow: str = "sora_2_create_task"

    @property
    def prompt(self) -> str:
        """The words as the service lists them afterwards."""
        return str(self.body.get("prompt") or self.body.get("user_prompt") or "")


def check_sayable(request: VideoRequest) -> None:
    """Raise Refused for wishes that no body of the service has a place for."""
    if request.extend is not None and (request.style or request.shots or request.references):
        raise Refused(
            "a continuation takes words and a length, and no style, shots or references; nothing was sent",
            next="leave them out, or leave --extend out",
        )
    if len(request.references) > MOST_REFERENCES:
        raise Refused(
            f"{len(request.references)} references; at most {MOST_REFERENCES} are sent; nothing was sent",
            next="leave some out",
        )


def create_from(prepared: Prepared) -> Create:
    """Return the create that a request comes to."""
    request = prepared.request
    if request.extend is not None:
        return _extension(request)
    body = _body(prepared)
    if request.shots:
        return Create(
            path="/backend/nf/create/storyboard",
            body={**body, "prompt": storyboard(request), "title": TITLE_OF_STORYBOARD},
        )
    return Create(path="/backend/nf/create", body=body)


def _body(prepared: Prepared) -> dict[str, Any]:
    request = prepared.request
    remix = request.remix is not None
    return {
        "kind": "video",
        "prompt": request.prompt,
        "title": None,
        "orientation": ORIENTATIONS[request.aspect or "16:9"],
        "size": SIZES[request.resolution or "480p"],
        "n_frames": frames(request),
        "inpaint_items": inpaint_items(request.references, prepared.uploads),
        "remix_target_id": request.remix,
        "reroll_target_id": None,
        "project_config": None,
        "trim_config": None,
        "metadata": None,
        "use_image_as_first_frame": any(one.role is Role.FIRST_FRAME for one in request.references),
        # Characters are named in the prompt as @name, and these stay null, as the browser leaves them;
        # two clients send them empty for a remix.
        "cameo_ids": [] if remix else None,
        "cameo_replacements": {} if remix else None,
        "model": prepared.model,
        "style_id": request.style,
        "audio_caption": None,
        "audio_transcript": None,
        "video_caption": None,
        "i2v_reference_instruction": None,
        "remix_prompt_template": None,
        "storyboard_id": request.storyboard_id,
    }


def _extension(request: VideoRequest) -> Create:
    return Create(
        path=f"/backend/project_y/profile/drafts/{request.extend}/long_video_extension",
        body={
            "user_prompt": request.prompt,
            "extension_duration_s": round(request.seconds or 10),
            "enable_rewrite": True,
        },
    )


def frames(request: VideoRequest) -> int:
    return round((request.seconds or 5.0) * FRAMES_PER_SECOND)


def storyboard(request: VideoRequest) -> str:
    """Return the shots as the text that the service reads them from."""
    shots = "\n\n".join(
        f"Shot {number}:\nduration: {shot.seconds:.1f}sec\nScene: {shot.prompt}"
        for number, shot in enumerate(request.shots, 1)
    )
    return f"current timeline:\n{shots}\n\ninstructions:\n{request.prompt}"


def inpaint_items(references: Sequence[Reference], uploads: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the references in the service's four kinds: upload, file, generation, reference."""
    items = []
    for reference in references:
        if reference.remote is not None:
            items.append(_held(reference.remote))
            continue
        upload = uploads[reference.sha256 or str(reference.path)]
        items.append({"kind": upload["kind"], f"{upload['kind']}_id": upload["id"]})
    return items


def _held(id: str) -> dict[str, Any]:
    """Return the item for something the service has already, whose kind its id tells."""
    kinds = {"gen_": "generation", "ref_": "reference", "media_": "upload", "file_": "file"}
    kind = next((kind for prefix, kind in kinds.items() if id.startswith(prefix)), "generation")
    return {"kind": kind, f"{kind}_id": id}


def unconfirmed(create: Create) -> tuple[str, ...]:
    """Return what was sent as asked though no source shows that the service takes it."""
    body = create.body
    model = str(body.get("model"))
    doubts = {
        "orientation square": body.get("orientation") == "square",
        "size medium": body.get("size") == "medium",
        f"size large with {model}": body.get("size") == "large" and not model.startswith(PRO),
        "600 frames": body.get("n_frames") == 600,
        "use_image_as_first_frame": bool(body.get("use_image_as_first_frame")),
        "storyboard_id": body.get("storyboard_id") is not None,
    }
    sent = "sent as asked; not confirmed to work on the service"
    return tuple(f"{what}: {sent}" for what, used in doubts.items() if used)


def same_create(create: Create, listed: Mapping[str, Any]) -> bool:
    """Whether a listed task or draft was made by this create: whatever it tells of it must be equal.

    A list may tell little, of a refused draft the prompt alone; what it does not tell is not held against it.
    """
    config = listed.get("creation_config")
    config = config if isinstance(config, Mapping) else {}
    prompt = config.get("prompt") or listed.get("prompt")
    if prompt is not None and prompt != create.prompt:
        return False
    if not config or "n_frames" not in create.body:
        return True
    # The service gives a storyboard that is written out an id of its own.
    names = ["orientation", "n_frames", *(["storyboard_id"] if create.body["storyboard_id"] else [])]
    same_shape = all(config.get(name) in (None, create.body[name]) for name in names)
    return same_shape and _same_style(create, config) and _same_origin(create, config)


def _same_style(create: Create, config: Mapping[str, Any]) -> bool:
    style = config.get("style")
    told = style.get("id") if isinstance(style, Mapping) else style
    return bool(told == create.body["style_id"])


def _same_origin(create: Create, config: Mapping[str, Any]) -> bool:
    """Whether a list tells of the same pictures, and of a remixed clip if there was one."""
    told = [config.get("inpaint_image"), config.get("reference_inpaint_items")]
    if "inpaint_image" in config or "reference_inpaint_items" in config:
        ids = [str(value) for item in create.body["inpaint_items"] for value in item.values()]
        ids = [id for id in ids if "_" in id]
        if any(told) != bool(ids) or not all(id in str(told) for id in ids):
            return False
    if "remix_target_post" in config:
        return bool(config["remix_target_post"]) == bool(create.body["remix_target_id"])
    return True
