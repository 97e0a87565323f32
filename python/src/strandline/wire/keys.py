"""Entity keys: the join keys' values, in an order that sorts as they do.

    int64   01 | 8 bytes big-endian, sign bit flipped        string  03 | length u16 big-endian | UTF-8 bytes
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Sequence

from ..errors import InvalidArgument
from ..feature_types import ValueType

KEY_BYTES_MAX = 1024

JoinKeys = Sequence[tuple[str, ValueType]]
_SIGN = 1 << 63
_INTEGER = struct.Struct(">BQ").pack
_ONE_INTEGER = struct.Struct(">HBQ").pack
_LENGTHS = [struct.pack("<H", length) for length in range(KEY_BYTES_MAX + 1)]


def encode_keys(columns: Sequence[Sequence[object]], join_keys: JoinKeys) -> list[bytes]:
    """The entities' keys, each with its length, of one column a join key.

    Raises InvalidArgument for a value that is not of its join key's type; nothing is converted.

    Example: ``encode_keys([[42, 43]], prepared.join_keys)``
    """
    if len(join_keys) == 1 and join_keys[0][1] is ValueType.INT64:
        return _integer_keys(join_keys[0][0], columns[0])
    encoded = [_column(name, kind, column) for (name, kind), column in zip(join_keys, columns)]
    return [_with_length(b"".join(parts)) for parts in zip(*encoded)]


def _integer_keys(name: str, column: Sequence[object]) -> list[bytes]:
    """The usual case: one integer, so that the length (9, little-endian) and the tag are the same for all."""
    pack, length = _ONE_INTEGER, 0x0900
    if set(map(type, column)) == {int}:
        try:
            return [pack(length, 1, value + _SIGN) for value in column]  # type: ignore[operator]  # all are int
        except struct.error:
            pass  # one of them does not fit; which one is said below
    return [pack(length, 1, integer(name, value) + _SIGN) for value in column]


def _column(name: str, kind: ValueType, column: Sequence[object]) -> list[bytes]:
    if kind is ValueType.INT64:
        return [_INTEGER(1, integer(name, value) + _SIGN) for value in column]
    if kind is ValueType.STRING:
        return [_text(name, value) for value in column]
    raise InvalidArgument(f"{name} is {kind.word}, which this client cannot send as a join key")


def _text(name: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} is string; {type(value).__name__} was given")
    try:
        utf8 = value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} cannot be written as UTF-8") from None
    if len(utf8) > KEY_BYTES_MAX:
        raise InvalidArgument(f"{name} has {len(utf8)} bytes; the longest entity key has {KEY_BYTES_MAX}")
    return b"\x03" + struct.pack(">H", len(utf8)) + utf8


def _with_length(key: bytes) -> bytes:
    if len(key) > KEY_BYTES_MAX:
        raise InvalidArgument(f"an entity key of {len(key)} bytes; the longest has {KEY_BYTES_MAX}")
    return _LENGTHS[len(key)] + key


def integer(name: str, value: object) -> int:
    """A value as an int of 64 bits, NumPy's integers too; InvalidArgument for all else, floats and bools included."""
    if type(value) is not int:
        try:
            if isinstance(value, bool):
                raise TypeError
            value = operator.index(value)  # type: ignore[arg-type]  # what is no integer raises
        except TypeError:
            raise InvalidArgument(f"{name} is int64; {type(value).__name__} was given") from None
    if not -_SIGN <= value < _SIGN:
        raise InvalidArgument(f"{name} does not fit 64 bits")
    return value
