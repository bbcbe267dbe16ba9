"""Draws the sheets of docs/animatic.md: ten prompts, three orientations, without captions.

Without captions, since they are what the drawing is judged by: somebody who sees only a sheet has to be able
to name setting, weather and camera move.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from rushes.domain.request import frame_size
from rushes.engines.animatic.order import Order
from rushes.engines.animatic.render import render
from rushes.media.sheet import overview

ROOT = Path(__file__).parent.parent
PROMPTS = ROOT / "tests" / "engines" / "animatic" / "prompts.json"
ORIENTATIONS = {"landscape": "16:9", "portrait": "9:16", "square": "1:1"}
SECONDS = 4.0
SEED = 7


def main() -> int:
    folder = ROOT / "docs" / "animatic"
    folder.mkdir(exist_ok=True)
    lines = ["# What animatic can draw", "<!-- made by tools/animatic_sheets.py -->", "", *INTRODUCTION]
    for number, prompt in enumerate(json.loads(PROMPTS.read_text(encoding="utf-8")), start=1):
        text = prompt if isinstance(prompt, str) else prompt["prompt"]
        lines += ["", f"## {number}. {text}", ""]
        for name, aspect in ORIENTATIONS.items():
            file = folder / f"{number:02d}-{name}.jpg"
            draw(text, aspect, file)
            lines.append(f"![{name}](animatic/{file.name})")
            print(file.relative_to(ROOT), flush=True)
    (ROOT / "docs" / "animatic.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def draw(prompt: str, aspect: str, file: Path) -> None:
    """Render one prompt and keep its sheet, a little smaller than a model would be shown it."""
    width, height = frame_size(aspect, "480p")
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "clip.mp4"
        order = Order(
            prompt=prompt,
            seconds=SECONDS,
            width=width,
            height=height,
            seed=SEED,
            audio=False,
            first_frame=None,
            last_frame=None,
            caption=False,
            destination=clip,
        )
        render(order, lambda fraction: None)
        with Image.open(overview(clip, Path(name) / "sheet.jpg")) as sheet:
            sheet.thumbnail((1280, 1280))
            sheet.save(file, quality=78, optimize=True)


INTRODUCTION = [
    "Setting: sea, mountains, city street, forest, interior, desert, open land. Time of day: dawn, day,",
    "dusk, night. Weather: clear, rain, snow, fog. Camera: static, push in, pull out, pan, tilt; from eye",
    "level, from below or from above; close-up, medium, wide. Subjects: a person in a red coat, car,",
    "train, boats, lighthouse, cabin, deer, birds, each as a silhouette; for any other a plain marker",
    'stands there with its noun on it. What the words do not say is filled in; what they rule out ("no',
    'rain") is left out. It reads English.',
    "",
    "`rushes quote`, `create` and `job` show what it understood:",
    "",
    "```console",
    '$ rushes quote "a woman in a red coat walks a dog across a bridge in Paris" --model animatic',
    "     model  animatic/storyboard (animatic: the only one that can do it)",
    "      clip  5 s, 16:9, 720p, with sound",
    "understood  person (woman), red coat; assumed: city street, day, push in",
    " not drawn  walks, dog, bridge, paris",
    "     price  free (made on this machine)",
    "```",
    "",
    "`understood` is what is drawn, in brackets the word of the prompt if it is another. `not drawn` is",
    "every other word that names, tells or describes something. `assumed` is what no word says: the",
    "usual, or what the words make likely, as an umbrella makes rain likely and is not drawn itself.",
    "Text in quotation marks is not drawn, and what a negative list rules out is in neither list.",
    "Something that stands on land by the water, such as a cabin by a lake, becomes a marker, since the",
    "shot shows the water.",
    "",
    "With `--no-caption` no frame holds any words. There is no marker then, and the noun is listed as not",
    "drawn. Use it for clips that are chained, or shown without captions.",
    "",
    "Ten prompts, each in three orientations, twelve frames of four seconds. Captions are off here, so that",
    "the pictures have to speak for themselves.",
]

if __name__ == "__main__":
    sys.exit(main())
