"""The bytes of the protocol, without sockets and clocks; docs/format/wire-protocol.md is the specification.

Encoders give a frame's body, decoders take one and raise ProtocolError for bytes that contradict each other. `Session` is
one side of a connection made of them. Both clients stand on this, and nothing else knows the bytes.
"""

from ..feature_types import FeatureType, Status, ValueType
from .frames import FRAME_SIZE_MAX_BEFORE_WELCOME, FrameDecoder, MessageType, check_size, frame
from .greeting import VERSION, Welcome, decode_welcome, encode_hello
from .keys import KEY_BYTES_MAX, encode_keys
from .lookups import DEADLINE_MAX, encode_lookup, encode_rows
from .messages import (
    PREPARED_MAX,
    Prepared,
    decode_admin_reply,
    decode_error,
    decode_prepared,
    encode_admin,
    encode_prepare,
)
from .replies import NO_EVENT_TIME, Values, decode_columns, decode_values
from .request_values import check_request, encode_request_values
from .session import Session

__all__ = [
    "DEADLINE_MAX",
    "FRAME_SIZE_MAX_BEFORE_WELCOME",
    "FeatureType",
    "FrameDecoder",
    "KEY_BYTES_MAX",
    "MessageType",
    "NO_EVENT_TIME",
    "PREPARED_MAX",
    "Prepared",
    "Session",
    "Status",
    "VERSION",
    "ValueType",
    "Values",
    "Welcome",
    "check_request",
    "check_size",
    "decode_admin_reply",
    "decode_columns",
    "decode_error",
    "decode_prepared",
    "decode_values",
    "decode_welcome",
    "encode_admin",
    "encode_hello",
    "encode_keys",
    "encode_lookup",
    "encode_prepare",
    "encode_request_values",
    "encode_rows",
    "frame",
]
