"""The small program that a worker runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines.animatic.clips import decoded

PROGRAM = [sys.executable, "-m", "rushes.engines.animatic.render"]


def _order(folder: Path, **changes: Any) -> dict[str, Any]:
    order = {"prompt": "sea", "seconds": 0.5, "width": 128, "height": 72, "seed": 1, "audio": True}
    rest = {"first_frame": None, "last_frame": None, "caption": True, "destination": str(folder / "clip.mp4")}
    return {**order, **rest, **changes}


def _run(line: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the program on one line of input that stays open; return its status and answers."""
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(line + "\n")
        child.stdin.flush()
        answers = [json.loads(answer) for answer in child.stdout]
        return child.wait(30), answers


def test_an_order_is_answered_in_json_lines(tmp_path: Path) -> None:
    """Progress rises to 1, then comes the answer; the clip is there and nothing else."""
    status, answers = _run(json.dumps(_order(tmp_path)))
    fractions = [answer["progress"] for answer in answers[:-1]]
    assert status == 0
    assert answers[-1] == {"answer": str(tmp_path / "clip.mp4")}
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert len(decoded(tmp_path / "clip.mp4")) == 15


def test_the_end_of_input_ends_the_program(tmp_path: Path) -> None:
    """When its parent is gone it stops at once and leaves no file behind."""
    order = _order(tmp_path, seconds=60, width=640, height=360)
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
        assert b"progress" in child.stdout.readline()
        assert list(tmp_path.iterdir()) != []
        child.stdin.close()
        assert child.wait(60) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", ""),
        ("[]", "not a JSON object"),
        ('{"prompt": "sea"}', "missing"),
        (json.dumps({**_order(Path("/nowhere")), "extra": 1}), "extra"),
        (json.dumps(_order(Path("/nowhere"))), "/nowhere"),
        (json.dumps(_order(Path("/tmp"), seconds="long")), "seconds"),
        (json.dumps(_order(Path("/tmp"), width=True)), "width"),
        (json.dumps(_order(Path("/tmp"), first_frame="/nowhere/a.png")), "a.png"),
    ],
)
def test_bad_input_is_an_error_line(line: str, says: str) -> None:
    """What is wrong is said in one line, with exit status 1."""
    status, answers = _run(line)
    assert status == 1
    assert list(answers[-1]) == ["error"]
    assert says in answers[-1]["error"]["message"]
