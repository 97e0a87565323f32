"""Which features are asked for: every function, over every type that it takes, with several windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .definitions import DAY, HOUR, Feature, Window

H1 = Window("1h", HOUR)
D1 = Window("1d", DAY)
D7 = Window("7d", 7 * DAY)
D30 = Window("30d", 30 * DAY)
LIFE = Window("lifetime", None)
D1_BEFORE = Window("1d_offset_12h", DAY, 12 * HOUR)
D7_BEFORE = Window("7d_offset_1d", 7 * DAY, DAY)
ALL = (H1, D1, D7, D30, LIFE, D1_BEFORE, D7_BEFORE)

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


def catalogue(functions: Sequence[str] = FUNCTIONS) -> list[Feature]:
    """The features of these functions, in the order in which they are asked for."""
    features = [f for f in _exact() + _lists() + _distinct_and_spread() + _decayed() if f.function in functions]
    # A service lists a view's features together, and views in the order of their names.
    return sorted(features, key=lambda feature: feature.view)
