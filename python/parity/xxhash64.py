"""XXH64 with seed 0, from its specification (Y. Collet, doc/xxhash_spec.md of xxHash), in the specification's steps."""

from __future__ import annotations

_MASK = 2**64 - 1
_P1, _P2, _P3, _P4, _P5 = (
    11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261,
)


def _rotate(x: int, places: int) -> int:
    return (x << places | x >> (64 - places)) & _MASK


def _round(accumulator: int, lane: int) -> int:
    return _rotate((accumulator + lane * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes) -> int:
    at = 0
    if len(data) < 32:
        accumulator = _P5
    else:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while len(data) - at >= 32:
            for number in range(4):
                lane = int.from_bytes(data[at : at + 8], "little")
                lanes[number] = _round(lanes[number], lane)
                at += 8
        accumulator = sum(_rotate(lane, places) for lane, places in zip(lanes, (1, 7, 12, 18))) & _MASK
        for lane in lanes:
            accumulator = ((accumulator ^ _round(0, lane)) * _P1 + _P4) & _MASK
    accumulator = (accumulator + len(data)) & _MASK
    while len(data) - at >= 8:
        lane = int.from_bytes(data[at : at + 8], "little")
        accumulator = (_rotate(accumulator ^ _round(0, lane), 27) * _P1 + _P4) & _MASK
        at += 8
    if len(data) - at >= 4:
        lane = int.from_bytes(data[at : at + 4], "little")
        accumulator = (_rotate(accumulator ^ (lane * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        accumulator = _rotate(accumulator ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    accumulator = (accumulator ^ accumulator >> 33) * _P2 & _MASK
    accumulator = (accumulator ^ accumulator >> 29) * _P3 & _MASK
    return accumulator ^ accumulator >> 32
