"""The fonts that come with the package."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from importlib.resources import files

from rushes.engines.animatic.faces import FOLDER, FONTS


def test_every_font_is_there_with_its_licence_and_its_sum() -> None:
    """The package holds just the fonts that are used, as its list says, each under a licence beside it."""
    told = (FOLDER / "README.md").read_text("utf-8")
    sums = dict(re.findall(r"^([0-9a-f]{64})  (\S+)\.ttf$", told, re.M))
    held = {hashlib.sha256(file.read_bytes()).hexdigest(): file.stem for file in FOLDER.glob("*.ttf")}
    assert sorted(held.values()) == sorted(FONTS)
    assert sums == held
    for name in FONTS:
        row = next(line for line in told.splitlines() if line.startswith(f"| {name}.ttf |"))
        licence = re.search(r"\((\S+\.txt)\)", row)
        assert licence
        assert (FOLDER / licence[1]).is_file()
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 12_000_000


def test_fonts_travel_with_the_package() -> None:
    """They lie inside of the package, where a wheel takes them from."""
    assert (files("rushes") / "engines" / "animatic" / "fonts" / "OFL.txt").is_file()


def test_only_a_renderer_pays_for_fonts() -> None:
    """Starting the command line, or the engine, loads neither HarfBuzz nor a font."""
    code = (
        "import sys, rushes.cli.main, rushes.engines.animatic.engine, rushes.engines.animatic.reading;"
        "print('uharfbuzz' in sys.modules, 'rushes.engines.animatic.faces' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]
