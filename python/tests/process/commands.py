"""Commands as a user types them: run to their end, with what they said and the status that they left with."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import BINARY

OK, FAILED, USAGE, MISMATCHES, NOT_FOUND, UNREACHABLE = 0, 1, 2, 3, 4, 5
# Bounds a command that hangs; none of those that run here needs a tenth of it.
SECONDS_MAX = 60


@dataclass(frozen=True)
class Done:
    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"`strandline {' '.join(self.arguments)}` left with {self.status}\nout: {self.out}\nerr: {self.err}"


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would point the commands at some other server or broker of this machine."""
    strange = ("STRANDLINE_", "KAFKA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)} | more


def strandline(*arguments: str, stdin: str = "", folder: Path | None = None, **variables: str) -> Done:
    done = subprocess.run(
        [BINARY, *arguments], input=stdin, capture_output=True, text=True, cwd=folder, env=environment(**variables),
        timeout=SECONDS_MAX, check=False,
    )
    return Done(arguments, done.returncode, done.stdout, done.stderr)


def fails(done: Done, status: int, *texts: str) -> None:
    """The command ended as it should: with this status, these texts on standard error, and no result."""
    assert done.status == status, str(done)
    assert done.out == "", f"what failed has no result to print\n{done}"
    for text in texts:
        assert text in done.err, f"standard error lacks {text!r}\n{done}"


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nobody listens; it stays taken meanwhile, so nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
