"""Types of features, and lists and maps whose bytes lie."""

from __future__ import annotations

import struct
import golden
import pytest
from fake_server import FakeServer

import strandline
from strandline import ProtocolError, wire
from strandline.columns import python_values
from strandline.feature_types import FeatureType, ValueType
from strandline.wire.payload import decode_payload
from strandline.times import to_datetime
from strandline.wire import MessageType

NUMBERS = FeatureType(ValueType.INT64, is_list=True)
COUNTS = FeatureType(ValueType.INT64, key=ValueType.STRING)
ENTITIES = [{"customer_id": 42, "merchant": "café"}, {"customer_id": -1, "merchant": ""}]


def test_type_names() -> None:
    assert str(FeatureType(ValueType.FLOAT64)) == "float64"
    assert str(FeatureType.from_byte(0x11)) == "list<int64>" and FeatureType.from_byte(0x11) == NUMBERS
    assert str(FeatureType.from_byte(0xB1)) == "map<string, int64>" and FeatureType.from_byte(0xB1) == COUNTS


def test_every_type_byte() -> None:
    known = []
    for byte in range(256):
        try:
            known.append(FeatureType.from_byte(byte))
        except ValueError:
            body = struct.pack("<IHBH", 0, 0, 0, 1) + b"\x01\x00v" + bytes([byte])
            with pytest.raises(ProtocolError):
                wire.decode_prepared(body)
    assert len(set(known)) == len(known) == 5 + 5 + 25


def integers(count: int, marks: bytes, *values: int) -> bytes:
    return struct.pack("<I", count) + marks + struct.pack(f"<{len(values)}q", *values)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        integers(3, b"\1\0", 7),
        integers(2**32 - 1, b"\1\0", 7),
        integers(1, b"\1\0", 7),
        integers(0, b"\1\0", 7),
        integers(2, b"\1\2", 7),
        integers(2, b"\0\0", 7),
        integers(2, b"\1\1", 7),
        integers(2, b"\1\0", 7) + b"\0",
    ],
)
def test_lists_that_lie(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_payload(data, NUMBERS)


def test_maps_that_lie() -> None:
    def key(text: bytes) -> bytes:
        return struct.pack("<I", len(text)) + text

    good = struct.pack("<I", 2) + key(b"b") + key(b"a") + b"\1\0" + struct.pack("<q", 3)
    decoded = decode_payload(good, COUNTS)
    assert isinstance(decoded, dict) and list(decoded.items()) == [("b", 3), ("a", None)]
    for length in range(len(good)):
        with pytest.raises(ProtocolError):
            decode_payload(good[:length], COUNTS)
    for wrong in (good.replace(b"b", b"a"), good.replace(b"b", b"\xff"), good + b"\0"):
        with pytest.raises(ProtocolError):
            decode_payload(wrong, COUNTS)


def test_elements_are_typed() -> None:
    seen = decode_payload(integers(2, b"\1\0", 0), FeatureType(ValueType.TIMESTAMP, is_list=True))
    assert seen == [0, None], "microseconds, until somebody looks"
    flags = decode_payload(b"\2\0\0\0\1\1\1\0", FeatureType(ValueType.BOOL, is_list=True))
    assert flags == [True, False] and isinstance(flags[0], bool)
    with pytest.raises(ProtocolError):
        decode_payload(b"\1\0\0\0\1\2", FeatureType(ValueType.BOOL, is_list=True))
    # Both are beyond the years that a datetime has; as bytes they differ, so the map is no error.
    far = struct.pack("<I", 2) + struct.pack("<2q", 2**63 - 2, 2**63 - 1) + b"\1\1" + struct.pack("<2q", 1, 2)
    kind = FeatureType(ValueType.INT64, key=ValueType.TIMESTAMP)
    assert len(decode_payload(far, kind)) == 2
    assert python_values([decode_payload(far, kind), None], kind) == [{to_datetime(2**63 - 1): 2}, None]


def test_columns_hold_no_bytes_without_a_value() -> None:
    body = struct.pack("<qIH", 0, 1, 1) + b"\2" + struct.pack("<I", 4) + bytes(4)
    with pytest.raises(ProtocolError):
        wire.decode_columns(body, [NUMBERS])


def nested_script(_: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
    names = {
        MessageType.HELLO: "welcome",
        MessageType.PREPARE: "prepared_nested",
        MessageType.LOOKUP: "values_nested",
        MessageType.ROWS: "columns_nested",
    }
    return golden.answering(names.get(kind, "pong"), request_id)


def test_the_client_gives_lists_and_dicts() -> None:
    with FakeServer(nested_script) as server, strandline.connect(server.address) as client:
        result = client.get_features("fraud", ENTITIES)
        historical = client.get_historical_rows("fraud", ENTITIES, [0, 0])
    assert result.to_dict()["v:last_n"] == [[-7, 0, None], None]
    assert result[0]["v:by_city"] == {"Bern": 3, "Zürich": 1}
    assert [str(kind) for kind in result.types.values()] == [
        "list<int64>", "list<string>", "map<string, int64>", "map<int64, float64>",
    ]  # fmt: skip
    assert "[&#x27;Zürich&#x27;, None, &#x27;&#x27;]" in result._repr_html_()
    assert historical.features == result.features
