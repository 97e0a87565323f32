"""Seeded questions: which entities, as of which T, known at which K, by which boundary."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .definitions import DAY, HOUR, Feature
from .generator import PLACES, place
from .log import Event

# The years 1 and 9999, and the epoch.
FAR = (-62_135_596_800_000_000, 0, 253_402_300_799_999_999)
# From the first event: so far off that every window but `lifetime` is empty.
FAR_OFF = (-400 * DAY, 400 * DAY, 40 * 365 * DAY)
# One job in so many is known at row time; where files are wanted too, it wants one.
ROW_TIME_EVERY = 12


def place_of(entity: int, as_of: int) -> str:
    """The place that is asked for beside an entity: its home, or any; of entities never seen one never seen."""
    if entity < 0:
        return place(entity)
    return place((entity if as_of % 3 else entity * 31 + as_of) % PLACES)


@dataclass(frozen=True)
class Arrivals:
    """When the log came: the clock before each chunk was produced, and K once all of it was there."""

    started: tuple[int, ...]
    known: tuple[int, ...]

    def known_by(self, time: int) -> int | None:
        """How many chunks had arrived by then; None while one was arriving."""
        for chunk, (started, known) in enumerate(zip(self.started, self.known)):
            if time <= started:
                return chunk
            if time < known:
                return None
        return len(self.known)

    def quiet(self, source: random.Random) -> int:
        """A time at which no chunk was arriving."""
        known = source.choice(self.known)
        after = [started for started in self.started if started > known]
        return source.choice((known, source.randrange(known, 1 + (min(after) if after else known + HOUR))))


@dataclass(frozen=True)
class Moment:
    """One lookup: several entities at one T."""

    as_of: int
    entities: tuple[int, ...]


@dataclass(frozen=True)
class Job:
    """Questions with one K and one boundary: a lookup a moment, and one request of training rows for all of them.

    `known` is how many chunks had arrived by K. `is_newest` asks without a K, which is the last chunk's. With
    `is_row_time` a question's K is its own T, and no later than the job's.
    """

    seed: str
    known: int
    is_newest: bool
    is_inclusive: bool
    wants_file: bool
    is_row_time: bool
    moments: tuple[Moment, ...]

    @property
    def rows(self) -> list[tuple[int, int]]:
        """(entity, T) in an order that has nothing to do with either."""
        rows = [(entity, moment.as_of) for moment in self.moments for entity in moment.entities]
        random.Random(self.seed).shuffle(rows)
        return rows


class PointMaker:
    """With `is_sharp` every T is an event's time or a microsecond beside it."""

    def __init__(
        self,
        seed: str,
        entities: dict[int, list[Event]],
        arrivals: Arrivals,
        features: Sequence[Feature],
        is_sharp: bool = False,
    ) -> None:
        self._source = random.Random(seed)
        self._seed = seed
        self._entities = entities
        self._is_sharp = is_sharp
        self._arrivals = arrivals
        self._chunks = len(arrivals.known)
        self._names = sorted(entities)
        # Busy entities have deep trees, and cost the oracle most.
        self._weights = [len(entities[name]) ** 0.85 for name in self._names]
        self._oldest = {name: events[0] for name, events in entities.items()}
        self._times = sorted(event.time for events in entities.values() for event in events)
        edges = {f.window.reach for f in features} | {f.window.offset for f in features}
        self._edges = sorted(edges)

    def jobs(self, rows: int, rows_each: int, file_every: int) -> list[Job]:
        """At least `rows` questions in all; each `file_every`th job wants a file too, none with 0."""
        jobs: list[Job] = []
        made = 0
        while made < rows:
            job = self._job(len(jobs), rows_each, file_every)
            made += sum(len(moment.entities) for moment in job.moments)
            jobs.append(job)
        return jobs

    def _job(self, number: int, rows: int, file_every: int) -> Job:
        source = self._source
        is_newest = source.random() < 0.35
        # Now and then a K before everything: nothing is known then.
        known = self._chunks if is_newest else source.randrange(self._chunks + 1) if source.random() < 0.1 else (
            source.randrange(1, self._chunks + 1)
        )
        # One in each fourth job is sure to be of an entity that was never seen.
        moments = [Moment(self._times[-1], (-1 - number,))] if number % 4 == 1 else []
        is_row_time = not self._is_sharp and number % ROW_TIME_EVERY == 4
        while sum(len(moment.entities) for moment in moments) < rows:
            moments.append(self._moment(known, is_row_time))
        return Job(
            seed=f"{self._seed} {number}", known=known, is_newest=is_newest, is_inclusive=source.random() < 0.3,
            wants_file=file_every > 0 and number % file_every == 0, is_row_time=is_row_time, moments=tuple(moments),
        )

    def _moment(self, known: int, is_row_time: bool) -> Moment:
        source = self._source
        if is_row_time and source.random() < 0.8:
            # Between arrivals some of the log is known. At most other T nothing is, or everything.
            as_of = self._arrivals.quiet(source)
            known = min(known, self._arrivals.known_by(as_of) or 0)
            return Moment(as_of, tuple(dict.fromkeys(self._entity(known, as_of) for _ in range(3))))
        entity = self._entity(known)
        as_of = self._as_of(entity, known)
        others = [self._entity(known, as_of) for _ in range(source.choice((0, 0, 0, 0, 1, 2)))]
        return Moment(as_of, tuple(dict.fromkeys([entity, *others])))

    def _entity(self, known: int, as_of: int | None = None) -> int:
        if self._source.random() < 0.005:
            return -1 - self._source.randrange(100)  # never seen
        for _ in range(4):
            entity = self._source.choices(self._names, self._weights)[0]
            # Mostly one that has events by (T, K): there is little to compare in the others.
            oldest = self._oldest[entity]
            if oldest.chunk < known and (as_of is None or oldest.time < as_of):
                break
        return entity

    def _as_of(self, entity: int, known: int) -> int:
        source = self._source
        kind = 0.06 if self._is_sharp else source.random()
        if kind < 0.02:
            return source.choice((*FAR, *(self._times[0] + far for far in FAR_OFF)))
        if kind < 0.06:
            return source.randrange(self._times[0] - DAY, self._times[-1] + 35 * DAY)
        events = self._entities.get(entity, [])
        times = [event.time for event in events if event.chunk < known] or self._times
        # Rather late than early: before an entity's first events everything is empty.
        time = max(source.choice(times), source.choice(times))
        if kind < 0.47:
            return time + source.choice((-1, 0, 1, 1, 1))
        if kind < 0.57:
            return time + source.choice(self._edges) + source.choice((-1, 0, 1))
        return time + int(source.expovariate(2 / HOUR))
