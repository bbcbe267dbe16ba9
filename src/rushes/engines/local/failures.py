"""What went wrong in a render, in words: what happened, and what to do about it.

A render that failed is not put to a person as a blocked job: while one is blocked the others of its engine
wait, and what one model lacks another does not need.
"""

from __future__ import annotations

from collections.abc import Iterator

from rushes.domain.errors import RushesError, StorageError
from rushes.domain.extras import command_to_install
from rushes.engines.local.order import Order

LONGEST = 400
"""Characters of a foreign error that are passed on."""

MEMORY = ("not enough memory", "can't allocate memory", "out of memory")

UNREACHABLE = {"OfflineModeIsEnabled", "LocalEntryNotFoundError", "TransportError", "ConnectionError"}
"""Classes by name, of the hub's client and of whichever HTTP client it stands on."""


def explained(error: Exception, order: Order) -> str:
    """Return what kept an order from being rendered, and what to do."""
    if isinstance(error, StorageError):
        return f"{error.message}; {error.next}"
    if isinstance(error, RushesError):
        return error.message
    if isinstance(error, MemoryError) or any(word in str(error).lower() for word in MEMORY):
        return _out_of_memory(error, order)
    if isinstance(error, ImportError):
        cure = command_to_install(error.name.partition(".")[0]) if error.name else "install what it names"
        return f"{order.weights} needs a package that is not installed ({_short(error)}): {cure}"
    return _of_the_hub(error, order) or (
        f"{order.weights} could not be rendered: {type(error).__name__}: {_short(error)}"
    )


def _out_of_memory(error: Exception, order: Order) -> str:
    asked = f"{order.frames} frames of {order.width}x{order.height}"
    return (
        f"{order.weights} ran out of memory at {asked} ({_short(error)}). Ask for a lower --resolution or"
        ' fewer --seconds, or set offload = "model", then "sequential", for this engine in the settings file;'
        " other programs may hold memory of the GPU, too"
    )


def _of_the_hub(error: Exception, order: Order) -> str | None:
    """Return what is wrong where the weights could not be had; None: it is something else."""
    kinds = {cls.__name__ for one in _chain(error) for cls in type(one).__mro__}
    if "GatedRepoError" in kinds:
        return (
            f"the hub gives {order.weights} only to those who have accepted its terms: accept them on the"
            " model's page, then sign in with `hf auth login`"
        )
    if kinds & {"RepositoryNotFoundError", "HFValidationError"}:
        return (
            f"{order.weights} is no folder on this machine and no model on the hub that can be seen from"
            " here; correct its name in the settings file, or sign in with `hf auth login` if it is private"
        )
    if kinds & UNREACHABLE:
        return (
            f"{order.weights} is not on this machine, and the hub cannot be reached; run"
            f" `hf download {order.weights}` while online (with HF_HUB_OFFLINE unset)"
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
