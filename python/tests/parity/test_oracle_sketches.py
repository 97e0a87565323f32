"""Hashes against published vectors, sketches against what their definitions give for values chosen by hand."""

from __future__ import annotations

import random
import struct

import pytest
from parity import sketches
from parity.xxhash64 import xxh64


@pytest.mark.parametrize("text, wanted", [
    (b"", 0xEF46DB3751D8E999),
    (b"a", 0xD24EC4F1A98C6E5B),
    (b"abc", 0x44BC2CF5AD770999),
    (b"xxhash", 0x32DD38952C4BC720),
    (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
])
def test_xxh64_vectors(text: bytes, wanted: int) -> None:
    assert xxh64(text) == wanted


def test_values_are_hashed_as_their_type() -> None:
    assert sketches._hash(1, "int") == xxh64((1).to_bytes(8, "little")) == sketches._hash(True, "bool")
    assert sketches._hash(-2, "int") == xxh64(b"\xfe" + b"\xff" * 7)
    assert sketches._hash(1.0, "float") == xxh64(struct.pack("<d", 1.0)) != sketches._hash(1, "int")
    assert sketches._hash("é", "str") == xxh64(b"\xc3\xa9")


@pytest.mark.parametrize("precision", [10, 12, 16])
def test_few_distinct_values_are_counted_exactly(precision: int) -> None:
    assert sketches.approx_count_distinct(["a"] * 50, precision) == 1
    assert sketches.approx_count_distinct([0.5, 1.5, 0.5, 2.5], precision) == 3
    assert sketches.approx_count_distinct([True, False], precision) == 2


@pytest.mark.parametrize("precision, error", [(10, 0.033), (12, 0.017), (14, 0.009)])
def test_many_are_counted_within_the_error(precision: int, error: float) -> None:
    for count in (1000, 20_000):
        found = sketches.approx_count_distinct(range(count), precision)
        assert abs(found / count - 1) < 4 * error


def test_the_estimate_hangs_on_the_set_alone() -> None:
    values = [f"value {number % 700}" for number in range(3000)]
    shuffled = random.Random(1).sample(values, len(values))
    assert sketches.approx_count_distinct(values, 12) == sketches.approx_count_distinct(set(shuffled), 12)


@pytest.mark.parametrize("x, accuracy, wanted", [
    # accuracy 0.1: k = 3, eight buckets a doubling. 1 lies in [1, 1.125), 1.9 in [1.875, 2), 100 in [96, 104).
    (1.0, 0.1, 1.0625), (1.9, 0.1, 1.9375), (100.0, 0.1, 100.0), (-1.0, 0.1, -1.0625), (0.0, 0.1, 0.0),
    # accuracy 0.01: 2^-7 is within it, so k = 6: [1, 1 + 1/64), [96, 97).
    (1.0, 0.01, 1 + 1 / 128), (96.5, 0.01, 96.5), (0.75, 0.01, 0.75 + 1 / 256),
    # accuracy 0.001: 2^-10, k = 9.
    (1.0, 0.001, 1 + 1 / 1024),
    # Subnormals: a bucket that is one number is that number. 16 units of 2^-1074 make buckets of 2 units with k = 3.
    (5e-324, 0.01, 5e-324), (16 * 5e-324, 0.1, 17 * 5e-324), (17 * 5e-324, 0.1, 17 * 5e-324),
    (8 * 5e-324, 0.1, 8 * 5e-324),
    # The last bucket: its upper end would be 2^1024, its middle is a double.
    (1.7976931348623157e308, 0.1, 1.9375 * 2.0**1023),
])
def test_buckets_by_hand(x: float, accuracy: float, wanted: float) -> None:
    assert struct.pack("<d", sketches._middle_of_bucket(x, accuracy)) == struct.pack("<d", wanted)


def test_ranks_by_hand() -> None:
    values = [5, 1, 4, 2, 3]  # middles for k = 6: 1 -> 1 + 1/128, 2 -> 2 + 1/64, 3 -> 3 + 1/64, 5 -> 5 + 1/32
    assert sketches.approx_percentile(values, 0.0, 0.01) == 1 + 1 / 128
    assert sketches.approx_percentile(values, 0.5, 0.01) == 3 + 1 / 64
    assert sketches.approx_percentile(values, 0.49, 0.01) == 2 + 1 / 64
    assert sketches.approx_percentile(values, 1.0, 0.01) == 5 + 1 / 32
    # 0.7 as a double lies below 7/10: 10 times that is not yet rank 7.
    ten = [float(2**k) for k in range(11)]
    assert sketches.approx_percentile(ten, 0.7, 0.1) == 2.0**6 * 1.0625
    # 0.1 as a double lies above 1/10: rank 1, though 0.1 * 10 would round to it anyway.
    assert sketches.approx_percentile(ten, 0.1, 0.1) == 2.0 * 1.0625


def test_buckets_keep_their_bound_and_their_order() -> None:
    source = random.Random(2)
    values = sorted(source.uniform(-1, 1) * 10 ** source.uniform(-320, 308) for _ in range(2000))
    for accuracy in (0.001, 0.01, 0.05, 0.1):
        middles = [sketches._middle_of_bucket(x, accuracy) for x in values]
        assert middles == sorted(middles)
        assert all(abs(r - x) <= accuracy * abs(x) * (1 + 1e-12) for x, r in zip(values, middles))
