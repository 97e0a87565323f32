"""Exact numbers and their one rounding. Every double is a whole number of 2^-1074, so sums are sums of integers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

Number: TypeAlias = int | float

# The place of a double's last possible bit.
LAST_PLACE = 1074


class Overflow(Exception):
    """The exact result does not fit its type or its bound."""


def rounded(number: int, exponent: int = 0) -> float:
    """The double nearest to `number * 2^exponent`, half to even, +0.0 for every zero; Overflow beyond the doubles."""
    # |number * 2^exponent| < 2^places. Far outside the doubles nothing is computed: it would have millions of digits.
    places = abs(number).bit_length() + exponent
    if number == 0 or places < -1100:
        return 0.0
    if places > 1100:
        raise Overflow
    try:
        # Python rounds both an integer to a double and the quotient of two integers correctly.
        nearest = float(number << exponent) if exponent >= 0 else number / (1 << -exponent)
    except OverflowError:
        raise Overflow from None
    return nearest + 0.0


@lru_cache(maxsize=1 << 18)
def in_last_places(x: Number) -> int:
    """`x * 2^1074`, exactly."""
    numerator, denominator = x.as_integer_ratio()
    return (numerator << LAST_PLACE) // denominator


def sum_of_integers(values: Iterable[int]) -> int:
    total = sum(values)
    if not -(2**63) <= total < 2**63:
        raise Overflow
    return total


def sum_of_doubles(values: Sequence[float]) -> float:
    """The exact sum, rounded once."""
    try:
        return math.fsum(values) + 0.0
    except OverflowError:
        # fsum gives up when a sum on the way overflows, though the whole may not.
        return rounded(sum(map(in_last_places, values)), -LAST_PLACE)


def mean(values: Sequence[Number]) -> float:
    """The exact sum rounded once to a double, divided by the count."""
    if isinstance(values[0], float):
        return sum_of_doubles(values) / len(values)
    return rounded(sum(int(value) for value in values)) / len(values)


def variance(values: Sequence[Number], is_sample: bool) -> float:
    """n * sum(x^2) - (sum x)^2 exactly, rounded once, then divided by n^2 or n (n - 1)."""
    n = len(values)
    if isinstance(values[0], int):
        exact, places = [int(value) for value in values], 0
    else:
        exact, places = [in_last_places(value) for value in values], 2 * LAST_PLACE
    spread = n * sum(x * x for x in exact) - sum(exact) ** 2
    return rounded(spread, -places) / float(n * (n - 1) if is_sample else n * n)
