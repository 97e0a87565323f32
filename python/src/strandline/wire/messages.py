"""ERROR, PREPARE, PREPARED and ADMIN: the messages that are small and rare.

Encoders give a frame's body, decoders take one and raise ProtocolError for bytes that contradict each other.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import InvalidArgument, ProtocolError
from ..feature_types import FeatureType, ValueType
from .fields import Reader, string
from .row_layouts import RowLayout, has_length

#: How many lookups a connection may prepare in its life.
PREPARED_MAX = 256


@dataclass(frozen=True)
class Prepared:
    """PREPARED. Example: ``decode_prepared(body).join_keys``"""

    lookup_id: int
    definition_hash: str
    join_keys: tuple[tuple[str, ValueType], ...]
    features: tuple[tuple[str, FeatureType], ...]
    request: tuple[tuple[str, ValueType], ...] = ()
    #: How rows of its replies lie in their bytes, by status bytes: kept from reply to reply.
    layouts: dict[bytes, RowLayout] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features' references."""
        return tuple(name for name, _ in self.features)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each feature stands, by its reference."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def unbounded(self) -> int:
        """How many features have values without a bound of their size."""
        return sum(map(has_length, self.types))

    @cached_property
    def types(self) -> tuple[FeatureType, ...]:
        """The features' types. Example: ``decode_values(body, prepared.types)``"""
        return tuple(kind for _, kind in self.features)


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
        return b"\x01" + string(target)
    if not 1 <= len(target) <= 0xFFFF:
        raise InvalidArgument(f"{len(target)} feature references")
    return b"\x02" + struct.pack("<H", len(target)) + b"".join(map(string, target))


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
        if reader.left:
            request = [(reader.text(), ValueType(reader.unpack("<B")[0])) for _ in range(reader.unpack("<B")[0])]
            if not request:
                raise ProtocolError("a list of request fields without one")
    except ValueError as error:
        raise ProtocolError(str(error)) from None
    reader.finish()
    return Prepared(lookup_id, definition_hash, tuple(join_keys), tuple(features), tuple(request))


def encode_admin(verb: str, body: str) -> bytes:
    """ADMIN with a JSON body. Example: ``encode_admin("status", "{}")``"""
    utf8 = body.encode()
    return string(verb) + struct.pack("<I", len(utf8)) + utf8


def decode_admin_reply(body: bytes) -> str:
    """The JSON of ADMIN_REPLY. Example: ``json.loads(decode_admin_reply(body))``"""
    reader = Reader(body)
    text = reader.text("<I")
    reader.finish()
    return text
