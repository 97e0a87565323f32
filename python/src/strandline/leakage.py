"""The leakage report: for each feature how old its newest event was when the label's row was read."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .embargoes import text_of
from .tables import imported
from .times import to_datetime


class _Column(Protocol):
    @property
    def reference(self) -> str: ...

    @property
    def embargo(self) -> int: ...

    @property
    def times(self) -> list[int | None]: ...


@dataclass(frozen=True)
class FeatureLeakage:
    """Attributes:
        feature: ``view:feature``.
        embargo: microseconds; a row's limit is the label's time less this.
        newest_event: the newest event that counted towards any cell, in microseconds; None where none did.
        least_age: the least distance of a cell's newest event to its limit, in microseconds.
        leaks: cells with an event at or after their limit (after it, with the inclusive boundary). Always 0: a training
            set with leaks raises.
    """

    name: str
    feature: str
    embargo: int
    newest_event: int | None
    least_age: int | None
    leaks: int


@dataclass(frozen=True)
class LeakageReport:
    """What `TrainingSet.report` gives; printable. Example: ``print(training.report)``"""

    features: Sequence[FeatureLeakage]
    rows: int

    @property
    def leaks(self) -> int:
        """Cells with an event at or after their limit: 0."""
        return sum(feature.leaks for feature in self.features)

    def to_dict(self) -> list[dict[str, Any]]:
        """A dict a feature, times as text. Example: ``pandas.DataFrame(training.report.to_dict())``"""
        return [dict(zip(_HEAD, row)) for row in self._rows()]

    def _rows(self) -> list[tuple[str, str, str, str, int]]:
        return [
            (
                feature.feature, text_of(feature.embargo),
                "" if feature.newest_event is None else to_datetime(feature.newest_event).isoformat(),
                "" if feature.least_age is None else f"{feature.least_age / 1e6:g}s", feature.leaks,
            )  # fmt: skip
            for feature in self.features
        ]

    def __str__(self) -> str:
        table = [_HEAD, *(tuple(map(str, row)) for row in self._rows())]
        widths = [max(map(len, cells)) for cells in zip(*table)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in table]
        return "\n".join([*lines, f"{self.leaks} of {self.rows * len(self.features)} cells leak"])

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in _HEAD)
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in self._rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


_HEAD = ("feature", "embargo", "newest_event", "least_age", "leaks")


def leakage_of(
    names: Sequence[str], columns: Sequence[_Column], times: Sequence[int], inclusive: bool
) -> LeakageReport:
    """Compares every cell's newest event with its row's limit. Example: ``leakage_of(names, columns, times, False)``"""
    pa, pc = imported("pyarrow", "arrow"), imported("pyarrow.compute", "arrow")
    labels = pa.array(times, pa.int64())
    found = []
    for name, column in zip(names, columns):
        events = pa.array(column.times, pa.int64())
        ages = pc.subtract(pc.subtract(labels, column.embargo), events)
        late = pc.less(ages, 0) if inclusive else pc.less_equal(ages, 0)
        found.append(
            FeatureLeakage(
                name, column.reference, column.embargo, pc.max(events).as_py(), pc.min(ages).as_py(),
                pc.sum(late).as_py() or 0,
            )  # fmt: skip
        )
    return LeakageReport(found, len(times))
