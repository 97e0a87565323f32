"""Request values of derived features: what is sent, and what is refused before anything is sent."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timezone
from typing import Any

import golden
import polars
import pytest
from fake_server import FakeServer

import strandline
from strandline import InvalidArgument, wire
from strandline.wire import MessageType, ValueType, encode_request_values
from strandline.wire.request_values import STRING_BYTES_MAX

ENTITY = {"customer_id": 42, "merchant": "café"}
WHEN = datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)
ROW: dict[str, Any] = {"n": -7, "amount": 12.5, "word": "Zürich", "new": False, "since": WHEN}


def script(_: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
    """The golden PREPARED with request fields, and replies without a value."""
    if kind is MessageType.LOOKUP:
        count = struct.unpack_from("<I", body, 21)[0]
        return wire.frame(kind.VALUES, request_id, struct.pack("<qqIHB", 1, 2, count, 2, 0) + b"\2\2" * count)
    if kind is MessageType.ROWS:
        count = struct.unpack_from("<I", body, 13)[0]
        columns = (b"\2" * count + bytes(8 * count)) + b"\2" * count + bytes(count)
        return wire.frame(kind.COLUMNS, request_id, struct.pack("<qIH", 2, count, 2) + columns)
    names = {MessageType.HELLO: "welcome", MessageType.PING: "pong"}
    return golden.answering(names.get(kind, "prepared_request"), request_id)


def sent(ask: Any) -> bytes:
    """The region of request values, with its size, of the one request that `ask` makes."""
    with FakeServer(script) as server, strandline.connect(server.address) as client:
        ask(client)
        _, kind, body = server.received[-1]
    assert body[4] & 0x40
    at = 25 if kind is MessageType.LOOKUP else 17 + 8 * struct.unpack_from("<I", body, 13)[0]
    return body[at : at + 4 + struct.unpack_from("<I", body, at)[0]]


def test_lookups_carry_a_row_an_entity() -> None:
    one = sent(lambda client: client.get_features("r", ENTITY, request=ROW))
    assert one[4:] == (
        b"\1" + struct.pack("<q", -7) + b"\2" + struct.pack("<d", 12.5) + b"\3\7\0\0\0" + "Zürich".encode()
        + b"\4\0" + b"\5" + struct.pack("<q", 1_000_000)
    )  # fmt: skip
    nulls = dict.fromkeys(ROW)
    two = sent(lambda client: client.get_features("r", [ENTITY, ENTITY], request=[nulls, ROW]))
    assert two[4:] == bytes(5) + one[4:]


def test_rows_carry_them_too() -> None:
    one = sent(lambda client: client.get_historical_rows("r", [ENTITY], [0], request=[ROW]))
    assert one == sent(lambda client: client.get_features("r", ENTITY, request=ROW))


@pytest.mark.parametrize(
    "request_values, message",
    [
        (None, "these features need the request values n (int64), amount (float64)"),
        ({}, "request value n is missing"),
        ({**ROW, "x": 1}, "no request value x"),
        ([ROW, ROW], "2 rows of request values for 1 entities"),
        ({**ROW, "n": 1.5}, "request value n is int64; float was given"),
        ({**ROW, "n": True}, "request value n is int64; bool was given"),
        ({**ROW, "n": 2**63}, "request value n does not fit 64 bits"),
        ({**ROW, "amount": "1"}, "request value amount is float64; str was given"),
        ({**ROW, "amount": math.nan}, "request value amount is not a finite number"),
        ({**ROW, "amount": 10**400}, "request value amount does not fit float64"),
        ({**ROW, "word": b"x"}, "request value word is string; bytes was given"),
        ({**ROW, "word": "\ud800"}, "request value word cannot be written as UTF-8"),
        ({**ROW, "word": "x" * (STRING_BYTES_MAX + 1)}, "request value word has 65537 bytes"),
        ({**ROW, "new": 1}, "request value new is bool; int was given"),
        ({**ROW, "since": "soon"}, "'soon' is not an ISO 8601 time"),
    ],
)
def test_what_does_not_fit_is_named(request_values: Any, message: str) -> None:
    with FakeServer(script) as server, strandline.connect(server.address) as client:
        with pytest.raises(InvalidArgument) as raised:
            client.get_features("r", ENTITY, request=request_values)
        assert message in str(raised.value)
        assert MessageType.LOOKUP not in [kind for _, kind, _ in server.received]


def test_a_lookup_that_takes_none_refuses_them() -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        with pytest.raises(InvalidArgument, match="no request value amount; these features need none"):
            client.get_features("v", [ENTITY, ENTITY], request=[{"amount": 1.0}, {}])
        assert client.get_features("v", [ENTITY, ENTITY], request=[{}, {}]).statuses


def test_limits() -> None:
    fields = (("word", ValueType.STRING), ("n", ValueType.INT64))
    long, null = encode_request_values(
        [{"word": "x" * STRING_BYTES_MAX, "n": 2**63 - 1}, {"word": None, "n": -(2**63)}], fields
    )
    assert len(long) == 5 + 65536 + 9 and null[:2] == b"\0\1"
    assert encode_request_values([{}, {}], ()) == []


def test_all_forms_send_the_same_bytes() -> None:
    rows = [ROW, dict.fromkeys(ROW), ROW]
    wanted = sent(lambda client: client.get_features("r", [ENTITY] * 3, request=rows))
    columns = {name: [row[name] for row in rows] for name in ROW}
    assert sent(lambda client: client.get_features("r", [ENTITY] * 3, request=columns)) == wanted
    frame = polars.DataFrame(columns)
    assert sent(lambda client: client.get_features("r", [ENTITY] * 3, request=frame)) == wanted
