"""Label rows for training sets, as an Arrow table: a DataFrame, an Arrow table or a file in, keys and times out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Union
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import InvalidArgument
from .feature_types import ValueType
from .tables import imported
from .times import microseconds, to_datetime

if TYPE_CHECKING:
    import pyarrow

#: A pandas, Polars or Arrow table, whatever gives an Arrow stream, or the path of a CSV, Parquet or Arrow file.
LabelSource = Union["os.PathLike[str]", str, Any]
_TIME_COLUMNS = ("event_timestamp", "timestamp")
_MICROSECOND = timedelta(microseconds=1)


class Labels:
    """Attributes:
        table: the labels as they were given, as an Arrow table.
        name: the file's name, or the type of the table.
        sha256: of the file's bytes; None for a table.
        timestamp_column: which column has the times.
        zone: the zone of times without one.
        times: the time of each row, in microseconds.
        without_zone: how many times are written without a zone.

    Example: ``Labels("labels.parquet", None, None, [("customer_id", ValueType.INT64)])``
    """

    def __init__(
        self,
        source: LabelSource,
        timestamp_column: str | None,
        zone: str | None,
        join_keys: Sequence[tuple[str, ValueType]],
    ) -> None:
        self.sha256: str | None = None
        texts = [name for name, kind in join_keys if kind is ValueType.STRING]
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            self.name = os.path.basename(path)
            self.table = _read(path, texts)
            with open(path, "rb") as file:
                self.sha256 = hashlib.sha256(file.read()).hexdigest()
        else:
            self.name = f"{type(source).__module__.partition('.')[0]}.{type(source).__name__}"
            self.table = _table_of(source)
        if self.table.num_rows == 0:
            raise InvalidArgument(f"{self.name}: no label rows")
        self.timestamp_column = timestamp_column or self._time_column()
        self.zone = zone or "UTC"
        self.times, self.without_zone = self._times()

    def columns(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Some columns, by name; InvalidArgument for one that is not there. Example: ``labels.columns(["customer_id"])``"""
        return {name: self._column(name).to_pylist() for name in names}

    def _time_column(self) -> str:
        for name in _TIME_COLUMNS:
            if name in self.table.column_names:
                return name
        raise InvalidArgument(
            f"{self.name}: no column event_timestamp or timestamp; name the time column with timestamp_column=. "
            f"Columns: {', '.join(self.table.column_names)}"
        )

    def _column(self, name: str) -> Any:
        found = self.table.column_names.count(name)
        if found != 1:
            what = "no column" if found == 0 else f"{found} columns"
            raise InvalidArgument(f"{self.name}: {what} '{name}'. Columns: {', '.join(self.table.column_names)}")
        return self.table.column(name)

    def _times(self) -> tuple[list[int], int]:
        pa = imported("pyarrow", "arrow")
        column = self._column(self.timestamp_column)
        if column.null_count:
            row = column.is_null().to_pylist().index(True)
            raise InvalidArgument(f"{self.name}: row {row + 1}: column '{self.timestamp_column}' is empty")
        zone = _zone(self.zone)
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
            return self._parsed(column.to_pylist(), zone)
        if pa.types.is_date(kind):
            column, kind = column.cast(pa.timestamp("us")), pa.timestamp("us")
        if not pa.types.is_timestamp(kind):
            raise InvalidArgument(
                f"{self.name}: column '{self.timestamp_column}' of type {kind} does not hold times: "
                "timestamps, dates or ISO 8601 text do"
            )
        try:
            found: list[int] = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).to_pylist()
        except pa.ArrowInvalid as error:
            raise InvalidArgument(f"{self.name}: column '{self.timestamp_column}': {error}") from None
        if kind.tz is not None:
            return found, 0
        return (found if zone is None else [self._placed(time, zone, row) for row, time in enumerate(found)]), len(found)

    def _parsed(self, texts: Sequence[str], zone: ZoneInfo | None) -> tuple[list[int], int]:
        times, without = [], 0
        for row, text in enumerate(texts):
            try:
                time = microseconds(text)
            except InvalidArgument as error:
                raise InvalidArgument(f"{self.name}: row {row + 1}: column '{self.timestamp_column}': {error}") from None
            if not any(mark in text[10:] for mark in "Zz+-"):
                without += 1
                time = time if zone is None else self._placed(time, zone, row)
            times.append(time)
        return times, without

    def _placed(self, shown: int, zone: ZoneInfo, row: int) -> int:
        """The instant at which clocks of a zone showed a time, which is given as if it were UTC."""
        local = to_datetime(shown).replace(tzinfo=None)
        found = set()
        for fold in (0, 1):
            moment = local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc)
            if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local:
                found.add(moment)
        if len(found) != 1:
            why = "clocks were put back to it, so it was twice" if found else "clocks were put forward over it"
            raise InvalidArgument(
                f"{self.name}: row {row + 1}: column '{self.timestamp_column}' holds {local.isoformat()}, which {zone.key} "
                f"does not have once: {why}; write its offset"
            )
        return (found.pop() - datetime(1970, 1, 1, tzinfo=timezone.utc)) // _MICROSECOND


def _zone(name: str) -> ZoneInfo | None:
    if name == "UTC":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgument(f"there is no zone '{name}'; write for example Europe/Berlin or UTC") from None


def _read(path: str, texts: Sequence[str]) -> pyarrow.Table:
    pa = imported("pyarrow", "arrow")
    end = os.path.splitext(path)[1].lower()
    try:
        if end == ".csv":
            csv = imported("pyarrow.csv", "arrow")
            # A key that is text stays it: `007` must not come out as 7.
            options = csv.ConvertOptions(
                column_types={name: pa.string() for name in texts}, null_values=[""], strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            )  # fmt: skip
            return csv.read_csv(path, convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=True))
        if end in (".parquet", ".pq"):
            return imported("pyarrow.parquet", "arrow").read_table(path)
        if end in (".arrow", ".feather", ".ipc"):
            return imported("pyarrow.feather", "arrow").read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidArgument(f"{path}: {error}") from None
    raise InvalidArgument(f"{path}: labels are a table, or a .csv, .parquet or .arrow file")


def _table_of(source: Any) -> pyarrow.Table:
    pa = imported("pyarrow", "arrow")
    table = _any_table(pa, source)
    # Text as files have it: Polars lends its own form, which not every reader knows.
    for place, field in enumerate(table.schema):
        if str(field.type) == "string_view":
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table


def _any_table(pa: Any, source: Any) -> pyarrow.Table:
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, Mapping):
        return pa.table(dict(source))
    # pandas' index is no column; before version 2.2 it gives no Arrow stream either.
    if type(source).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(source, preserve_index=False).replace_schema_metadata(None)
    if hasattr(source, "__arrow_c_stream__"):
        return pa.table(source)
    if isinstance(source, Sequence) and source and all(isinstance(row, Mapping) for row in source):
        return pa.Table.from_pylist(list(source))
    raise InvalidArgument(
        f"labels are a pandas, Polars or Arrow table, or the path of a file; {type(source).__name__} was given"
    )
