"""Doubles that we ship: a provider that misbehaves on demand, its engine, and what every engine must pass."""
