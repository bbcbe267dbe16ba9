"""The styles that the service lists, as they were named when it was last observed."""

from __future__ import annotations

STYLE_IDS = (
    "high_def",
    "kpop",
    "cartoon2",
    "news",
    "selfie3",
    "handheld",
    "animated",
    "sitcom",
    "golden",
    "retro",
    "comic",
)
STYLES = tuple(
    {"id": id, "display_name": id.title().replace("_", " "), "image_url": None, "orientation": "portrait"}
    for id in STYLE_IDS
)
