from __future__ import annotations

import socket
import struct
import threading
from datetime import datetime, timezone

import golden
import pytest
from fake_server import FakeServer, golden_script

import strandline
from strandline import wire
from strandline.connection import parse_address
from strandline.wire import MessageType

TIME = 1_700_000_000_123_456
ENTITIES = [{"customer_id": 42, "merchant": "café"}, {"customer_id": -1, "merchant": ""}]


def error(request_id: int, code: int) -> bytes:
    return wire.frame(MessageType.ERROR, request_id, struct.pack("<HBI", code, 0, 0))


def test_features() -> None:
    with FakeServer() as server, strandline.connect(server.address, token="s3cret") as client:
        result = client.get_features(
            "fraud@2", ENTITIES, as_of=TIME, known_at=TIME + 5, boundary="inclusive", event_times=True
        )
        again = client.get_features("fraud@2", ENTITIES)
        assert next(body for _, kind, body in server.received if kind is MessageType.LOOKUP) == golden.body("lookup")
        assert server.kinds() == ["HELLO", "PING", "PREPARE", "LOOKUP", "LOOKUP"]
    assert len(result) == 2
    assert result.as_of == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc)
    assert result.known_at.microsecond == 123461
    assert result.to_dict()["customer_id"] == [42, -1] and result.to_dict()["v:city"] == ["Zürich", None]
    assert list(result.rows())[1]["v:n"] == 0 and result.statuses["v:n"] == ["PRESENT", "NOT_FOUND"]
    assert result.event_times is not None and result.event_times["v:n"][1] is None
    assert again.event_times is None
    assert repr(again).startswith("FeatureResult(2 rows x 5 features, as_of=2023-11-14T22:13:20.123456+00:00")
    assert "NOT_FOUND" in again._repr_html_() and "café" in again._repr_html_()


def test_historical_rows() -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        result = client.get_historical_rows(
            "fraud", [(ENTITIES[0], TIME), (ENTITIES[1], "1970-01-01")], known_at=TIME + 5, boundary="inclusive"
        )
        assert server.received[-1][2] == golden.body("rows")
    assert result.as_of is None and result.to_dict()["v:sum"] == [0.1, None]
    assert list(result.rows())[1]["as_of"] == datetime(1970, 1, 1, tzinfo=timezone.utc)


def test_rows_at_their_own_time() -> None:
    rows = [(ENTITIES[0], TIME), (ENTITIES[1], "1970-01-01")]
    with FakeServer() as server, strandline.connect(server.address) as client:
        client.get_historical_rows("fraud", rows, known_at="row-time", known_at_most=TIME + 5)
        assert server.received[-1][2] == golden.body("rows_row_time")
        with pytest.raises(strandline.InvalidArgument, match="known_at_most goes with known_at='row-time'"):
            client.get_historical_rows("fraud", rows, known_at=TIME, known_at_most=TIME)
        with pytest.raises(strandline.InvalidArgument, match="is for historical rows"):
            client.get_features("fraud", ENTITIES, known_at="row-time")


