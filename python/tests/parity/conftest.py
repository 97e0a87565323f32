"""The harness is a package beside the tests; the client is imported as the other tests import it."""

from __future__ import annotations

import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PYTHON))
sys.path.insert(0, str(PYTHON / "src"))
