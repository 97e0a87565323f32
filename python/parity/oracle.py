"""What a lookup or a training cell must be: a filter over the log's events, an order, and the function's definition.

The one economy: what features of one point have in common (the events of a window, the values of a column) is looked
for once. Nothing is kept from one point to the next but pure functions of single values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .definitions import COUNTERS, LATE_COLUMNS, Feature, Value
from .functions import FUNCTIONS, Counted
from .log import Event
from .numbers import Overflow

NOT_FOUND, OVERFLOW, PARTIAL, NULL_VALUE, PRESENT = "NOT_FOUND", "OVERFLOW", "PARTIAL", "NULL_VALUE", "PRESENT"


class Cell(NamedTuple):
    """`event_time` is that of the newest event that counted."""

    value: Value
    status: str
    event_time: int | None


class Point(NamedTuple):
    """One question. `known` is how many chunks of the log had arrived by K."""

    entity: int
    as_of: int
    known: int
    is_inclusive: bool


@dataclass(frozen=True)
class LateColumns:
    """When the columns of the late view came: stored from this chunk on, complete from an instant in an interval.

    The instant is the server's clock at the apply, which nobody tells; the harness's clock before and after bounds it.
    """

    first_chunk: int
    earliest: int
    latest: int


class Undecided(Exception):
    """Whether a window is PARTIAL hangs on an instant that is known too roughly."""


class Oracle:
    """Cells of one log. `events` are each entity's, ordered by (event time, partition, offset)."""

    def __init__(self, events: dict[int, list[Event]], late: LateColumns | None) -> None:
        self._events = events
        self._late = late

    def cells(self, point: Point, features: Sequence[Feature]) -> list[Cell]:
        known = [event for event in self._events.get(point.entity, []) if event.chunk < point.known]
        # Times are whole microseconds, so "up to and with T" is "before T + 1".
        shift = 1 if point.is_inclusive else 0
        is_found = any(event.time < point.as_of + shift for event in known)
        windows: dict[tuple[int | None, int], list[Event]] = {}
        columns: dict[tuple[int | None, int, str | None], Counted] = {}
        cells = []
        for feature in features:
            window = (feature.window.length, feature.window.offset)
            end = point.as_of - feature.window.offset + shift
            start = None if feature.window.length is None else end - feature.window.length
            if window not in windows:
                windows[window] = [e for e in known if e.time < end and (start is None or e.time >= start)]
            key = (*window, feature.column)
            if key not in columns:
                columns[key] = self._counted(windows[window], feature.column, point.as_of, point.as_of - window[1])
            cells.append(self._cell(feature, columns[key], is_found, start))
        return cells

    def _counted(self, events: list[Event], column: str | None, as_of: int, end: int) -> Counted:
        if column is None:
            return Counted([e.time for e in events], [1] * len(events), as_of, end)
        if column in LATE_COLUMNS and self._late is not None:
            first = self._late.first_chunk
            events = [e for e in events if e.chunk >= first]
        counted = [(e.time, e.values[column]) for e in events if e.values.get(column) is not None]
        return Counted([time for time, _ in counted], [value for _, value in counted], as_of, end)

    def _cell(self, feature: Feature, counted: Counted, is_found: bool, start: int | None) -> Cell:
        value: Value = None
        overflows = False
        if counted.times:
            try:
                value = FUNCTIONS[feature.function](counted, feature)
            except Overflow:
                overflows = True
        elif feature.function in COUNTERS:
            value = 0.0 if feature.function == "decayed_count" else 0
        if value is None and not overflows:
            value = feature.default
        if not is_found:
            status = NOT_FOUND
        elif overflows:
            status = OVERFLOW
        elif self._is_partial(feature, start):
            status = PARTIAL
        else:
            status = NULL_VALUE if value is None else PRESENT
        return Cell(value, status, counted.times[-1] if counted.times else None)

    def _is_partial(self, feature: Feature, start: int | None) -> bool:
        """The log was read from its first record, so only a column that came later can be incomplete."""
        if feature.column not in LATE_COLUMNS or self._late is None:
            return False
        if start is None or start < self._late.earliest:
            return True
        if start < self._late.latest:
            raise Undecided(f"a window of {feature.name} begins during the apply")
        return False
