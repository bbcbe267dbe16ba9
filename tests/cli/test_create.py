"""`rushes create`, from words to a clip on disk."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.cli.terminal import QUICK, Terminal


def test_the_answer_names_a_clip_that_decodes_and_a_sheet(stocked: Terminal) -> None:
    """The MP4 and the contact sheet that the answer names are there and are what it says they are."""
    answer = stocked.json("create", "a lighthouse in a storm at night", *QUICK, "--seed", "7")
    clip = answer["clips"][0]

    with av.open(clip["path"]) as container:
        frames = sum(1 for _ in container.decode(video=0))
    with Image.open(clip["sheet"]) as sheet:
        shape = sheet.size

    assert frames == 30
    assert (clip["seconds"], clip["width"], clip["height"], clip["fps"]) == (1.0, 854, 480, 30.0)
    assert (clip["video_codec"], clip["audio_codec"], clip["lint"]) == ("h264", "aac", [])
    assert max(shape) <= 1568
    assert Path(clip["path"]).stat().st_size == clip["bytes"]


def test_the_shape_of_the_answer_is_the_documented_one(stocked: Terminal) -> None:
    """`create --json` prints one object and nothing else on stdout: job, clips, copies, cost and error, and
    for a storyboard what it understood."""
    answer = stocked.json("create", "a lighthouse in a storm at night", *QUICK, "--seed", "7")

    told = {"understood", "not_drawn", "assumed"}
    assert set(answer) == {"job", "clips", "copies", "cost", "error"} | told
    assert {"id", "state", "model", "request", "created_at"} <= set(answer["job"])
    assert set(answer["cost"]) == {"amount", "currency", "known", "basis"}
    assert {"facts", "sha256", "sheet", "lint"} <= set(answer["clips"][0])
    assert answer["error"] is None
    assert answer["cost"] == {"amount": "0", "currency": "USD", "known": True, "basis": "free"}


def test_the_same_words_again_are_the_same_job(stocked: Terminal) -> None:
    """A second identical create is answered with the first job, and says so."""
    first = stocked.json("create", "a lighthouse in a storm at night", *QUICK, "--seed", "7")
    second = stocked.run("create", "a lighthouse in a storm at night", *QUICK, "--seed", "7", "--json")

    assert second.json()["job"]["id"] == first["job"]["id"]
    assert re.search(r"already made \d+ \S+ ago \(free\), no new charge; --again makes another", second.err)


def test_again_makes_another(terminal: Terminal) -> None:
    """With --again the same words are a new job."""
    first = terminal.json("create", "a forest in fog", *QUICK, "--no-wait")
    second = terminal.json("create", "a forest in fog", *QUICK, "--no-wait", "--again")

    assert first["job"]["id"] != second["job"]["id"]


def test_count_makes_that_many_jobs_of_one_clip(terminal: Terminal) -> None:
    """--count 2 stores two jobs with different seeds and gives a list."""
    answers = terminal.json("create", "a forest in fog", *QUICK, "--count", "2", "--no-wait")

    assert len({one["job"]["id"] for one in answers}) == 2
    assert len({one["job"]["request"]["seed"] for one in answers}) == 2


def test_the_positional_form_is_the_long_form(terminal: Terminal) -> None:
    """PROMPT portrait small 60 asks for what --aspect 9:16 --resolution 480p --seconds 2 asks for."""
    short = terminal.json("create", "a forest", "portrait", "small", "60", "--no-wait")
    words = ("--aspect", "9:16", "--resolution", "480p", "--seconds", "2")
    long = terminal.json("create", "a forest", *words, "--no-wait")

    assert short["job"]["id"] == long["job"]["id"]
    assert short["job"]["request"]["seconds"] == 2.0


def test_a_key_is_the_same_job_and_conflicts_with_other_words(terminal: Terminal) -> None:
    """The caller's own key answers with its job; with other words it is a conflict that names the job."""
    first = terminal.json("create", "a forest", *QUICK, "--key", "shot-1", "--no-wait")
    second = terminal.json("create", "a forest", *QUICK, "--key", "shot-1", "--no-wait")
    other = terminal.run("create", "a desert", *QUICK, "--key", "shot-1", "--no-wait", "--json")

    assert first["job"]["id"] == second["job"]["id"]
    assert other.code == 2
    assert other.json()["error"]["code"] == "key_conflict"
    assert first["job"]["id"] in other.json()["error"]["message"]


def test_no_wait_returns_and_the_clip_is_made(terminal: Terminal) -> None:
    """--no-wait exits with 0 once the job is stored; the worker makes the clip without anybody watching."""
    stored = terminal.run("create", "mountains in snow", *QUICK, "--no-wait", "--json")
    waited = terminal.json("wait", stored.json()["job"]["id"])

    assert stored.code == 0
    assert stored.json()["clips"] == []
    assert waited["job"]["state"] == "completed"


def test_a_timeout_is_not_a_cancel(terminal: Terminal) -> None:
    """When --timeout runs out the exit code is 3 and the job goes on to its clip."""
    said = terminal.run("create", "the sea at dawn", "--seconds", "2", "--timeout", "0.1", "--json")
    id = said.json()["job"]["id"]

    assert said.code == 3
    assert f"rushes wait {id}" in said.err
    assert terminal.json("wait", id)["job"]["state"] == "completed"


