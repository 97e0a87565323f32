"""Values as bytes, so that equal means equal in every bit: a zero's sign, a map's order, int against float."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from .definitions import FeatureType

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_DOUBLE = struct.Struct("<d")
_INTEGER = struct.Struct("<q")


def microseconds(time: object) -> int:
    """The microseconds of a time that a client gives as a datetime, exactly; whole numbers as they are."""
    if isinstance(time, datetime):
        aware = time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
        return (aware - _EPOCH) // _MICROSECOND
    if isinstance(time, int):
        return time
    raise TypeError(f"{time!r} is not a time")


def value_bits(value: Any, kind: FeatureType) -> bytes:
    """What is compared. A value of another type than the feature's has bytes that no right value has."""
    if value is None:
        return b""
    try:
        if kind.key is not None:
            return b"m" + _pairs(value.items() if isinstance(value, Mapping) else value, kind.key, kind.element)
        if kind.is_list:
            return b"l" + b"".join([_single(item, kind.element) for item in value])
        return _single(value, kind.element)
    except (TypeError, ValueError, AttributeError, struct.error):
        return b"wrong type: " + repr(value).encode(errors="backslashreplace")


def _pairs(pairs: Iterable[tuple[Any, Any]], key: str, element: str) -> bytes:
    return b"".join([_single(left, key) + _single(right, element) for left, right in pairs])


def _single(value: Any, kind: str) -> bytes:
    if value is None:
        # An element of a series, or a category, without a value.
        return b"n"
    if kind == "float64":
        if type(value) is not float:
            raise TypeError
        return b"d" + _DOUBLE.pack(value)
    if kind == "int64":
        if type(value) is not int:
            raise TypeError
        return b"i" + _INTEGER.pack(value)
    if kind == "string":
        utf8: bytes = value.encode()
        return b"s" + _INTEGER.pack(len(utf8)) + utf8
    if kind == "bool":
        if type(value) is not bool:
            raise TypeError
        return b"b1" if value else b"b0"
    if type(value) is bool:
        raise TypeError
    return b"t" + _INTEGER.pack(microseconds(value))
