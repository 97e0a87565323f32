"""What a lookup or a training cell must be: a filter over the log's events, an order, and the function's definition.

The one economy: what features of one point have in common (the events of a window, the values of a column) is looked
for once. Nothing is kept from one point to the next but pure functions of single values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .definitions import COUNTERS, FILTERED_VIEW, LATE_COLUMNS, PLACE, PLACE_VIEW, Feature, Value
from .derived import MARK
from .functions import DISTINCT_DEFAULT, FUNCTIONS, GROUPS_DEFAULT, Counted, order
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
    place: str = ""


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
        self._places: dict[str, list[Event]] = {}
        for each in events.values():
            for event in each:
                place = event.values.get(PLACE)
                if isinstance(place, str):
                    self._places.setdefault(place, []).append(event)
        for each in self._places.values():
            each.sort(key=lambda event: event[:3])

    def cells(self, point: Point, features: Sequence[Feature]) -> list[Cell]:
        views: dict[str, _ViewAtPoint] = {}
        for feature in features:
            if feature.view not in views:
                is_place = feature.view == PLACE_VIEW
                events = self._places.get(point.place, []) if is_place else self._events.get(point.entity, [])
                views[feature.view] = _ViewAtPoint(feature.view, events, point, self._late)
        return [views[feature.view].cell(feature) for feature in features]


class _ViewAtPoint:
    """One view's cells at one point."""

    def __init__(self, view: str, events: list[Event], point: Point, late: LateColumns | None) -> None:
        known = [event for event in events if event.chunk < point.known]
        # Times are whole microseconds, so "up to and with T" is "before T + 1".
        self._shift = 1 if point.is_inclusive else 0
        self._as_of = point.as_of
        # An event that does not pass makes its entity known all the same.
        self._is_found = any(event.time < point.as_of + self._shift for event in known)
        self._events = [e for e in known if e.values[MARK]] if view == FILTERED_VIEW else known
        self._late = late
        self._windows: dict[tuple[int | None, int, int | None], list[Event]] = {}
        self._columns: dict[tuple[int | None, int, int | None, str | None], Counted] = {}

    def cell(self, feature: Feature) -> Cell:
        window = feature.window
        if window.series is None:
            value, event_time = self._result(feature, window.length, window.offset)
        else:
            value, event_time = self._series(feature, window.length or 0, window.series)
        overflows = isinstance(value, Overflow)
        if value is None:
            value = feature.default
        if not self._is_found:
            status = NOT_FOUND
        elif overflows:
            status = OVERFLOW
        elif self._is_partial(feature):
            status = PARTIAL
        else:
            status = NULL_VALUE if value is None else PRESENT
        return Cell(None if isinstance(value, Overflow) else value, status, event_time)

    def _series(self, feature: Feature, step: int, count: int) -> tuple[Value | Overflow, int | None]:
        """A list, the oldest window first; one value that does not fit makes the whole OVERFLOW."""
        results = [self._result(feature, step, feature.window.offset + step * n) for n in reversed(range(count))]
        newest = max([time for _, time in results if time is not None], default=None)
        values: list[Any] = [feature.default if value is None else value for value, _ in results]
        overflow = next((value for value in values if isinstance(value, Overflow)), None)
        return (values if overflow is None else overflow), newest

    def _result(self, feature: Feature, length: int | None, offset: int) -> tuple[Value | Overflow, int | None]:
        """The value of one window, and the time of the newest event that counted."""
        events = self._window(length, offset, feature.window.newest)
        end = self._as_of - offset
        if feature.group_by is not None:
            members = [event for event in events if event.values.get(feature.group_by) is not None]
            value = _or_overflow(lambda: _by_category(feature, members, self._as_of, end))
            return value, members[-1].time if members else None
        key = (length, offset, feature.window.newest, feature.column)
        if key not in self._columns:
            self._columns[key] = _counted(events, feature.column, self._as_of, end, self._late)
        counted = self._columns[key]
        return _or_overflow(lambda: _value(feature, counted)), counted.times[-1] if counted.times else None

    def _window(self, length: int | None, offset: int, newest: int | None) -> list[Event]:
        key = (length, offset, newest)
        if key not in self._windows:
            end = self._as_of - offset + self._shift
            start = None if length is None else end - length
            inside = [e for e in self._events if e.time < end and (start is None or e.time >= start)]
            self._windows[key] = inside if newest is None else inside[-newest:]
        return self._windows[key]

    def _is_partial(self, feature: Feature) -> bool:
        """The log was read from its first record, so only a column that came later can be incomplete."""
        if feature.column not in LATE_COLUMNS or self._late is None:
            return False
        if feature.window.length is None:
            return True
        start = self._as_of + self._shift - feature.window.reach
        if start < self._late.earliest:
            return True
        if start < self._late.latest:
            raise Undecided(f"a window of {feature.name} begins during the apply")
        return False


def _or_overflow(value: Callable[[], Value]) -> Value | Overflow:
    try:
        return value()
    except Overflow as overflow:
        return overflow


def _counted(events: list[Event], column: str | None, as_of: int, end: int, late: LateColumns | None = None) -> Counted:
    if column is None:
        return Counted([e.time for e in events], [1] * len(events), as_of, end)
    if column in LATE_COLUMNS and late is not None:
        events = [e for e in events if e.chunk >= late.first_chunk]
    counted = [(e.time, e.values[column]) for e in events if e.values.get(column) is not None]
    return Counted([time for time, _ in counted], [value for _, value in counted], as_of, end)


def _value(feature: Feature, counted: Counted) -> Value:
    if counted.times:
        return FUNCTIONS[feature.function](counted, feature)
    if feature.function in COUNTERS:
        return 0.0 if feature.function == "decayed_count" else 0
    return None


def _by_category(feature: Feature, events: list[Event], as_of: int, end: int) -> Value:
    """Of events that have a category: those with the most events, each with the function's value over its own."""
    if not events:
        return None
    members: dict[Any, list[Event]] = {}
    for event in events:
        members.setdefault(event.values[feature.group_by or ""], []).append(event)
    counted = {category: _counted(each, feature.column, as_of, end) for category, each in members.items()}
    most = DISTINCT_DEFAULT if feature.max_distinct is None else feature.max_distinct
    if len(members) > most:
        raise Overflow
    if feature.function == "count_distinct" and sum(len(set(c.values)) for c in counted.values()) > most:
        raise Overflow
    ranked = sorted(members, key=lambda category: (-len(members[category]), order(category)))
    chosen = sorted(ranked[: GROUPS_DEFAULT if feature.max_groups is None else feature.max_groups], key=order)
    return {category: _value(feature, counted[category]) for category in chosen}
