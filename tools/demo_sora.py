"""The whole Sora web flow, step by step, against the emulator: sign in, create, poll, drafts, MP4.

Everything is real but the service: a visible browser (on your screen, or on a virtual one), a form that a
scripted person fills in, one create from inside the page, the worker, the library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rushes.testing.screen import virtual_screen
from rushes.testing.sora_process import running_sora

HOME = Path(".cache/demo-sora").absolute()
WORDS = ["a paper boat sails down a rainy street at dusk, slow push in", "landscape", "small", "150"]
SPEED = 40.0
"""Seconds of the service in one of ours: its measured 170 for a clip of 10 s become 2 for one of 5 s."""

SETTINGS = """
[engines.sora-web]
base_url = "{base_url}"
ask_after = 0.3
"""


def main() -> int:
    started = time.monotonic()
    # A demonstration begins anew; nothing of it touches the library of whoever runs it.
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with ExitStack() as stack:
        log = HOME / "creates.jsonl"
        emulator = stack.enter_context(running_sora(log, speed=SPEED, footage="drawn"))
        tell(f"the emulator is up at {emulator.base_url} (its own page: {emulator.base_url}/emulator)")
        (HOME / "config.toml").write_text(SETTINGS.format(base_url=emulator.base_url))
        environ = {**os.environ, "RUSHES_HOME": str(HOME), "RUSHES_IDLE_S": "1"}
        screen = stack.enter_context(a_screen())
        tell(f"a browser opens on {'your screen' if screen is None else 'a virtual screen'}; "
             "a scripted person fills in the form")  # fmt: skip
        emulator.fault("scripted-person", 1)
        rushes(["sora", "login"], {**environ, **({"DISPLAY": screen} if screen else {})})
        tell("from now on no browser is seen: " + " ".join(["rushes create", repr(WORDS[0]), *WORDS[1:]]))
        rushes(["create", *WORDS, "--model", "sora-web/sy_8"], environ)
        tell(f"the service's own log: {len(emulator.log())} create")
    tell(f"done in {time.monotonic() - started:.0f} s; all of it is in {HOME}")
    return 0


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
    print(f"\n→ {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # It has said itself what was wrong.
        sys.exit(error.returncode)
