"""A server that does everything wrong now and then: every reply is right or an error, nobody hangs, nothing leaks."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter

import pytest
from fake_server import FakeServer, Script, error, key_script
from test_pipelining import run_threads

import strandline
import strandline.aio
from strandline.wire import MessageType

KEYS = key_script(count_max=5)
ALLOWED = (
    strandline.ConnectionLost, strandline.DefinitionsChanged, strandline.NotReady, strandline.ProtocolError,
    strandline.RequestTimedOut, strandline.TooMany,
)  # fmt: skip


def chaos(seed: int) -> Script:
    chance = random.Random(seed)
    lock = threading.Lock()

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        with lock:
            dice = chance.random()
        if dice < 0.01:
            return None
        if kind in (MessageType.HELLO, MessageType.PING):
            return KEYS(number, kind, request_id, body)
        if dice < 0.02:
            return error(0, 21, True)
        if dice < 0.06:
            return error(request_id, 20, True)
        if dice < 0.08:
            return error(request_id, 17)
        if dice < 0.10 and kind is MessageType.LOOKUP:
            return error(request_id, 14)
        if dice < 0.105:
            return b"\xff" * 20
        reply = KEYS(number, kind, request_id, body) or b""
        return reply

    return script


@pytest.mark.parametrize("seed", range(3))
def test_threads(seed: int) -> None:
    outcomes: Counter[str] = Counter()
    with FakeServer(chaos(seed), shuffles=random.Random(seed)) as server:
        store = strandline.Client(server.address, timeout=20, connections=3)

        def work(thread: int) -> None:
            for number in range(60):
                keys = [thread * 1000 + number + place for place in range(1 + number % 9)]
                try:
                    found = store.get_features("s", {"k": keys}, timeout=None if number % 7 else 1.0)
                except ALLOWED as refused:
                    outcomes[type(refused).__name__] += 1
                else:
                    assert found.features["v:k"] == keys
                    outcomes["answered"] += 1

        with store:
            run_threads(12, work)
            assert [connection.calls for connection in store._pool._connections] == [0] * len(store._pool._connections)
            assert store._pool._opener is None
    assert outcomes["answered"] > 12 * 60 / 2, outcomes


@pytest.mark.parametrize("seed", range(3))
def test_tasks(seed: int) -> None:
    outcomes: Counter[str] = Counter()

    async def main(address: str) -> None:
        store = strandline.aio.Client(address, timeout=20, connections=3)

        async def work(task: int) -> None:
            for number in range(20):
                keys = [task * 1000 + number + place for place in range(1 + number % 9)]
                try:
                    found = await store.get_features("s", {"k": keys}, timeout=None if number % 7 else 1.0)
                except ALLOWED as refused:
                    outcomes[type(refused).__name__] += 1
                else:
                    assert found.features["v:k"] == keys
                    outcomes["answered"] += 1

        async with store:
            await asyncio.gather(*(work(task) for task in range(40)))
            assert [connection.calls for connection in store._pool._connections] == [0] * len(store._pool._connections)
            assert not store._pool._is_opening

    with FakeServer(chaos(seed), shuffles=random.Random(seed)) as server:
        asyncio.run(main(server.address))
    assert outcomes["answered"] > 40 * 20 / 2, outcomes
