"""Which connection a call takes; both pools decide by this."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Protocol, TypeVar, Union

#: A further connection is opened when each has so many calls; one connection carries many without loss.
CALLS_BEFORE_GROWTH = 8
#: Calls that share a connection at most; further ones wait for one that ends.
CALLS_MAX = 256


class Shared(Protocol):
    """A connection that calls share."""

    calls: int


C = TypeVar("C", bound=Shared)


class Choice(Enum):
    """What to do when no connection is taken."""

    OPEN = "open one more"
    WAIT = "wait until something changes"


def choose(usable: Iterable[C], open_count: int, is_opening: bool, most: int) -> Union[C, Choice]:
    """The connection with the fewest calls; or one more, as long as there are less than `most` and one at a time.

    Example: ``choose([], open_count=0, is_opening=False, most=4) is Choice.OPEN``
    """
    best = min(usable, key=lambda connection: connection.calls, default=None)
    if best is not None and best.calls < CALLS_BEFORE_GROWTH:
        return best
    if open_count < most and not is_opening:
        return Choice.OPEN
    if best is not None and best.calls < CALLS_MAX:
        return best
    return Choice.WAIT
