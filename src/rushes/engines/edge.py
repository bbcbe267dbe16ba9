"""The edge of the contract: every engine that is made from the settings stands behind it.

What no engine should have to do, or can be relied on to do, is done here once: every call has its deadline,
texts are made safe, numbers held to their ranges, lists to their lengths, and what an engine raises is turned
into an error of ours. For a create, that error says whether anything left this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from typing import Any, TypeVar

import httpx

from rushes.domain.errors import (
    BadInput,
    BadSettings,
    Blocked,
    Busy,
    EngineFault,
    NotDelivered,
    OutcomeUnknown,
    Refused,
    RushesError,
    SetupError,
    Unreachable,
)
from rushes.domain.model import Model
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest
from rushes.domain.text import RAW_LIMIT, TextFilter
from rushes.engines.bodies import AnswerTooLarge
from rushes.engines.contract import (
    MOST_RESULTS,
    MOST_SOURCES,
    Accepted,
    Attempt,
    BaseEngine,
    CancelOutcome,
    Candidate,
    Prepared,
    Progress,
    Recovery,
    Result,
    SignedIn,
    Source,
    Ticket,
)
from rushes.engines.deadlines import DEADLINES_S, DeadlinePassed, bounded
from rushes.engines.delivery import Delivery, observed
from rushes.engines.http import raw
from rushes.engines.ranges import amount, count, frame_size, json_size, pause, share

Answer = TypeVar("Answer")

log = logging.getLogger("rushes.engines")

OWN_WORDS = 300
"""Characters of a foreign exception's own words that are told."""

MOST_WARNINGS = 20
MOST_CANDIDATES = 2_000
MOST_MODELS = 5_000
LONGEST_ID = 300
LARGEST_TICKET = 256 * 1024
LARGEST_FACTS = 64 * 1024
LARGEST_NOTES = 2 * 1024 * 1024
"""Of what an engine hands on to be kept, as characters of JSON. A local ticket is the whole order."""

REPORT_IT = "report it to the maker of the engine; rushes collect ID tries it again at once, free"


