"""Exponentially decayed sums, by the definition at the head of Sources/Windowing/Accumulators/DecayedSum.swift.

t = k h + r, and T = K h + R: each term is x * w(r), one double, at the place 2^k; their exact sum is moved to the place
of K, rounded once, and divided by w(R). w(r) is the double nearest to 2^(r/h).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import lru_cache

from .numbers import LAST_PLACE, Number, in_last_places, rounded

# 60 digits are 199 bits; 2^(r/h) lies that near to the middle of two doubles once in 2^146 fractions.
_DECIMAL = Context(prec=60, Emin=-999_999, Emax=999_999)
_LN2 = _DECIMAL.ln(Decimal(2))


@lru_cache(maxsize=1 << 19)
def weight(rest: int, half_life: int) -> float:
    """The double nearest to 2^(rest / half_life)."""
    # float() of a Decimal rounds its digits correctly.
    return float(_DECIMAL.exp(_DECIMAL.divide(_DECIMAL.multiply(_LN2, Decimal(rest)), Decimal(half_life))))


@lru_cache(maxsize=1 << 19)
def _term(x: Number, time: int, half_life: int) -> tuple[int, int]:
    """A term as (number of 2^-1074, k)."""
    k, rest = divmod(time, half_life)
    factor = weight(rest, half_life)
    term = float(x) * factor
    if math.isinf(term):
        term, k = float(x) / 2 * factor, k + 1
    return in_last_places(term), k


def decayed_sum(values: Sequence[Number], times: Sequence[int], half_life: int, end: int) -> float:
    """The sum of values at their times as of the instant `end`, T less the offset."""
    terms = [_term(x, time, half_life) for x, time in zip(values, times)]
    lowest = min(k for _, k in terms)
    total = sum([number << (k - lowest) for number, k in terms])
    k_end, rest = divmod(end, half_life)
    # Adding +0.0 makes a negative zero positive, here as in the sums.
    return rounded(total, lowest - k_end - LAST_PLACE) / weight(rest, half_life) + 0.0
