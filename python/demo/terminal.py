"""What the demo prints: headings, commands, tables. Plain text in a log, some colour on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# https://no-color.org: any value that is not empty turns colours off.
_COLOURS = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _styled(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _COLOURS else text


def say(text: str = "") -> None:
    """Prints at once, so that the output of other programs stands where it belongs."""
    print(text, flush=True)


def heading(number: int, text: str) -> None:
    say()
    say(_styled(f"{number}. {text}", "1"))
    say(_styled("-" * (len(text) + 3), "2"))


def command(arguments: Sequence[str]) -> None:
    say()
    say("  " + _styled("$ strandline " + " ".join(arguments), "36"))


def output(text: str) -> None:
    """What a command printed, indented."""
    for line in text.splitlines():
        say("  " + line)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns aligned to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        text = "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths))
        say(_styled(text, "2") if number == 0 else text)


def good(text: str) -> str:
    return _styled(text, "32")


def bad(text: str) -> str:
    return _styled(text, "31")
