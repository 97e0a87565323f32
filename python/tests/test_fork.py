"""A forked child has connections of its own, and its parent's go on."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import traceback
import warnings
from collections.abc import Callable

import pytest
from fake_server import FakeServer, key_script
from test_secure import server_context, trusting

import strandline
import strandline.aio

KEYS = key_script(count_max=100)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_a_child(work: Callable[[], None]) -> None:
    """Runs something in a forked child; fails when it fails there."""
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork beside threads; that it is safe here is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_child_opens_its_own(is_secure: bool) -> None:
    context = server_context() if is_secure else None
    with FakeServer(KEYS, tls=context) as server:
        with strandline.connect(server.address, tls=trusting() if is_secure else None, timeout=20) as store:
            assert store.get_features("s", {"k": 1}).features["v:k"] == [1]

            def work() -> None:
                assert store.get_features("s", {"k": 2}).features["v:k"] == [2]
                store.close()

            in_a_child(work)
            assert server.kinds().count("HELLO") == 2
            # The child's end did not end the parent's connection.
            assert store.get_features("s", {"k": 3}).features["v:k"] == [3]
            assert server.kinds().count("HELLO") == 2


def test_forks_while_other_threads_ask() -> None:
    """Whatever lock a thread of the parent holds at that moment, the child is not stopped by it."""
    is_done = threading.Event()
    failures: list[BaseException] = []
    with FakeServer(KEYS) as server, strandline.connect(server.address, timeout=20, connections=2) as store:

        def ask(thread: int) -> None:
            try:
                while not is_done.is_set():
                    assert store.get_features("s", {"k": thread}).features["v:k"] == [thread]
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(20):
                in_a_child(lambda number=number: check(store, number))  # type: ignore[misc]
        finally:
            is_done.set()
            for thread in threads:
                thread.join(30)
    assert not failures


def check(store: strandline.Client, number: int) -> None:
    assert store.get_features("s", {"k": number}).features["v:k"] == [number]


def test_an_asyncio_client_in_a_child() -> None:
    """The child runs an event loop of its own, and the parent's loop goes on with its connection."""

    async def parent(address: str) -> None:
        async with strandline.aio.connect(address, timeout=20) as store:
            await store.get_features("s", {"k": 1})

            async def work() -> None:
                assert (await store.get_features("s", {"k": 2})).features["v:k"] == [2]
                await store.close()

            def run_in_child() -> None:
                # The loop that runs is the parent's.
                asyncio._set_running_loop(None)
                asyncio.new_event_loop().run_until_complete(work())

            in_a_child(run_in_child)
            assert server.kinds().count("HELLO") == 2
            assert (await store.get_features("s", {"k": 3})).features["v:k"] == [3]
            assert server.kinds().count("HELLO") == 2

    with FakeServer(KEYS) as server:
        asyncio.run(parent(server.address))


def ask_elsewhere(store: strandline.Client) -> list[object]:
    with store:
        return list(store.get_features("s", {"k": 7}).features["v:k"])


def test_a_client_goes_to_processes_that_are_not_forked() -> None:
    with FakeServer(KEYS) as server, strandline.connect(server.address, timeout=30) as store:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(ask_elsewhere, (store,)) == [7]
        assert server.kinds().count("HELLO") == 2
