"""Sums, means, variances and decayed sums against numbers worked out by hand and the fixtures that Swift reads."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from parity import decay, numbers
from parity.numbers import Overflow

FIXTURES = Path(__file__).resolve().parents[3] / "Tests" / "Fixtures" / "accumulators"
LARGEST = 1.7976931348623157e308


def double(text: str) -> float:
    value: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return value


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def test_a_sum_is_rounded_once() -> None:
    # One by one, 1e100 would swallow the 1.
    assert numbers.sum_of_doubles([1.0, 1e100, 1.0, -1e100]) == 2.0
    assert numbers.sum_of_doubles([0.1] * 10) == 1.0
    assert bits(numbers.sum_of_doubles([-0.5, 0.5])) == bits(0.0)
    assert numbers.sum_of_doubles([5e-324, 5e-324]) == 1e-323


def test_a_sum_may_exceed_the_doubles_on_its_way_but_not_at_its_end() -> None:
    assert numbers.sum_of_doubles([LARGEST, LARGEST, -LARGEST]) == LARGEST
    with pytest.raises(Overflow):
        numbers.sum_of_doubles([LARGEST, LARGEST])
    # 2^970 is half of what the largest double lacks to 2^1024: that middle overflows, and below it nothing does.
    below_half = 2.0**969
    assert numbers.sum_of_doubles([LARGEST, below_half]) == LARGEST
    with pytest.raises(Overflow):
        numbers.sum_of_doubles([LARGEST, below_half * 2])


def test_integer_sums_end_at_64_bits() -> None:
    assert numbers.sum_of_integers([2**63 - 1, 1, -1]) == 2**63 - 1
    assert numbers.sum_of_integers([-(2**63)]) == -(2**63)
    with pytest.raises(Overflow):
        numbers.sum_of_integers([2**63 - 1, 1])


def test_a_mean_divides_the_rounded_sum() -> None:
    assert numbers.mean([1, 2, 4]) == 7 / 3
    assert numbers.mean([0.1, 0.2, 0.6]) == 0.9 / 3
    # 2^63 - 1 + 2^63 - 1 is no double: it becomes 2^64, and half of that is beyond int64 but a double.
    assert numbers.mean([2**63 - 1, 2**63 - 1]) == 2.0**63
    # The sum of 2^53 and 1 is halfway between two doubles, and goes to the even one before the division.
    assert numbers.mean([2**53, 1]) == 2.0**52


def test_variance_by_hand() -> None:
    values = [2, 4, 4, 4, 5, 5, 7, 9]  # the textbook's: n = 8, sum 40, squares 232, D = 8 * 232 - 1600 = 256
    assert numbers.variance(values, is_sample=False) == 4.0
    assert numbers.variance(values, is_sample=True) == 256 / 56
    assert numbers.variance([0.5, 1.5], is_sample=True) == 0.5
    assert bits(numbers.variance([7.25], is_sample=False)) == bits(0.0)
    # Far from zero the differences survive, as they would not in doubles.
    assert numbers.variance([1e15 + 1, 1e15 + 3], is_sample=False) == 1.0
    with pytest.raises(Overflow):
        numbers.variance([1e300, -1e300], is_sample=False)
    tiny = numbers.variance([5e-324, 0.0], is_sample=False)
    assert bits(tiny) == bits(0.0), "2^-2148 is nearer to zero than to any other double"


@pytest.mark.parametrize("number, exponent, wanted", [
    (0, 10**9, 0.0), (1, 10, 1024.0), (3, -1, 1.5), (1, -1074, 5e-324), (1, -1075, 0.0), (3, -1075, 1e-323),
    (2**53 + 1, 0, 2.0**53), (2**53 + 3, 0, 2.0**53 + 4), (-1, -(10**12), 0.0), (-5, 0, -5.0),
])
def test_rounding(number: int, exponent: int, wanted: float) -> None:
    assert bits(numbers.rounded(number, exponent)) == bits(wanted)


def test_rounding_beyond_the_doubles() -> None:
    for number, exponent in [(1, 1024), (1, 10**12), (2**54 - 1, 971)]:
        with pytest.raises(Overflow):
            numbers.rounded(number, exponent)


def test_last_places_are_exact() -> None:
    for x in [0.1, -123.45, 5e-324, LARGEST, 2.0**53, 7, -(2**63)]:
        assert Fraction(numbers.in_last_places(x), 2**1074) == Fraction(x)


def test_weights_equal_the_fixture() -> None:
    lines = (FIXTURES / "exp2.txt").read_text().splitlines()
    assert len(lines) > 250
    for line in lines:
        half_life, rest, _, weight = line.split()
        assert bits(decay.weight(int(rest), int(half_life))) == weight, line


def test_decayed_sums_equal_the_fixture() -> None:
    lines = (FIXTURES / "decayed_sums.txt").read_text().splitlines()
    assert len(lines) > 200
    for line in lines:
        half_life, at, wanted, *events = line.split()
        pairs = [event.split(":") for event in events]
        if not pairs:
            continue  # an empty window never comes to the function
        values, times = [double(x) for x, _ in pairs], [int(t) for _, t in pairs]
        try:
            found = bits(decay.decayed_sum(values, times, int(half_life), int(at)))
        except Overflow:
            found = "nil"
        assert found == wanted, line


def test_decay_by_hand() -> None:
    # One half-life before the end a value counts half, at the end whole, two before a quarter.
    assert decay.decayed_sum([8.0, 8.0, 8.0], [0, 100, 200], 100, 200) == 14.0
    assert decay.decayed_sum([1, 1], [-100, 0], 100, 0) == 1.5
    assert decay.decayed_sum([1.0], [0], 2, 1) == 1 / math.sqrt(2)
    assert bits(decay.decayed_sum([1.0], [0], 60_000_000, 10**15)) == bits(0.0)
    assert bits(decay.decayed_sum([-5e-324], [0], 1, 10)) == bits(0.0)
