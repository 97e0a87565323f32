"""Feast's own clients against a live server. They need an environment of their own: `make test-feast` makes one for each
version and runs this folder in it; where feast is not installed, `make test` passes it by."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "process", HERE.parents[1] / "src"):
    sys.path.insert(0, str(folder))

try:
    importlib.metadata.version("feast")
except importlib.metadata.PackageNotFoundError:
    collect_ignore_glob = ["test_*.py"]
