"""The demo's second opinion: every feature once more, from the raw purchases, by the plainest means.

Nothing here is shared with the server or the client. Times are whole microseconds, sums are `math.fsum`, and a window is
a filter over all purchases of a customer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

SECOND = 1_000_000
DAY = 86_400 * SECOND


class Purchase(NamedTuple):
    time: int
    quantity: int
    amount: float


@dataclass(frozen=True)
class Feature:
    """One feature of the service `repeat_purchase`, as feature_repo/feature_views.yaml describes it in words."""

    function: str
    column: str | None = None
    days: int | None = None  # None: the whole life
    offset_days: int = 0
    default: float | int | None = None


FEATURES = {
    "count_30d": Feature("count", days=30),
    "count_30d_offset_30d": Feature("count", days=30, offset_days=30),
    "count_90d": Feature("count", days=90),
    "count_lifetime": Feature("count"),
    "amount_sum_30d": Feature("sum", "amount", days=30, default=0.0),
    "amount_sum_90d": Feature("sum", "amount", days=90, default=0.0),
    "amount_sum_lifetime": Feature("sum", "amount", default=0.0),
    "amount_mean_90d": Feature("mean", "amount", days=90),
    "amount_max_lifetime": Feature("max", "amount"),
    "quantity_sum_90d": Feature("sum", "quantity", days=90, default=0),
    "first_amount": Feature("first", "amount"),
    "latest_amount": Feature("last", "amount"),
}


class Cell(NamedTuple):
    value: float | int | None
    status: str
    purchases: int  # in the window


def read_purchases(path: Path) -> list[tuple[int, Purchase]]:
    """(customer, purchase) in the order of CDNOW_master.txt: `customer date quantity amount`, after a line of titles."""
    rows = []
    with path.open(encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if len(fields) != 4 or not fields[0].isdigit():
                continue
            day = datetime.strptime(fields[1], "%Y%m%d").replace(tzinfo=timezone.utc)
            rows.append((int(fields[0]), Purchase(int(day.timestamp()) * SECOND, int(fields[2]), float(fields[3]))))
    return rows


def by_customer(rows: list[tuple[int, Purchase]]) -> dict[int, list[Purchase]]:
    """Each customer's purchases by time; those of one day stay in the order of the file."""
    customers: dict[int, list[Purchase]] = {}
    for customer, purchase in rows:
        customers.setdefault(customer, []).append(purchase)
    for purchases in customers.values():
        purchases.sort(key=lambda purchase: purchase.time)
    return customers


def recompute(feature: Feature, purchases: list[Purchase], at: int) -> Cell:
    """What the feature is at the moment `at`: over [at - offset - window, at - offset), the end not included."""
    end = at - feature.offset_days * DAY
    start = -math.inf if feature.days is None else end - feature.days * DAY
    inside = [purchase for purchase in purchases if start <= purchase.time < end]
    values = [getattr(purchase, feature.column) for purchase in inside] if feature.column else []
    value: float | int | None
    if feature.function == "count":
        value = len(inside)
    elif not inside:
        value = feature.default
    elif feature.function == "sum":
        value = math.fsum(values) if feature.column == "amount" else sum(values)
    elif feature.function == "mean":
        value = math.fsum(values) / len(values)
    elif feature.function == "max":
        value = max(values)
    else:
        value = values[0] if feature.function == "first" else values[-1]
    if not any(purchase.time < at for purchase in purchases):
        status = "NOT_FOUND"
    else:
        status = "NULL_VALUE" if value is None else "PRESENT"
    return Cell(value, status, len(inside))
