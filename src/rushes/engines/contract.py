"""What an engine must do, and the words it answers in. `jobs` knows this file and no engine.

An engine never retries its paid create and never decides what happens next: it says what it saw, with the
classes of `rushes.domain.errors`, and the pipeline decides. Anything that `submit` raises and that is not
one of `NotDelivered`, `Busy`, `Refused`, `Blocked`, `BadInput` and `SetupError` is taken as an unknown
outcome; where the create goes through `rushes.engines.http.create_client`, only what is raised after a
request has left, and a mistake before that is a set-up error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from rushes.domain.address import host_of, is_public
from rushes.domain.errors import BadInput, Refused
from rushes.domain.model import Model
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest
from rushes.domain.text import one_line
from rushes.domain.understanding import Understanding

if TYPE_CHECKING:
    import httpx

MOST_RESULTS = 4
"""Files that one job can bring in. A job is one clip: rushes never orders several at once, and services that
make variants of one, by their own default or by an engine's own settings, make up to four."""

LONGEST_ADDRESS = 300
"""Characters of an address that are told."""

MOST_SOURCES = 12
"""Places that are tried for one file."""

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
    """One answer to a poll. `ask_after` in seconds; `cost` what was charged, where the provider tells.

    `unknown_word` is the provider's own word for its state if the engine does not know it: the render then
    counts as running, but not forever. A word that comes with an error is a failure, whatever it says.
    `missing` says in words that the provider shows no such render, or none of its files ("the service does
    not list it"): it may be listed late, and counts as lost after the engine's `missing_after`.
    """

    state: RenderState
    fraction: float | None = None
    queue_position: int | None = None
    ask_after: float | None = None
    error: str | None = None
    content_refused: bool = False
    cost: Decimal | None = None
    unknown_word: str | None = None
    missing: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Source:
    """One place to get a result's bytes from: a `url`, a `file` on this disk, or the `data` itself.

    A `data:` URL holds the bytes itself. `headers` are sent to the URL's own origin only, never after a
    redirect elsewhere. A `disposable` file may be moved away rather than copied. `label` is the provider's
    own word for this version of the file. `trusted_hosts` are set by the edge of the contract: the names that
    the settings give to the service, wherever those lead.

    No engine fetches a file to see whether it is there: some servers deliver it only once. If a server may
    name the file's address in an answer in place of the file, `read_answer` reads that answer. It returns the
    further places to try, none if the other candidates are enough, or raises what else the answer means. It
    is called from a thread, and not for refusals of a place that `url` redirects to.
    """

    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    data: bytes | None = None
    disposable: bool = False
    label: str = ""
    read_answer: Callable[[httpx.Response], Sequence[Source]] | None = None
    trusted_hosts: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        # Of a URL neither the signature nor, in a data: URL, the megabytes.
        return f"<Source {self}>"

    def __str__(self) -> str:
        if self.url and self.url[:5].lower() == "data:":
            return f"a data: address of {len(self.url):,} bytes"
        if self.url:
            return one_line(self.url.split("?", 1)[0], LONGEST_ADDRESS)
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


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The person who is signed in at a service: a fingerprint of who that is there, and the name to show."""

    fingerprint: str
    name: str


@runtime_checkable
class Engine(Protocol):
    """Our adapter for one protocol. A configured instance has its own `name` and `account`."""

    @property
    def name(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def recovery(self) -> Recovery: ...
    @property
    def post_timeout(self) -> float: ...
    @property
    def list_delay(self) -> float: ...
    @property
    def missing_after(self) -> float: ...
    @property
    def key_lifetime(self) -> float: ...
    @property
    def signed_in(self) -> SignedIn | None: ...
    @property
    def in_private_network(self) -> bool: ...

    async def prepare(self, request: VideoRequest, model: str) -> Prepared: ...
    async def connect(self) -> None: ...
    async def submit(self, prepared: Prepared, *, key: str) -> Accepted: ...
    async def poll(self, ticket: Ticket) -> Progress: ...
    async def results(self, ticket: Ticket) -> Sequence[Result]: ...
    async def cancel(self, ticket: Ticket) -> CancelOutcome: ...
    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]: ...
    async def quote(self, request: VideoRequest, model: str) -> Quote | None: ...
    async def list_models(self) -> Sequence[Model] | None: ...
    async def check(self) -> str: ...
    async def aclose(self) -> None: ...
    def ticket(self, text: str) -> Ticket: ...


class SharedEngine(Engine, Protocol):
    """An engine that several jobs use: it counts the calls under way, and is closed when there are none."""

    @property
    def calls(self) -> int: ...


class BaseEngine:
    """Defaults, so that a new engine is a dozen lines: write `submit`, `poll` and `results`.

    `models` are those the engine brings itself, `packages` what it imports only when it is used; `settings`
    is its own table of the settings file.
    In seconds: `post_timeout` bounds the create, `list_delay` says how late the service may list what it
    accepted, `missing_after` how long that may be missing before it counts as lost, `key_lifetime` how long
    the service remembers a key.
    """

    recovery: Recovery = Recovery.ASK
    models: ClassVar[Sequence[Model]] = ()
    packages: ClassVar[Sequence[str]] = ()
    post_timeout: float = 60.0
    list_delay: float = 5.0
    missing_after: float = 600.0
    key_lifetime: float = 86_400.0

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.settings = settings
        self.account = str(settings.get("account", "default"))

    @property
    def signed_in(self) -> SignedIn | None:
        """Who is signed in and pays, if a person signs in to this service; asked often, nothing is sent."""
        return None

    @property
    def in_private_network(self) -> bool:
        """Whether an address in its settings is of a private network: only then may its files be there."""
        return any(not is_public(host) for host in self._hosts())

    @property
    def public_hosts(self) -> frozenset[str]:
        """The names in its settings that look public, and may lead into a private network all the same."""
        return frozenset(host for host in self._hosts() if is_public(host))

    def _hosts(self) -> Iterator[str]:
        """Yield the hosts of the service by its settings: a proxy on the way to it is none."""
        for name, value in self.settings.items():
            is_address = isinstance(value, str) and value.startswith(("http://", "https://"))
            if is_address and not name.startswith("proxy"):
                yield host_of(value)

    @classmethod
    def understand(cls, request: VideoRequest) -> Understanding | None:
        """Return what of the prompt will be seen, if the engine can tell before it begins.

        Called without an engine, often, and with nothing set up: it reads the request and nothing else.
        """
        return None

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        return Prepared(request=request, model=model)

    async def connect(self) -> None:
        """Make what a create needs: clients, certificates, headers. Nothing is sent.

        Called after `prepare`, before the create counts as sent. Raises SetupError, which names what has to
        be corrected.
        """
        return None

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
