"""Tests of the skill for agents, the plugin and where both are installed."""
