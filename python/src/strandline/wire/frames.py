"""Frames: the header, its limits, the checksum, and cutting a stream of bytes into frames again.

     0       4      5       6          8           12
    +-------+------+-------+----------+-----------+------+----------------------------+
    | size  | type | flags | reserved | requestID | body | CRC-32, where agreed (u32) |
    +-------+------+-------+----------+-----------+------+----------------------------+
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

from ..errors import ConnectionLost, ProtocolError

FRAME_SIZE_MAX_BEFORE_WELCOME = 4096
HEADER = struct.Struct("<IBBHI")
SIZE = struct.Struct("<I")
#: What a frame has beside its body, as `size` counts: the rest of the header.
HEADER_REST = 8
CHECKSUM_BYTES = 4
_HAS_CHECKSUM = 1


class MessageType(IntEnum):
    """What a frame carries. Example: ``MessageType.LOOKUP``"""

    HELLO = 0x01
    WELCOME = 0x02
    ERROR = 0x03
    PREPARE = 0x10
    PREPARED = 0x11
    LOOKUP = 0x12
    VALUES = 0x13
    ROWS = 0x14
    COLUMNS = 0x15
    HISTORY_PAGE = 0x18
    HISTORY_PAGE_REPLY = 0x19
    ADMIN = 0x20
    ADMIN_REPLY = 0x21
    PING = 0x30
    PONG = 0x31


_TYPES = {int(kind): kind for kind in MessageType}


def frame(kind: MessageType, request_id: int, body: bytes, checksum: bool = False) -> bytes:
    """A whole frame. Example: ``frame(MessageType.PING, 1, b"")``"""
    if not checksum:
        return HEADER.pack(len(body) + HEADER_REST, kind, 0, 0, request_id) + body
    head = HEADER.pack(len(body) + HEADER_REST + CHECKSUM_BYTES, kind, _HAS_CHECKSUM, 0, request_id)
    return head + body + SIZE.pack(zlib.crc32(body, zlib.crc32(head[4:])))


def check_size(size: int, frame_size_max: int) -> None:
    """Refuses a size before anything is read for it. Example: ``check_size(8, 4096)``"""
    if not HEADER_REST <= size <= frame_size_max:
        raise ProtocolError(f"frame size {size} is outside {HEADER_REST} to {frame_size_max}")


class FrameDecoder:
    """Cuts what arrives into frames. `frame_size_max` and `has_checksums` may be changed between two frames.

    Example: ``decoder.feed(data)``, then ``decoder.next()`` until it gives None
    """

    def __init__(self) -> None:
        self.frame_size_max = FRAME_SIZE_MAX_BEFORE_WELCOME
        self.has_checksums = False
        self._parts: list[bytes] = []
        self._at = 0
        self._have = 0
        self._need = 4

    @property
    def missing(self) -> int:
        """How many bytes the frame that has begun still lacks, as far as is known; 0 when nothing is known."""
        return max(0, self._need - self._have) if self._need > 4 else 0

    def feed(self, data: bytes) -> None:
        """Takes what arrived, however it was cut. Nothing is made for a frame before its bytes are there."""
        self._parts.append(data)
        self._have += len(data)

    def next(self) -> tuple[MessageType, int, bytes] | None:
        """The next whole frame's type, request id and body; None until there is one.

        Raises ProtocolError for bytes that are no frame, ConnectionLost for a frame that was damaged on its way.
        """
        if self._have < self._need:
            return None
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        data, at = self._parts[0], self._at
        (size,) = SIZE.unpack_from(data, at)
        check_size(size, self.frame_size_max)
        if self._have < 4 + size:
            self._need = 4 + size
            return None
        _, kind, flags, reserved, request_id = HEADER.unpack_from(data, at)
        start, end = at + HEADER.size, at + 4 + size
        if self.has_checksums:
            end = _check(data, at, end, flags)
        elif flags:
            raise ProtocolError("flags and reserved bytes must be 0")
        if reserved:
            raise ProtocolError("flags and reserved bytes must be 0")
        if kind not in _TYPES:
            raise ProtocolError(f"message type 0x{kind:02x} does not exist")
        body = data[start:end]
        self._have -= 4 + size
        self._at += 4 + size
        self._need = 4
        if self._have == 0:
            self._parts, self._at = [], 0
        return _TYPES[kind], request_id, body


def _check(data: bytes, at: int, end: int, flags: int) -> int:
    """Where the body ends, when the frame is as it was sent."""
    if flags != _HAS_CHECKSUM:
        raise ProtocolError("a frame without the checksum that was agreed on")
    end -= CHECKSUM_BYTES
    if end < at + HEADER.size:
        raise ProtocolError("a frame that cannot hold its checksum")
    if zlib.crc32(memoryview(data)[at + 4 : end]) != SIZE.unpack_from(data, end)[0]:
        raise ConnectionLost("a frame was damaged on its way: its checksum does not match")
    return end
