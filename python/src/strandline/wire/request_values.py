"""What a request brings along for derived features; docs/format/wire-protocol.md is the specification.

    row after row, each with one value a field:   type u8 (0 for null) | value
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Mapping, Sequence

from ..errors import InvalidArgument
from ..feature_types import ValueType
from ..times import microseconds

STRING_BYTES_MAX = 64 * 1024

Fields = Sequence[tuple[str, ValueType]]
RequestRow = Mapping[str, object]


def encode_request_values(rows: Sequence[RequestRow], fields: Fields) -> list[bytes]:
    """The values of each row; nothing for a lookup that takes none.

    Example: ``encode_request_values([{"amount": 12.5}], prepared.request)``
    """
    return [b"".join([_value(row[name], name, kind) for name, kind in fields]) for row in rows] if fields else []


def check_request(rows: Sequence[RequestRow] | None, fields: Fields) -> Sequence[RequestRow]:
    """The rows, each with exactly the fields' names; none for a lookup that takes no values.

    Example: ``check_request([{"amount": 12.5}], prepared.request)``
    """
    wanted = ", ".join(f"{name} ({kind.word})" for name, kind in fields)
    if rows is None:
        if fields:
            raise InvalidArgument(f"these features need the request values {wanted}; None stands for null")
        return []
    names = {name for name, _ in fields}
    for row in rows:
        missing = [name for name, _ in fields if name not in row]
        if missing:
            raise InvalidArgument(f"request value {missing[0]} is missing; these features need {wanted}")
        unknown = [str(name) for name in row if name not in names]
        if unknown:
            raise InvalidArgument(f"no request value {unknown[0]}; these features need {wanted or 'none'}")
    return rows


def _value(value: object, name: str, kind: ValueType) -> bytes:
    if value is None:
        return b"\0"
    return bytes([kind]) + _encoded(value, name, kind)


def _encoded(value: object, name: str, kind: ValueType) -> bytes:
    try:
        if kind is ValueType.BOOL and (isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")):
            return b"\1" if value else b"\0"
        if kind is ValueType.STRING and isinstance(value, str):
            return _string(value, name)
        if kind is ValueType.TIMESTAMP:
            return struct.pack("<q", microseconds(value))  # type: ignore[arg-type]  # says itself what is wrong
        if kind is ValueType.INT64 and not isinstance(value, bool):
            return struct.pack("<q", operator.index(value))  # type: ignore[arg-type]  # also NumPy's integers
        if kind is ValueType.FLOAT64 and not isinstance(value, (bool, str, bytes)):
            number = float(value)  # type: ignore[arg-type]  # also NumPy's numbers and Decimal
            if not math.isfinite(number):
                raise InvalidArgument(f"request value {name} is not a finite number")
            return struct.pack("<d", number)
    except struct.error:
        raise InvalidArgument(f"request value {name} does not fit 64 bits") from None
    except OverflowError:
        raise InvalidArgument(f"request value {name} does not fit {kind.word}") from None
    except TypeError:
        pass
    raise InvalidArgument(f"request value {name} is {kind.word}; {type(value).__name__} was given")


def _string(text: str, name: str) -> bytes:
    try:
        utf8 = text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"request value {name} cannot be written as UTF-8") from None
    if len(utf8) > STRING_BYTES_MAX:
        raise InvalidArgument(f"request value {name} has {len(utf8)} bytes; the longest has {STRING_BYTES_MAX}")
    return struct.pack("<I", len(utf8)) + utf8
