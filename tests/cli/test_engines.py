"""Configured engines that cannot be used do not stand in the way of those that can."""

from __future__ import annotations

from tests.cli.terminal import QUICK, Terminal


def test_a_missing_engine_keeps_no_other_from_working(terminal: Terminal) -> None:
    """With an engine of an unknown kind configured, the embedded one works if it is named."""
    terminal.settings('[engines.lab]\nengine = "nosuch"\n')
    made = terminal.run("create", "a forest", *QUICK, "--no-wait", "--model", "animatic/storyboard")
    unnamed = terminal.run("create", "a forest", *QUICK, "--no-wait")
    asked = terminal.run("create", "a forest", "--model", "lab/one")
    doctor = terminal.run("doctor")

    assert made.code == 0
    assert asked.code == unnamed.code == 8
    assert "no engine of the kind 'nosuch' is installed" in asked.err
    assert unnamed.err == asked.err
    assert doctor.code == 8
    assert "engine lab" in doctor.out


def test_a_model_of_the_settings_file_is_listed(terminal: Terminal) -> None:
    """Models may be described in the settings file, and are checked and priced like shipped ones."""
    terminal.settings(
        '[engines.lab]\nengine = "scripted"\n'
        '[[engines.lab.models]]\nid = "long"\nseconds = { only = [4, 8] }\nprice = { per_clip = 0.5 }\n'
    )
    quote = terminal.json("quote", "a forest", "--model", "lab/long", "--seconds", "8")
    refused = terminal.run("quote", "a forest", "--model", "lab/long", "--seconds", "5")

    assert quote["quote"]["amount"] == "0.5000"
    assert refused.code == 2
    assert "allowed: 4, 8 s" in refused.err
    assert "--model animatic/storyboard could do it" in refused.err
