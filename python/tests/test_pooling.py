"""Which connection a call takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from strandline.pooling import CALLS_BEFORE_GROWTH, CALLS_MAX, Choice, choose

ANY = -math.inf


@dataclass(eq=False)
class Stub:
    calls: int
    opened_at: float = 0.0


def test_the_idlest_is_taken() -> None:
    busy, idle = Stub(5), Stub(2)
    assert choose([busy, idle], ANY, False, 4) is idle


def test_growth_is_late_bounded_and_one_at_a_time() -> None:
    below, full = Stub(CALLS_BEFORE_GROWTH - 1), Stub(CALLS_BEFORE_GROWTH)
    assert choose([], ANY, False, 1) is Choice.OPEN
    assert choose([], ANY, True, 4) is Choice.WAIT, "those without a connection wait for the one that is being opened"
    assert choose([below], ANY, False, 4) is below
    assert choose([full], ANY, False, 2) is Choice.OPEN
    assert choose([full], ANY, True, 2) is full and choose([full], ANY, False, 1) is full


def test_calls_are_bounded() -> None:
    last, over = Stub(CALLS_MAX - 1), Stub(CALLS_MAX)
    assert choose([over, last], ANY, False, 2) is last
    assert choose([over, Stub(CALLS_MAX)], ANY, False, 2) is Choice.WAIT


def test_after_a_loss_a_younger_one_is_taken() -> None:
    old, young = Stub(0, opened_at=1.0), Stub(7, opened_at=3.0)
    assert choose([old, young], 2.0, False, 4) is young
    assert choose([old], 2.0, False, 4) is Choice.OPEN
    assert choose([old], 2.0, True, 4) is Choice.WAIT
    # No room for a younger one: the old one is better than none.
    assert choose([old], 2.0, False, 1) is old