class GuardedEngine:
    """An engine (`adapter`) that ends in time, leaks no secret, and answers with nothing out of range.

    Speaks the contract itself. `text` knows the secrets in force. `watched` says that the engine made the
    client of its creates, by `create_client`, when it was made. `deadlines`, in seconds, by the names of the
    calls. `calls` counts those under way.
    """

    def __init__(
        self,
        adapter: BaseEngine,
        text: TextFilter,
        *,
        watched: bool = False,
        deadlines: Mapping[str, float] = DEADLINES_S,
    ) -> None:
        self.adapter = adapter
        self._deadlines = deadlines
        self._text = text
        self._watched = watched
        self.calls = 0

    # Asked anew each time: an engine may learn only later how it recovers.

    @property
    def name(self) -> str:
        return self.adapter.name

    @property
    def account(self) -> str:
        return self.adapter.account

    @property
    def recovery(self) -> Recovery:
        return self.adapter.recovery

    @property
    def post_timeout(self) -> float:
        return self.adapter.post_timeout

    @property
    def list_delay(self) -> float:
        return self.adapter.list_delay

    @property
    def missing_after(self) -> float:
        return self.adapter.missing_after

    @property
    def key_lifetime(self) -> float:
        return self.adapter.key_lifetime

    @property
    def signed_in(self) -> SignedIn | None:
        return self.adapter.signed_in

    @property
    def in_private_network(self) -> bool:
        return self.adapter.in_private_network

    def ticket(self, text: str) -> Ticket:
        return self.adapter.ticket(text)

    # --- creating ---

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        with self._guarded("preparing the request; nothing was sent"):
            prepared = await self._in_time("prepare", self.adapter.prepare(request, model))
            if (json_size(prepared.notes) or 0) > LARGEST_NOTES:
                raise ValueError(f"it notes more than {LARGEST_NOTES:,} characters")
            return prepared

    async def connect(self) -> None:
        """Have the engine make what a create needs; a mistake of its own in this is a SetupError."""
        with self._guarded("getting ready to send; nothing was sent", SetupError):
            await self._in_time("connect", self.adapter.connect())

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create. Raises OutcomeUnknown only where something may have left this machine."""
        with self._counted(), observed() as delivery:
            delivery.watched = self._watched
            try:
                accepted = await bounded(self.adapter.submit(prepared, key=key), self.post_timeout)
                return self._accepted(_checked(accepted, Accepted))
            except DeadlinePassed as error:
                raise self._create_overdue(error, delivery) from error
            except RushesError as error:
                meant = self._create_failed(error, delivery)
                if meant is error:
                    raise
                raise meant from error
            except Exception as error:
                raise self._create_broke(error, delivery) from error
            finally:
                self._watched |= delivery.watched

    def _accepted(self, accepted: Accepted) -> Accepted:
        if (json_size(accepted.ticket) or 0) > LARGEST_TICKET:
            raise OutcomeUnknown(
                f"the provider accepted it under a name of more than {LARGEST_TICKET:,} characters",
                raw=self._text.block(str(accepted.ticket), RAW_LIMIT),
            )
        return replace(
            accepted,
            warnings=tuple(self._text.line(str(one)) for one in islice(accepted.warnings, MOST_WARNINGS)),
            quoted_cost=amount(accepted.quoted_cost),
            facts=self._facts(accepted.facts),
        )

    def _facts(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return facts that are safe to keep; none if there are too many: no clip depends on them."""
        size = json_size(facts)
        return self._text.data(facts) if size is not None and size <= LARGEST_FACTS else {}

    def _create_overdue(self, error: DeadlinePassed, delivery: Delivery) -> RushesError:
        """Return what it means that a create was stopped at its deadline."""
        if error.has_ended and delivery.stayed_here:
            return NotDelivered(f"nothing had been sent after {self.post_timeout:g} s")
        return OutcomeUnknown(f"no answer to the create within {self.post_timeout:g} s")

    def _create_failed(self, error: RushesError, delivery: Delivery) -> RushesError:
        """Return what an error that the engine raised on a create means, by what has left."""
        _make_safe(error, self._text)
        if isinstance(error, NotDelivered | Busy | Refused | Blocked | OutcomeUnknown):
            return error
        if delivery.left:
            return OutcomeUnknown(f"the create was sent, and then: {error.message}")
        if isinstance(error, SetupError | BadInput) or not delivery.stayed_here:
            return error
        if isinstance(error, Unreachable):
            return NotDelivered(error.message)
        return SetupError(error.message, next=error.next)

    def _create_broke(self, error: Exception, delivery: Delivery) -> RushesError:
        """Return what a mistake of the engine on a create means: one before anything left costs nothing."""
        what = self._words(error)
        if delivery.stayed_here:
            return SetupError(
                f"the engine {self.name} failed before it sent anything: {what}", next=REPORT_IT
            )
        begun = raw(error.response) if isinstance(error, AnswerTooLarge) else None
        return OutcomeUnknown(
            f"the create ended with {what}", raw=begun and self._text.block(begun, RAW_LIMIT)
        )

    # --- following ---

    async def poll(self, ticket: Ticket) -> Progress:
        with self._guarded("asking how far it is"):
            return self._progress(_checked(await self._in_time("poll", self.adapter.poll(ticket)), Progress))

    def _progress(self, progress: Progress) -> Progress:
        return replace(
            progress,
            fraction=share(progress.fraction),
            queue_position=count(progress.queue_position),
            ask_after=pause(progress.ask_after),
            error=self._line(progress.error),
            cost=amount(progress.cost),
            unknown_word=self._line(progress.unknown_word),
            missing=self._line(progress.missing),
        )

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        """Return its files; one more than `MOST_RESULTS`, and no further ones, if there are more."""
        with self._guarded("asking where its results are"):
            offered = await self._in_time("results", self.adapter.results(ticket))
            return [self._result(one) for one in islice(offered, MOST_RESULTS + 1)]

    def _result(self, result: Result) -> Result:
        return replace(
            result,
            size=frame_size(result.size),
            candidates=self._sources(result.candidates),
        )

    def _sources(self, sources: Iterable[Source]) -> list[Source]:
        return [self._source(one) for one in islice(sources, MOST_SOURCES)]

    def _source(self, source: Source) -> Source:
        read = source.read_answer
        guarded = None if read is None else partial(self._read_answer, read)
        label, hosts = self._text.line(source.label), self.adapter.public_hosts
        return replace(source, label=label, read_answer=guarded, trusted_hosts=hosts)

    def _read_answer(
        self, read: Callable[[httpx.Response], Sequence[Source]], response: httpx.Response
    ) -> Sequence[Source]:
        with self._guarded("reading what was sent in place of a file"):
            return self._sources(read(response))

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        with self._guarded("asking it to stop"):
            return await self._in_time("cancel", self.adapter.cancel(ticket))

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        with self._guarded("looking a create up"):
            found = await self._in_time("lookup", self.adapter.lookup(attempt), self.list_delay)
            return [
                replace(one, facts=self._facts(one.facts))
                for one in islice(found, MOST_CANDIDATES)
                if (json_size(one.ticket) or 0) <= LARGEST_TICKET
            ]

    # --- the service ---

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        """Return the live price; None, so that the catalogue's holds, where it is none that can be."""
        with self._guarded("asking for the price"):
            quote = await self._in_time("quote", self.adapter.quote(request, model))
        if quote is None:
            return None
        told = amount(quote.amount)
        if told is None and quote.amount is not None:
            return None
        source, left = self._text.line(quote.source), count(quote.quota_left)
        return replace(quote, amount=told, source=source, quota_left=left)

    async def list_models(self) -> Sequence[Model] | None:
        with self._guarded("listing its models"):
            models = await self._in_time("list_models", self.adapter.list_models())
        if models is None:
            return None
        line = self._text.line
        return [
            replace(one, notes=line(one.notes), provider=line(one.provider))
            for one in islice(models, MOST_MODELS)
            if len(one.id) <= LONGEST_ID
        ]

    async def check(self) -> str:
        with self._guarded("checking itself"):
            return self._text.line(await self._in_time("check", self.adapter.check()))

    async def aclose(self) -> None:
        """Have the engine let go of what it holds. What it raises is logged: whoever closes it is done."""
        try:
            with self._guarded("closing"):
                await self._in_time("aclose", self.adapter.aclose())
        except RushesError as error:
            log.warning("%s", error.message)

    async def _in_time(
        self, call: str, running: Coroutine[Any, Any, Answer], further_s: float = 0.0
    ) -> Answer:
        """Return the answer to a call, which has its deadline. Raises DeadlinePassed, and what it raises."""
        return await bounded(running, self._deadlines[call] + further_s)

    # --- what it raises ---

    @contextmanager
    def _guarded(self, doing: str, mistake: type[RushesError] = EngineFault) -> Iterator[None]:
        """Make errors of ours safe, and turn all others into a `mistake` that says where it was made."""
        with self._counted(), observed() as delivery:
            try:
                yield
            except RushesError as error:
                _make_safe(error, self._text)
                raise
            except DeadlinePassed as error:
                said = f"the engine {self.name} took too long {doing}, and was stopped"
                raise (mistake if mistake is SetupError else Unreachable)(said) from error
            except (OSError, TimeoutError, httpx.TransportError) as error:
                # An engine that does not classify what its own client raises.
                said = f"the provider did not answer while {doing} ({type(error).__name__})"
                raise (mistake if mistake is SetupError else Unreachable)(said) from error
            except Exception as error:
                raise mistake(f"the engine {self.name} failed while {doing}: {self._words(error)}") from error
            finally:
                self._watched |= delivery.watched

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a call while it is under way: an engine is not closed before all have returned."""
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1

    def _words(self, error: Exception) -> str:
        """Return what kind of error it is, its own words if they hold no header, and where it was raised."""
        _scrub(error, self._text)
        kind = type(error).__name__
        # Some repeat the header that they cannot send, or a character of it.
        silent = isinstance(error, UnicodeError) or kind == "LocalProtocolError"
        words = "" if silent else self._text.line(str(error), OWN_WORDS)
        return f"{kind}{f': {words}' if words else ''}{_place(error, self.adapter)}"

    def _line(self, text: str | None) -> str | None:
        return None if text is None else self._text.line(str(text))


def make_guarded(make: Callable[[], BaseEngine], name: str, text: TextFilter) -> GuardedEngine:
    """Return the engine that `make` makes, guarded. Raises BadSettings where its settings do not let it."""
    with observed() as delivery:
        try:
            return GuardedEngine(make(), text, watched=delivery.watched)
        except RushesError as error:
            _make_safe(error, text)
            raise
        except Exception as error:
            _scrub(error, text)
            said = text.line(f"{type(error).__name__}: {error}", OWN_WORDS)
            raise BadSettings(
                f"the engine {name} cannot be made from its settings: {said}",
                next=f"correct the table engines.{name} of the settings file (rushes config path)",
            ) from error


def _make_safe(error: RushesError, text: TextFilter) -> None:
    """Make what an error of ours says safe, in place, and what the errors behind it say in a traceback."""
    _scrub(error.__cause__ or error.__context__, text)
    error.message = text.line(str(error.message))
    error.args = (error.message,)
    error.next = text.line(str(error.next))
    if isinstance(error, OutcomeUnknown) and error.raw is not None:
        error.raw = text.block(error.raw, RAW_LIMIT)
    if isinstance(error, Busy):
        error.ask_after = pause(error.ask_after)


def _scrub(error: BaseException | None, text: TextFilter) -> None:
    """Take secrets out of an error that is not ours, and of those that led to it."""
    passed = set()
    while error is not None and id(error) not in passed:
        passed.add(id(error))
        error.args = tuple(text.block(one) if isinstance(one, str) else one for one in error.args)
        error = error.__cause__ or error.__context__


def _checked(answer: Answer, wanted: type[Answer]) -> Answer:
    if not isinstance(answer, wanted):
        raise TypeError(f"it answered with {type(answer).__name__} in place of {wanted.__name__}")
    return answer


def _place(error: Exception, adapter: BaseEngine) -> str:
    """Return the last line of the engine's own code that an error came through, as "fal/engine.py:93"."""
    own = {_package(cls) for cls in type(adapter).__mro__ if cls not in (BaseEngine, object)}
    there = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if any(f"{frame.f_globals.get('__name__')}.".startswith(f"{package}.") for package in own)
    ]
    if not there:
        return ""
    file, line = there[-1]
    return f" (at {'/'.join(Path(file).parts[-2:])}:{line})"


def _package(cls: type) -> str:
    """Return the package that a class stands in; of a module that stands alone, the module."""
    return cls.__module__.rpartition(".")[0] or cls.__module__
