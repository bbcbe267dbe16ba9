"""What an engine must do, and the words it answers in. `jobs` knows this file and no engine.

An engine never retries its paid create and never decides what happens next: it says what it saw, with the
classes of `rushes.domain.errors`, and the pipeline decides. Anything that `submit` raises and that is not
one of `NotDelivered`, `Busy`, `Refused`, `Blocked` is taken as an unknown outcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from rushes.domain.address import host_of, is_public
from rushes.domain.errors import BadInput, Refused
from rushes.domain.model import Model
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest

Ticket = dict[str, Any]
"""The provider's job handle: JSON-safe, opaque to everyone but its engine."""


class Recovery(StrEnum):
    """How an unknown outcome is settled.

    `REPLAY_KEY`: the service honours our key, so the create is sent again. `LOOKUP`: it can list what it
    accepted. `RERUN_FREE`: it is local and free, so it is made again. `ASK`: only a person can tell.
    """

    REPLAY_KEY = "replay_key"
    LOOKUP = "lookup"
    RERUN_FREE = "rerun_free"
    ASK = "ask"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request made ready to send: `uploads` maps a reference's sha256 to whatever the create names.

    `notes` are stored with the attempt just before the create, and given back to `lookup`.
    """

    request: VideoRequest
    model: str
    uploads: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The provider took it. `quoted_cost` in the quote's currency; `facts` are kept with the job."""

    ticket: Ticket
    warnings: tuple[str, ...] = ()
    quoted_cost: Decimal | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class RenderState(StrEnum):
    """What a provider says of a render."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One answer to a poll. `ask_after` in seconds; `cost` what was charged, where the provider tells."""

    state: RenderState
    fraction: float | None = None
    queue_position: int | None = None
    ask_after: float | None = None
    error: str | None = None
    content_refused: bool = False
    cost: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place to get a result's bytes from: a `url`, a `file` on this disk, or the `data` itself.

    `headers` are sent to the URL's own origin only, never after a redirect elsewhere. A `disposable` file
    may be moved away rather than copied. `label` is the provider's own word for this version of the file.
    """

    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    disposable: bool = False
    label: str = ""

    def __str__(self) -> str:
        if self.url:
            return self.url.split("?", 1)[0]
        return str(self.file) if self.file else f"{len(self.data or b''):,} bytes from the provider"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One file of a finished render: candidates in order of preference.

    `size` is (width, height) as promised, used to tell a preview from the real thing.
    """

    candidates: Sequence[Source]
    size: tuple[int, int] | None = None
    expires_at: datetime | None = None


class CancelOutcome(StrEnum):
    """What became of a wish to cancel."""

    CONFIRMED = "confirmed"
    REQUESTED = "requested"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Something the service accepted, found by `lookup`. `prompt` None: the list does not tell it."""

    ticket: Ticket
    created_at: datetime
    prompt: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A create whose outcome is not known: when it was sent, what for, and the `notes` of its Prepared."""

    request: VideoRequest
    model: str
    posted_at: datetime
    notes: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """Our adapter for one protocol. A configured instance has its own `name` and `account`."""

    name: str
    account: str
    recovery: Recovery
    post_timeout: float
    list_delay: float
    key_lifetime: float

    @property
    def in_private_network(self) -> bool: ...

    async def prepare(self, request: VideoRequest, model: str) -> Prepared: ...
    async def submit(self, prepared: Prepared, *, key: str) -> Accepted: ...
    async def poll(self, ticket: Ticket) -> Progress: ...
    async def results(self, ticket: Ticket) -> Sequence[Result]: ...
    async def cancel(self, ticket: Ticket) -> CancelOutcome: ...
    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]: ...
    async def quote(self, request: VideoRequest, model: str) -> Quote | None: ...
    async def check(self) -> str: ...
    async def aclose(self) -> None: ...


class BaseEngine:
    """Defaults, so that a new engine is a dozen lines: write `submit`, `poll` and `results`.

    `models` are those the engine brings itself, `packages` what it imports only when it is used; `settings`
    is its own table of the settings file.
    In seconds: `post_timeout` bounds the create, `list_delay` says how late a `lookup` may show it,
    `key_lifetime` how long the service remembers a key.
    """

    recovery: Recovery = Recovery.ASK
    models: ClassVar[Sequence[Model]] = ()
    packages: ClassVar[Sequence[str]] = ()
    post_timeout: float = 60.0
    list_delay: float = 5.0
    key_lifetime: float = 86_400.0

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.settings = settings
        self.account = str(settings.get("account", "default"))

    @property
    def in_private_network(self) -> bool:
        """Whether an address in its settings is of a private network: only then may its files be there."""
        told = (one for one in self.settings.values() if isinstance(one, str))
        return any(not is_public(host_of(one)) for one in told if one.startswith(("http://", "https://")))

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        return Prepared(request=request, model=model)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        raise Refused(f"the engine {self.name} cannot create clips")

    async def poll(self, ticket: Ticket) -> Progress:
        return Progress(state=RenderState.SUCCEEDED)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        return ()

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        return CancelOutcome.UNSUPPORTED

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        return ()

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        return None

    async def list_models(self) -> Sequence[Model] | None:
        """Return the models that the service offers now, at no cost; None: it offers no list."""
        return None

    async def check(self) -> str:
        """Return in a few words that the engine is ready, at no cost. Raises what keeps it from that."""
        return "ready"

    async def aclose(self) -> None:
        return None

    def ticket(self, text: str) -> Ticket:
        """Return the ticket that a person read off the provider's own pages: an id, or the ticket as JSON."""
        if not text.lstrip().startswith("{"):
            return {"id": text}
        try:
            found: Ticket = json.loads(text)
        except ValueError as error:
            raise BadInput(f"the ticket {text!r} is not JSON", next="give the provider's own id") from error
        return found
