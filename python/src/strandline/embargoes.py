"""How much earlier than its label's time a cell of a training set is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Union

from .errors import InvalidArgument

#: A timedelta, or text such as ``"90s"``, ``"1h"``, ``"2d"``.
Duration = Union[timedelta, str]
_UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "w": 604_800_000_000}
_TEXT = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_LONGEST = 3652 * _UNITS["d"] + _UNITS["d"] // 2


class Embargo:
    """One for all views, and others for some of them. Example: ``Embargo("1h", {"spending": "2h"})``"""

    def __init__(self, embargo: Duration | None, views: Mapping[str, Duration] | None) -> None:
        self.all = 0 if embargo is None else duration(embargo)
        self.views = {view: duration(length) for view, length in (views or {}).items()}

    def check(self, views: Sequence[str]) -> None:
        """Raises InvalidArgument for a view that no feature uses. Example: ``embargo.check(["spending"])``"""
        for view in self.views:
            if view not in views:
                close = get_close_matches(view, views, 1)
                hint = f"; did you mean '{close[0]}'?" if close else f"; views: {', '.join(sorted(set(views)))}"
                raise InvalidArgument(f"view_embargo: no feature of the service is of a view '{view}'{hint}")

    def of(self, views: Sequence[str]) -> int:
        """The microseconds of a feature that is made of these views: the longest. Example: ``embargo.of(["spending"])``"""
        return max(self.views.get(view, self.all) for view in views)


def duration(length: Duration) -> int:
    """The microseconds of a duration. Example: ``duration("1h")``"""
    if isinstance(length, timedelta):
        found = length // timedelta(microseconds=1)
    else:
        match = _TEXT.fullmatch(length) if isinstance(length, str) else None
        if match is None:
            raise InvalidArgument(f"{length!r} is not a duration; write for example '1h', or a timedelta")
        found = int(match[1]) * _UNITS[match[2]]
    if not 0 <= found <= _LONGEST or found % 1000:
        raise InvalidArgument(f"an embargo is 0 to 10 years in whole milliseconds, not {length!r}")
    return found


def text_of(microseconds: int) -> str:
    """A duration with the largest unit that divides it. Example: ``text_of(3_600_000_000) == "1h"``"""
    for unit in ("d", "h", "m", "s", "ms"):
        if microseconds and microseconds % _UNITS[unit] == 0:
            return f"{microseconds // _UNITS[unit]}{unit}"
    return "0s"
