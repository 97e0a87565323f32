"""Lists and maps as they travel; docs/format/wire-protocol.md is the specification.

    list    count u32 | count x present u8 (0 null, 1) | the values that are present
    map     count u32 | count x key | count x present u8 | the values that are present

Times stay whole microseconds here; `columns.py` makes datetimes of them when somebody looks.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Union

from ..errors import ProtocolError
from ..feature_types import FeatureType, ValueType

#: A single value as it travels: times are whole microseconds.
Slot = Union[int, float, str, bool, None]

#: How values of a fixed size stand in memory.
CODES = {ValueType.INT64: "q", ValueType.FLOAT64: "d", ValueType.BOOL: "B", ValueType.TIMESTAMP: "q"}


def decode_payload(data: bytes, kind: FeatureType) -> list[Slot] | dict[Slot, Slot]:
    """The list or map that some bytes hold. Example: ``decode_payload(bytes(4), kind) == []``"""
    if len(data) < 4:
        raise ProtocolError("a list or map ends inside its count")
    (count,) = struct.unpack_from("<I", data)
    # Every element has a mark of its own, so a count beyond the bytes is refused before anything is made for it.
    if count > len(data) - 4:
        raise ProtocolError(f"a list or map of {count} elements in {len(data)} bytes")
    if kind.key is None:
        elements, end = _optionals(data, 4, count, kind.element)
        _expect_end(data, end)
        return elements
    slots, at = _slots(data, 4, count, kind.key)
    values, end = _optionals(data, at, count, kind.element)
    _expect_end(data, end)
    if len(set(slots)) != count:
        raise ProtocolError("a map that holds a key twice")
    return dict(zip(from_slots(slots, kind.key), values))


def _optionals(data: bytes, at: int, count: int, kind: ValueType) -> tuple[list[Slot], int]:
    marks = data[at : at + count]
    present = marks.count(1)
    if len(marks) != count or present + marks.count(0) != count:
        raise ProtocolError("a list or map with marks that are neither 0 nor 1")
    slots, end = _slots(data, at + count, present, kind)
    values = from_slots(slots, kind)
    if present == count:
        return values, end
    found = iter(values)
    return [next(found) if mark else None for mark in marks], end


def _slots(data: bytes, at: int, count: int, kind: ValueType) -> tuple[Sequence[Any], int]:
    """`count` values as they stand in the bytes, strings as text, and where they end."""
    if kind is not ValueType.STRING:
        form = f"<{count}{CODES[kind]}"
        end = at + struct.calcsize(form)
        if end > len(data):
            raise ProtocolError("a list or map ends inside its values")
        return struct.unpack_from(form, data, at), end
    texts = []
    for _ in range(count):
        start = at + 4
        if start > len(data):
            raise ProtocolError("a list or map ends inside a string")
        at = start + int.from_bytes(data[at:start], "little")
        if at > len(data):
            raise ProtocolError("a list or map ends inside a string")
        texts.append(utf8(data[start:at]))
    return texts, at


def _expect_end(data: bytes, end: int) -> None:
    if end != len(data):
        raise ProtocolError(f"{len(data) - end} bytes after the end of a list or map")


def from_slots(slots: Sequence[Any], kind: ValueType) -> list[Slot]:
    """Values of what `struct` unpacked. Example: ``from_slots([1], ValueType.BOOL) == [True]``"""
    if kind is ValueType.BOOL:
        if any(slot > 1 for slot in slots):
            raise ProtocolError("a bool that is neither 0 nor 1")
        return [slot == 1 for slot in slots]
    return list(slots)


def utf8(data: bytes) -> str:
    """Text of its bytes. Example: ``utf8(b"abc")``"""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("a value is not UTF-8") from None
