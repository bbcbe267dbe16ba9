"""Whether anything of a create has left this machine: noted by our HTTP clients, read where it failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Delivery:
    """What is known of the calls of one block.

    `watched`: a client that `create_client` made is in use, so that nothing leaves unseen. `left`: the head
    of a request was handed to the network, for the service itself and not for a proxy on the way to it.
    """

    watched: bool = False
    left: bool = False

    @property
    def stayed_here(self) -> bool:
        """Whether it is certain that nothing was sent."""
        return self.watched and not self.left


_CURRENT: ContextVar[Delivery | None] = ContextVar("delivery", default=None)


@contextmanager
def observed() -> Iterator[Delivery]:
    """Give the Delivery of a block. What is noted in it counts for the block around it as well."""
    outer, own = _CURRENT.get(), Delivery()
    token = _CURRENT.set(own)
    try:
        yield own
    finally:
        _CURRENT.reset(token)
        if outer is not None:
            outer.watched |= own.watched
            outer.left |= own.left


def current() -> Delivery:
    """Return the Delivery of the innermost block; outside of any, one that nobody reads."""
    return _CURRENT.get() or Delivery()
