"""The three ways to a cell: a lookup, training rows over the wire, and a training set's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as arrow
import strandline
from pyarrow import parquet

from .definitions import ENTITY, PLACE, SERVICE, Feature
from .points import Job, place_of
from .processes import HarnessError, run
from .values import microseconds

LOOKUP, ROWS, FILE = "lookup", "rows", "file"
ROW_TIME = "row-time"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Column:
    """One feature's answers, a row an answer; only lookups tell event times."""

    values: list[Any]
    statuses: list[str]
    event_times: list[int | None] | None


@dataclass(frozen=True)
class Answer:
    via: str
    rows: list[tuple[int, int]]
    columns: list[Column]


class Asker:
    """One client. `known` are the K by chunk, `before_all` a K before the first."""

    def __init__(self, address: str, known: Sequence[int], before_all: int, features: Sequence[Feature]) -> None:
        self._address = address
        self._client = strandline.connect(address, timeout=120)
        self._known = known
        self._before_all = before_all
        self._features = features

    def close(self) -> None:
        self._client.close()

    def known_at(self, job: Job) -> int:
        return self._known[job.known - 1] if job.known else self._before_all

    def answers(self, job: Job) -> Iterator[Answer]:
        yield from self._lookups(job)
        yield self._rows(job)
        if job.wants_file:
            yield self._file(job)

    def _lookups(self, job: Job) -> Iterator[Answer]:
        boundary = _boundary(job)
        known_at = None if job.is_newest else self.known_at(job)
        for moment in job.moments:
            known_at = min(moment.as_of, self.known_at(job)) if job.is_row_time else known_at
            entities = [_key(entity, moment.as_of) for entity in moment.entities]
            result = self._client.get_features(
                SERVICE, entities, moment.as_of, known_at, boundary=boundary, event_times=True
            )
            self._check_known(self.known_at(job) if known_at is None else known_at, result)
            times = result.event_times or {}
            columns = [
                Column(
                    result.features[f.reference], result.statuses[f.reference],
                    [None if time is None else microseconds(time) for time in times[f.reference]],
                )
                for f in self._features
            ]
            yield Answer(LOOKUP, [(entity, moment.as_of) for entity in moment.entities], columns)

    def _rows(self, job: Job) -> Answer:
        rows = job.rows
        known_at = None if job.is_newest else self.known_at(job)
        result = self._client.get_historical_rows(
            SERVICE, [_key(entity, as_of) for entity, as_of in rows], [as_of for _, as_of in rows],
            ROW_TIME if job.is_row_time else known_at, boundary=_boundary(job),
            known_at_most=known_at if job.is_row_time else None,
        )
        self._check_known(self.known_at(job), result)
        columns = [Column(result.features[f.reference], result.statuses[f.reference], None) for f in self._features]
        return Answer(ROWS, rows, columns)

    def _check_known(self, known_at: int, result: strandline.FeatureResult) -> None:
        if microseconds(result.known_at) != known_at:
            raise HarnessError(f"the reply's K is {result.known_at}, not {_iso(known_at)}")

    def _file(self, job: Job) -> Answer:
        rows = job.rows
        known_at: tuple[str, ...] = ("--known-at", _iso(self.known_at(job)))
        if job.is_row_time:
            known_at = ("--known-at", ROW_TIME, "--known-at-most", _iso(self.known_at(job)))
        with _label_file(rows) as (labels, out):
            # A server's reply that its own client refuses ends the run here, with what the client says.
            run(
                "training-set", "--labels", str(labels), "--service", SERVICE, "--out", str(out), "--status-columns",
                "--boundary", _boundary(job), *known_at, "--address", self._address,
            )
            table = parquet.read_table(out)
        if table.column("row").to_pylist() != list(range(len(rows))):
            raise HarnessError("the training set has not the rows of its labels")
        columns = [
            Column(_values(table.column(f.name)), table.column(f"{f.name}__status").to_pylist(), None)
            for f in self._features
        ]
        return Answer(FILE, rows, columns)


def _key(entity: int, as_of: int) -> dict[str, int | str]:
    return {ENTITY: entity, PLACE: place_of(entity, as_of)}


def _boundary(job: Job) -> str:
    return "inclusive" if job.is_inclusive else "strict"


def _iso(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).isoformat()


@contextmanager
def _label_file(rows: Sequence[tuple[int, int]]) -> Iterator[tuple[Path, Path]]:
    with TemporaryDirectory(prefix="strandline-parity-") as name:
        labels = Path(name) / "labels.parquet"
        table = arrow.table({
            "row": arrow.array(range(len(rows)), arrow.int64()),
            ENTITY: arrow.array([entity for entity, _ in rows], arrow.int64()),
            PLACE: arrow.array([place_of(entity, as_of) for entity, as_of in rows], arrow.string()),
            "event_timestamp": arrow.array([as_of for _, as_of in rows], arrow.timestamp("us", tz="UTC")),
        })
        parquet.write_table(table, labels)
        yield labels, Path(name) / "out.parquet"


def _values(column: Any) -> list[Any]:
    """Values of a file's column. Single times become whole microseconds here, since a datetime may not reach them."""
    if arrow.types.is_timestamp(column.type):
        column = column.cast(arrow.timestamp("us", tz=column.type.tz)).cast(arrow.int64())
    values: list[Any] = column.to_pylist()
    return values
