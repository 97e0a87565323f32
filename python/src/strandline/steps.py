"""How a call is made, apart from how its bytes travel.

A call is a generator: it yields steps, and whoever drives it (the threads of `client.py`, the tasks of `aio.py`) carries
them out and sends back what came of them. So both clients have one way of preparing, splitting, retrying and giving up.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, Union

from .errors import InvalidArgument, StrandlineError
from .wire import MessageType, Prepared, Welcome, encode_prepare
from .wire.session import Outcome, Target

T = TypeVar("T")


class Link(Protocol):
    """A connection, as calls see it."""

    #: When its end was noticed, on the monotonic clock; infinite before.
    lost_at: float

    @property
    def welcome(self) -> Welcome:
        """The server's limits."""

    def forget(self, target: Target) -> None:
        """Drops a prepared lookup that the server does not know any more."""

    def fail(self, error: StrandlineError) -> None:
        """Ends the connection, since its bytes can no longer be trusted."""


@dataclass(frozen=True)
class Connect:
    """Gives a `Link`, the call's own share of a connection until its next Connect or its end.

    With `since` it is one that was opened after that moment: when a server dies all its connections do, and of some
    nobody has noticed yet.
    """

    since: float = -math.inf


@dataclass(frozen=True)
class Prepare:
    """Gives the `Prepared` of a target on the call's link."""

    target: Target


@dataclass(frozen=True)
class Message:
    """A request, and the type of its reply."""

    kind: MessageType
    body: bytes
    reply: MessageType

    @classmethod
    def preparing(cls, target: Target) -> Message:
        """PREPARE of a target. Example: ``Message.preparing("fraud")``"""
        return cls(MessageType.PREPARE, encode_prepare(target), MessageType.PREPARED)


@dataclass(frozen=True)
class Exchange:
    """Sends messages at once over the call's link; gives an `Outcome` for each, in their order."""

    messages: Sequence[Message]


@dataclass(frozen=True)
class Pause:
    """Waits, and gives True; or gives False at once where the call's time would be over first."""

    seconds: float


Step = Union[Connect, Prepare, Exchange, Pause]
Call = Generator[Step, Any, T]


def connect(since: float) -> Call[Link]:
    link: Link = yield Connect(since)
    return link


def prepare(target: Target) -> Call[Prepared]:
    prepared: Prepared = yield Prepare(target)
    return prepared


def exchange(messages: Sequence[Message]) -> Call[Sequence[Outcome]]:
    outcomes: Sequence[Outcome] = yield Exchange(messages)
    return outcomes


def pause(seconds: float) -> Call[bool]:
    had_time: bool = yield Pause(seconds)
    return had_time


class Deadline:
    """When a call's time is over, within a day at most. Example: ``Deadline(0.5).left()``"""

    LONGEST = 86_400.0

    __slots__ = ("seconds", "_end", "_clock")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not seconds > 0:
            raise InvalidArgument("timeout must be a positive number of seconds")
        self.seconds = seconds
        self._clock = clock
        # Sockets and locks wait no longer than some days at once.
        self._end = clock() + min(seconds, self.LONGEST)

    def within(self, seconds: float) -> Deadline:
        """This deadline, or one in so many seconds when that is sooner. Example: ``deadline.within(5)``"""
        return Deadline(max(min(seconds, self.left()), 0.001), self._clock)

    def left(self) -> float:
        """Seconds that are left; 0 or less when none are."""
        return self._end - self._clock()


class Backoff:
    """Pauses that double, up to a second, each by half at random, so that many clients do not come back at once.

    Example: ``backoff.next()`` is 5 to 10 ms, then 10 to 20 ms, ...
    """

    FIRST, LONGEST = 0.01, 1.0

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._next = self.FIRST

    def next(self) -> float:
        """The seconds to wait now."""
        whole = self._next
        self._next = min(self.LONGEST, whole * 2)
        return whole * (0.5 + 0.5 * self._chance())
