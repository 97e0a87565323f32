"""How a row of VALUES lies in its bytes. The status bytes before a row say which features have a value, so rows with
equal status bytes have one layout: runs of values of a fixed size, each run one `struct`, between values with a length.

    status bytes | int64 float64 ... length | bytes of a string, list or map | int64 ... | event times
                   '--- one struct ---'
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from ..errors import ProtocolError
from ..feature_types import FeatureType, ValueType
from .payload import CODES, decode_payload, utf8

HAS_VALUE = 0x80
_NONE = (None,)


def has_length(kind: FeatureType) -> bool:
    """Whether values are a length and bytes, and not of one size. Example: ``has_length(prepared.types[0])``"""
    return kind.element is ValueType.STRING or not kind.is_single


def of_bytes(data: bytes, kind: FeatureType) -> object:
    """The string, list or map that some bytes hold. Example: ``of_bytes(b"abc", kind) == "abc"``"""
    return utf8(data) if kind.is_single else decode_payload(data, kind)


class RowLayout:
    """The layout of rows with some status bytes. Values come as `struct` gives them, times as microseconds.

    Attributes:
        size: bytes of a whole row, without event times; None where values have lengths.
        row: reads a whole row of a fixed size, the status bytes skipped; None where values have lengths.

    Example: ``RowLayout(b"\\x81\\x02", types).read(body, at)``
    """

    def __init__(self, marks: bytes, types: Sequence[FeatureType]) -> None:
        self._count = len(marks)
        self._runs: list[tuple[struct.Struct, FeatureType | None]] = []
        # Where bools lie, as an offset within their run: (run, offset).
        self._bools: list[tuple[int, int]] = []
        present = [kind for mark, kind in zip(marks, types) if mark & HAS_VALUE]
        codes, all_codes = "", ""
        for kind in present:
            if has_length(kind):
                self._runs.append((struct.Struct(f"<{codes}I"), kind))
                codes = ""
                continue
            if kind.element is ValueType.BOOL:
                self._bools.append((len(self._runs), struct.calcsize("<" + codes)))
            code = "?" if kind.element is ValueType.BOOL else CODES[kind.element]
            codes += code
            all_codes += code
        is_fixed = not self._runs
        if codes or is_fixed:
            self._runs.append((struct.Struct("<" + codes), None))
        self.row = struct.Struct(f"<{self._count}x{all_codes}") if is_fixed else None
        self.size = self.row.size if self.row is not None else None
        self.bools = [self._count + offset for _, offset in self._bools] if is_fixed else []
        #: Puts None where there is no value; None itself where all are there.
        self.spread = self._spread(marks, len(present))

    @staticmethod
    def _spread(marks: bytes, present: int) -> Callable[[tuple[Any, ...]], tuple[Any, ...]] | None:
        if present == len(marks):
            return None
        places = []
        at = 0
        for mark in marks:
            has_value = bool(mark & HAS_VALUE)
            places.append(at if has_value else present)
            at += has_value
        if len(places) == 1:
            return lambda values: _NONE
        pick = itemgetter(*places)
        return lambda values: pick(values + _NONE)  # several places give a tuple

    def _fixed(self, row: struct.Struct, body: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        try:
            values = row.unpack_from(body, at)
        except struct.error:
            raise ProtocolError("a message ends inside one of its fields") from None
        for offset in self.bools:
            if body[at + offset] > 1:
                raise ProtocolError("a bool that is neither 0 nor 1")
        return (values if self.spread is None else self.spread(values)), at + row.size

    def read(self, body: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        """The row whose status bytes are at `at`, and where it ends; ProtocolError where it does not fit its bytes."""
        if self.row is not None:
            return self._fixed(self.row, body, at)
        at += self._count
        starts = []
        values: list[Any] = []
        for run, kind in self._runs:
            starts.append(at)
            try:
                found = run.unpack_from(body, at)
            except struct.error:
                raise ProtocolError("a message ends inside one of its fields") from None
            at += run.size
            if kind is None:
                values += found
                continue
            values += found[:-1]
            end = at + found[-1]
            if end > len(body):
                raise ProtocolError("a message ends inside one of its fields")
            values.append(of_bytes(body[at:end], kind))
            at = end
        for run_number, offset in self._bools:
            if body[starts[run_number] + offset] > 1:
                raise ProtocolError("a bool that is neither 0 nor 1")
        row = tuple(values)
        return (row if self.spread is None else self.spread(row)), at
