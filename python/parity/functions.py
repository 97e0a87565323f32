"""Every aggregate function once more, by the plainest means, over the events of one window that count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import decay, numbers, sketches
from .definitions import SECOND, Feature, Single, Value
from .numbers import Overflow

DISTINCT_DEFAULT = 10_000
GROUPS_DEFAULT = 10
PRECISION_DEFAULT = 12
ACCURACY_DEFAULT = 0.01


@dataclass(frozen=True)
class Counted:
    """The events of a window whose column is not null, oldest first by (event time, position); never empty.

    Without a column every event counts, and `values` are ones.
    """

    times: Sequence[int]
    values: Sequence[Any]
    as_of: int
    end: int
    """T less the offset: what a decayed sum is as of."""


def _given(parameter: Any, name: str) -> Any:
    if parameter is None:
        raise ValueError(f"a function without its parameter {name}")
    return parameter


def order(value: Single) -> Any:
    """By which values ascend."""
    # Python orders text by code points, as UTF-8 does, but saying it is better than relying on it.
    return value.encode() if isinstance(value, str) else value


def _sum(counted: Counted, feature: Feature) -> Value:
    if isinstance(counted.values[0], float):
        return numbers.sum_of_doubles(counted.values)
    return numbers.sum_of_integers(counted.values)


def _distinct(values: Sequence[Single]) -> list[Single]:
    """Without repetitions, each value where it stands first."""
    return list(dict.fromkeys(values))


def _last_distinct(counted: Counted, feature: Feature) -> Value:
    newest_first = _distinct(counted.values[::-1])
    return newest_first[: _given(feature.n, "n")][::-1]


def _counts(counted: Counted, feature: Feature) -> Counter[Single]:
    counts: Counter[Single] = Counter(counted.values)
    if len(counts) > (DISTINCT_DEFAULT if feature.max_distinct is None else feature.max_distinct):
        raise Overflow
    return counts


def _top_k(counted: Counted, feature: Feature) -> Value:
    counts = _counts(counted, feature)
    return sorted(counts, key=lambda value: (-counts[value], order(value)))[: _given(feature.n, "n")]


def _histogram(counted: Counted, feature: Feature) -> Value:
    counts = _counts(counted, feature)
    return {value: counts[value] for value in sorted(counts, key=order)}


def _approx_count_distinct(counted: Counted, feature: Feature) -> Value:
    precision = PRECISION_DEFAULT if feature.precision is None else feature.precision
    return sketches.approx_count_distinct(counted.values, precision)


def _approx_percentile(counted: Counted, feature: Feature) -> Value:
    accuracy = ACCURACY_DEFAULT if feature.accuracy is None else feature.accuracy
    return sketches.approx_percentile(counted.values, _given(feature.percentile, "percentile"), accuracy)


def _variance(is_sample: bool, is_root: bool) -> Callable[[Counted, Feature], Value]:
    def value(counted: Counted, feature: Feature) -> Value:
        if is_sample and len(counted.values) < 2:
            return None
        variance = numbers.variance(counted.values, is_sample)
        return math.sqrt(variance) if is_root else variance

    return value


def _decayed(counted: Counted, feature: Feature) -> Value:
    # A decayed count is the sum of ones.
    values = counted.values if feature.function == "decayed_sum" else [1] * len(counted.times)
    return decay.decayed_sum(values, counted.times, _given(feature.half_life, "half_life"), counted.end)


def _since(counted: Counted, place: int) -> float:
    return float(counted.as_of - counted.times[place]) / SECOND


FUNCTIONS: dict[str, Callable[[Counted, Feature], Value]] = {
    "count": lambda counted, feature: len(counted.values),
    "sum": _sum,
    "mean": lambda counted, feature: numbers.mean(counted.values),
    "min": lambda counted, feature: min(counted.values),
    "max": lambda counted, feature: max(counted.values),
    "first": lambda counted, feature: counted.values[0],
    "last": lambda counted, feature: counted.values[-1],
    "first_n": lambda counted, feature: list(counted.values[: _given(feature.n, "n")]),
    "last_n": lambda counted, feature: list(counted.values[-_given(feature.n, "n") :]),
    "first_distinct_n": lambda counted, feature: _distinct(counted.values)[: _given(feature.n, "n")],
    "last_distinct_n": _last_distinct,
    "count_distinct": lambda counted, feature: len(_counts(counted, feature)),
    "approx_count_distinct": _approx_count_distinct,
    "approx_percentile": _approx_percentile,
    "var_pop": _variance(is_sample=False, is_root=False),
    "var_samp": _variance(is_sample=True, is_root=False),
    "stddev_pop": _variance(is_sample=False, is_root=True),
    "stddev_samp": _variance(is_sample=True, is_root=True),
    "top_k": _top_k,
    "histogram": _histogram,
    "decayed_sum": _decayed,
    "decayed_count": _decayed,
    "time_since_last": lambda counted, feature: _since(counted, -1),
    "time_since_first": lambda counted, feature: _since(counted, 0),
}
