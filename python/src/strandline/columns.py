"""Columns of a result that are decoded when somebody looks at them, and values as Python has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, Union

from .feature_types import FeatureType, Status, ValueType
from .times import to_datetime
from .wire import NO_EVENT_TIME

Scalar = Union[int, float, str, bool, datetime, None]
Value = Union[Scalar, "list[Scalar]", "dict[Scalar, Scalar]"]
T = TypeVar("T")

#: Status names by status byte, with and without the bit for "has a value".
STATUS_NAMES: dict[int, str] = {status | bit: status.name for status in Status for bit in (0, 0x80)}


class LazyColumns(Mapping[str, "list[T]"], Generic[T]):
    """Columns by name, each decoded once, when it is first asked for.

    Example: ``result.features["purchases:count_7d"][0]``
    """

    def __init__(self, places: Mapping[str, int], decode: Callable[[int], list[T]]) -> None:
        self._places = places
        self._decode = decode
        self._decoded: dict[str, list[T]] = {}

    def __getitem__(self, name: str) -> list[T]:
        column = self._decoded.get(name)
        if column is None:
            place = self._places.get(name)
            if place is None:
                close = get_close_matches(name, self._places, 1)
                raise KeyError(f"{name}; did you mean {close[0]}?" if close else name)
            column = self._decoded[name] = self._decode(place)
        return column

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


def python_values(slots: Sequence[Any], kind: FeatureType) -> list[Value]:
    """Values of a column as Python has them: times become datetimes. Example: ``python_values([0], kind)``"""
    is_time = kind.element is ValueType.TIMESTAMP
    if kind.is_list and is_time:
        return [None if slot is None else [_datetime(time) for time in slot] for slot in slots]
    if kind.key is not None and (is_time or kind.key is ValueType.TIMESTAMP):
        key = _datetime if kind.key is ValueType.TIMESTAMP else _same
        value = _datetime if is_time else _same
        return [None if slot is None else {key(k): value(v) for k, v in slot.items()} for slot in slots]
    if is_time:
        return [_datetime(slot) for slot in slots]
    return list(slots)


def event_times(times: Sequence[int]) -> list[datetime | None]:
    """Event times of a column; None where no event counted. Example: ``event_times([0])``"""
    return [None if time == NO_EVENT_TIME else to_datetime(time) for time in times]


def _datetime(slot: int | None) -> datetime | None:
    return None if slot is None else to_datetime(slot)


def _same(slot: Any) -> Any:
    return slot
