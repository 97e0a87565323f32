"""Times as whole microseconds since the Unix epoch, UTC, and back."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import SupportsIndex, Union

from .errors import InvalidArgument

#: A datetime (naive means UTC), ISO 8601 text, or whole microseconds since the epoch.
Time = Union[datetime, str, SupportsIndex]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_MIN, _MAX = -(2**63), 2**63 - 1
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)


def microseconds(time: Time) -> int:
    """The microseconds of a time. A naive datetime and text without a zone are UTC, never local time.

    Times finer than a microsecond are refused rather than rounded: a rounded time could cross a window's edge.

    Example: ``microseconds("2026-11-24T05:06:07Z")``
    """
    if isinstance(time, datetime):
        if getattr(time, "nanosecond", 0):  # pandas.Timestamp
            raise InvalidArgument(f"{time} is finer than a microsecond")
        if time != time:  # pandas.NaT
            raise InvalidArgument("a time is missing")
        aware = time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)
        return (aware - _EPOCH) // _MICROSECOND
    if isinstance(time, str):
        return _parse(time)
    if isinstance(time, bool):
        raise InvalidArgument(f"{time} is not a time")
    try:
        number = operator.index(time)
    except TypeError:
        kind = type(time).__name__
        raise InvalidArgument(f"a time is a datetime, ISO 8601 text or whole microseconds, not {kind}") from None
    if not _MIN <= number <= _MAX:
        raise InvalidArgument(f"{number} microseconds do not fit 64 bits")
    return number


def all_microseconds(times: Sequence[Time]) -> list[int]:
    """The microseconds of many times, quickly where they are whole microseconds already.

    Example: ``all_microseconds([0, "1970-01-01"]) == [0, 0]``
    """
    if times and set(map(type, times)) == {int} and min(times) >= _MIN and max(times) <= _MAX:  # type: ignore[type-var, operator]
        return list(times)  # type: ignore[arg-type]  # all are int
    return [microseconds(time) for time in times]


def to_datetime(microseconds: int) -> datetime:
    """The aware UTC datetime of a number of microseconds. Beyond the years 1 to 9999 the nearest one there is.

    Example: ``to_datetime(0)`` is 1970-01-01 00:00:00+00:00
    """
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        extreme = datetime.max if microseconds > 0 else datetime.min
        return extreme.replace(tzinfo=timezone.utc)


def _parse(text: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"{text!r} is not an ISO 8601 time such as 2026-11-24T05:06:07Z")
    year, month, day, hour, minute, second, fraction, _, sign, zone_hours, zone_minutes = match.groups()
    digits = (fraction or "").ljust(6, "0")
    if digits[6:].strip("0"):
        raise InvalidArgument(f"{text!r} is finer than a microsecond")
    if int(zone_hours or 0) > 23 or int(zone_minutes or 0) > 59:
        raise InvalidArgument(f"{text!r} has an offset that does not exist")
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), int(digits[:6])
        )
    except ValueError as error:
        raise InvalidArgument(f"{text!r}: {error}") from None
    zone = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    whole = (local.replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND
    offset = zone // _MICROSECOND
    return whole + offset if sign == "-" else whole - offset
