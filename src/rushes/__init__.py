"""rushes: words and pictures in, a verified clip on disk out, paid for once.

import rushes
clip = rushes.generate("a paper boat sails down a rainy street at dusk", seconds=5)
print(clip.path, clip.sheet)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushes.domain.clip import Clip
    from rushes.domain.errors import RushesError
    from rushes.domain.job import Job, JobState
    from rushes.domain.request import Reference, Role, Shot, VideoRequest
    from rushes.studio import Studio, generate

__version__ = "0.1.0"

_HOMES = {
    "Clip": "rushes.domain.clip",
    "Job": "rushes.domain.job",
    "JobState": "rushes.domain.job",
    "Reference": "rushes.domain.request",
    "Role": "rushes.domain.request",
    "RushesError": "rushes.domain.errors",
    "Shot": "rushes.domain.request",
    "Studio": "rushes.studio",
    "VideoRequest": "rushes.domain.request",
    "generate": "rushes.studio",
}

__all__ = [
    "Clip",
    "Job",
    "JobState",
    "Reference",
    "Role",
    "RushesError",
    "Shot",
    "Studio",
    "VideoRequest",
    "generate",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `import rushes` and `rushes --help` cost nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'rushes' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
