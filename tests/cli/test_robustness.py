"""What went wrong once, or could have: each of these must not cost a clip, money or a person's patience."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import replace
from pathlib import Path

from rushes.testing.process import running
from tests.cli.terminal import QUICK, Terminal


def test_a_removed_clip_is_made_again(terminal: Terminal) -> None:
    """After `remove` the same words are a new job; the old one says that its clip was removed."""
    first = terminal.json("create", "a forest", *QUICK)
    terminal.json("remove", first["clips"][0]["id"], "--yes")
    told = terminal.run("wait", first["job"]["id"])
    second = terminal.json("create", "a forest", *QUICK)

    assert "was removed" in told.out
    assert second["job"]["id"] != first["job"]["id"]
    assert len(second["clips"]) == 1


def test_bytes_that_are_no_text_are_refused(terminal: Terminal) -> None:
    """A prompt with a byte that is not UTF-8 is refused before anything is stored."""
    words = [os.fsencode(word) for word in terminal.command("create")] + [b"a forest \xff x"]
    done = subprocess.run(words, env=terminal.environ, capture_output=True, timeout=60)

    assert done.returncode == 2
    assert b"UTF-8" in done.stderr
    assert terminal.json("jobs") == []


def test_brackets_in_a_prompt_do_not_break_the_bar(terminal: Terminal) -> None:
    """What looks like markup in a prompt is shown as it is."""
    parent, child = pty.openpty()
    words = terminal.command("create", "a boat [/b] [red]x", *QUICK)
    running_command = subprocess.Popen(words, env=terminal.environ, stdin=child, stdout=child, stderr=child)
    os.close(child)
    shown = b""
    while True:
        try:
            shown += os.read(parent, 65536)
        except OSError:
            break

    assert running_command.wait() == 0
    assert b"mistake" not in shown


def test_a_torn_progress_file_is_replaced(terminal: Terminal) -> None:
    """Progress may be lost: a damaged file of it keeps nothing from working."""
    terminal.json("jobs")
    for file in terminal.home.glob("ledger.progress*"):
        file.unlink()
    (terminal.home / "ledger.progress").write_bytes(os.urandom(5000))

    assert terminal.json("create", "a forest", *QUICK)["job"]["state"] == "completed"


def test_files_of_the_working_folder_are_not_run(terminal: Terminal) -> None:
    """A `secrets.py` where a command is called is not what the worker imports."""
    (terminal.home / "secrets.py").write_text("raise SystemExit('run by mistake')")
    environ = terminal.environ
    words = [str(Path(terminal.command()[0]).parent / "rushes"), "create", "a forest", *QUICK]
    done = subprocess.run(words, env=environ, cwd=terminal.home, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


def test_a_missing_key_concerns_its_engine_only(terminal: Terminal) -> None:
    """An engine whose key is not set says so when asked for, and keeps nothing else from working."""
    terminal.settings('[engines.lab]\nengine = "scripted"\nkey_env = "LAB_KEY_THAT_IS_NOT_SET"\n')
    made = terminal.run("create", "a forest", *QUICK, "--no-wait")
    asked = terminal.run("create", "a forest", "--model", "lab/free")
    path = terminal.run("config", "path")

    assert made.code == 0
    assert asked.code == 8
    assert "LAB_KEY_THAT_IS_NOT_SET" in asked.err
    assert path.code == 0


def test_a_mistake_in_the_settings_leaves_the_way_to_them(terminal: Terminal) -> None:
    """With a mistake in it `config path` says where the file is, `doctor` names it, and `jobs` works."""
    terminal.settings("worker = 3\n")
    path = terminal.run("config", "path")
    doctor = terminal.run("doctor")
    jobs = terminal.run("jobs")

    assert path.out.strip() == str(terminal.home / "config.toml")
    assert (doctor.code, jobs.code) == (8, 0)
    assert "worker is 3" in doctor.out
    assert "Traceback" not in jobs.err + doctor.err


def test_settings_mended_while_a_worker_lives_are_taken_up(terminal: Terminal) -> None:
    """An engine and a key that come while a worker lives are used by that worker."""
    terminal = replace(terminal, variables={"RUSHES_IDLE_S": "60"})
    terminal.settings("")
    terminal.json("create", "a forest", *QUICK)
    worker = terminal.json("worker", "--status")["pid"]
    with running(terminal.home / "creates.log") as provider:
        engine = f'[engines.two]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n'
        terminal.settings(engine)
        answer = terminal.json("create", "late engine", "--model", "two/free")
        provider.script("wrong key", create=[{"status": 401, "accept": False, "times": 1}])
        blocked = terminal.run("create", "wrong key", "--model", "two/free", "--json")
        terminal.settings(engine + 'key = "the-right-one"\n')
        terminal.json("collect", blocked.json()["job"]["id"])
        mended = terminal.json("wait", blocked.json()["job"]["id"])

    assert terminal.json("worker", "--status")["pid"] == worker
    assert answer["job"]["state"] == "completed"
    assert blocked.code == 7
    assert mended["job"]["state"] == "completed"


def test_a_copy_that_cannot_be_put_is_refused_first(terminal: Terminal) -> None:
    """--out into something that is no folder is refused before a job is stored."""
    (terminal.home / "file").touch()
    said = terminal.run("create", "a forest", *QUICK, "--out", str(terminal.home / "file" / "clip.mp4"))

    assert said.code == 2
    assert "is a file, not a folder" in said.err
    assert terminal.json("jobs") == []


def test_python_and_terminal_ask_for_the_same_thing(terminal: Terminal) -> None:
    """5 and 5.0 seconds are one request, whichever door it comes through."""
    from rushes.domain.request import VideoRequest
    from rushes.jobs.admission import digest

    whole, real = (VideoRequest(prompt="x", seconds=one) for one in (5, 5.0))

    assert digest(whole, 0) == digest(real, 0)


def test_nothing_is_no_bound_for_an_unknown_price(terminal: Terminal) -> None:
    """--max-usd 0 does not walk past the budget where the price is not known."""
    terminal.settings('[engines.lab]\nengine = "scripted"\n')
    said = terminal.run("create", "x", "--model", "lab/unpriced", "--max-usd", "0")

    assert said.code == 6
    assert terminal.json("jobs") == []


def test_a_worker_that_does_not_start_is_said(terminal: Terminal, tmp_path: Path) -> None:
    """Where every worker dies at its start, watching ends with an error that shows its log."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'worker' in sys.orig_argv:\n"
        "    print('no room for a worker', file=sys.stderr, flush=True)\n"
        "    os._exit(3)\n"
    )
    done = subprocess.run(
        terminal.command("create", "a forest", *QUICK),
        env={**terminal.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 8
    assert "no room for a worker" in done.stderr
    assert "the jobs are safe" in done.stderr
    assert terminal.json("jobs")[0]["job"]["state"] != "failed"
