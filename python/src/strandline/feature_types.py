"""The types of join keys and features."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ValueType(IntEnum):
    """The type of a single value: a join key, a feature, or what is in a list or map. Example: ``ValueType.FLOAT64``"""

    INT64 = 1
    FLOAT64 = 2
    STRING = 3
    BOOL = 4
    TIMESTAMP = 5

    @property
    def word(self) -> str:
        """As definitions write it. Example: ``ValueType.FLOAT64.word`` is ``"float64"``"""
        return self.name.lower()


@dataclass(frozen=True)
class FeatureType:
    """The type of a feature: a single value, a list, or a map.

    Attributes:
        element: the type of the value, of the list's elements, or of the map's values.
        is_list: whether it is a list.
        key: the type of the map's keys; None for single values and lists.

    Example: ``str(FeatureType(ValueType.INT64, is_list=True))`` is ``"list<int64>"``
    """

    element: ValueType
    is_list: bool = False
    key: ValueType | None = None

    @classmethod
    def from_byte(cls, byte: int) -> FeatureType:
        """The type that a byte of PREPARED stands for; ValueError for none. Example: ``FeatureType.from_byte(0x11)``"""
        shape = byte >> 4
        element = ValueType(byte & 0x0F)
        if shape >= 8:
            return cls(element, key=ValueType(shape & 0x07))
        if shape > 1:
            raise ValueError(f"feature type {byte} does not exist")
        return cls(element, is_list=shape == 1)

    @property
    def is_single(self) -> bool:
        """Whether it is neither a list nor a map. Example: ``FeatureType(ValueType.BOOL).is_single``"""
        return not self.is_list and self.key is None

    @property
    def name(self) -> str:
        """``int64``, ``list<string>``, ``map<string, int64>``. Example: ``result.types["v:last_5"].name``"""
        if self.is_list:
            return f"list<{self.element.word}>"
        if self.key is not None:
            return f"map<{self.key.word}, {self.element.word}>"
        return self.element.word

    def __str__(self) -> str:
        return self.name


class Status(IntEnum):
    """How a value came about. Example: ``Status.PRESENT``"""

    PRESENT = 1
    NULL_VALUE = 2
    NOT_FOUND = 3
    OUTSIDE_MAX_AGE = 4
    PARTIAL = 5
    OVERFLOW = 6
    OUTSIDE_RETENTION = 7
