"""The calls that a client makes: retries, prepared lookups, large batches in parts at one T and one K."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import (
    ChecksumMismatch,
    ConnectionLost,
    DefinitionsChanged,
    InvalidArgument,
    NotReady,
    Overloaded,
    ProtocolError,
    RequestError,
    RequestTimedOut,
    StrandlineError,
    TooMany,
    UnknownLookup,
)
from .steps import Backoff, Call, Link, Message, connect, exchange, pause, prepare
from .wire import MessageType, Prepared, Values, Welcome, decode_admin_reply, encode_admin
from .wire.session import Target

T = TypeVar("T")
#: After the first part of a batch has named T and K, so many parts are in flight together.
PARTS_AT_ONCE = 4
_REPREPARED_MAX = 2


class Question(Protocol):
    """A lookup or historical rows, asked in parts."""

    @property
    def count(self) -> int:
        """How many rows."""

    @property
    def target(self) -> Target:
        """The service or references."""

    def start(self, prepared: Prepared, welcome: Welcome) -> int:
        """Encodes the rows for a prepared lookup; how many of them fit a frame, as far as one can tell."""

    def message(self, start: int, end: int) -> Message:
        """The request for some of the rows."""

    def pin(self, values: Values) -> None:
        """Lets later parts ask at the T and K that this part was answered at."""

    def decode(self, body: bytes) -> Values:
        """The reply to some of the rows."""


def ask(question: Question) -> Call[tuple[Prepared, list[Values]]]:
    """All rows of a question, as one server with one set of definitions answers them."""
    if question.count == 0:
        raise InvalidArgument("no entities")
    changes = 0

    def once(link: Link) -> Call[tuple[Prepared, list[Values]]]:
        nonlocal changes
        while True:
            prepared = yield from prepare(question.target)
            try:
                return prepared, (yield from _parts(link, question, prepared))
            except (DefinitionsChanged, UnknownLookup):
                link.forget(question.target)
                changes += 1
                if changes > _REPREPARED_MAX:
                    raise
            except ProtocolError as error:
                # Whatever is still to come on it cannot be trusted either.
                link.fail(error)
                raise

    return (yield from retried(once, is_safe=True))


def admin(verb: str, body: str) -> Call[str]:
    """A control verb. It may do something, so it is never sent twice, unless the server says that it refused it."""
    message = Message(MessageType.ADMIN, encode_admin(verb, body), MessageType.ADMIN_REPLY)

    def once(link: Link) -> Call[str]:
        reply = yield from _one(message)
        try:
            return decode_admin_reply(reply)
        except ProtocolError as error:
            link.fail(error)
            raise

    return (yield from retried(once, is_safe=False))


def ping(is_patient: bool = True) -> Call[None]:
    """An empty round trip. Without patience, a connection that cannot be made is an error at once."""
    message = Message(MessageType.PING, b"", MessageType.PONG)

    def once(link: Link) -> Call[bytes]:
        return (yield from _one(message))

    yield from retried(once, is_safe=True, is_patient=is_patient)


def retried(once: Callable[[Link], Call[T]], is_safe: bool, is_patient: bool = True) -> Call[T]:
    """Runs a request until it is answered or its time is over.

    A connection that cannot be made, an overloaded server and one that is not ready are waited for; a connection that
    breaks costs one more try, and only a request that is safe to send twice gets it.
    """
    backoff = Backoff()
    losses = 0
    since = -math.inf
    reason: StrandlineError | None = None
    while True:
        link: Link | None = None
        try:
            link = yield from connect(since)
            return (yield from once(link))
        except (Overloaded, NotReady) as error:
            reason = error
        except (ConnectionLost, ChecksumMismatch) as error:
            reason = error
            if link is not None:
                losses += 1
                since = min(link.lost_at, time.monotonic())
                if not is_safe or losses > 1:
                    raise
                continue
        except RequestTimedOut as error:
            # Why there was need to wait says more than that it took too long.
            if reason is None or isinstance(error, RequestError):
                raise
            raise reason from error
        if not is_patient or not (yield from pause(backoff.next())):
            raise reason


def _one(message: Message) -> Call[bytes]:
    (outcome,) = yield from exchange([message])
    if isinstance(outcome, StrandlineError):
        raise outcome
    return outcome


def _parts(link: Link, question: Question, prepared: Prepared) -> Call[list[Values]]:
    """The rows in order: the first part alone, since it may name T and K for the others, then some at once."""
    size = max(1, question.start(prepared, link.welcome))
    parts: list[Values] = []
    start = 0
    while start < question.count:
        spans: list[tuple[int, int]] = []
        while start < question.count and len(spans) < (PARTS_AT_ONCE if parts else 1):
            end = min(question.count, start + size)
            spans.append((start, end))
            start = end
        outcomes = yield from exchange([question.message(*span) for span in spans])
        for (first, end), outcome in zip(spans, outcomes):
            if isinstance(outcome, TooMany) and end - first > 1:
                # The reply would have been too large: go on from here with half of it.
                start, size = first, (end - first) // 2
                break
            if isinstance(outcome, StrandlineError):
                raise outcome
            values = question.decode(outcome)
            if values.count != end - first:
                raise ProtocolError(f"{values.count} rows in the reply to {end - first}")
            if not parts:
                question.pin(values)
            parts.append(values)
    return parts
