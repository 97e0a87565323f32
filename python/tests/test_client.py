"""What is asked and what comes back, with either client."""

from __future__ import annotations

import socket
import struct
from datetime import datetime, timezone
from typing import Any

import golden
import pytest
from both_clients import Connect, both
from fake_server import FakeServer, key_script

import strandline
from strandline import wire
from strandline.endpoint import parse_address
from strandline.wire import MessageType

TIME = 1_700_000_000_123_456
ENTITIES = [{"customer_id": 42, "merchant": "café"}, {"customer_id": -1, "merchant": ""}]


@both
def test_features(connect: Connect) -> None:
    with FakeServer() as server, connect(server.address, token="s3cret") as store:
        result = store.get_features(
            "fraud@2", ENTITIES, as_of=TIME, known_at=TIME + 5, boundary="inclusive", event_times=True
        )
        again = store.get_features("fraud@2", ENTITIES)
        assert next(body for _, kind, body in server.received if kind is MessageType.LOOKUP) == golden.body("lookup")
        assert server.kinds() == ["HELLO", "PING", "PREPARE", "LOOKUP", "LOOKUP"]
    assert len(result) == 2
    assert result.as_of == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc)
    assert result.known_at.microsecond == 123461
    assert result.to_dict()["customer_id"] == [42, -1] and result.to_dict()["v:city"] == ["Zürich", None]
    assert result[1]["v:n"] == 0 and result.statuses["v:n"] == ["PRESENT", "NOT_FOUND"]
    assert result.event_times is not None and result.event_times["v:n"][1] is None
    assert again.event_times is None


@both
def test_historical_rows(connect: Connect) -> None:
    times = [TIME, "1970-01-01"]
    with FakeServer() as server, connect(server.address) as store:
        result = store.get_historical_rows("fraud", ENTITIES, times, known_at=TIME + 5, boundary="inclusive")
        assert server.received[-1][2] == golden.body("rows")
        labels = {"customer_id": [42, -1], "merchant": ["café", ""], "event_timestamp": times}
        store.get_historical_rows("fraud", labels, "event_timestamp", known_at=TIME + 5, boundary="inclusive")
        assert server.received[-1][2] == golden.body("rows")
        with pytest.raises(strandline.InvalidArgument, match="1 times for 2 entities"):
            store.get_historical_rows("fraud", ENTITIES, times[:1])
    assert result.as_of is None and result.to_dict()["v:sum"] == [0.1, None]
    assert result[1]["as_of"] == datetime(1970, 1, 1, tzinfo=timezone.utc)


@both
def test_rows_at_their_own_time(connect: Connect) -> None:
    asked: tuple[Any, ...] = ("fraud", ENTITIES, [TIME, "1970-01-01"])
    with FakeServer() as server, connect(server.address) as store:
        store.get_historical_rows(*asked, known_at="row-time", known_at_most=TIME + 5)
        assert server.received[-1][2] == golden.body("rows_row_time")
        with pytest.raises(strandline.InvalidArgument, match="known_at_most goes with known_at='row-time'"):
            store.get_historical_rows(*asked, known_at=TIME, known_at_most=TIME)
        with pytest.raises(strandline.InvalidArgument, match="is for historical rows"):
            store.get_features("fraud", ENTITIES, known_at="row-time")


@both
@pytest.mark.parametrize("reply_max", [None, 1])
@pytest.mark.parametrize("count", [2, 3, 4, 7, 50])
def test_large_batches_are_split_at_one_t_and_k(connect: Connect, count: int, reply_max: int | None) -> None:
    with FakeServer(key_script(reply_max=reply_max)) as server, connect(server.address) as store:
        result = store.get_features(["v:k"], [{"k": k} for k in range(count)])
        assert result.features["v:k"] == list(range(count)) and len(result) == count
        lookups = [
            struct.unpack_from("<IBqqI", body) for _, kind, body in server.received if kind is MessageType.LOOKUP
        ]
    assert {(as_of, known_at) for _, options, as_of, known_at, _ in lookups if options} <= {(1000, 2000)}
    assert [options for _, options, _, _, _ in lookups].count(0) == 1 if reply_max is None else True
    assert all(rows <= 3 for *_, rows in lookups)


@both
def test_historical_rows_are_split_at_one_k(connect: Connect) -> None:
    with FakeServer(key_script()) as server, connect(server.address) as store:
        result = store.get_historical_rows("s", {"k": [1] * 8}, range(8))
        assert result.features["v:k"] == list(range(8))
        heads = [struct.unpack_from("<IBqI", body) for _, kind, body in server.received if kind is MessageType.ROWS]
    assert heads == [(1, 0, 0, 3), (1, 2, 2000, 3), (1, 2, 2000, 2)]


