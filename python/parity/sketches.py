"""The two sketches by their definitions: what they answer is a function of the values, so no sketch is built."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

from .definitions import Single
from .numbers import Number
from .xxhash64 import xxh64


@lru_cache(maxsize=1 << 18)
def _hash(value: Single, kind: str) -> int:
    # `kind` keeps 1, 1.0 and True apart in the cache: they are equal, and their bytes are not.
    if kind == "str":
        return xxh64(str(value).encode())
    return xxh64(struct.pack("<d" if kind == "float" else "<q", value))


def approx_count_distinct(values: Iterable[Single], precision: int) -> int:
    """HyperLogLog with 2^precision registers: a hash's first bits name the register, the rest gives the rank."""
    registers: dict[int, int] = {}
    width = 64 - precision
    for value in set(values):
        register, rest = divmod(_hash(value, type(value).__name__), 1 << width)
        # The place of the first 1 of the rest, counted from 1; one beyond its end where there is none.
        rank = width - rest.bit_length() + 1
        registers[register] = max(registers.get(register, 0), rank)
    ranks = Counter(registers.values())
    ranks[0] = 2**precision - len(registers)
    return _ertl(ranks, precision)


def _ertl(ranks: Counter[int], precision: int) -> int:
    """O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6."""
    m, q = 2**precision, 64 - precision
    z = m * _tau(1 - ranks[q + 1] / m)
    for rank in range(q, 0, -1):
        z = (z + ranks[rank]) / 2
    z += m * _sigma(ranks[0] / m)
    estimate: float = m * m / (2 * math.log(2)) / z
    return math.floor(estimate + 0.5)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    total, factor, before = x, 1.0, -1.0
    while total != before:
        x, before = x * x, total
        total += x * factor
        factor *= 2
    return total


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    total, factor, before = 1 - x, 1.0, -1.0
    while total != before:
        x, before, factor = math.sqrt(x), total, factor / 2
        total -= (1 - x) ** 2 * factor
    return total / 3


def approx_percentile(values: Sequence[Number], percentile: float, accuracy: float) -> float:
    """DDSketch: the middle of the bucket of the value at rank floor(percentile * (n - 1)), counted from 0."""
    # A bucket holds neighbours only, so the bucket of the value at a rank is the bucket at that rank.
    rank = math.floor(Fraction(percentile) * (len(values) - 1))
    return _middle_of_bucket(float(sorted(values)[rank]), accuracy)


def _middle_of_bucket(x: float, accuracy: float) -> float:
    """2^k buckets of one width to a doubling, with the least k whose relative error 2^-(k+1) is within the accuracy."""
    if x == 0:
        return 0.0
    k = next(k for k in range(64) if 0.5 ** (k + 1) <= accuracy)
    # 2^e <= |x| < 2^(e+1): frexp's mantissa lies in 1/2 ..< 1.
    e = math.frexp(abs(x))[1] - 1
    width = e - k
    # Where a bucket is not wider than the doubles are apart, it is one number.
    if width <= -1074:
        return x
    middle = math.ldexp(math.floor(math.ldexp(abs(x), -width)) + 0.5, width)
    return math.copysign(middle, x)
