"""The notebook of docs/: its cells run, in a process of their own, and print what the page shows but for digits.

    .venv/bin/python python/tests/process/notebook.py docs/purchases-to-model.ipynb --write     # shows what is printed now
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import commands
from notebook import code_cells, outputs
from processes import BINARY, ROOT

NOTEBOOK = ROOT / "docs" / "purchases-to-model.ipynb"
PURCHASES = ROOT / ".deps" / "cdnow" / "CDNOW_master.txt"
SECONDS_MAX = 240


def shown(cell: dict) -> str:
    return "".join("".join(output["text"]) for output in cell["outputs"])


def without_digits(text: str) -> str:
    return re.sub(r"[\d.]+(e[+-]\d+)?", "#", text)


def test_every_cell_runs_and_prints_what_is_shown(tmp_path: Path) -> None:
    assert PURCHASES.exists(), f"{PURCHASES} is missing; run: make setup-demo"
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("notebook.py"), NOTEBOOK], capture_output=True, text=True, cwd=ROOT / "docs",
        env=commands.environment(STRANDLINE_BINARY=str(BINARY), TMPDIR=str(tmp_path)), timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells, printed = code_cells(json.loads(NOTEBOOK.read_text())), json.loads(done.stdout)
    assert len(printed) == len(cells) > 10
    for cell, text in zip(cells, printed, strict=True):
        assert without_digits(text) == without_digits(shown(cell)), "".join(cell["source"])
    whole = "".join(printed)
    for told in (
        "69659 events are in\n", "\n0 of 1414080 cells leak\n", "12000 served values are the training cells bit for bit",
        "server ended with 0\n",
    ):  # fmt: skip
        assert told in whole, whole
    assert whole.count("verify=verified rows=117840 checked=2000 cells=24000 differing=0 not_verifiable=0 leaks=0") == 2
    # The model is better than the base rate, and than the one feature alone, in months that it has not seen.
    scores = [float(score) for score in re.findall(r"ROC AUC (\S+)", whole)]
    assert scores[0] == 0.5 < scores[1] < scores[2]
    count, before, then, after = re.findall(r"customer 3: (\d+) orders in 30 days, score (\S+); and then (\d+), score (\S+)", whole)[0]
    assert int(then) == int(count) + 1 and float(after) != float(before)


def test_it_can_be_read_and_is_small() -> None:
    """Text outputs only, in the form that Jupyter writes; and each cell has its own id."""
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5) and NOTEBOOK.stat().st_size < 40_000
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in code_cells(notebook):
        assert cell["outputs"] == outputs(shown(cell)) and len(shown(cell).splitlines()) < 30
        assert isinstance(cell["execution_count"], int)
    assert sum(cell["cell_type"] == "markdown" for cell in notebook["cells"]) > 8
