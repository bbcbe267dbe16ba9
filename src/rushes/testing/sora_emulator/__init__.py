"""The web service sora.chatgpt.com as it was last observed, in a server of our own.

`python -m rushes.testing.sora_emulator` prints its address as one line and serves its pages, its API and its
files until it is stopped. Its desk for people and tests is `/emulator`. From Python, `running_sora` in
`rushes.testing.sora_process` starts one and holds it. `FAULTS` is the table of all ways to misbehave.
"""

from rushes.testing.sora_emulator.fault_table import FAULTS, Fault
from rushes.testing.sora_emulator.server import serve

__all__ = ["FAULTS", "Fault", "serve"]
