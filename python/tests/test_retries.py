"""What is done again, what is not, and what ends with the caller's time."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter

import pytest
from both_clients import Connect, both
from fake_server import FakeServer, Script, error, key_script

import strandline
from strandline.steps import Backoff, Deadline
from strandline.wire import MessageType

LONG = 20.0
KEYS = key_script()


def refusing(kind_refused: MessageType, code: int, times: int, retriable: bool = False) -> Script:
    """Refuses the first so many requests of a type."""
    seen: Counter[MessageType] = Counter()

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        seen[kind] += 1
        if kind is kind_refused and seen[kind] <= times:
            return error(request_id, code, retriable, b"not now")
        return KEYS(number, kind, request_id, body)

    return script


def closing(kind_closed: MessageType, times: int) -> Script:
    """Closes the connection at the first so many requests of a type."""
    seen: Counter[MessageType] = Counter()

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        seen[kind] += 1
        if kind is kind_closed and seen[kind] <= times:
            return None
        return KEYS(number, kind, request_id, body)

    return script


@both
def test_a_connection_that_was_lost_while_idle_is_made_again(connect: Connect) -> None:
    with FakeServer(KEYS) as server, connect(server.address, timeout=LONG) as store:
        store.get_features("s", {"k": 1})
        server.drop()
        assert server.closed.acquire(timeout=LONG)
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        # Even what is never sent twice: the loss is noticed before anything is sent.
        server.drop()
        assert server.closed.acquire(timeout=LONG)
        if connect.__name__ == "threads":
            assert store.admin("status") == {"ok": True}


@both
def test_a_lookup_is_asked_once_more_when_its_connection_breaks(connect: Connect) -> None:
    with FakeServer(closing(MessageType.LOOKUP, 1)) as server, connect(server.address, timeout=LONG) as store:
        assert store.get_features("s", {"k": 1}).features["v:k"] == [1]
        assert server.kinds() == ["HELLO", "PING", "PREPARE", "LOOKUP", "HELLO", "PREPARE", "LOOKUP"]


@both
def test_and_only_once(connect: Connect) -> None:
    with FakeServer(closing(MessageType.LOOKUP, 9)) as server, connect(server.address, timeout=LONG) as store:
        with pytest.raises(strandline.ConnectionLost):
            store.get_features("s", {"k": 1})
        assert server.kinds().count("LOOKUP") == 2


@both
def test_a_control_verb_is_never_sent_twice(connect: Connect) -> None:
    with FakeServer(closing(MessageType.ADMIN, 1)) as server, connect(server.address, timeout=LONG) as store:
        with pytest.raises(strandline.ConnectionLost):
            store.admin("apply", {"files": []})
        assert server.kinds().count("ADMIN") == 1
        assert store.status() == {"ok": True}


@both
@pytest.mark.parametrize("kind", [MessageType.LOOKUP, MessageType.PREPARE])
@pytest.mark.parametrize("code, raised", [(20, strandline.Overloaded), (21, strandline.NotReady)])
def test_a_busy_server_is_waited_for(
    connect: Connect, kind: MessageType, code: int, raised: type[strandline.RequestError]
) -> None:
    with FakeServer(refusing(kind, code, 3, retriable=True)) as server, connect(server.address, timeout=LONG) as store:
        assert store.get_features("s", {"k": 1}).features["v:k"] == [1]
        assert server.kinds().count(kind.name) == 4 and server.kinds().count("HELLO") == 1
    with FakeServer(refusing(kind, code, 10**6, retriable=True)) as server, connect(server.address) as store:
        with pytest.raises(raised, match="not now"):
            store.get_features("s", {"k": 1}, timeout=0.2)
        assert 2 <= server.kinds().count(kind.name) <= 20, "with pauses that grow"


@both
def test_a_server_that_stops_answers_nobody_and_is_waited_for(connect: Connect) -> None:
    """ERROR of request 0: it says NOT_READY to all, and closes."""
    seen: Counter[MessageType] = Counter()

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        seen[kind] += 1
        if kind is MessageType.LOOKUP and seen[kind] == 1:
            return error(0, 21, True, b"stopping")
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address, timeout=LONG) as store:
        assert store.get_features("s", {"k": 1}).features["v:k"] == [1]
        assert server.kinds().count("HELLO") == 2


@both
def test_prepares_again_when_definitions_changed(connect: Connect) -> None:
    for code in (12, 17):
        with FakeServer(refusing(MessageType.LOOKUP, code, 1)) as server, connect(server.address) as store:
            assert store.get_features("s", {"k": 1}).features["v:k"] == [1]
            assert server.kinds()[2:] == ["PREPARE", "LOOKUP", "PREPARE", "LOOKUP"]
    with FakeServer(refusing(MessageType.LOOKUP, 17, 99)) as server, connect(server.address) as store:
        with pytest.raises(strandline.DefinitionsChanged):
            store.get_features("s", {"k": 1})
        assert server.kinds().count("PREPARE") == 3


@both
def test_other_refusals_are_the_callers(connect: Connect) -> None:
    text = "no feature 'v:kk'; did you mean 'v:k'?"

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.PREPARE:
            return error(request_id, 11, message=text.encode())
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address) as store:
        with pytest.raises(strandline.UnknownFeature) as raised:
            store.get_features(["v:kk"], {"k": 1})
        assert raised.value.message == text and server.kinds().count("PREPARE") == 1


@both
def test_a_reply_that_does_not_come_ends_with_the_time(connect: Connect) -> None:
    """The connection stays: its later replies find their requests, and the late one is dropped."""
    late: list[bytes] = []

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        reply = KEYS(number, kind, request_id, body)
        if kind is MessageType.LOOKUP and not late and reply is not None:
            late.append(reply)
            return b""
        return (late[0] if kind is MessageType.LOOKUP else b"") + (reply or b"")

    with FakeServer(script) as server, connect(server.address, timeout=LONG) as store:
        with pytest.raises(strandline.RequestTimedOut):
            store.get_features("s", {"k": 1}, timeout=0.1)
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        assert server.kinds().count("HELLO") == 1


@both
def test_a_silent_connection_is_left(connect: Connect) -> None:
    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if number == 1 and kind is MessageType.LOOKUP:
            return b""
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address) as store:
        with pytest.raises(strandline.RequestTimedOut):
            store.get_features("s", {"k": 1}, timeout=1.0)
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        assert server.kinds().count("HELLO") == 2


@both
def test_too_late_for_the_server_is_a_timeout(connect: Connect) -> None:
    with FakeServer(refusing(MessageType.LOOKUP, 24, 1)) as server, connect(server.address) as store:
        with pytest.raises(TimeoutError) as raised:
            store.get_features("s", {"k": 1}, timeout=LONG)
        assert isinstance(raised.value, strandline.DeadlineExceeded) and server.kinds().count("LOOKUP") == 1


@both
def test_a_server_that_comes_back_is_found_again(connect: Connect) -> None:
    with FakeServer(KEYS) as first, connect(first.address, timeout=LONG) as store:
        store.get_features("s", {"k": 1})
        first.stop()
        started: list[FakeServer] = []
        timer = threading.Timer(0.2, lambda: started.append(FakeServer(KEYS, port=first.port)))
        timer.start()
        try:
            assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        finally:
            timer.join()
            started[0].stop()


@both
def test_nobody_there_ends_with_the_time(connect: Connect) -> None:
    with FakeServer(KEYS) as server, connect(server.address) as store:
        server.stop()
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", server.port))
            with pytest.raises(strandline.ConnectionLost):
                store.get_features("s", {"k": 1}, timeout=0.1)


@both
def test_more_lookups_than_a_connection_may_prepare(connect: Connect) -> None:
    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.PREPARE:
            prepared[number] += 1
            if prepared[number] > 256:
                return error(request_id, 14)
        return KEYS(number, kind, request_id, body)

    prepared: Counter[int] = Counter()
    with FakeServer(script) as server, connect(server.address, timeout=LONG) as store:
        for number in range(300):
            assert store.get_features(f"s{number}", {"k": number}).features["v:k"] == [number]
        assert sorted(prepared.values()) == [44, 256] and server.kinds().count("HELLO") == 2


@both
def test_a_key_that_is_too_large_for_a_frame(connect: Connect) -> None:
    """A request beyond the frame limit is refused on this side; what can be halved is."""

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.HELLO:
            reply = struct.pack("<HIIHIH", 1, 4096, 10_000, 100, 10_000, 0)
            return struct.pack("<IBBHI", len(reply) + 8, MessageType.WELCOME, 0, 0, request_id) + reply
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address) as store:
        result = store.get_features("s", {"k": range(2000)})
        assert result.features["v:k"] == list(range(2000))
        assert all(len(body) + 8 <= 4096 for _, _, body in server.received)
        with pytest.raises(strandline.TooMany):
            store.admin("plan", {"files": "x" * 5000})


def test_pauses_grow_and_are_jittered() -> None:
    most = Backoff(chance=lambda: 1.0)
    assert [round(most.next(), 3) for _ in range(9)] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]
    least = Backoff(chance=lambda: 0.0)
    assert [least.next() for _ in range(2)] == [0.005, 0.01]


def test_deadlines() -> None:
    now = 5.0
    deadline = Deadline(2.0, clock=lambda: now)
    assert deadline.left() == 2.0
    now = 8.0
    assert deadline.left() == -1.0
    assert Deadline(float("inf"), clock=lambda: 0.0).left() == 86_400
    for wrong in (0, -1, float("nan")):
        with pytest.raises(strandline.InvalidArgument):
            Deadline(wrong)


@both
def test_after_a_loss_no_old_connection_is_tried(connect: Connect) -> None:
    """A server that dies takes all connections along; nobody has noticed it of the second one yet."""
    is_dead: set[int] = set()

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.LOOKUP and number in is_dead:
            return None
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address, timeout=LONG, connections=3) as store:
        pool = store.client._pool if connect.__name__ == "tasks" else store._pool
        store.get_features("s", {"k": 1})
        # Eight more calls on the first one make room for a second.
        pool._connections[0].calls += 8
        store.get_features("s", {"k": 1})
        pool._connections[0].calls -= 8
        assert len(pool._connections) == 2
        is_dead.update((1, 2))
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        assert server.kinds().count("HELLO") == 3


@both
def test_an_attempt_to_connect_that_hangs_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and never greets: all calls wait for that attempt, so it must end."""
    for pool in ("pool", "aio_pool"):
        monkeypatch.setattr(f"strandline.{pool}.ATTEMPT_SECONDS_MAX", 0.2)

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        return b"" if number == 2 else KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address, timeout=LONG) as store:
        server.drop()
        assert server.closed.acquire(timeout=LONG)
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        assert server.kinds().count("HELLO") == 3
