"""The error tree: every class can be raised bare, whoever wrote it and however Python was started."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rushes.domain.errors import RushesError, error_classes, name_job

EVERY_CLASS = '''
from rushes.domain.errors import BadInput, QuotaExhausted, RushesError, error_classes

class OutOfCredits(QuotaExhausted):
    pass

class Blank(BadInput):
    """ 
    """

for cls in error_classes():
    try:
        raise cls
    except RushesError as error:
        print(f"{cls.__name__}: {error.message}")
'''


@pytest.mark.parametrize("option", ["-OO", "-O", "-B"])
def test_every_class_can_be_raised_bare(option: str) -> None:
    """Without docstrings (python -OO), or of another maker, an error still says in words what it is (B8)."""
    done = subprocess.run(
        [sys.executable, option, "-c", EVERY_CLASS], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    # Not those of engines, which other tests of this process may have loaded.
    ours = {cls.__name__ for cls in error_classes() if cls.__module__ == RushesError.__module__}
    assert set(said) == ours | {"OutOfCredits", "Blank"}
    assert all(message.strip() for message in said.values())
    assert said["OutOfCredits"] == said["QuotaExhausted"]
    assert said["Blank"] == said["BadInput"]
    if option == "-OO":
        assert (said["Superseded"], said["QuotaExhausted"]) == ("superseded", "quota exhausted")


def test_an_advice_about_a_job_names_it() -> None:
    """Wherever the advice of a class says ID, the id takes its place, and nothing else is changed."""
    advices = [cls.next for cls in error_classes() if " ID" in cls.next]
    filled = [name_job(advice, "j1") for advice in advices]

    assert len(advices) > 10
    assert [one for one in filled if "ID" in one] == []
    assert [one.replace("j1", "ID") for one in filled] == advices
    assert name_job("sign in with your ID first", "j1") == "sign in with your ID first"
