"""Columns as NumPy, pandas, Polars and Arrow have them. Each package is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .columns import python_values
from .errors import MissingExtra
from .feature_types import FeatureType, ValueType

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

#: Name, type and slots; times are microseconds, None where there is no value.
TableColumn = tuple[str, FeatureType, Sequence[Any]]
_NOT_A_TIME = -(2**63)
_NUMBERS = (ValueType.INT64, ValueType.FLOAT64, ValueType.BOOL)


def imported(package: str, extra: str) -> Any:
    """A package that is there only with an extra. Example: ``imported("numpy", "numpy")``"""
    try:
        return import_module(package)
    except ImportError:
        raise MissingExtra(f"this needs {package}: pip install 'strandline[{extra}]'") from None


def to_numpy(columns: Sequence[TableColumn]) -> numpy.ndarray[Any, Any]:
    """A row a row, a column a column; `FeatureResult.to_numpy` says of what type."""
    np = imported("numpy", "numpy")
    slots = [column for _, _, column in columns]
    kinds = {kind.element if kind.is_single else None for _, kind, _ in columns}
    has_nulls = any(None in column for column in slots)
    array: numpy.ndarray[Any, Any]
    if kinds == {ValueType.TIMESTAMP}:
        filled = [[_NOT_A_TIME if slot is None else slot for slot in column] for column in slots]
        array = _matrix(np, filled, "int64").view("datetime64[us]")
    elif kinds == {ValueType.INT64} and not has_nulls:
        array = _matrix(np, slots, "int64")
    elif kinds == {ValueType.BOOL} and not has_nulls:
        array = _matrix(np, slots, "bool")
    elif kinds.issubset(_NUMBERS):
        array = _matrix(np, slots, "float64")
    else:
        array = np.empty((len(slots[0]), len(slots)), dtype=object)
        for place, (_, kind, column) in enumerate(columns):
            for row, value in enumerate(python_values(column, kind)):
                array[row, place] = value
    return array


def _matrix(np: Any, columns: Sequence[Sequence[Any]], dtype: str) -> Any:
    matrix = np.empty((len(columns[0]) if columns else 0, len(columns)), dtype=dtype)
    for place, column in enumerate(columns):
        matrix[:, place] = np.array(column, dtype=dtype)
    return matrix


def to_pandas(columns: Sequence[TableColumn]) -> pandas.DataFrame:
    """A DataFrame with nullable integers and bools, so that nothing becomes a float by being absent."""
    pd = imported("pandas", "pandas")
    made = {name: _pandas_column(pd, kind, slots) for name, kind, slots in columns}
    frame: pandas.DataFrame = pd.DataFrame(made)
    return frame


_PANDAS = {ValueType.INT64: "Int64", ValueType.FLOAT64: "float64", ValueType.BOOL: "boolean", ValueType.STRING: "string"}


def _pandas_column(pd: Any, kind: FeatureType, slots: Sequence[Any]) -> Any:
    if not kind.is_single:
        return pd.Series(python_values(slots, kind), dtype="object")
    if kind.element is ValueType.TIMESTAMP:
        np = imported("numpy", "numpy")
        times = np.array([_NOT_A_TIME if slot is None else slot for slot in slots], dtype="int64")
        return pd.Series(times.view("datetime64[us]")).dt.tz_localize("UTC")
    return pd.Series(list(slots), dtype=_PANDAS[kind.element])


def to_polars(columns: Sequence[TableColumn]) -> polars.DataFrame:
    """A Polars DataFrame; a map is a list of structs of ``key`` and ``value``."""
    pl = imported("polars", "polars")
    single = {
        ValueType.INT64: pl.Int64, ValueType.FLOAT64: pl.Float64, ValueType.BOOL: pl.Boolean, ValueType.STRING: pl.String,
    }  # fmt: skip
    # Times come in as integers, of which Polars makes times itself.
    raw = {**single, ValueType.TIMESTAMP: pl.Int64}
    final = {**single, ValueType.TIMESTAMP: pl.Datetime("us", "UTC")}
    series = []
    for name, kind, slots in columns:
        if kind.key is not None:
            slots = [None if slot is None else [{"key": k, "value": v} for k, v in slot.items()] for slot in slots]
        made = pl.Series(name, list(slots), dtype=_polars_type(pl, kind, raw))
        series.append(made.cast(_polars_type(pl, kind, final)))
    frame: polars.DataFrame = pl.DataFrame(series)
    return frame


def _polars_type(pl: Any, kind: FeatureType, single: Mapping[ValueType, Any]) -> Any:
    element = single[kind.element]
    if kind.key is not None:
        return pl.List(pl.Struct({"key": single[kind.key], "value": element}))
    return pl.List(element) if kind.is_list else element


def to_arrow(columns: Sequence[TableColumn], metadata: Mapping[str, str]) -> pyarrow.Table:
    """An Arrow table; lists and maps are Arrow's own."""
    pa = imported("pyarrow", "arrow")
    single = {
        ValueType.INT64: pa.int64(), ValueType.FLOAT64: pa.float64(), ValueType.BOOL: pa.bool_(),
        ValueType.STRING: pa.string(), ValueType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    fields, arrays = [], []
    for name, kind, slots in columns:
        values = list(slots)
        if kind.key is not None:
            arrow_type = pa.map_(single[kind.key], single[kind.element])
            values = [None if slot is None else list(slot.items()) for slot in slots]
        elif kind.is_list:
            arrow_type = pa.list_(pa.field("element", single[kind.element]))
        else:
            arrow_type = single[kind.element]
        fields.append(pa.field(name, arrow_type))
        arrays.append(pa.array(values, type=arrow_type))
    table: pyarrow.Table = pa.table(arrays, schema=pa.schema(fields, metadata=dict(metadata)))
    return table
