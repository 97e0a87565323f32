"""A slice of `make parity` on a live server: the same harness, fewer events and cells, one seed."""

from __future__ import annotations

import os
from pathlib import Path

from parity.catalogue import FUNCTIONS
from parity.run import CANARIES, SLICE, Plan, execute

SEED = int(os.environ.get("STRANDLINE_SEED", "20"))
CELLS = 20_000


def test_a_slice_of_parity(tmp_path: Path) -> None:
    # For a binary that has not all functions yet: their names, with commas between.
    functions = [name for name in os.environ.get("STRANDLINE_PARITY_FUNCTIONS", "").split(",") if name] or FUNCTIONS
    plan = Plan(
        seed=SEED, functions=functions, size=SLICE, cells=CELLS, rows_each_job=8, file_every=4, processes=1,
        canary_rows=40, canaries=CANARIES, cells_each_function_min=100, nonempty_min=0.4,
    )
    outcome = execute(plan, tmp_path, print)
    shown = "\n".join(map(str, outcome.tally.shown))
    assert outcome.tally.mismatches == 0, f"seed {SEED}:\n{shown}"
    assert outcome.complaints == [], f"seed {SEED}"
    assert outcome.tally.cells.total() >= CELLS
    assert {"lookup", "rows", "file"} <= set(outcome.tally.compared)
    assert {"NOT_FOUND", "NULL_VALUE", "OVERFLOW", "PARTIAL", "PRESENT"} <= set(outcome.tally.statuses)