def test_ctrl_c_stops_the_watching_only(terminal: Terminal) -> None:
    """After Ctrl-C the command says how to come back, and the job goes on."""
    watching = subprocess.Popen(
        terminal.command("create", "a street in rain", *QUICK, "--json"),
        env=terminal.environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert watching.stderr is not None
    told = watching.stderr.readline()
    id = told.split()[1]
    watching.send_signal(signal.SIGINT)
    _, rest = watching.communicate(timeout=30)

    assert watching.returncode == 130
    assert f"rushes wait {id}" in rest
    assert "Traceback" not in rest
    assert terminal.json("wait", id)["job"]["state"] == "completed"


def test_out_puts_a_copy_where_it_is_wanted(terminal: Terminal) -> None:
    """--out FILE is the very clip, also for whoever asks a second time under another name."""
    out = terminal.home / "made" / "boat.mp4"
    answer = terminal.json("create", "a boat at sea", *QUICK, "--out", str(out))
    again = terminal.home / "boat2.mp4"
    terminal.json("create", "a boat at sea", *QUICK, "--out", str(again))

    assert out.read_bytes() == Path(answer["clips"][0]["path"]).read_bytes()
    assert again.read_bytes() == out.read_bytes()


def test_a_reference_changed_after_submit_does_not_matter(terminal: Terminal, tmp_path: Path) -> None:
    """The first frame is copied by hash at submit: the clip begins with what was handed in."""
    picture = tmp_path / "first.png"
    Image.new("RGB", (854, 480), (200, 30, 30)).save(picture)
    stored = terminal.json("create", "hold, static", *QUICK, "--first-frame", str(picture), "--no-wait")
    Image.new("RGB", (854, 480), (30, 30, 200)).save(picture)
    answer = terminal.json("wait", stored["job"]["id"])

    with av.open(answer["clips"][0]["path"]) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    red, _, blue = first[200:240, 400:440].reshape(-1, 3).mean(axis=0)

    assert red > 150 > 80 > blue


def test_a_terminal_shows_a_bar(terminal: Terminal) -> None:
    """On a terminal a bar with the job's id and state is drawn, and the paths come after it."""
    parent, child = pty.openpty()
    running = subprocess.Popen(
        terminal.command("create", "a forest at dawn", *QUICK),
        env={**terminal.environ, "TERM": "xterm", "COLUMNS": "120"},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    shown = b""
    while running.poll() is None or shown == b"":
        try:
            shown += os.read(parent, 65536)
        except OSError:
            break
    text = shown.decode()

    assert running.wait() == 0
    assert "running" in text
    assert "━" in text
    after_the_bar = text.rpartition("━")[2]
    assert any(line.rstrip().endswith("animatic/storyboard") for line in after_the_bar.splitlines())


def test_a_prompt_may_come_from_standard_input(terminal: Terminal) -> None:
    """PROMPT "-" reads the words from stdin."""
    said = terminal.run("create", "-", *QUICK, "--no-wait", "--json", stdin="a quiet harbour")

    assert said.json()["job"]["request"]["prompt"] == "a quiet harbour"


def test_the_same_seed_makes_the_same_frames(terminal: Terminal) -> None:
    """Two jobs with one seed decode to the same frames."""
    from rushes.media.decode import decoded_sha256

    words = ("create", "a forest at dusk", *QUICK, "--seed", "11", "--no-audio")
    first = terminal.json(*words)
    second = terminal.json(*words, "--again")

    assert first["clips"][0]["path"] != second["clips"][0]["path"]
    assert decoded_sha256(first["clips"][0]["path"]) == decoded_sha256(second["clips"][0]["path"])


@pytest.mark.parametrize("command", ["create", "quote"])
def test_a_quote_is_shown_before_anything_is_made(terminal: Terminal, command: str) -> None:
    """The price and the model that will be used are told; the default model is said to be one."""
    extra = ("--no-wait",) if command == "create" else ()
    said = terminal.run(command, "a forest", *extra)

    assert "animatic/storyboard (nothing that generates video is set up" in said.out + said.err
    assert "free" in said.out + said.err


def test_a_quote_says_how_many_clips_are_meant(terminal: Terminal) -> None:
    """The number of takes is told also where they are free, and not where there is one."""
    one = terminal.run("quote", "a forest", *QUICK)
    four = terminal.run("quote", "a forest", *QUICK, "--count", "4")

    assert "4 × 1 s, 16:9, 480p" in four.out
    assert "×" not in one.out


def test_quote_sends_and_stores_nothing(terminal: Terminal) -> None:
    """After a quote there is no job."""
    terminal.json("quote", "a forest")

    assert terminal.json("jobs") == []


def test_json_is_alone_on_stdout(terminal: Terminal) -> None:
    """Diagnostics go to stderr, so stdout parses as it is."""
    said = terminal.run("create", "a forest", *QUICK, "--json")

    assert json.loads(said.out)["job"]["state"] == "completed"
    assert "completed" in said.err
