"""Which connection a call takes; both pools decide by this."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol, TypeVar, Union

#: A further connection is opened when each has so many calls; one connection carries many without loss.
CALLS_BEFORE_GROWTH = 8
#: Calls that share a connection at most; further ones wait for one that ends.
CALLS_MAX = 256


class Shared(Protocol):
    """A connection that calls share."""

    calls: int
    opened_at: float


C = TypeVar("C", bound=Shared)


def _calls(connection: Shared) -> int:
    return connection.calls


class Choice(Enum):
    """What to do when no connection is taken."""

    OPEN = "open one more"
    WAIT = "wait until something changes"


def choose(usable: Sequence[C], since: float, is_opening: bool, most: int) -> Union[C, Choice]:
    """The connection with the fewest calls; or one more, as long as there are less than `most` and one at a time.

    One that was opened before `since` is taken only where there is neither a younger one nor room for one.

    Example: ``choose([], -math.inf, is_opening=False, most=4) is Choice.OPEN``
    """
    young = [connection for connection in usable if connection.opened_at > since]
    best = min(young, key=_calls, default=None)
    if best is not None and best.calls < CALLS_BEFORE_GROWTH:
        return best
    if len(usable) < most and not is_opening:
        return Choice.OPEN
    if best is None and not is_opening:
        best = min(usable, key=_calls, default=None)
    if best is not None and best.calls < CALLS_MAX:
        return best
    return Choice.WAIT
