"""What callers give as entities, as columns: one entity, many, columns, a DataFrame or an Arrow table.

Frames are told by what they can do, so that nothing is imported that the caller has not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Union

from .errors import InvalidArgument, MissingExtra
from .feature_types import ValueType

#: One entity (a dict), several (dicts), columns (a dict of lists or arrays), or a pandas, Polars or Arrow table.
Entities = Union[Mapping[str, Any], Sequence[Mapping[str, Any]], Any]
Column = Sequence[Any]


class EntityColumns:
    """Entities by column.

    Attributes:
        count: how many entities.
        is_strict: whether columns that are no join keys are a mistake, as they are in dicts; tables bring others along.

    Example: ``EntityColumns.of([{"customer_id": 42}]).join_keys(prepared.join_keys)``
    """

    def __init__(self, columns: Mapping[str, Column], count: int, is_strict: bool) -> None:
        self._columns = columns
        self.count = count
        self.is_strict = is_strict

    @classmethod
    def of(cls, entities: Entities) -> EntityColumns:
        """The columns of whatever was given; InvalidArgument for what is none of it."""
        if isinstance(entities, Mapping):
            return cls._of_mapping(entities)
        if isinstance(entities, (str, bytes)) or entities is None:
            raise InvalidArgument(f"entities are dicts, columns or a table; {type(entities).__name__} was given")
        if not isinstance(entities, (list, tuple)):
            table = table_columns(entities)
            if table is not None:
                return cls(table, _count_of(table), is_strict=False)
        return cls._of_rows(entities)

    @classmethod
    def _of_mapping(cls, mapping: Mapping[str, Any]) -> EntityColumns:
        are_columns = [is_column(value) for value in mapping.values()]
        if not any(are_columns):
            return cls({name: [value] for name, value in mapping.items()}, 1, is_strict=True)
        if not all(are_columns):
            raise InvalidArgument("some join keys are columns, others are single values; give all as columns")
        columns = {name: as_list(value) for name, value in mapping.items()}
        return cls(columns, _count_of(columns), is_strict=True)

    @classmethod
    def _of_rows(cls, rows: Iterable[Any]) -> EntityColumns:
        try:
            listed = list(rows)
        except TypeError:
            kind = type(rows).__name__
            raise InvalidArgument(f"entities are dicts, columns or a table; {kind} was given") from None
        for row in listed:
            if type(row) is not dict and not isinstance(row, Mapping):
                raise InvalidArgument(f"an entity is a dict of its join keys; {type(row).__name__} was given")
        names = list(listed[0]) if listed else []
        wanted = set(names)
        for row in listed:
            if row.keys() != wanted:
                raise InvalidArgument(f"all entities have the same join keys; one has {_listed(names)}, one {_listed(row)}")
        return cls({name: [row[name] for row in listed] for name in names}, len(listed), is_strict=True)

    def join_keys(self, join_keys: Sequence[tuple[str, ValueType]]) -> list[Column]:
        """The columns of the join keys, in their order; InvalidArgument when one is missing or too many are there."""
        names = [name for name, _ in join_keys]
        missing = [name for name in names if name not in self._columns]
        extra = self.is_strict and len(self._columns) > len(names)
        if missing or extra:
            close = get_close_matches(missing[0], map(str, self._columns), 1) if missing else []
            hint = f"; did you mean {missing[0]} by {close[0]}?" if close else ""
            raise InvalidArgument(
                f"an entity has the keys {_listed(names)}; this one has {_listed(self._columns) or 'none'}{hint}"
            )
        return [self._columns[name] for name in names]

    def column(self, name: str) -> Column:
        """One column by its name. Example: ``EntityColumns.of(frame).column("event_timestamp")``"""
        if name not in self._columns:
            raise InvalidArgument(f"no column {name}; there are {_listed(self._columns) or 'none'}")
        return self._columns[name]

    def without(self, name: str) -> EntityColumns:
        """The same without a column. Example: ``EntityColumns.of(columns).without("event_timestamp")``"""
        return EntityColumns({n: c for n, c in self._columns.items() if n != name}, self.count, self.is_strict)


def is_column(value: object) -> bool:
    """Whether a value is many values. Example: ``is_column([1, 2])``"""
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__len__") and hasattr(value, "__iter__")


def as_list(column: Any) -> Column:
    """A column's values as Python has them. Example: ``as_list(frame["customer_id"])``"""
    if isinstance(column, (list, tuple)):
        return column
    if getattr(getattr(column, "dtype", None), "kind", "") == "M" and type(column).__module__ == "numpy":
        return _times_of(column)
    for name in ("to_pylist", "to_list", "tolist"):
        convert = getattr(column, name, None)
        if callable(convert):
            return list(convert())
    return list(column)


def _times_of(array: Any) -> Column:
    """NumPy's times in whole microseconds: as plain values those in nanoseconds would be mere numbers."""
    micros = array.astype("datetime64[us]")
    if not (micros == array).all():
        raise InvalidArgument("a time is missing, or finer than a microsecond")
    return list(micros.astype("int64").tolist())


def table_columns(table: Any) -> dict[str, Column] | None:
    """The columns of a pandas, Polars or Arrow table; None for something else."""
    names = getattr(table, "column_names", None)
    if names is not None and callable(getattr(table, "column", None)):
        return {str(name): as_list(table.column(name)) for name in names}
    names = getattr(table, "columns", None)
    if names is not None and not callable(names) and hasattr(table, "__getitem__"):
        columns = {str(name): table[name] for name in names}
        # DuckDB's relations have columns too, but no values in them; they are read as a stream.
        if all(hasattr(column, "to_list") or hasattr(column, "tolist") for column in columns.values()):
            return {name: as_list(column) for name, column in columns.items()}
    if hasattr(table, "__arrow_c_stream__"):
        try:
            import pyarrow
        except ImportError:
            raise MissingExtra(
                f"reading a {type(table).__name__} needs pyarrow: pip install 'strandline[arrow]'"
            ) from None
        return table_columns(pyarrow.table(table))
    return None


def _count_of(columns: Mapping[str, Column]) -> int:
    counts = {len(column) for column in columns.values()}
    if len(counts) > 1:
        lengths = ", ".join(f"{name} has {len(column)}" for name, column in columns.items())
        raise InvalidArgument(f"columns of different lengths: {lengths}")
    return counts.pop() if counts else 0


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
