"""The filtered view's filter and derived columns, in Python: None is SQL's null."""

from __future__ import annotations

from typing import Any

from .definitions import Single

MARK = "passes"
"""Beside an event's columns: True where the filter is true, else None."""


def completed(values: dict[str, Single | None]) -> dict[str, Single | None]:
    """The values of an event's columns, with what is computed of them."""
    amount, quantity, paid = _given(values, "amount"), _given(values, "quantity"), _given(values, "paid")
    # Three values: a null beside true does not matter, and beside false it is null.
    passes = paid is True or (quantity is not None and quantity > 1)
    return {
        **values,
        MARK: True if passes else None,
        # Two operations, each rounded; a zero is stored as +0.0.
        "net": None if amount is None else amount * 0.75 - 1.5 + 0.0,
        "units": None if quantity is None else quantity * 3 + 1,
        "size": "none" if quantity is None or quantity < 0 else "large" if quantity > 2 else "small",
    }


def _given(values: dict[str, Single | None], name: str) -> Any:
    return values.get(name)
