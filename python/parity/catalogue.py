"""Which features are asked for: every function, over every type that it takes, with several windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from .definitions import DAY, FILTERED_VIEW, HOUR, PLACE_VIEW, Feature, Window

H1 = Window("1h", HOUR)
D1 = Window("1d", DAY)
D7 = Window("7d", 7 * DAY)
D30 = Window("30d", 30 * DAY)
LIFE = Window("lifetime", None)
D1_BEFORE = Window("1d_offset_12h", DAY, 12 * HOUR)
D7_BEFORE = Window("7d_offset_1d", 7 * DAY, DAY)
ALL = (H1, D1, D7, D30, LIFE, D1_BEFORE, D7_BEFORE)
N1 = Window("1events", None, newest=1)
N20 = Window("20events", None, newest=20)
N500 = Window("500events", None, newest=500)
N50_BEFORE = Window("50events_offset_1d", None, DAY, newest=50)
EVENTS = (N1, N20, N500, N50_BEFORE)
HOURS = Window("6x1h", HOUR, series=6)
DAYS = Window("7x1d_offset_12h", DAY, 12 * HOUR, series=7)
WEEKS = Window("3x7d", 7 * DAY, series=3)

# A question whose K is its own T.
ROW_TIME = "row_time"

# What a feature may have beside its function; of each there is as much as of a function.
KINDS = ("group_by", "filter", "derived_column", "event_window", "series", "string_key")

FUNCTIONS = (
    "count", "sum", "mean", "min", "max", "first", "last", "first_n", "last_n", "first_distinct_n", "last_distinct_n",
    "count_distinct", "approx_count_distinct", "approx_percentile", "var_pop", "var_samp", "stddev_pop", "stddev_samp",
    "top_k", "histogram", "decayed_sum", "decayed_count", "time_since_last", "time_since_first",
)


def _over(function: str, column: str | None, windows: Iterable[Window], **parameters: Any) -> list[Feature]:
    return [Feature(function, column, window, **parameters) for window in windows]


def _exact() -> list[Feature]:
    features = _over("count", None, ALL) + _over("count", "category", (D1, D7_BEFORE)) + _over("count", "spare", ALL)
    # Long texts: with them the entities do not fit the memory that the server has.
    features += _over("count", "note", (D1,)) + _over("first", "note", (D7,)) + _over("last", "note", (H1, LIFE))
    features += _over("sum", "amount", ALL) + _over("sum", "quantity", ALL) + _over("sum", "big", (D1, LIFE))
    # Huge doubles and sums beyond int64 are OVERFLOW; a default does not take their place.
    features += _over("sum", "wild", (H1, D7), default=0.5) + _over("sum", "big", (D7,), default=7)
    features += _over("sum", "spare", (D1, D7, LIFE)) + _over("sum", "amount", (H1, D1_BEFORE), default=-1.5)
    features += _over("mean", "amount", ALL) + _over("mean", "quantity", (H1, D30)) + _over("mean", "big", (D7,))
    features += _over("mean", "wild", (D1,)) + _over("mean", "spare", (D7,), default=2.25)
    for function in ("min", "max"):
        features += _over(function, "amount", ALL) + _over(function, "quantity", (D1,)) + _over(function, "wild", (D1,))
        features += _over(function, "seen", (D7, LIFE)) + _over(function, "big", (D30,))
    for function in ("first", "last"):
        features += _over(function, "category", ALL) + _over(function, "amount", (H1, D7))
        features += _over(function, "big", (D1,)) + _over(function, "paid", (D1, D7_BEFORE))
        features += _over(function, "seen", (D7,)) + _over(function, "spare", (LIFE,))
        features += _over(function, "category", (H1,), default="none")
    features += _over("time_since_last", None, ALL) + _over("time_since_last", "category", (H1, LIFE))
    features += _over("time_since_first", None, ALL) + _over("time_since_first", "amount", (D7,), default=-1.0)
    return features


def _lists() -> list[Feature]:
    features: list[Feature] = []
    for function in ("first_n", "last_n", "first_distinct_n", "last_distinct_n"):
        features += _over(function, "category", ALL, n=3) + _over(function, "quantity", (D1, D7_BEFORE), n=5)
        features += _over(function, "amount", (H1, D30), n=10) + _over(function, "paid", (D1,), n=2)
        features += _over(function, "seen", (D7,), n=4) + _over(function, "session", (LIFE,), n=200)
    features += _over("top_k", "category", ALL, n=3) + _over("top_k", "quantity", (D1, LIFE), n=2)
    features += _over("top_k", "amount", (D7,), n=5) + _over("top_k", "paid", (D1_BEFORE,), n=2)
    features += _over("top_k", "session", (D1, D7), n=3, max_distinct=50) + _over("top_k", "session", (LIFE,), n=4)
    features += _over("histogram", "category", ALL) + _over("histogram", "quantity", (D1, D7_BEFORE))
    features += _over("histogram", "paid", (D30,)) + _over("histogram", "amount", (H1, D7), max_distinct=30)
    return features + _over("histogram", "seen", (H1,)) + _over("histogram", "wild", (D1,))


def _distinct_and_spread() -> list[Feature]:
    features = _over("count_distinct", "category", ALL) + _over("count_distinct", "session", (D1, D30, LIFE))
    features += _over("count_distinct", "session", (D1, D7, D30), max_distinct=20)
    features += _over("count_distinct", "amount", (D7,)) + _over("count_distinct", "paid", (D1,))
    features += _over("count_distinct", "seen", (D1,)) + _over("count_distinct", "quantity", (H1,))
    features += _over("approx_count_distinct", "session", ALL) + _over("approx_count_distinct", "paid", (D1,))
    features += _over("approx_count_distinct", "amount", (D7, LIFE), precision=14)
    features += _over("approx_count_distinct", "category", (D1,), precision=10)
    features += _over("approx_count_distinct", "quantity", (D1,), precision=16)
    features += _over("approx_count_distinct", "seen", (D30,), precision=11)
    features += _over("approx_percentile", "amount", ALL, percentile=0.5)
    features += _over("approx_percentile", "amount", (D7, LIFE), percentile=0.99, accuracy=0.001)
    features += _over("approx_percentile", "quantity", (D1,), percentile=0.9)
    features += _over("approx_percentile", "wild", (D1, D30), percentile=0.25, accuracy=0.1)
    features += _over("approx_percentile", "big", (D30,), percentile=1.0, accuracy=0.03, default=0.125)
    for function in ("var_pop", "var_samp", "stddev_pop", "stddev_samp"):
        features += _over(function, "amount", ALL) + _over(function, "quantity", (D1, LIFE))
        features += _over(function, "big", (D7,)) + _over(function, "wild", (H1, D1))
    return features + _over("var_samp", "quantity", (H1,), default=-1.0)


def _decayed() -> list[Feature]:
    features = _over("decayed_sum", "amount", ALL, half_life=DAY)
    features += _over("decayed_sum", "quantity", (D7,), half_life=HOUR)
    features += _over("decayed_sum", "wild", (D1,), half_life=7 * DAY)
    features += _over("decayed_sum", "big", (LIFE,), half_life=DAY, default=0.75)
    features += _over("decayed_count", None, ALL, half_life=DAY)
    return features + _over("decayed_count", "category", (D7,), half_life=HOUR)


def _by_category() -> list[Feature]:
    features = _over("sum", "amount", (D1, D30, LIFE), group_by="category")
    features += _over("count", None, (H1, D7_BEFORE), group_by="category", max_groups=3)
    features += _over("count", "amount", (D7,), group_by="quantity") + _over("sum", "wild", (D1,), group_by="paid")
    features += _over("sum", "big", (D7,), group_by="quantity", max_groups=2)
    features += _over("mean", "quantity", (D30, N500), group_by="category") + _over("min", "amount", (D7,), group_by="seen")
    features += _over("max", "seen", (D30,), group_by="category") + _over("first", "note", (D1,), group_by="category")
    features += _over("last", "category", (D30,), group_by="quantity") + _over("last", "paid", (D7,), group_by="amount")
    # Beyond 30 sessions: OVERFLOW, and as many categories as may be.
    features += _over("sum", "amount", (D1, D30), group_by="session", max_distinct=30, max_groups=1000)
    features += _over("count_distinct", "quantity", (D30,), group_by="category", max_groups=4)
    features += _over("count_distinct", "session", (D7, LIFE), group_by="paid", max_distinct=100)
    features += _over("approx_count_distinct", "session", (D30,), group_by="category", max_groups=2)
    features += _over("approx_percentile", "amount", (D30,), group_by="category", percentile=0.9)
    for function in ("var_pop", "var_samp", "stddev_pop", "stddev_samp"):
        features += _over(function, "amount", (D7,), group_by="category")
    features += _over("decayed_sum", "amount", (D30,), group_by="category", half_life=DAY)
    features += _over("decayed_count", None, (LIFE,), group_by="paid", half_life=DAY)
    features += _over("time_since_last", None, (LIFE, N20), group_by="category")
    return features + _over("time_since_first", "amount", (D7,), group_by="category", max_groups=1)


def _newest_and_series() -> list[Feature]:
    features = _over("count", None, (N500, N50_BEFORE)) + _over("count", "category", EVENTS) + _over("sum", "amount", EVENTS)
    features += _over("last", "category", (N1, N20)) + _over("last_n", "quantity", (N20,), n=5)
    features += _over("mean", "amount", (N20, N500)) + _over("top_k", "category", (N500,), n=2)
    features += _over("approx_percentile", "amount", (N500,), percentile=0.5)
    features += _over("stddev_pop", "quantity", (N20,)) + _over("decayed_sum", "amount", (N50_BEFORE,), half_life=DAY)
    features += _over("count", None, (HOURS, DAYS, WEEKS)) + _over("sum", "amount", (HOURS, WEEKS))
    features += _over("sum", "wild", (DAYS,), default=0.5) + _over("last", "category", (DAYS,))
    features += _over("max", "seen", (WEEKS,)) + _over("mean", "quantity", (WEEKS,), default=-1.0)
    features += _over("count_distinct", "session", (DAYS,)) + _over("time_since_last", None, (WEEKS,))
    return features + _over("decayed_sum", "quantity", (WEEKS,), half_life=HOUR)


def _in_other_views() -> list[Feature]:
    filtered = _over("count", None, (D1, D30, LIFE)) + _over("sum", "amount", (D7, N20, WEEKS))
    filtered += _over("count", "net", (D7,)) + _over("sum", "net", (D1, D30, LIFE)) + _over("mean", "net", (D30, N500))
    filtered += _over("sum", "units", (D7, DAYS)) + _over("max", "units", (LIFE,)) + _over("last", "size", (D7, N1))
    filtered += _over("histogram", "size", (D30,)) + _over("count_distinct", "units", (D30,))
    filtered += _over("sum", "net", (D30, N500), group_by="size") + _over("count", None, (LIFE,), group_by="size")
    filtered += _over("approx_percentile", "net", (LIFE,), percentile=0.25)
    filtered += _over("decayed_sum", "net", (LIFE,), half_life=DAY) + _over("var_pop", "units", (D7,))
    places = _over("count", None, ALL) + _over("sum", "amount", (H1, D7, LIFE)) + _over("last", "category", (D1, N1))
    places += _over("mean", "quantity", (D30, N20)) + _over("histogram", "paid", (D7,)) + _over("count", None, (DAYS,))
    places += _over("count_distinct", "session", (D7,)) + _over("sum", "amount", (D7,), group_by="category")
    places += _over("last_n", "session", (LIFE,), n=3)
    return [replace(f, home=FILTERED_VIEW) for f in filtered] + [replace(f, home=PLACE_VIEW) for f in places]


def catalogue(functions: Sequence[str] = FUNCTIONS) -> list[Feature]:
    """The features of these functions, in the order in which they are asked for."""
    features = _exact() + _lists() + _distinct_and_spread() + _decayed()
    features += _by_category() + _newest_and_series() + _in_other_views()
    features = [f for f in features if f.function in functions]
    # A service lists a view's features together, and views in the order of their names.
    return sorted(features, key=lambda feature: feature.view)
