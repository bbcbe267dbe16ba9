"""What is to be seen in a 20 s 1080p clip against ffmpeg's filters for the same."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, command, paired
from bench.sheet import noisy_clip


def run() -> Iterator[Row]:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        yield Row(what="observation", told="no ffmpeg here", aim="≤ 1×", reached=False)
        return
    with tempfile.TemporaryDirectory() as name:
        clip = noisy_clip(Path(name) / "clip.mp4")
        program = "import sys; from rushes.media.watch import observe; observe(sys.argv[1])"
        ours = [sys.executable, "-c", program, str(clip)]
        seen = "blackdetect=d=0.1,freezedetect=d=0.5,select='gt(scene,0.3)',metadata=print:file=-"
        theirs = [ffmpeg, "-nostdin", "-i", str(clip), "-vf", seen, "-f", "null", "-"]
        a, b, ratio = paired(command(ours), command(theirs), 5)
    yield Row(
        what="what is to be seen in 20 s of 1080p, whole process, against the ffmpeg CLI's filters",
        told=f"{ratio:.2f}× ({a:.2f} s against {b:.2f} s)",
        aim="≤ 1×",
        reached=ratio <= 1.0,
    )
