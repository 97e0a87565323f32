"""What a lookup gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from . import notebook, tables
from .columns import STATUS_NAMES, LazyColumns, Value, event_times, python_values
from .feature_types import FeatureType, ValueType
from .tables import TableColumn
from .times import to_datetime
from .wire import NO_EVENT_TIME, Prepared, Values

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

_TIME = FeatureType(ValueType.TIMESTAMP)
_TEXT = FeatureType(ValueType.STRING)


class FeatureResult:
    """Feature values by column, with how each came about. Columns are decoded when somebody looks at them.

    Rows are there as well: ``len(result)``, ``result[0]`` is a dict, and it can be iterated over.

    Attributes:
        entities: the join keys by column, as they were given.
        features: the values by column, under their references ``view:feature``; None where there is no value. Lists are
            lists, maps dicts in the order of the reply, times datetimes; an element without a value is None.
        statuses: ``PRESENT``, ``NULL_VALUE``, ``NOT_FOUND``, ... by column, as `features`.
        event_times: the newest event that counted, by column; None when they were not asked for.
        row_times: the T of each row, for historical rows.
        types: the type of each feature; ``str(type)`` is such as ``int64`` or ``list<string>``.
        definition_hash: which definitions answered.

    Example: ``store.get_features("fraud", {"customer_id": 42}).to_dict()``
    """

    def __init__(
        self,
        prepared: Prepared,
        parts: Sequence[Values],
        keys: Sequence[Sequence[Any]],
        row_times: Sequence[int] | None = None,
    ) -> None:
        self._parts = parts
        self._names = prepared.names
        self._types = prepared.types
        self._keys = [(name, FeatureType(kind), column) for (name, kind), column in zip(prepared.join_keys, keys)]
        self._row_times = row_times
        self._count = sum([part.count for part in parts])
        self.definition_hash = prepared.definition_hash
        self.features: Mapping[str, list[Value]] = LazyColumns(prepared.places, self._feature)
        self.statuses: Mapping[str, list[str]] = LazyColumns(prepared.places, self._status)
        self.event_times: Mapping[str, list[datetime | None]] | None = None
        if parts[0].has_event_times:
            self.event_times = LazyColumns(prepared.places, self._event_time)

    @property
    def entities(self) -> dict[str, list[Any]]:
        return {name: list(column) for name, _, column in self._keys}

    @property
    def types(self) -> dict[str, FeatureType]:
        return dict(zip(self._names, self._types))

    @property
    def as_of(self) -> datetime | None:
        """The T that was used for every row; None for historical rows, which have `row_times`."""
        as_of = self._parts[0].as_of
        return None if as_of is None else to_datetime(as_of)

    @property
    def known_at(self) -> datetime:
        """The K that was used. Asking again with `as_of` and `known_at` gives the same bits."""
        return to_datetime(self._parts[0].known_at)

    @property
    def row_times(self) -> list[datetime] | None:
        return None if self._row_times is None else list(map(to_datetime, self._row_times))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(self._count))]
        place = range(self._count)[row]
        return {name: column[place] for name, column in self.to_dict().items()}

    def __iter__(self) -> Iterator[dict[str, object]]:
        columns = self.to_dict()
        return (dict(zip(columns, row)) for row in zip(*columns.values()))

    def to_dict(self, statuses: bool = False, event_times: bool = False) -> dict[str, list[Any]]:
        """Column name -> list: the join keys, ``as_of`` for historical rows, then the features.

        With `statuses` each feature is followed by ``<feature>__status``, with `event_times` by ``<feature>__ts``; so in
        all other forms.

        Example: ``result.to_dict()["purchases:amount_sum_30d"][0]``
        """
        columns: dict[str, list[Any]] = {}
        for name, kind, slots in self._keys:
            columns[name] = list(slots)
        if self._row_times is not None:
            columns["as_of"] = list(map(to_datetime, self._row_times))
        for name, kind, slots in self._feature_columns():
            columns[name] = python_values(slots, kind)
            if statuses:
                columns[f"{name}__status"] = list(self.statuses[name])
            if event_times:
                columns[f"{name}__ts"] = list((self.event_times or {}).get(name, [None] * self._count))
        return columns

    def to_numpy(self) -> numpy.ndarray[Any, Any]:
        """The features, a row an entity and a column a feature, without the join keys: what a model takes.

        Numbers and bools give float64 with NaN for null; only int64 without nulls gives int64, only bools without nulls
        bool, only timestamps datetime64[us]; with strings, lists or maps it is an array of objects. Beyond 2^53 an int64
        is rounded as a float is; `to_arrow` keeps it.

        Example: ``model.predict(result.to_numpy())``
        """
        return tables.to_numpy(self._feature_columns())

    def to_pandas(self, statuses: bool = False, event_times: bool = False) -> pandas.DataFrame:
        """A DataFrame: Int64, float64, boolean and string columns with nulls as pandas has them, times in UTC.

        Example: ``result.to_pandas().set_index("customer_id")``
        """
        return tables.to_pandas(self._table(statuses, event_times))

    def to_polars(self, statuses: bool = False, event_times: bool = False) -> polars.DataFrame:
        """A Polars DataFrame; a map is a list of structs of ``key`` and ``value``.

        Example: ``result.to_polars().select("purchases:count_7d")``
        """
        return tables.to_polars(self._table(statuses, event_times))

    def to_arrow(self, statuses: bool = False, event_times: bool = False) -> pyarrow.Table:
        """An Arrow table with the same types as a training set's file; its metadata name K, and T where there is one.

        Example: ``pyarrow.parquet.write_table(result.to_arrow(), "features.parquet")``
        """
        metadata = {"strandline.known_at": self.known_at.isoformat()}
        if self.as_of is not None:
            metadata["strandline.as_of"] = self.as_of.isoformat()
        return tables.to_arrow(self._table(statuses, event_times), metadata)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For whoever reads Arrow streams, such as ``duckdb.sql("from result")`` and ``polars.DataFrame(result)``."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        times = f"known_at={self.known_at.isoformat()}"
        if self.as_of is not None:
            times = f"as_of={self.as_of.isoformat()}, {times}"
        rows, features = len(self), len(self._names)
        return f"FeatureResult({rows} row{'s' * (rows != 1)} x {features} feature{'s' * (features != 1)}, {times})"

    def __str__(self) -> str:
        return f"{self!r}\n{notebook.text_table(self.to_dict(), self.statuses)}"

    def _repr_html_(self) -> str:
        """A table of the first rows for notebooks; a value that is not PRESENT carries its status as its title."""
        return notebook.html_table(self.to_dict(), self.statuses, repr(self))

    def _slots(self, place: int) -> Sequence[Any]:
        return self._parts[0].columns[place] if len(self._parts) == 1 else self._joined(place)

    def _joined(self, place: int) -> list[Any]:
        return list(chain.from_iterable(part.columns[place] for part in self._parts))

    def _feature(self, place: int) -> list[Value]:
        return python_values(self._slots(place), self._types[place])

    def _status(self, place: int) -> list[str]:
        names = STATUS_NAMES
        return [names[mark] for part in self._parts for mark in part.marks(place)]

    def _raw_event_times(self, place: int) -> list[int]:
        return [time for part in self._parts for time in part.event_times(place) or ()]

    def _event_time(self, place: int) -> list[datetime | None]:
        return event_times(self._raw_event_times(place))

    def _feature_columns(self) -> list[TableColumn]:
        if len(self._parts) == 1:
            return list(zip(self._names, self._types, self._parts[0].columns))
        return [(name, kind, self._joined(place)) for place, (name, kind) in enumerate(zip(self._names, self._types))]

    def _table(self, statuses: bool, event_times: bool) -> list[TableColumn]:
        """The columns of all tables, as slots."""
        table: list[TableColumn] = list(self._keys)
        if self._row_times is not None:
            table.append(("as_of", _TIME, self._row_times))
        for place, column in enumerate(self._feature_columns()):
            name = column[0]
            table.append(column)
            if statuses:
                table.append((f"{name}__status", _TEXT, self.statuses[name]))
            if event_times:
                times = self._raw_event_times(place) if self.event_times is not None else [NO_EVENT_TIME] * self._count
                table.append((f"{name}__ts", _TIME, [None if time == NO_EVENT_TIME else time for time in times]))
        return table
