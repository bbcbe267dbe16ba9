"""A process that has imported all that a worker with the Sora web engine needs, and forks workers.

The commands are those of `tests.jobs.zygote`.
"""

from __future__ import annotations

import importlib

from tests.jobs import zygote

MORE = ("playwright.async_api", "rushes.engines.sora_web.engine")
"""What a worker imports for this engine."""

if __name__ == "__main__":
    for name in MORE:
        importlib.import_module(name)
    zygote.main()
