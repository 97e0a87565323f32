"""Counts what agrees and keeps the first of what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .asking import Answer
from .definitions import Feature
from .oracle import Cell
from .values import value_bits

MISMATCHES_SHOWN = 20


class Mismatch(NamedTuple):
    entity: int
    as_of: int
    known_at: int
    boundary: str
    feature: str
    found: str
    expected: str
    via: str

    def __str__(self) -> str:
        return (
            f"mismatch entity={self.entity} T={self.as_of} K={self.known_at} boundary={self.boundary} "
            f"feature={self.feature} found={self.found} expected={self.expected} via={self.via}"
        )


@dataclass
class Tally:
    """A cell is one feature of one question; it is compared once for each way that it came by."""

    compared: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    nonempty: int = 0
    undecided: int = 0
    mismatches: int = 0
    shown: list[Mismatch] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.compared += other.compared
        self.cells += other.cells
        self.kinds += other.kinds
        self.statuses += other.statuses
        self.nonempty += other.nonempty
        self.undecided += other.undecided
        self.mismatches += other.mismatches
        self.shown = (self.shown + other.shown)[:MISMATCHES_SHOWN]

    def count(self, features: Sequence[Feature], cells: Sequence[Cell]) -> None:
        """Cells of one question, whether they agree or not."""
        for feature, cell in zip(features, cells):
            self.cells[feature.function] += 1
            self.kinds.update(feature.kinds)
            self.statuses[cell.status] += 1
            self.nonempty += cell.event_time is not None


class Expected:
    """A question's cells with their bits, made once for all ways."""

    def __init__(self, features: Sequence[Feature], cells: Sequence[Cell]) -> None:
        self.cells = cells
        self.bits = [value_bits(cell.value, feature.type) for feature, cell in zip(features, cells)]


def compare(
    answer: Answer,
    features: Sequence[Feature],
    expected: dict[tuple[int, int], Expected],
    known_at: int,
    boundary: str,
    tally: Tally,
) -> None:
    """Every cell of an answer: value bits, status and, where it is told, the newest event time."""
    kinds = [feature.type for feature in features]
    for row, (entity, as_of) in enumerate(answer.rows):
        wanted = expected.get((entity, as_of))
        if wanted is None:
            continue
        tally.compared[answer.via] += len(features)
        for place, (column, cell, bits) in enumerate(zip(answer.columns, wanted.cells, wanted.bits, strict=True)):
            time = cell.event_time if column.event_times is None else column.event_times[row]
            status = column.statuses[row]
            value = column.values[row]
            if status == cell.status and time == cell.event_time and value_bits(value, kinds[place]) == bits:
                continue
            tally.mismatches += 1
            if len(tally.shown) < MISMATCHES_SHOWN:
                found = f"{value!r}/{status}/{time}"
                want = f"{cell.value!r}/{cell.status}/{cell.event_time}"
                name = features[place].reference
                tally.shown.append(Mismatch(entity, as_of, known_at, boundary, name, found, want, answer.via))
