"""HELLO and WELCOME. Here, and only here, stands what an agreement on checksums adds to both."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import ProtocolError
from .fields import Reader, string

MAGIC = b"STRD"
VERSION = 1
_CHECKSUMS = 1


@dataclass(frozen=True)
class Welcome:
    """WELCOME. Example: ``decode_welcome(body).entities_max``"""

    version: int
    frame_size_max: int
    entities_max: int
    features_max: int
    rows_max: int
    server_name: str
    has_checksums: bool = False


def encode_hello(
    token: str | None,
    client_name: str,
    version_min: int = VERSION,
    version_max: int = VERSION,
    checksums: bool = False,
) -> bytes:
    """HELLO. Its last byte, the options, is sent only when there is something to ask for: without it they are 0.

    Example: ``encode_hello(None, "notebook")``
    """
    head = struct.pack("<HHB", version_min, version_max, token is not None)
    options = bytes([_CHECKSUMS]) if checksums else b""
    return MAGIC + head + string(token or "") + string(client_name) + options


def decode_welcome(body: bytes) -> Welcome:
    """WELCOME; without the options byte they are 0. Example: ``decode_welcome(body).server_name``"""
    reader = Reader(body)
    version, frame_size_max, entities_max, features_max, rows_max = reader.unpack("<HIIHI")
    name = reader.text()
    options = reader.take(1)[0] if reader.left else 0
    if options & ~_CHECKSUMS:
        raise ProtocolError(f"options 0x{options:02x} in WELCOME")
    reader.finish()
    return Welcome(version, frame_size_max, entities_max, features_max, rows_max, name, options == _CHECKSUMS)
