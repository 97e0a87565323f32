"""LOOKUP and ROWS. Here, and only here, stands how a deadline travels."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_AS_OF, _KNOWN_AT, _EVENT_TIMES, _INCLUSIVE, _ROW_TIME, _REQUEST, _DEADLINE = (1 << bit for bit in (0, 1, 2, 3, 5, 6, 7))
_LOOKUP = struct.Struct("<IBqqI")
_ROWS = struct.Struct("<IBqI")
#: The longest deadline that can be sent, in microseconds: 71 minutes.
DEADLINE_MAX = 0xFFFF_FFFF


def encode_lookup(
    lookup_id: int,
    keys: Sequence[bytes],
    as_of: int | None = None,
    known_at: int | None = None,
    inclusive: bool = False,
    event_times: bool = False,
    request: bytes = b"",
    deadline: int | None = None,
) -> bytes:
    """LOOKUP; keys as `encode_keys` gives them, `request` as `encode_request_values` does, without its size.

    `deadline` is in microseconds from the server's receipt. Example: ``encode_lookup(5, [key])``
    """
    options = _INCLUSIVE * inclusive | _EVENT_TIMES * event_times
    if as_of is not None:
        options |= _AS_OF
    if known_at is not None:
        options |= _KNOWN_AT
    options, sizes = _tail(options, request, deadline)
    head = _LOOKUP.pack(lookup_id, options, as_of or 0, known_at or 0, len(keys))
    return b"".join((head, sizes, request, *keys))


def encode_rows(
    lookup_id: int,
    keys: Sequence[bytes],
    as_of: Sequence[int],
    known_at: int | None = None,
    inclusive: bool = False,
    row_time: bool = False,
    request: bytes = b"",
    deadline: int | None = None,
    event_times: bool = False,
) -> bytes:
    """ROWS; one time a key, the rest as in `encode_lookup`. Example: ``encode_rows(5, [key], [0])``"""
    options = _INCLUSIVE * inclusive | _ROW_TIME * row_time | _EVENT_TIMES * event_times
    if known_at is not None:
        options |= _KNOWN_AT
    options, sizes = _tail(options, request, deadline)
    head = _ROWS.pack(lookup_id, options, known_at or 0, len(keys))
    return b"".join((head, struct.pack(f"<{len(as_of)}q", *as_of), sizes, request, *keys))


def _tail(options: int, request: bytes, deadline: int | None) -> tuple[int, bytes]:
    """Options with what stands between the times and the request values: their size, and the deadline."""
    if not request and deadline is None:
        return options, b""
    sizes = b""
    if request:
        options |= _REQUEST
        sizes = struct.pack("<I", len(request))
    if deadline is not None:
        options |= _DEADLINE
        sizes += struct.pack("<I", deadline)
    return options, sizes
