"""Settings: a file, the environment and the keys that are kept, made into one frozen object.

The only reader of os.environ (but HTTP clients look up proxies and certificates in it themselves:
`rushes.engines.transports`), and the only room that knows where keys are.
"""

from rushes.settings.defaults import DEFAULTS, Defaults
from rushes.settings.loading import load, load_for_worker, places, read_anew, without_environment
from rushes.settings.settings import EngineSettings, McpSettings, Settings

__all__ = [
    "DEFAULTS",
    "Defaults",
    "EngineSettings",
    "McpSettings",
    "Settings",
    "load",
    "load_for_worker",
    "places",
    "read_anew",
    "without_environment",
]