@both
def test_timeouts_and_refused_connections(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        with pytest.raises(strandline.RequestTimedOut), connect(address, timeout=0.05):
            pass
    with pytest.raises(strandline.ConnectionLost), connect(address):
        pass


@both
def test_a_web_server_is_no_strandline(connect: Connect) -> None:
    with FakeServer(lambda *_: b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        with pytest.raises(strandline.ProtocolError), connect(server.address):
            pass


@both
def test_a_reply_that_is_none_ends_the_connection(connect: Connect) -> None:
    """The bytes behind it cannot be trusted, so the next request has another connection."""

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if number == 1 and kind is MessageType.LOOKUP:
            return wire.frame(MessageType.VALUES, request_id, b"\0" * 40)
        return key_script()(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address) as store:
        with pytest.raises(strandline.ProtocolError):
            store.get_features("s", {"k": 1})
        assert store.get_features("s", {"k": 1}).features["v:k"] == [1]
        assert server.kinds().count("HELLO") == 2


@pytest.mark.parametrize(
    "entity",
    [{}, {"customer_id": 1}, {"customer_id": 1, "merchant": "a", "other": 1}, {"customer_id": "1", "merchant": "a"},
     {"customer_id": 1, "merchant": 2}, {"customer_id": 2**63, "merchant": "a"}, {"customer_id": True, "merchant": "a"},
     {"customer_id": None, "merchant": "a"}, {"customer_id": 1, "merchant": "a" * 1013}, {"customer_id": 1.0, "merchant": ""},
     {"customer_id": 1, "merchant": "\ud800"}],
)  # fmt: skip
def test_entities_that_do_not_fit(entity: dict[str, object]) -> None:
    with FakeServer() as server, strandline.connect(server.address) as store:
        with pytest.raises(strandline.InvalidArgument):
            store.get_features("fraud", entity)
        assert "LOOKUP" not in server.kinds()


@both
def test_arguments(connect: Connect) -> None:
    with FakeServer() as server, connect(server.address) as store:
        wrong: tuple[dict[str, Any], ...] = (
            {"boundary": "loose"}, {"as_of": "soon"}, {"known_at": 1.5}, {"timeout": 0}, {"timeout": -1.0},
        )  # fmt: skip
        for arguments in wrong:
            with pytest.raises(strandline.InvalidArgument):
                store.get_features("fraud", ENTITIES, **arguments)
        with pytest.raises(strandline.InvalidArgument):
            store.get_features("fraud", [])
        store.close()
        with pytest.raises(strandline.InvalidArgument):
            store.ping()
    with pytest.raises(strandline.InvalidArgument), connect(server.address, connections=0):
        pass


@both
def test_admin(connect: Connect) -> None:
    with FakeServer() as server, connect(server.address) as store:
        assert store.admin("dead_letters", {"after": 0, "limit": 100}) == {"ok": True}
        assert server.received[-1][2] == golden.body("admin")
        assert store.status() == {"ok": True}


@both
def test_nothing_is_sent_that_nobody_asked_for(connect: Connect) -> None:
    """No options in HELLO, no deadline in a lookup: a server that knows neither understands every byte."""
    with FakeServer(key_script()) as server, connect(server.address) as store:
        store.get_features("s", {"k": 1})
        store.get_historical_rows("s", {"k": 1}, [0])
        bodies = {kind: body for _, kind, body in server.received}
    assert bodies[MessageType.HELLO] == wire.encode_hello(None, "strandline-python")
    assert bodies[MessageType.LOOKUP][4] == 0 and len(bodies[MessageType.LOOKUP]) == 25 + 11
    assert bodies[MessageType.ROWS][4] == 0 and len(bodies[MessageType.ROWS]) == 17 + 8 + 11


@both
def test_a_timeout_goes_along_as_a_deadline(connect: Connect) -> None:
    with FakeServer(key_script()) as server, connect(server.address) as store:
        assert store.get_features("s", {"k": 7}, timeout=30.0).features["v:k"] == [7]
        body = server.received[-1][2]
        assert body[4] == 0x80 and len(body) == 25 + 4 + 11
        assert 0 < struct.unpack_from("<I", body, 25)[0] <= 30_000_000
        store.get_historical_rows("s", {"k": 7}, [5], timeout=30.0)
        body = server.received[-1][2]
        assert body[4] == 0x80 and struct.unpack_from("<q", body, 17)[0] == 5
        assert 0 < struct.unpack_from("<I", body, 25)[0] <= 30_000_000
        # Longer than the field can say is as good as none.
        store.get_features("s", {"k": 7}, timeout=5000)
        assert server.received[-1][2][4] == 0


def test_addresses() -> None:
    assert parse_address("localhost") == ("localhost", 6567)
    assert parse_address("10.0.0.1:99") == ("10.0.0.1", 99)
    assert parse_address("[::1]:99") == ("::1", 99) and parse_address("::1") == ("::1", 6567)
    for wrong in ("", ":1", "a:", "a:0", "a:65536", "a:x", "[::1]x"):
        with pytest.raises(strandline.InvalidArgument):
            parse_address(wrong)
