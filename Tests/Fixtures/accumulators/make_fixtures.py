"""Writes exp2.txt and decayed_sums.txt beside this file: what mpmath (1.3.0) and fractions make of the definitions in
Sources/Windowing/Accumulators/FixedExp2.swift and DecayedSum.swift. Needs mpmath; run it by hand, and check in the result.

exp2.txt           h r 2^(r/h) in units of 2^-127, rounded down; the nearest double to 2^(r/h), as bits
decayed_sums.txt   h T result as bits, or nil; then x:t of each event, x as bits
"""

import pathlib
import random
import struct
from fractions import Fraction

import mpmath

mpmath.mp.prec = 600
FOLDER = pathlib.Path(__file__).parent
DAY = 86_400_000_000


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def power(h: int, r: int) -> mpmath.mpf:
    return mpmath.power(2, mpmath.mpf(r) / h)


def weight(h: int, r: int) -> float:
    # 600 bits, then half to even; only r = 0 is exact, so there is no tie.
    return float(Fraction(int(mpmath.nint(power(h, r) * 2**500)), 2**500))


def exp2_lines() -> list[str]:
    rng = random.Random(1)
    lines = []
    lives = [1, 2, 3, 5, 7, 64, 1000, 999_983, 60_000_000, DAY, 7 * DAY, 2**40 + 1, 2**62, 2**63 - 1]
    for h in lives:
        rests = {0, 1, h // 3, h // 2, h - 1, *(rng.randrange(h) for _ in range(25))}
        for r in sorted(r for r in rests if r < h):
            fixed = int(mpmath.floor(power(h, r) * 2**127))
            lines.append(f"{h} {r} {fixed:032x} {bits(weight(h, r))}")
    return lines


def decayed(h: int, at: int, events: list[tuple[float, int]]) -> float | None:
    big_k, rest = divmod(at, h)
    total = Fraction(0)
    for x, t in events:
        k, r = divmod(t, h)
        term = x * weight(h, r)
        if term in (float("inf"), float("-inf")):
            term = (x / 2) * weight(h, r)
            k += 1
        total += Fraction(term) * Fraction(2) ** (k - big_k)
    try:
        return float(total) / weight(h, rest) + 0.0
    except OverflowError:
        return None


def decayed_lines() -> list[str]:
    rng = random.Random(2)
    lines = []
    for case in range(240):
        h = rng.choice([1, 2, 3, 1000, 60_000_000, DAY, 30 * DAY, 2**62])
        center = rng.choice([0, -1, 1_700_000_000_000_000, -1_700_000_000_000_000, 2**61, -(2**61)])
        span = min(h * rng.choice([1, 10, 100, 1000]), 2**61)
        events = []
        for _ in range(rng.choice([0, 1, 2, 5, 20])):
            kind = rng.randrange(8)
            x = rng.randrange(1, 10**8) / 100
            if case % 3 == 0:
                x = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e308, 2.0**53, 1.0, x, x][kind]
            events.append((x * rng.choice([1, 1, -1]), center - rng.randrange(span + 1)))
        if events and rng.randrange(4) == 0:
            events += [(-x, t) for x, t in events[1:]]
        at = center + rng.randrange(span // 4 + 1)
        result = decayed(h, at, events)
        parts = [str(h), str(at), "nil" if result is None else bits(result)]
        lines.append(" ".join(parts + [f"{bits(x)}:{t}" for x, t in events]))
    return lines


(FOLDER / "exp2.txt").write_text("\n".join(exp2_lines()) + "\n")
(FOLDER / "decayed_sums.txt").write_text("\n".join(decayed_lines()) + "\n")
