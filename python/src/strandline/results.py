"""What a lookup gives back."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from .feature_types import FeatureType
from .payload import Value

_ROWS_SHOWN = 10


@dataclass(frozen=True, repr=False)
class FeatureResult:
    """Feature values by column, with how each came about.

    Attributes:
        entities: the join keys by column, as they were given.
        features: the values by column, under their references ``view:feature``; None where there is no value. Lists are lists,
            maps dicts in the order of the reply, times datetimes; an element without a value is None.
        statuses: ``PRESENT``, ``NULL_VALUE``, ``NOT_FOUND``, ... by column, as `features`.
        as_of: the T that was used for every row; None for historical rows, which have `row_times`.
        known_at: the K that was used. Asking again with both gives the same bits.
        event_times: the newest event that counted, by column; None when they were not asked for.
        row_times: the T of each row, for historical rows.
        types: the type of each feature; ``str(type)`` is such as ``int64`` or ``list<string>``.

    Example: ``pandas.DataFrame(result.to_dict())``
    """

    entities: dict[str, list[object]]
    features: dict[str, list[Value]]
    statuses: dict[str, list[str]]
    as_of: datetime | None
    known_at: datetime
    event_times: dict[str, list[datetime | None]] | None = None
    row_times: list[datetime] | None = None
    count: int = field(default=0)
    types: dict[str, FeatureType] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def to_dict(self) -> dict[str, list[object]]:
        """Column name -> list: the join keys, ``as_of`` for historical rows, then the features.

        Example: ``result.to_dict()["purchases:amount_sum_30d"][0]``
        """
        columns: dict[str, list[object]] = {name: list(column) for name, column in self.entities.items()}
        if self.row_times is not None:
            columns["as_of"] = list(self.row_times)
        columns.update({name: list(column) for name, column in self.features.items()})
        return columns

    def rows(self) -> Iterator[dict[str, object]]:
        """One dict a row, with the columns of `to_dict`.

        Example: ``next(result.rows())["purchases:count_7d"]``
        """
        columns = self.to_dict()
        for row in range(self.count):
            yield {name: column[row] for name, column in columns.items()}

    def __repr__(self) -> str:
        times = f"known_at={self.known_at.isoformat()}"
        if self.as_of is not None:
            times = f"as_of={self.as_of.isoformat()}, {times}"
        return f"FeatureResult({self.count} rows x {len(self.features)} features, {times})"

    def _repr_html_(self) -> str:
        """A table of the first rows for notebooks; a value that is not PRESENT carries its status as its title."""
        columns = self.to_dict()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        lines = []
        for row in range(min(self.count, _ROWS_SHOWN)):
            cells = "".join(self._cell(name, column[row], row) for name, column in columns.items())
            lines.append(f"<tr>{cells}</tr>")
        if self.count > _ROWS_SHOWN:
            lines.append(f'<tr><td colspan="{len(columns)}">{self.count - _ROWS_SHOWN} more rows</td></tr>')
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        return f"{table}<p>{html.escape(repr(self))}</p>"

    def _cell(self, name: str, value: object, row: int) -> str:
        text = html.escape("" if value is None else str(value))
        status = self.statuses[name][row] if name in self.statuses else "PRESENT"
        if status == "PRESENT":
            return f"<td>{text}</td>"
        return f'<td title="{status}" style="opacity:0.6">{text or status}</td>'
