"""The log of everything that was produced, one JSON object a line: all that the oracle reads.

    {"chunk": 3, "partition": 2, "offset": 1041, "time": 1700000000000000, "value": "<the record, as it was sent>"}

`time` is null for records that the server must refuse: they take an offset and are no events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .definitions import COLUMNS, ENTITY, PLACE, Single
from .derived import completed


class Event(NamedTuple):
    """`values` are those of the columns, of what is derived from them, and of the string join key."""

    time: int
    partition: int
    offset: int
    chunk: int
    values: dict[str, Single | None]


def _stored(value: Any, kind: str) -> Single | None:
    """A field as the documentation says it is stored: float64 is the nearest double, and has no negative zero."""
    if value is None:
        return None
    if kind == "float64":
        return float(value) + 0.0
    if kind not in ("int64", "timestamp", "bool", "string"):
        raise ValueError(f"no type {kind}")
    single: Single = value
    return single


def read_log(path: Path) -> dict[int, list[Event]]:
    """Each entity's events, ordered by (event time, partition, offset)."""
    entities: dict[int, list[Event]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["time"] is None:
                continue
            record = json.loads(row["value"])
            values = {name: _stored(record.get(name), kind) for name, kind in COLUMNS.items()}
            values = completed(values | {PLACE: record.get(PLACE)})
            event = Event(row["time"], row["partition"], row["offset"], row["chunk"], values)
            entities.setdefault(record[ENTITY], []).append(event)
    for events in entities.values():
        events.sort(key=lambda event: event[:3])
    return entities


def without(entities: dict[int, list[Event]], entity: int, withheld: Event) -> dict[int, list[Event]]:
    """The same events less one: for the canary."""
    return {**entities, entity: [event for event in entities[entity] if event is not withheld]}


def count(entities: dict[int, list[Event]]) -> int:
    return sum(map(len, entities.values()))


def chunks_of(events: Iterable[Event]) -> set[int]:
    return {event.chunk for event in events}
