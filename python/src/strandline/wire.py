"""The bytes of the protocol; docs/format/wire-protocol.md is the specification. No sockets here.

Encoders give a frame's body, decoders take one and raise ProtocolError for bytes that contradict each other.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from .errors import InvalidArgument, ProtocolError
from .feature_types import FeatureType, ValueType
from .payload import CODES, Value, decode_payload, from_slots, utf8
from .times import to_datetime

MAGIC = b"STRD"
VERSION = 1
PORT_DEFAULT = 6567
FRAME_SIZE_MAX_BEFORE_WELCOME = 4096
PREPARED_MAX = 256
KEY_BYTES_MAX = 1024
HEADER = struct.Struct("<IBBHI")
SIZE = struct.Struct("<I")
NO_EVENT_TIME = -(2**63)


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
    ADMIN = 0x20
    ADMIN_REPLY = 0x21
    PING = 0x30
    PONG = 0x31


class Status(IntEnum):
    """How a value came about. Example: ``Status.PRESENT``"""

    PRESENT = 1
    NULL_VALUE = 2
    NOT_FOUND = 3
    OUTSIDE_MAX_AGE = 4
    PARTIAL = 5
    OVERFLOW = 6
    OUTSIDE_RETENTION = 7


@dataclass(frozen=True)
class Welcome:
    """WELCOME. Example: ``decode_welcome(body).entities_max``"""

    version: int
    frame_size_max: int
    entities_max: int
    features_max: int
    rows_max: int
    server_name: str


@dataclass(frozen=True)
class Prepared:
    """PREPARED. Example: ``decode_prepared(body).join_keys``"""

    lookup_id: int
    definition_hash: str
    join_keys: tuple[tuple[str, ValueType], ...]
    features: tuple[tuple[str, FeatureType], ...]
    request: tuple[tuple[str, ValueType], ...] = ()


@dataclass(frozen=True)
class Values:
    """VALUES or COLUMNS, by column. Example: ``decode_values(body, types).columns[0]``"""

    as_of: int | None
    known_at: int
    count: int
    statuses: list[list[str]]
    columns: list[list[Value]]
    event_times: list[list[datetime | None]] | None


class Reader:
    """Reads a body's fields one after the other. Example: ``Reader(body).unpack("<I")``"""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.body):
            raise ProtocolError("a message ends inside one of its fields")
        part = self.body[self.at : end]
        self.at = end
        return part

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def text(self, form: str = "<H") -> str:
        try:
            return str(self.take(self.unpack(form)[0]), "utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("a string is not UTF-8") from None

    def finish(self) -> None:
        if self.at != len(self.body):
            raise ProtocolError(f"{len(self.body) - self.at} bytes after the end of a message")


def frame(kind: MessageType, request_id: int, body: bytes) -> bytes:
    """A whole frame. Example: ``frame(MessageType.PING, 1, b"")``"""
    return HEADER.pack(len(body) + 8, kind, 0, 0, request_id) + body


def decode_header(header: bytes, frame_size_max: int) -> tuple[MessageType, int, int]:
    """Type, request id and body length of a 12-byte header. Example: ``decode_header(frame[:12], 4096)``"""
    size, kind, flags, reserved, request_id = HEADER.unpack(header)
    check_size(size, frame_size_max)
    if flags or reserved:
        raise ProtocolError("flags and reserved bytes must be 0")
    try:
        return MessageType(kind), request_id, size - 8
    except ValueError:
        raise ProtocolError(f"message type 0x{kind:02x} does not exist") from None


def check_size(size: int, frame_size_max: int) -> None:
    """Refuses a size before anything is read for it. Example: ``check_size(8, 4096)``"""
    if not 8 <= size <= frame_size_max:
        raise ProtocolError(f"frame size {size} is outside 8 to {frame_size_max}")


def _string(text: str) -> bytes:
    utf8 = text.encode()
    if len(utf8) > 0xFFFF:
        raise InvalidArgument(f"a string of {len(utf8)} bytes; a message can hold 65535")
    return struct.pack("<H", len(utf8)) + utf8


def encode_hello(token: str | None, client_name: str, version_min: int = VERSION, version_max: int = VERSION) -> bytes:
    """HELLO. Example: ``encode_hello(None, "notebook")``"""
    head = struct.pack("<HHB", version_min, version_max, token is not None)
    return MAGIC + head + _string(token or "") + _string(client_name)


def decode_welcome(body: bytes) -> Welcome:
    """WELCOME. Example: ``decode_welcome(body).server_name``"""
    reader = Reader(body)
    version, frame_size_max, entities_max, features_max, rows_max = reader.unpack("<HIIHI")
    welcome = Welcome(version, frame_size_max, entities_max, features_max, rows_max, reader.text())
    reader.finish()
    return welcome


def decode_error(body: bytes) -> tuple[int, bool, str]:
    """Code, retriable and message of ERROR. Example: ``code, retriable, message = decode_error(body)``"""
    reader = Reader(body)
    code, retriable = reader.unpack("<HB")
    if retriable > 1:
        raise ProtocolError("retriable is neither 0 nor 1")
    message = reader.text("<I")
    reader.finish()
    return code, retriable == 1, message


def encode_prepare(target: str | Sequence[str]) -> bytes:
    """PREPARE of a service's name, or of references. Example: ``encode_prepare("fraud@2")``"""
    if isinstance(target, str):
        return b"\x01" + _string(target)
    if not 1 <= len(target) <= 0xFFFF:
        raise InvalidArgument(f"{len(target)} feature references")
    return b"\x02" + struct.pack("<H", len(target)) + b"".join(map(_string, target))


def decode_prepared(body: bytes) -> Prepared:
    """PREPARED. Example: ``decode_prepared(body).lookup_id``"""
    reader = Reader(body)
    (lookup_id,) = reader.unpack("<I")
    definition_hash = reader.text()
    try:
        join_keys = [(reader.text(), ValueType(reader.unpack("<B")[0])) for _ in range(reader.unpack("<B")[0])]
        features = [
            (reader.text(), FeatureType.from_byte(reader.unpack("<B")[0])) for _ in range(reader.unpack("<H")[0])
        ]
        request = []
        if reader.at < len(reader.body):
            request = [(reader.text(), ValueType(reader.unpack("<B")[0])) for _ in range(reader.unpack("<B")[0])]
            if not request:
                raise ProtocolError("a list of request fields without one")
    except ValueError as error:
        raise ProtocolError(str(error)) from None
    reader.finish()
    return Prepared(lookup_id, definition_hash, tuple(join_keys), tuple(features), tuple(request))


def encode_key(entity: Mapping[str, object], join_keys: Sequence[tuple[str, ValueType]]) -> bytes:
    """An entity key with its length. Example: ``encode_key({"customer_id": 42}, prepared.join_keys)``"""
    if entity.keys() != {name for name, _ in join_keys}:
        wanted = ", ".join(name for name, _ in join_keys)
        raise InvalidArgument(f"an entity has the keys {wanted}; this one has {', '.join(map(str, entity)) or 'none'}")
    parts = []
    for name, kind in join_keys:
        value = entity[name]
        if kind is ValueType.STRING and isinstance(value, str):
            try:
                utf8 = value.encode()
            except UnicodeEncodeError:
                raise InvalidArgument(f"{name} cannot be written as UTF-8") from None
            parts.append(b"\x03" + struct.pack(">H", min(len(utf8), 0xFFFF)) + utf8)
        elif kind is ValueType.INT64:
            parts.append(b"\x01" + struct.pack(">Q", _int64(name, value) + 2**63))
        else:
            raise InvalidArgument(f"{name} is {kind.name.lower()}; {type(value).__name__} was given")
    key = b"".join(parts)
    if len(key) > KEY_BYTES_MAX:
        raise InvalidArgument(f"an entity key of {len(key)} bytes; the longest has {KEY_BYTES_MAX}")
    return struct.pack("<H", len(key)) + key


def _int64(name: str, value: object) -> int:
    if not isinstance(value, bool):
        try:
            number = operator.index(value)  # type: ignore[arg-type]  # also NumPy's integers
        except TypeError:
            pass
        else:
            if -(2**63) <= number < 2**63:
                return number
            raise InvalidArgument(f"{name} does not fit 64 bits")
    raise InvalidArgument(f"{name} is int64; {type(value).__name__} was given")


def encode_lookup(
    lookup_id: int,
    keys: Sequence[bytes],
    as_of: int | None = None,
    known_at: int | None = None,
    inclusive: bool = False,
    event_times: bool = False,
    request: bytes = b"",
) -> bytes:
    """LOOKUP; keys as `encode_key` gives them, `request` as `encode_request_values` does.

    Example: ``encode_lookup(5, [key])``
    """
    options = (as_of is not None) | (known_at is not None) << 1 | event_times << 2 | inclusive << 3
    options |= bool(request) << 6
    head = struct.pack("<IBqqI", lookup_id, options, as_of or 0, known_at or 0, len(keys))
    return head + request + b"".join(keys)


def encode_rows(
    lookup_id: int,
    keys: Sequence[bytes],
    as_of: Sequence[int],
    known_at: int | None = None,
    inclusive: bool = False,
    row_time: bool = False,
    request: bytes = b"",
) -> bytes:
    """ROWS; one time a key, `request` as `encode_request_values` gives it. Example: ``encode_rows(5, [key], [0])``"""
    options = (known_at is not None) << 1 | inclusive << 3 | row_time << 5 | bool(request) << 6
    head = struct.pack("<IBqI", lookup_id, options, known_at or 0, len(keys))
    return head + struct.pack(f"<{len(as_of)}q", *as_of) + request + b"".join(keys)


_STATUS_NAMES: dict[int, str] = {status | bit: status.name for status in Status for bit in (0, 0x80)}


def decode_values(body: bytes, types: Sequence[FeatureType]) -> Values:
    """VALUES with features of these types. Example: ``decode_values(body, types).as_of``"""
    reader = Reader(body)
    as_of, known_at, count, features, options = reader.unpack("<qqIHB")
    if options & ~4:
        raise ProtocolError(f"options 0x{options:02x} in VALUES")
    _check_counts(reader, count, features, types, 9 if options else 1)
    layouts: dict[bytes, struct.Struct] = {}
    has_lengths = any(map(_has_length, types))
    times = struct.Struct(f"<{features}q")
    columns: list[list[Value]] = [[] for _ in types]
    statuses: list[list[str]] = [[] for _ in types]
    event_times: list[list[datetime | None]] | None = [[] for _ in types] if options else None
    for _ in range(count):
        marks = reader.take(features)
        if has_lengths:
            row = [_value(reader, kind) if mark & 0x80 else None for mark, kind in zip(marks, types)]
        else:
            layout = layouts.get(marks)
            if layout is None:
                codes = "".join(CODES[kind.element] for mark, kind in zip(marks, types) if mark & 0x80)
                layout = struct.Struct("<" + codes)
                layouts[marks] = layout
            found = iter(layout.unpack(reader.take(layout.size)))
            row = [_from_slot(next(found), kind.element) if mark & 0x80 else None for mark, kind in zip(marks, types)]
        for column, value in zip(columns, row):
            column.append(value)
        for names, mark in zip(statuses, marks):
            names.append(_status(mark))
        if event_times is not None:
            for column_times, time in zip(event_times, times.unpack(reader.take(times.size))):
                column_times.append(None if time == NO_EVENT_TIME else to_datetime(time))
    reader.finish()
    return Values(as_of, known_at, count, statuses, columns, event_times)


def decode_columns(body: bytes, types: Sequence[FeatureType]) -> Values:
    """COLUMNS with features of these types. Example: ``decode_columns(body, types).columns``"""
    reader = Reader(body)
    known_at, count, features = reader.unpack("<qIH")
    _check_counts(reader, count, features, types, 2)
    columns: list[list[Value]] = []
    statuses: list[list[str]] = []
    for kind in types:
        marks = reader.take(count)
        statuses.append([_status(mark) for mark in marks])
        if not _has_length(kind):
            values = from_slots(reader.unpack(f"<{count}{CODES[kind.element]}"), kind.element)
            columns.append([value if mark & 0x80 else None for mark, value in zip(marks, values)])
            continue
        column: list[Value] = []
        for mark, length in zip(marks, reader.unpack(f"<{count}I")):
            if not mark & 0x80 and length:
                raise ProtocolError("bytes of a value that is not there")
            column.append(_of_bytes(reader.take(length), kind) if mark & 0x80 else None)
        columns.append(column)
    reader.finish()
    return Values(None, known_at, count, statuses, columns, None)


def _check_counts(reader: Reader, count: int, features: int, types: Sequence[FeatureType], each: int) -> None:
    if features != len(types):
        raise ProtocolError(f"{features} features in a reply, {len(types)} in PREPARED")
    if count * max(features, 1) * each > len(reader.body) - reader.at:
        raise ProtocolError("a reply with more rows than bytes")


def _status(mark: int) -> str:
    name = _STATUS_NAMES.get(mark)
    if name is None:
        raise ProtocolError(f"status {mark} does not exist")
    return name


def _has_length(kind: FeatureType) -> bool:
    """Whether values are a length and bytes, and not of one size."""
    return kind.element is ValueType.STRING or not kind.is_single


def _of_bytes(data: bytes, kind: FeatureType) -> Value:
    return utf8(data) if kind.is_single else decode_payload(data, kind)


def _value(reader: Reader, kind: FeatureType) -> Value:
    if _has_length(kind):
        return _of_bytes(reader.take(reader.unpack("<I")[0]), kind)
    return _from_slot(reader.unpack("<" + CODES[kind.element])[0], kind.element)


def _from_slot(slot: Any, kind: ValueType) -> Value:
    if kind is ValueType.BOOL:
        if slot > 1:
            raise ProtocolError("a bool that is neither 0 nor 1")
        return bool(slot)
    if kind is ValueType.TIMESTAMP:
        return to_datetime(slot)
    number: int | float = slot
    return number


def encode_admin(verb: str, body: str) -> bytes:
    """ADMIN with a JSON body. Example: ``encode_admin("status", "{}")``"""
    utf8 = body.encode()
    return _string(verb) + struct.pack("<I", len(utf8)) + utf8


def decode_admin_reply(body: bytes) -> str:
    """The JSON of ADMIN_REPLY. Example: ``json.loads(decode_admin_reply(body))``"""
    reader = Reader(body)
    text = reader.text("<I")
    reader.finish()
    return text