def small(count_max: int = 3, string_limit: int | None = None):  # type: ignore[no-untyped-def]
    """A server with small limits that gives each row's int64 key back as its feature, at T 1000 and K 2000."""

    def script(_: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.HELLO:
            welcome = struct.pack("<HIIHIH", 1, 1 << 20, count_max, 100, count_max, 0)
            return wire.frame(MessageType.WELCOME, request_id, welcome)
        if kind is MessageType.PREPARE:
            reply = struct.pack("<IH", 1, 0) + b"\x01\x01\x00k\x01" + b"\x01\x00\x03\x00v:k\x01"
            return wire.frame(MessageType.PREPARED, request_id, reply)
        if kind is MessageType.LOOKUP:
            _, _, as_of, known_at, count = struct.unpack_from("<IBqqI", body)
            if string_limit is not None and count > string_limit:
                return error(request_id, 14)
            keys = [int.from_bytes(body[25 + 11 * at + 3 : 25 + 11 * at + 11], "big") - 2**63 for at in range(count)]
            rows = b"".join(b"\x81" + struct.pack("<q", key) for key in keys)
            reply = struct.pack("<qqIHB", as_of or 1000, known_at or 2000, count, 1, 0) + rows
            return wire.frame(MessageType.VALUES, request_id, reply)
        if kind is MessageType.ROWS:
            _, _, known_at, count = struct.unpack_from("<IBqI", body)
            times = body[17 : 17 + 8 * count]
            reply = struct.pack("<qIH", known_at or 2000, count, 1) + b"\x81" * count + times
            return wire.frame(MessageType.COLUMNS, request_id, reply)
        return golden_script(_, kind, request_id, body)

    return script


@pytest.mark.parametrize("string_limit", [None, 1])
@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_large_batches_are_split_at_one_t_and_k(count: int, string_limit: int | None) -> None:
    with FakeServer(small(string_limit=string_limit)) as server, strandline.connect(server.address) as client:
        result = client.get_features(["v:k"], [{"k": k} for k in range(count)])
        assert result.features["v:k"] == list(range(count))
        lookups = [
            struct.unpack_from("<IBqqI", body) for _, kind, body in server.received if kind is MessageType.LOOKUP
        ]
    assert {(as_of, known_at) for _, options, as_of, known_at, _ in lookups if options} <= {(1000, 2000)}
    assert [options for _, options, _, _, _ in lookups].count(0) == 1 if string_limit is None else True
    assert all(rows <= 3 for *_, rows in lookups)


def test_historical_rows_are_split_at_one_k() -> None:
    with FakeServer(small()) as server, strandline.connect(server.address) as client:
        result = client.get_historical_rows("s", [({"k": 1}, time) for time in range(8)])
        assert result.features["v:k"] == list(range(8))
        heads = [struct.unpack_from("<IBqI", body) for _, kind, body in server.received if kind is MessageType.ROWS]
    assert heads == [(1, 0, 0, 3), (1, 2, 2000, 3), (1, 2, 2000, 2)]


def test_reconnects_when_the_connection_was_lost_before_a_request() -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        client.get_features("fraud", ENTITIES)
        server.drop()
        client.get_features("fraud", ENTITIES)
        assert server.kinds() == ["HELLO", "PING", "PREPARE", "LOOKUP", "HELLO", "PREPARE", "LOOKUP"]


def test_a_request_that_was_sent_is_not_repeated() -> None:
    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        return None if number == 1 and kind is MessageType.LOOKUP else golden_script(number, kind, request_id, body)

    with FakeServer(script) as server, strandline.connect(server.address) as client:
        with pytest.raises(strandline.ConnectionLost):
            client.get_features("fraud", ENTITIES)
        assert server.kinds().count("LOOKUP") == 1
        assert len(client.get_features("fraud", ENTITIES)) == 2


def test_prepares_again_when_definitions_changed() -> None:
    seen: list[MessageType] = []

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        seen.append(kind)
        first = kind is MessageType.LOOKUP and seen.count(kind) == 1
        return error(request_id, 17) if first else golden_script(number, kind, request_id, body)

    with FakeServer(script) as server, strandline.connect(server.address) as client:
        assert len(client.get_features("fraud", ENTITIES)) == 2
        assert server.kinds()[2:] == ["PREPARE", "LOOKUP", "PREPARE", "LOOKUP"]


def test_timeouts_and_refused_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        with pytest.raises(strandline.RequestTimedOut):
            strandline.connect(address, timeout=0.05)
    with pytest.raises(strandline.ConnectionLost):
        strandline.connect(address)


def test_a_web_server_is_no_strandline() -> None:
    with FakeServer(lambda *_: b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        with pytest.raises(strandline.ProtocolError):
            strandline.connect(server.address)


@pytest.mark.parametrize(
    "entity",
    [{}, {"customer_id": 1}, {"customer_id": 1, "merchant": "a", "other": 1}, {"customer_id": "1", "merchant": "a"},
     {"customer_id": 1, "merchant": 2}, {"customer_id": 2**63, "merchant": "a"}, {"customer_id": True, "merchant": "a"},
     {"customer_id": None, "merchant": "a"}, {"customer_id": 1, "merchant": "a" * 1013},
     {"customer_id": 1, "merchant": "\ud800"}],
)  # fmt: skip
def test_entities_that_do_not_fit(entity: dict[str, object]) -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        with pytest.raises(strandline.InvalidArgument):
            client.get_features("fraud", entity)
        assert "LOOKUP" not in server.kinds()


def test_keys_at_the_limit() -> None:
    join_keys = (("k", wire.ValueType.STRING),)
    for length in (1020, 1021):
        assert len(wire.encode_key({"k": "a" * length}, join_keys)) == 2 + 3 + length
    with pytest.raises(strandline.InvalidArgument):
        wire.encode_key({"k": "a" * 1022}, join_keys)


def test_arguments() -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        for arguments in ({"boundary": "loose"}, {"as_of": "soon"}, {"known_at": 1.5}):
            with pytest.raises(strandline.InvalidArgument):
                client.get_features("fraud", ENTITIES, **arguments)
        with pytest.raises(strandline.InvalidArgument):
            client.get_features("fraud", [])
        client.close()
        with pytest.raises(strandline.InvalidArgument):
            client.ping()


def test_threads_take_turns() -> None:
    failures: list[Exception] = []

    def work(client: strandline.Client, base: int) -> None:
        try:
            for k in range(base, base + 50):
                assert client.get_features("s", {"k": k}).features["v:k"] == [k]
        except Exception as error:
            failures.append(error)

    with FakeServer(small()) as server, strandline.connect(server.address) as client:
        threads = [threading.Thread(target=work, args=(client, base * 1000)) for base in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_admin() -> None:
    with FakeServer() as server, strandline.connect(server.address) as client:
        assert client.admin("dead_letters", {"after": 0, "limit": 100}) == {"ok": True}
        assert server.received[-1][2] == golden.body("admin")
        assert client.status() == {"ok": True}


def test_addresses() -> None:
    assert parse_address("localhost") == ("localhost", 6567)
    assert parse_address("10.0.0.1:99") == ("10.0.0.1", 99)
    assert parse_address("[::1]:99") == ("::1", 99) and parse_address("::1") == ("::1", 6567)
    for wrong in ("", ":1", "a:", "a:0", "a:65536", "a:x", "[::1]x"):
        with pytest.raises(strandline.InvalidArgument):
            parse_address(wrong)
