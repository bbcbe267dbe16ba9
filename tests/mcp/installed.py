"""Other people's MCP clients, as `tools/mcp-clients` puts them there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".cache"
CLIENTS = CACHE / "mcp-clients"


def installed(path: Path, name: str) -> Path:
    """Return a path where it is there; skip the test where it is not, and fail it where CI has to have it."""
    if not path.exists():
        missing = f"{name} is not installed: tools/mcp-clients does it"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def sdk(version: str) -> Path:
    """Return the Python of an environment with one version of the official SDK."""
    return installed(CLIENTS / f"sdk-{version}" / "bin" / "python", f"the SDK mcp {version}")


def node() -> Path:
    """Return a Node.js that is new enough: ours where it was needed, else this machine's."""
    ours = CACHE / "node" / "bin" / "node"
    return ours if ours.exists() else Path("node")


def program(name: str) -> Path:
    """Return a program out of an npm package."""
    return installed(CLIENTS / "node_modules" / ".bin" / name, name)


def ran(*command: Path | str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command], env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
