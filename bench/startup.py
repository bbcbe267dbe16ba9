"""How long a command takes that only says something."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, command, paired


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as home:
        environ = {"RUSHES_HOME": home}
        # The installed scripts, as a person calls them: both start through the same small wrapper.
        rushes = str(Path(sys.executable).parent / "rushes")
        llm = Path(".venv-bench/bin/llm")
        bare = command([sys.executable, "-c", "pass"])
        helped = command([rushes, "--help"], environ)
        if llm.exists():
            a, b, ratio = paired(helped, command([str(llm), "--help"], {"LLM_USER_PATH": home}), 15)
            yield Row(
                what="`rushes --help` against `llm --help`",
                told=f"{ratio:.2f}× ({a * 1000:.0f} ms against {b * 1000:.0f} ms)",
                aim="≤ 0.5×",
                reached=ratio <= 0.5,
            )
        else:
            yield Row(what="`rushes --help`", told="no llm here", aim="≤ 0.5× llm", reached=False)
        for words in (["--help"], ["jobs"]):
            a, b, ratio = paired(command([rushes, *words], environ), bare, 15)
            yield Row(
                what=f"`rushes {words[0]}` against `python -c pass`",
                told=f"{ratio:.1f}× ({a * 1000:.0f} ms against {b * 1000:.0f} ms)",
                aim="≤ 15×",
                reached=ratio <= 15,
            )
