"""Parity: a live server against a naive second opinion, cell by cell and bit for bit. docs/parity.md tells how.

    generate --> log.jsonl --------------------------> read --> oracle --+
        |                                                                 +--> compare
        +------> broker --> server (killed, restarted) --> three ways ---+

The oracle reads the log and nothing else: no store, no reply, and no code of the server or of the client.
"""

import sys
from pathlib import Path

# The client is that of this checkout; it need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
