"""Seeded events: skewed entities, sessions, ties across partitions, late ones, nulls, and values that trip code up."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .definitions import DAY, ENTITY, HOUR, PLACE, SECOND, TIME

PARTITIONS = 4
ROUTE = "route"

# The two forms of é are equal to Swift's String, and are different values. U+FF5E and U+1F600 stand in one order as
# UTF-8 and in the other as UTF-16. The longest takes all steps of XXH64.
CATEGORIES = (
    "books", "Zürich", "\u00e9", "e\u0301", "日本語", "\uff5e", "\U0001f600", "", "a", "A", "nul\u0000inside",
    "quote\"\\",
    "a category whose name is far longer than thirty-two bytes, as names sometimes are",
)
PLACES = 150
SUBNORMALS = (5e-324, 2.2250738585072009e-308, -5e-324)
# 2^53 + 1 is written as the integer that no double is; -0.0 must come back as +0.0; the last two are halfway cases.
AWKWARD = (2**53 + 1, -0.0, 0.1, 1e-7, -123456.78, 2.0**53, 2.5, 1.0000000000000002)
HUGE = (1.7976931348623157e308, -1.7976931348623157e308, 1e308, 1e300, -1e300)


@dataclass(frozen=True)
class Size:
    """How much there is; `heavy` are the numbers of events of the entities that have many."""

    heavy: tuple[int, ...]
    light_entities: int
    light_events_max: int
    days: int
    chunks: int
    note_bytes_max: int
    """Notes are there to fill the server's memory."""


@dataclass(frozen=True)
class Record:
    """A record as it is sent; `time` is None for one that must be refused."""

    partition: int
    text: str
    time: int | None


@dataclass(frozen=True)
class _Draft:
    entity: int
    time: int
    arrival: int


def place(number: int) -> str:
    """A place's name: short and long ones, in several scripts, one of them empty. Negative ones are in no event."""
    if number == 0:
        return ""
    return f"{CATEGORIES[number % len(CATEGORIES)]} {number}"


def _routes() -> list[str]:
    """A record key for each partition: librdkafka's default partitioner is CRC-32 of the key, modulo the partitions."""
    routes: dict[int, str] = {}
    for number in range(1000):
        routes.setdefault(zlib.crc32(str(number).encode()) % PARTITIONS, str(number))
    return [routes[partition] for partition in range(PARTITIONS)]


ROUTES = _routes()


