"""VALUES and COLUMNS. All bytes are checked here, so that whatever is decoded later cannot fail.

Slots are values as they travel: times are microseconds, everything else is as Python has it; None where there is none.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from ..errors import ProtocolError
from ..feature_types import FeatureType, Status, ValueType
from .fields import Reader
from .payload import CODES
from .row_layouts import HAS_VALUE, RowLayout, has_length, of_bytes

NO_EVENT_TIME = -(2**63)
_VALUES = struct.Struct("<qqIHB")
_EVENT_TIMES = 4
_KNOWN_MARKS = bytes(status | bit for status in Status for bit in (0, HAS_VALUE))
_LAYOUTS_MAX = 1024

Column = Sequence[Any]


class Values:
    """The rows of VALUES or COLUMNS; by column on demand.

    Attributes:
        as_of: the T that was used; None in COLUMNS.
        known_at: the K that was used.
        count: how many rows.

    Example: ``decode_values(body, prepared.types).columns[0]``
    """

    __slots__ = (
        "as_of", "known_at", "count", "_rows", "_columns", "_marks", "_features", "_times", "_column_times",
        "_by_column",
    )  # fmt: skip

    def __init__(
        self,
        as_of: int | None,
        known_at: int,
        count: int,
        features: int,
        marks: bytes,
        rows: list[tuple[Any, ...]] | None,
        columns: list[Column] | None,
        times: list[tuple[int, ...]] | None,
        column_times: list[Sequence[int]] | None = None,
    ) -> None:
        self.as_of = as_of
        self.known_at = known_at
        self.count = count
        self._features = features
        self._marks = marks
        self._rows = rows
        self._columns = columns
        self._times = times
        self._column_times = column_times
        self._by_column = rows is None

    @property
    def has_event_times(self) -> bool:
        return self._times is not None or self._column_times is not None

    @property
    def columns(self) -> list[Column]:
        """The slots, by feature."""
        if self._columns is None:
            self._columns = list(zip(*self._rows or ()))
        return self._columns

    def marks(self, feature: int) -> bytes:
        """The status bytes of a feature, a row each; bit 7 says whether there is a value."""
        if self._by_column:
            return self._marks[feature * self.count : (feature + 1) * self.count]
        return self._marks[feature :: self._features]

    def event_times(self, feature: int) -> list[int] | None:
        """The newest event that counted, a row each; None when they were not asked for."""
        if self._column_times is not None:
            return list(self._column_times[feature])
        return None if self._times is None else [row[feature] for row in self._times]


def decode_values(body: bytes, types: Sequence[FeatureType], layouts: dict[bytes, RowLayout] | None = None) -> Values:
    """VALUES with features of these types; `layouts` are those of earlier replies with the same types.

    Example: ``decode_values(body, prepared.types).as_of``
    """
    if len(body) < _VALUES.size:
        raise ProtocolError("a message ends inside one of its fields")
    as_of, known_at, count, features, options = _VALUES.unpack_from(body)
    if options & ~_EVENT_TIMES:
        raise ProtocolError(f"options 0x{options:02x} in VALUES")
    _check_counts(len(body) - _VALUES.size, count, features, types, 9 if options else 1)
    rows, marks, times = _rows(body, _VALUES.size, count, types, bool(options), {} if layouts is None else layouts)
    if marks.translate(None, _KNOWN_MARKS):
        raise ProtocolError("a status that does not exist")
    return Values(as_of, known_at, count, features, marks, rows, None, times)


def _rows(
    body: bytes, at: int, count: int, types: Sequence[FeatureType], has_times: bool, layouts: dict[bytes, RowLayout]
) -> tuple[list[tuple[Any, ...]], bytes, list[tuple[int, ...]] | None]:
    features = len(types)
    first = _layout(body[at : at + features], types, layouts) if count else None
    if first is not None and first.row is not None and not has_times and len(body) - at == count * first.row.size:
        found = _equal_rows(body, at, count, first, features)
        if found is not None:
            return found, body[at : at + features] * count, None
    event_times = struct.Struct(f"<{features}q")
    rows: list[tuple[Any, ...]] = []
    marks: list[bytes] = []
    times: list[tuple[int, ...]] | None = [] if has_times else None
    for _ in range(count):
        mark = body[at : at + features]
        layout = layouts.get(mark) or _layout(mark, types, layouts)
        row, at = layout.read(body, at)
        rows.append(row)
        marks.append(mark)
        if times is not None:
            if at + event_times.size > len(body):
                raise ProtocolError("a message ends inside one of its fields")
            times.append(event_times.unpack_from(body, at))
            at += event_times.size
    if at != len(body):
        raise ProtocolError(f"{len(body) - at} bytes after the end of a message")
    return rows, b"".join(marks), times


def _equal_rows(body: bytes, at: int, count: int, layout: RowLayout, features: int) -> list[tuple[Any, ...]] | None:
    """All rows at once, where all have the status bytes of the first; None where they have not."""
    if layout.row is None:
        return None
    size = layout.row.size
    if count > 1 and any(body[at + i :: size] != body[at + i : at + i + 1] * count for i in range(features)):
        return None
    if any(body[at + offset :: size].translate(None, b"\0\1") for offset in layout.bools):
        raise ProtocolError("a bool that is neither 0 nor 1")
    rows = list(layout.row.iter_unpack(memoryview(body)[at:]))
    return rows if layout.spread is None else list(map(layout.spread, rows))


def _layout(marks: bytes, types: Sequence[FeatureType], layouts: dict[bytes, RowLayout]) -> RowLayout:
    layout = layouts.get(marks)
    if layout is None:
        if len(marks) != len(types):
            raise ProtocolError("a message ends inside one of its fields")
        # A server could send ever new ones.
        if len(layouts) >= _LAYOUTS_MAX:
            layouts.clear()
        layout = layouts[marks] = RowLayout(marks, types)
    return layout


def decode_columns(body: bytes, types: Sequence[FeatureType], event_times: bool = False) -> Values:
    """COLUMNS with features of these types, and event times where ROWS asked for them.

    Example: ``decode_columns(body, prepared.types).columns``
    """
    reader = Reader(body)
    known_at, count, features = reader.unpack("<qIH")
    _check_counts(reader.left, count, features, types, 10 if event_times else 2)
    columns: list[Column] = []
    times: list[Sequence[int]] = []
    all_marks = []
    for kind in types:
        marks = reader.take(count)
        if marks.translate(None, _KNOWN_MARKS):
            raise ProtocolError("a status that does not exist")
        all_marks.append(marks)
        columns.append(_with_lengths(reader, marks, kind) if has_length(kind) else _fixed(reader, marks, kind))
        if event_times:
            times.append(reader.unpack(f"<{count}q"))
    reader.finish()
    return Values(None, known_at, count, features, b"".join(all_marks), None, columns, None, times if event_times else None)


def _fixed(reader: Reader, marks: bytes, kind: FeatureType) -> Column:
    if kind.element is ValueType.BOOL:
        data = reader.take(len(marks))
        if data.translate(None, b"\0\1"):
            raise ProtocolError("a bool that is neither 0 nor 1")
        return [slot == 1 if mark & HAS_VALUE else None for mark, slot in zip(marks, data)]
    slots = reader.unpack(f"<{len(marks)}{CODES[kind.element]}")
    if min(marks, default=HAS_VALUE) >= HAS_VALUE:
        return slots
    return [slot if mark & HAS_VALUE else None for mark, slot in zip(marks, slots)]


def _with_lengths(reader: Reader, marks: bytes, kind: FeatureType) -> Column:
    column: list[Any] = []
    for mark, length in zip(marks, reader.unpack(f"<{len(marks)}I")):
        if not mark & HAS_VALUE and length:
            raise ProtocolError("bytes of a value that is not there")
        column.append(of_bytes(reader.take(length), kind) if mark & HAS_VALUE else None)
    return column


def _check_counts(left: int, count: int, features: int, types: Sequence[FeatureType], each: int) -> None:
    if features != len(types):
        raise ProtocolError(f"{features} features in a reply, {len(types)} in PREPARED")
    if count * max(features, 1) * each > left:
        raise ProtocolError("a reply with more rows than bytes")
