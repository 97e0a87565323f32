"""Results as people look at them: a table in a terminal, a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime

ROWS_SHOWN = 10
_CELL_WIDTH_MAX = 40

Columns = Mapping[str, Sequence[object]]
Statuses = Mapping[str, Sequence[str]]


def shown(value: object, status: str) -> str:
    """A cell's text; a value that is not there is shown by its status. Example: ``shown(None, "NOT_FOUND")``"""
    if value is None:
        return status
    return value.isoformat() if isinstance(value, datetime) else str(value)


def text_table(columns: Columns, statuses: Statuses) -> str:
    """The first rows, a line each. Example: ``print(result)``"""
    count = len(next(iter(columns.values()), ()))
    table = [list(columns)]
    for row in range(min(count, ROWS_SHOWN)):
        cells = [shown(column[row], _status(statuses, name, row)) for name, column in columns.items()]
        table.append([c if len(c) <= _CELL_WIDTH_MAX else c[: _CELL_WIDTH_MAX - 1] + "…" for c in cells])
    widths = [max(map(len, cells)) for cells in zip(*table)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(cells, widths)) for cells in table]
    if count > ROWS_SHOWN:
        lines.append(f"... {count - ROWS_SHOWN} more rows")
    return "\n".join(lines)


def html_table(columns: Columns, statuses: Statuses, caption: str) -> str:
    """The first rows as HTML, all text escaped. Example: a cell of a notebook that ends with ``result``"""
    count = len(next(iter(columns.values()), ()))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = []
    for row in range(min(count, ROWS_SHOWN)):
        cells = "".join(_cell(column[row], _status(statuses, name, row)) for name, column in columns.items())
        lines.append(f"<tr>{cells}</tr>")
    if count > ROWS_SHOWN:
        lines.append(f'<tr><td colspan="{len(columns)}">{count - ROWS_SHOWN} more rows</td></tr>')
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f"{table}<p>{html.escape(caption)}</p>"


def _cell(value: object, status: str) -> str:
    text = html.escape(shown(value, status))
    if status == "PRESENT":
        return f"<td>{text}</td>"
    return f'<td title="{html.escape(status)}" style="opacity:0.6">{text}</td>'


def _status(statuses: Statuses, name: str, row: int) -> str:
    return statuses[name][row] if name in statuses else "PRESENT"