def make_chunks(seed: int, size: Size, start: int) -> list[list[Record]]:
    """The records in the order of their arrival, cut into chunks. Nothing happens before `start`."""
    source = random.Random(seed)
    drafts: list[_Draft] = []
    for entity, count in enumerate(_counts(source, size)):
        drafts += [
            _Draft(draft.entity, start + draft.time, start + draft.arrival)
            for draft in _drafts(source, entity, count, size)
        ]
    drafts.sort(key=lambda draft: draft.arrival)
    chunks = []
    for chunk in range(size.chunks):
        part = drafts[chunk * len(drafts) // size.chunks : (chunk + 1) * len(drafts) // size.chunks]
        records = [_record(source, draft, number, size) for number, draft in enumerate(part)]
        for partition in range(PARTITIONS):
            records.insert(source.randrange(len(records)), _refused(partition, chunk, "inside"))
        # The last offset of each chunk and partition is seen too, so nothing before it was lost or doubled.
        records += [_refused(partition, chunk, "end") for partition in range(PARTITIONS)]
        chunks.append(records)
    return chunks


def _counts(source: random.Random, size: Size) -> list[int]:
    # Few have many events and many have few; the smallest have one.
    light = [max(1, int(size.light_events_max * source.random() ** 2.5)) for _ in range(size.light_entities)]
    counts = [*size.heavy, *light]
    source.shuffle(counts)
    return counts


def _drafts(source: random.Random, entity: int, count: int, size: Size) -> list[_Draft]:
    """From time 0 on: events in sessions, some at one instant, one in ten late. Sessions come in streaks, as people's visits do."""
    drafts: list[_Draft] = []
    time = source.randrange(size.days * DAY)
    left_in_session = 0
    for _ in range(count):
        if left_in_session == 0:
            is_streak = source.random() < 0.8
            pause = int(source.expovariate(1 / (8 * HOUR))) if is_streak else source.randrange(size.days * DAY)
            time = (time + pause) % (size.days * DAY)
            left_in_session = source.randrange(1, 24)
        elif source.random() < 0.8:
            time += int(source.expovariate(1 / (6 * 60 * SECOND)))
        left_in_session -= 1
        delay = source.expovariate(1 / (2 * DAY)) if source.random() < 0.1 else source.expovariate(1 / (2 * SECOND))
        drafts.append(_Draft(entity, time, time + int(delay)))
    return drafts


def _record(source: random.Random, draft: _Draft, number: int, size: Size) -> Record:
    # Partitions are drawn event by event, so that events of one instant lie in several.
    partition = source.randrange(PARTITIONS)
    fields: dict[str, Any] = {
        "amount": _amount(source), "wild": _wild(source), "quantity": source.choice((-2, 0, 0, 1, 1, 1, 2, 3, 7, 40)),
        "big": _big(source), "category": source.choice(CATEGORIES[: source.choice((2, 5, len(CATEGORIES)))]),
        "session": f"session {source.randrange(10**9)}",
        "paid": source.random() < 0.3, "seen": draft.time - source.randrange(3) * HOUR, "spare": _amount(source),
        "note": f"{number} " + "n" * source.randrange(size.note_bytes_max),
    }
    for name in fields:
        if source.random() < 0.06:
            fields[name] = None
    # Absent and null are the same.
    kept = {name: value for name, value in fields.items() if value is not None or source.random() < 0.5}
    # Mostly where the entity is at home, so that places and entities have events in common and not all of them.
    at = draft.entity % PLACES if source.random() < 0.7 else source.randrange(PLACES)
    record = {ENTITY: draft.entity, PLACE: place(at), TIME: draft.time, ROUTE: ROUTES[partition], **kept}
    return Record(partition, json.dumps(record, ensure_ascii=number % 2 == 0), draft.time)


def _amount(source: random.Random) -> float | int:
    kind = source.random()
    if kind < 0.01:
        return source.choice(SUBNORMALS)
    if kind < 0.03:
        return source.choice(AWKWARD)
    return round(source.lognormvariate(3, 1.5) * source.choice((1, 1, 1, -1)), 2)


def _wild(source: random.Random) -> float | int:
    if source.random() < 0.1:
        return source.choice(HUGE + SUBNORMALS + AWKWARD)
    return round(source.uniform(-1, 1), 2)


def _big(source: random.Random) -> int:
    if source.random() < 0.1:
        return source.choice((2**63 - 1, -(2**63), 2**53 + 1, 2**62))
    return source.randrange(-(2**60), 2**60)


def _refused(partition: int, chunk: int, place: str) -> Record:
    """A record without a time: its dead letter tells its partition and offset, which are thus seen to be as assumed."""
    return Record(partition, json.dumps({"refused": f"{place} {chunk}/{partition}", ROUTE: ROUTES[partition]}), None)


class LogWriter:
    """Writes the log while chunks are produced, numbering each partition's records as the broker does: 0, 1, 2, ..."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self.next_offsets = [0] * PARTITIONS
        self.refused: dict[tuple[int, int], str] = {}
        self.events = 0

    def append(self, chunk: int, records: list[Record]) -> None:
        for record in records:
            offset = self.next_offsets[record.partition]
            self.next_offsets[record.partition] += 1
            if record.time is None:
                self.refused[record.partition, offset] = record.text
            else:
                self.events += 1
            place = {"chunk": chunk, "partition": record.partition, "offset": offset}
            row = {**place, "time": record.time, "value": record.text}
            self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
