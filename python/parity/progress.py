"""A bar on standard error while somebody watches; nothing in a log."""

from __future__ import annotations

import os
import sys
import time

_WIDTH = 32


class ProgressBar:
    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = max(1, total)
        self._shown_at = 0.0
        self._is_shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def update(self, done: int) -> None:
        if not self._is_shown:
            return
        now = time.monotonic()
        if done < self._total and now - self._shown_at < 0.1:
            return
        self._shown_at = now
        filled = _WIDTH * done // self._total
        end = "\n" if done >= self._total else ""
        bar = "#" * filled + "." * (_WIDTH - filled)
        sys.stderr.write(f"\r{self._title:<12} [{bar}] {done}/{self._total}{end}")
        sys.stderr.flush()
