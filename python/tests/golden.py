"""Reads Tests/Fixtures/wire/<name>.hex; the Swift tests read the same files."""

from __future__ import annotations

import struct
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "wire"
NAMES = sorted(path.stem for path in FOLDER.glob("*.hex"))


def load(name: str) -> bytes:
    lines = (FOLDER / f"{name}.hex").read_text(encoding="utf-8").splitlines()
    return bytes.fromhex(" ".join(line for line in lines if not line.startswith("#")))


def body(name: str) -> bytes:
    return load(name)[12:]


def answering(name: str, request_id: int) -> bytes:
    """The frame with another request id."""
    frame = load(name)
    return frame[:8] + struct.pack("<I", request_id) + frame[12:]
