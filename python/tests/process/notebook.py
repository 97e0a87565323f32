"""Runs a notebook's code cells, one after the other in one namespace, without Jupyter.

    notebook.py NOTEBOOK            prints what each code cell printed, as a JSON list
    notebook.py NOTEBOOK --write    and puts it into the notebook, as the cells' outputs
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed_by(cells: list[dict[str, Any]]) -> list[str]:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    try:
        for number, cell in enumerate(cells, 1):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile("".join(cell["source"]), f"<cell {number}>", "exec"), names)
            printed.append(out.getvalue())
    finally:
        # What the notebook started and did not come to end.
        if (server := names.get("server")) is not None and server.poll() is None:
            server.kill()
            server.wait()
    return printed


def outputs(text: str) -> list[dict[str, Any]]:
    return [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []


def main() -> None:
    path = Path(sys.argv[1])
    notebook = json.loads(path.read_text())
    cells = code_cells(notebook)
    printed = printed_by(cells)
    if sys.argv[2:] == ["--write"]:
        for number, (cell, text) in enumerate(zip(cells, printed, strict=True), 1):
            cell["execution_count"], cell["outputs"] = number, outputs(text)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
