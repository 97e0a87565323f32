"""VALUES and COLUMNS: random replies against a plain encoder of the format page, and bytes that lie."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strandline import ProtocolError, wire
from strandline.wire import FeatureType, ValueType, Values

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SINGLE = {
    ValueType.INT64: INTEGERS,
    ValueType.FLOAT64: st.floats(allow_nan=False),
    ValueType.STRING: st.text(max_size=6),
    ValueType.BOOL: st.booleans(),
    ValueType.TIMESTAMP: INTEGERS,
}
TYPES = st.one_of(
    st.builds(FeatureType, st.sampled_from(ValueType)),
    st.builds(lambda kind: FeatureType(kind, is_list=True), st.sampled_from(ValueType)),
    st.builds(lambda key, kind: FeatureType(kind, key=key), st.sampled_from(ValueType), st.sampled_from(ValueType)),
)


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def single(value: Any, kind: ValueType) -> bytes:
    if kind is ValueType.STRING:
        return text(value)
    return struct.pack({1: "<q", 2: "<d", 4: "<?", 5: "<q"}[kind], value)


def optionals(values: list[Any], kind: ValueType) -> bytes:
    return bytes(v is not None for v in values) + b"".join(single(v, kind) for v in values if v is not None)


def payload(value: Any, kind: FeatureType) -> bytes:
    count = struct.pack("<I", len(value))
    if kind.key is None:
        return count + optionals(value, kind.element)
    keys = b"".join(single(key, kind.key) for key in value)
    return count + keys + optionals(list(value.values()), kind.element)


def encoded(value: Any, kind: FeatureType) -> bytes:
    if kind.is_single:
        return single(value, kind.element)
    data = payload(value, kind)
    return struct.pack("<I", len(data)) + data


def value_of(kind: FeatureType) -> st.SearchStrategy[Any]:
    element = st.one_of(st.none(), SINGLE[kind.element])
    if kind.key is not None:
        return st.dictionaries(SINGLE[kind.key], element, max_size=3)
    return st.lists(element, max_size=3) if kind.is_list else SINGLE[kind.element]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[FeatureType], list[list[Any]], list[list[int]], list[list[int]] | None]:
    """Types, columns, status bytes by column, event times by row."""
    types = draw(st.lists(TYPES, min_size=1, max_size=5))
    count = draw(st.integers(1, 5))
    columns = []
    marks = []
    is_dense = draw(st.booleans())
    for kind in types:
        cell = value_of(kind) if is_dense else st.one_of(st.none(), value_of(kind))
        column = draw(st.lists(cell, min_size=count, max_size=count))
        status = st.just(1) if is_dense else st.integers(1, 7)
        columns.append(column)
        marks.append([draw(status) | 0x80 * (value is not None) for value in column])
    times = draw(st.one_of(st.none(), st.lists(st.lists(INTEGERS, min_size=len(types), max_size=len(types)),
                                               min_size=count, max_size=count)))  # fmt: skip
    return types, columns, marks, times


Table = tuple[list[FeatureType], list[list[Any]], list[list[int]], "list[list[int]] | None"]


def values_body(table: Table) -> bytes:
    types, columns, marks, times = table
    count = len(columns[0])
    body = struct.pack("<qqIHB", 7, 8, count, len(types), 4 * (times is not None))
    for row in range(count):
        body += bytes(column[row] for column in marks)
        body += b"".join(encoded(c[row], kind) for c, kind in zip(columns, types) if c[row] is not None)
        if times is not None:
            body += struct.pack(f"<{len(types)}q", *times[row])
    return body


def columns_body(table: Table) -> bytes:
    types, columns, marks, _ = table
    body = struct.pack("<qIH", 8, len(columns[0]), len(types))
    for kind, column, mark in zip(types, columns, marks):
        body += bytes(mark)
        if kind.is_single and kind.element is not ValueType.STRING:
            size = 1 if kind.element is ValueType.BOOL else 8
            body += b"".join(bytes(size) if v is None else single(v, kind.element) for v in column)
            continue
        cells = [b"" if v is None else (v.encode() if kind.is_single else payload(v, kind)) for v in column]
        body += struct.pack(f"<{len(cells)}I", *map(len, cells)) + b"".join(cells)
    return body


def same(found: Values, table: Table) -> None:
    _, columns, marks, _ = table
    assert repr(list(map(list, found.columns))) == repr(columns), "to the last bit, and of the same types"
    assert [list(found.marks(place)) for place in range(len(columns))] == marks
    assert found.count == len(columns[0])


@given(tables())
@settings(max_examples=300, deadline=None)
def test_values(table: Table) -> None:
    types, columns, _, times = table
    body = values_body(table)
    found = wire.decode_values(body, types)
    same(found, table)
    for place in range(len(types)):
        assert found.event_times(place) == (None if times is None else [row[place] for row in times])
    for wrong in (body[:-1], body + b"\0"):
        with pytest.raises(ProtocolError):
            wire.decode_values(wrong, types)


@given(tables())
@settings(max_examples=200, deadline=None)
def test_columns(table: Table) -> None:
    types = table[0]
    body = columns_body(table)
    same(wire.decode_columns(body, types), table)
    for wrong in (body[:-1], body + b"\0"):
        with pytest.raises(ProtocolError):
            wire.decode_columns(wrong, types)


@given(tables(), st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_replies_raise_nothing_else(table: Table, data: st.DataObject) -> None:
    types = table[0]
    for decode, body in ((wire.decode_values, values_body(table)), (wire.decode_columns, columns_body(table))):
        damaged = bytearray(body)
        for _ in range(data.draw(st.integers(1, 3))):
            damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        try:
            found = decode(bytes(damaged), types)
        except ProtocolError:
            continue
        # What was taken can be read to the end.
        for place in range(len(types)):
            assert len(found.columns[place]) == len(found.marks(place)) == found.count
            assert all(mark & 0x7F in range(1, 8) for mark in found.marks(place))


@given(st.binary(max_size=80), st.lists(TYPES, min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_bytes(body: bytes, types: list[FeatureType]) -> None:
    for decode in (wire.decode_values, wire.decode_columns):
        try:
            decode(body, types)
        except ProtocolError:
            pass


def test_a_count_that_the_bytes_cannot_hold_makes_no_room() -> None:
    kind = [FeatureType(ValueType.INT64)]
    for body in (struct.pack("<qqIHB", 0, 0, 2**32 - 1, 1, 0) + b"\x81" * 9, struct.pack("<qqIHB", 0, 0, 10, 1, 0)):
        with pytest.raises(ProtocolError, match="more rows than bytes"):
            wire.decode_values(body, kind)
    with pytest.raises(ProtocolError, match="more rows than bytes"):
        wire.decode_columns(struct.pack("<qIH", 0, 2**32 - 1, 1) + b"\x81" * 9, kind)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_bools_are_0_or_1_and_statuses_exist(rows: int) -> None:
    kinds = [FeatureType(ValueType.INT64), FeatureType(ValueType.BOOL)]
    head = struct.pack("<qqIHB", 1, 2, rows, 2, 0)
    good = b"\x81\x81" + struct.pack("<q?", 5, True)
    assert wire.decode_values(head + good * rows, kinds).columns[1] == (True,) * rows
    for wrong in (b"\x81\x81" + struct.pack("<qB", 5, 2), b"\x88\x81" + good[2:], b"\x80\x81" + good[2:]):
        with pytest.raises(ProtocolError):
            wire.decode_values(head + good * (rows - 1) + wrong, kinds)


def test_ever_new_layouts_do_not_pile_up() -> None:
    kinds = [FeatureType(ValueType.BOOL)] * 6
    layouts: dict[bytes, Any] = {}
    for number in range(5000):
        marks = bytes(1 + number // 7**place % 7 for place in range(6))
        wire.decode_values(struct.pack("<qqIHB", 1, 2, 1, 6, 0) + marks, kinds, layouts)
    assert len(layouts) <= 1024
