"""Seeded events, and what their features are by obvious loops: no code shared with the server."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000


@dataclass(frozen=True)
class Event:
    customer: int
    at: int
    amount: float | None
    quantity: int | None

    def json(self) -> str:
        record: dict = {"customer_id": self.customer, "at": self.at, "quantity": self.quantity, "note": "not used"}
        if self.amount is not None:
            record["amount"] = self.amount
        return json.dumps(record)


def make_events(seed: int, count: int, customers: int) -> list[Event]:
    """Skewed customers, some late events, nulls; all event times differ, so that DuckDB needs no tie rule."""
    source = random.Random(seed)
    times = source.sample(range(3 * DAY // 1000), count)
    times.sort()
    for _ in range(count // 10):
        a, b = source.randrange(count), source.randrange(count)
        times[a], times[b] = times[b], times[a]
    return [
        Event(
            customer=int(customers * source.random() ** 2),
            at=START + time * 1000,
            amount=None if source.random() < 0.05 else round(source.uniform(-5, 500), 2),
            quantity=None if source.random() < 0.05 else source.randrange(10),
        )
        for time in times
    ]


def oracle(events: list[Event], at: int) -> dict[str, float | int | None]:
    """Every feature of `p` for one customer's events as of `at`."""

    def inside(length: int | None) -> list[Event]:
        return sorted((e for e in events if (length is None or e.at >= at - length) and e.at < at), key=lambda e: e.at)

    def amounts(length: int | None) -> list[float]:
        return [e.amount for e in inside(length) if e.amount is not None]

    def total(values: list[float]) -> float | None:
        return math.fsum(values) + 0.0 if values else None

    day = amounts(DAY)
    quantities = [e.quantity for e in inside(DAY) if e.quantity is not None]
    return {
        "count_1h": len(inside(HOUR)),
        "count_1d": len(inside(DAY)),
        "count_lifetime": len(inside(None)),
        "amount_sum_1h": total(amounts(HOUR)),
        "amount_sum_1d": total(day),
        "amount_sum_lifetime": total(amounts(None)),
        "amount_min_1d": min(day, default=None),
        "amount_max_1d": max(day, default=None),
        "amount_mean_1d": math.fsum(day) / len(day) if day else None,
        "quantity_sum_1d": sum(quantities) if quantities else None,
        "amount_first_1d": day[0] if day else None,
        "amount_last_1d": day[-1] if day else None,
    }
