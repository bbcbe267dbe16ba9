"""The whole Sora web flow, step by step, against the emulator: sign in, create, poll, drafts, MP4.

Everything is real but the service: a visible browser (on your screen, or on a virtual one), the pages of a
sign-in that a scripted person walks through, one create from inside the page, the worker, the library. Site,
sign-in, sentinel and files have an origin each, by TLS where certutil can have the browser trust it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image, ImageDraw

from rushes.engines.sora_web import chromium
from rushes.testing.screen import virtual_screen
from rushes.testing.sora_process import running_sora
from rushes.testing.trust import CERTUTIL, trusting

HOME = Path(".cache/demo-sora").absolute()
WORDS = ["a paper boat sails down a rainy street at dusk, slow push in", "landscape", "small", "150"]
SPEED = 40.0
"""Seconds of the service in one of ours: its measured 170 for a clip of 10 s become 2 for one of 5 s."""

SETTINGS = """
[engines.sora-web]
base_url = "{base_url}"
browser = {browser}
ask_after = 0.3
"""


def main() -> int:
    started = time.monotonic()
    # Each run starts empty; nothing of it touches the library of whoever runs it.
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    program = json.dumps(str(chromium.find()))
    by_tls = sys.platform == "linux" and shutil.which(CERTUTIL) is not None
    with ExitStack() as stack:
        emulator = stack.enter_context(
            running_sora(
                HOME / "creates.jsonl",
                speed=SPEED,
                footage="drawn",
                faults=["scripted-person=0.7"],
                origins="several",
                tls=HOME / "tls" if by_tls else None,
            )
        )
        tell("1. The emulator of the service is up. Each part has an origin of its own:")
        for part, address in emulator.origins.items():
            print(f"     {part:9} {address}")
        (HOME / "config.toml").write_text(SETTINGS.format(base_url=emulator.base_url, browser=program))
        environ = {**os.environ, "RUSHES_HOME": str(HOME), "RUSHES_IDLE_S": "1"}
        if emulator.authority is not None:
            # Of the home of whoever runs it, only what shows a window there is kept.
            environ.setdefault("XAUTHORITY", str(Path.home() / ".Xauthority"))
            environ |= trusting(emulator.authority, HOME / "person")
        screen = stack.enter_context(a_screen())
        where = "your screen" if screen is None else "a virtual screen"
        tell(f"2. rushes sora login opens a browser on {where}. A scripted\n"
             "   person walks through the sign-in: address, password, code, consent.")  # fmt: skip
        rushes(["sora", "login"], {**environ, **({"DISPLAY": screen} if screen else {})})
        picture = draw_boat(HOME / "boat.png")
        wish = ["create", *WORDS, "--first-frame", str(picture), "--model", "sora-web/sy_8"]
        tell("3. No window from now on. The clip begins with a picture:\n"
             f"   rushes create {WORDS[0]!r} \\\n"
             f"     {' '.join(WORDS[1:])} --first-frame boat.png")  # fmt: skip
        rushes(wish, environ)
        tell(f"4. The service's own log has {len(emulator.log())} create.")
    tell(f"Done in {time.monotonic() - started:.0f} s. Everything is in {HOME}")
    return 0


def draw_boat(file: Path) -> Path:
    """Draw the first frame: a paper boat on water."""
    picture = Image.new("RGB", (1280, 720), "#2d4059")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 430, 1280, 720), fill="#1b2838")
    pen.polygon([(440, 400), (840, 400), (760, 500), (520, 500)], fill="#f4f1e8")
    pen.polygon([(640, 220), (540, 395), (740, 395)], fill="#fffdf6")
    picture.save(file)
    return file


@contextmanager
def a_screen() -> Iterator[str | None]:
    """Give the name of a virtual screen, None where there is a real one."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield None
        return
    with virtual_screen() as name:
        yield name


def rushes(words: list[str], environ: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "rushes", *words], env=environ, check=True)


def tell(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # The command has said what was wrong.
        sys.exit(error.returncode)
