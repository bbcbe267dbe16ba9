"""Transcripts of an agent that looks at clips through `rushes look`, and what it is shown today.

A transcript is JSON: `film` (of tests.media.films), `runs` (the words of the command, FILM standing for the
file), `reads` (the lines it printed), `sees` (its pictures, each tile as 8 by 4 mean grey levels in hex),
`says` (what the agent answered, having read the lines and looked at the pictures) and `finds` (that answer as
data: fault, from, to; null for no fault).

`python -m tests.agents.transcript FOLDER` shows today's films to an agent: it leaves the pictures in FOLDER
and writes `reads` and `sees` anew. What the agent says and finds is for the agent to write. That of
faults.json saw lines, pictures and the skill's guide, unnamed and in another order, and nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from rushes.media.grid import best_grid, fit
from tests.cli.terminal import Terminal
from tests.media import films
from tests.media.footage import pixels

RECORDED = Path(__file__).parent / "faults.json"
ASPECT = films.WIDTH / films.HEIGHT
ACROSS, DOWN = 8, 4


def read() -> list[dict[str, Any]]:
    """Return the recorded transcripts."""
    recorded: list[dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return recorded


def shown(transcript: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    """Run a transcript's command in a fresh home and return what an agent reads and sees there."""
    film = films.write(terminal.home / f"{transcript['film']}.mp4", getattr(films, transcript["film"])())
    told = terminal.json(*(str(film) if word == "FILM" else word for word in transcript["runs"]))
    return {"reads": told["lines"], "sees": {name: tiles(Path(told[name])) for name in ("sheet", "bursts")}}


def tiles(sheet: Path) -> list[str]:
    """Return each tile of an overview, or of bursts of three to five rows, as the hex of its grey levels."""
    picture = pixels(sheet).mean(axis=2)
    layouts = [best_grid(12, ASPECT, films.WIDTH), *(fit(5, rows, ASPECT, films.WIDTH) for rows in (3, 4, 5))]
    grid = next(one for one in layouts if picture.shape == (one.size[1], one.size[0]))
    found = []
    for row in range(grid.rows):
        for column in range(grid.columns):
            left, top = grid.corner(column, row)
            tile = picture[top : top + grid.height, left : left + grid.width]
            parts = [np.array_split(band, ACROSS, axis=1) for band in np.array_split(tile, DOWN)]
            found.append(bytes(round(float(part.mean())) for band in parts for part in band).hex())
    return found


def levels(tiles: list[str]) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Return tiles as grey levels (tiles, parts)."""
    return np.array([list(bytes.fromhex(tile)) for tile in tiles], np.int16)


def main() -> None:
    folder = Path(sys.argv[1])
    recorded = read()
    for transcript in recorded:
        home = folder / transcript["film"]
        home.mkdir(parents=True, exist_ok=True)
        transcript.update(shown(transcript, Terminal(home=home)))
    RECORDED.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
