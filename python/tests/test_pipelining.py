"""Many callers on few connections: every reply finds its request, whatever the order."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fake_server import FakeServer, key_script

import strandline
import strandline.aio
from strandline.wire import MessageType

KEYS = key_script(count_max=100)
THREADS, TASKS = 32, 1000


def run_threads(count: int, work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    started = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(60)
    assert not failures, failures[:3]
    assert not any(thread.is_alive() for thread in started)


@pytest.mark.parametrize("connections", [1, 4])
def test_threads_share_connections(connections: int) -> None:
    before = threading.active_count()
    with FakeServer(KEYS, shuffles=random.Random(connections)) as server:
        with strandline.connect(server.address, timeout=60, connections=connections) as store:

            def work(thread: int) -> None:
                for number in range(40):
                    keys = [thread * 1000 + number, -number]
                    assert store.get_features("s", {"k": keys}).features["v:k"] == keys

            run_threads(THREADS, work)
            assert server.kinds().count("HELLO") <= connections
            assert server.kinds().count("PREPARE") <= connections, "asked for once a connection"
        assert server.kinds().count("LOOKUP") == THREADS * 40
        for _ in server.sockets:
            assert server.closed.acquire(timeout=20)
    assert threading.active_count() <= before + 1, "the client leaves no thread behind"


@pytest.mark.parametrize("connections", [1, 4])
def test_a_thousand_tasks_share_connections(connections: int) -> None:
    async def main(address: str) -> None:
        async with strandline.aio.connect(address, timeout=60, connections=connections) as store:

            async def work(task: int) -> None:
                for number in range(3):
                    keys = [task * 1000 + number, -task]
                    assert (await store.get_features("s", {"k": keys})).features["v:k"] == keys

            await asyncio.gather(*(work(task) for task in range(TASKS)))

    with FakeServer(KEYS, shuffles=random.Random(connections)) as server:
        asyncio.run(main(server.address))
        assert server.kinds().count("LOOKUP") == TASKS * 3
        assert server.kinds().count("HELLO") <= connections
        assert server.kinds().count("PREPARE") <= connections


def test_requests_travel_together() -> None:
    """With one connection and a server that answers only when all requests are there, all callers are served."""
    waiting: list[bytes] = []

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        reply = KEYS(number, kind, request_id, body)
        if kind is not MessageType.LOOKUP or reply is None:
            return reply
        waiting.append(reply)
        return b"".join(reversed(waiting)) if len(waiting) == THREADS else b""

    with FakeServer(script) as server, strandline.connect(server.address, timeout=60, connections=1) as store:

        def work(thread: int) -> None:
            assert store.get_features("s", {"k": thread}).features["v:k"] == [thread]

        run_threads(THREADS, work)


def test_parts_of_a_batch_travel_together() -> None:
    """After the first part, which names T and K, four at a time."""
    held: list[bytes] = []
    seen = 0

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        nonlocal seen
        reply = key_script(count_max=10)(number, kind, request_id, body)
        if kind is not MessageType.LOOKUP or reply is None:
            return reply
        seen += 1
        if seen == 1:
            return reply
        held.append(reply)
        if len(held) < 4:
            return b""
        answer = b"".join(reversed(held))
        held.clear()
        return answer

    with FakeServer(script) as server, strandline.connect(server.address, timeout=60) as store:
        assert store.get_features("s", {"k": range(90)}).features["v:k"] == list(range(90))


def test_writers_read_when_the_server_waits_to_be_read() -> None:
    """The server answers with more than the sockets hold before it reads on; nobody may wait for the other for ever."""
    large = b"\0" * 3_000_000

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.ADMIN:
            reply = b'{"x": "' + b"y" * len(large) + b'"}'
            head = len(reply).to_bytes(4, "little")
            return strandline.wire.frame(MessageType.ADMIN_REPLY, request_id, head + reply)
        if kind is MessageType.HELLO:
            from struct import pack

            return strandline.wire.frame(MessageType.WELCOME, request_id, pack("<HIIHIH", 1, 1 << 24, 10, 10, 10, 0))
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server, strandline.connect(server.address, timeout=60, connections=1) as store:

        def work(_: int) -> None:
            answer = store.admin("x", {"text": "z" * len(large)})
            assert len(answer["x"]) == len(large)

        run_threads(4, work)


def test_a_caller_that_gives_up_lets_the_next_one_read() -> None:
    is_last = threading.Event()
    late: list[bytes] = []

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        reply = KEYS(number, kind, request_id, body)
        if kind is MessageType.LOOKUP and reply is not None:
            late.append(reply)
            if len(late) < 3:
                return b""
            # The first has given up by now, the second waits behind it.
            is_last.wait(20)
            return b"".join(late)
        return reply

    with FakeServer(script) as server, strandline.connect(server.address, timeout=30, connections=1) as store:
        store.ping()
        answered: list[int] = []

        def impatient() -> None:
            with pytest.raises(strandline.RequestTimedOut):
                store.get_features("s", {"k": 1}, timeout=0.3)
            is_last.set()

        def patient(key: int) -> None:
            answered.extend(store.get_features("s", {"k": key}).to_dict()["k"])

        work: list[Callable[[], Any]] = [impatient, lambda: patient(2), lambda: patient(3)]
        run_threads(3, lambda number: work[number]())
        assert sorted(answered) == [2, 3]


def test_tasks_that_are_cancelled_leave_the_connection_as_it_is() -> None:
    async def main(address: str) -> None:
        async with strandline.aio.connect(address, timeout=60, connections=1) as store:
            await store.get_features("s", {"k": 0})
            for key in range(50):
                task = asyncio.ensure_future(store.get_features("s", {"k": key}))
                await asyncio.sleep(0 if key % 2 else 0.001)
                task.cancel()
                assert (await store.get_features("s", {"k": -key})).features["v:k"] == [-key]
                with pytest.raises(asyncio.CancelledError):
                    if task.done() and not task.cancelled():
                        raise asyncio.CancelledError
                    await task

    with FakeServer(KEYS) as server:
        asyncio.run(main(server.address))
        assert server.kinds().count("HELLO") == 1


def test_closing_wakes_everybody() -> None:
    is_asked = threading.Semaphore(0)

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.LOOKUP:
            is_asked.release()
            return b""
        return KEYS(number, kind, request_id, body)

    with FakeServer(script) as server:
        store = strandline.connect(server.address, timeout=60, connections=1)

        def work(number: int) -> None:
            if number == 0:
                for _ in range(4):
                    assert is_asked.acquire(timeout=30)
                store.close()
                return
            # A lookup is asked once more after a loss, and the client is closed by then.
            with pytest.raises((strandline.ConnectionLost, strandline.InvalidArgument)):
                store.get_features("s", {"k": number})

        run_threads(5, work)


def test_an_asyncio_client_belongs_to_its_loop() -> None:
    with FakeServer(KEYS) as server:

        async def first() -> strandline.aio.Client:
            return await strandline.aio.connect(server.address)

        store = asyncio.run(first())
        with pytest.raises(strandline.InvalidArgument, match="belongs to one event loop"):
            asyncio.run(store.ping())


@pytest.mark.parametrize("somebody_reads", [False, True])
def test_an_interrupted_caller_leaves_the_connection_as_it_is(somebody_reads: bool) -> None:
    """Ctrl-C while a reply is waited for, as the one who reads or as one who waits for another to read."""
    # A shell that starts the tests in the background lets them ignore the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    is_asked = threading.Semaphore(0)
    held: list[bytes] = []

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        reply = KEYS(number, kind, request_id, body) or b""
        if kind is MessageType.LOOKUP and number == 1 and len(held) < 2:
            held.append(reply)
            is_asked.release()
            return b""
        return b"".join(held) + reply if kind is MessageType.LOOKUP and number == 1 else reply

    def interrupt() -> None:
        for _ in range(1 + somebody_reads):
            assert is_asked.acquire(timeout=30)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with FakeServer(script) as server, strandline.connect(server.address, timeout=60, connections=1) as store:
        store.ping()
        answered: list[Any] = []
        other = threading.Thread(target=lambda: answered.extend(store.get_features("s", {"k": 5}).features["v:k"]))
        if somebody_reads:
            other.start()
            assert is_asked.acquire(timeout=30)
            is_asked.release()
        else:
            held.append(b"")
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            store.get_features("s", {"k": 1})
        interrupting.join()
        assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
        if somebody_reads:
            other.join(30)
            assert answered == [5]
        # An interrupt in the middle of sending costs the connection, since nobody knows how much went out.
        assert server.kinds().count("HELLO") <= 2
