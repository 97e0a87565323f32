"""The Python client against a live server: many callers at once, a server that dies and comes back, forks, new definitions."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars
import pytest

import strandline
import strandline.aio
from events import DAY, START, Event, make_events, oracle
from pages import free_port
from processes import Broker, Server, run, wait_for, write_repository
from test_fork import in_a_child
from test_pipelining import run_threads

SEED, EVENTS, CUSTOMERS = 11, 4_000, 150
AT = START + 2 * DAY
THREADS, TASKS = 32, 1000


class World:
    """A server at one address through all its lives, and what its customers' features are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Broker(folder, "purchases", 2)
        self.repo = write_repository(folder, "purchases")
        self.address = f"127.0.0.1:{free_port()}"
        self.process = self._started()
        events = make_events(SEED, EVENTS, CUSTOMERS)
        self.broker.produce(folder, "purchases", "customer_id", [event.json() for event in events])
        by_customer: dict[int, list[Event]] = {}
        for event in events:
            by_customer.setdefault(event.customer, []).append(event)
        self.expected = {customer: oracle(mine, AT) for customer, mine in by_customer.items()}
        with strandline.connect(self.address, timeout=60) as store:
            wait_for("the events", lambda: store.status()["ingest"]["events"] == EVENTS)

    def _started(self) -> Server:
        return Server(self.folder, self.repo, self.broker.bootstrap, listen=self.address)

    def kill_and_restart(self) -> None:
        self.process.kill()
        self.process = self._started()

    def stop_and_restart(self) -> None:
        self.process.stop()
        self.process = self._started()

    def stop(self) -> None:
        self.process.stop()
        self.broker.stop()

    def check(self, customers: list[int], result: strandline.FeatureResult) -> None:
        assert result.entities["customer_id"] == customers
        for row, customer in enumerate(customers):
            found = {name.removeprefix("p:"): column[row] for name, column in result.features.items()}
            assert {name: found[name] for name in self.expected[customer]} == self.expected[customer], customer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("python_client"))
    try:
        yield world
    finally:
        world.stop()


def some_customers(world: World, chance: random.Random) -> list[int]:
    return chance.sample(sorted(world.expected), chance.choice([1, 1, 1, 5, 60]))


@pytest.mark.parametrize("connections", [1, 4])
def test_threads(world: World, connections: int) -> None:
    with strandline.connect(world.address, timeout=60, connections=connections) as store:

        def work(thread: int) -> None:
            chance = random.Random(thread)
            for _ in range(25):
                customers = some_customers(world, chance)
                world.check(customers, store.get_features("all", {"customer_id": customers}, AT))

        run_threads(THREADS, work)


@pytest.mark.parametrize("connections", [1, 4])
def test_tasks(world: World, connections: int) -> None:
    async def main() -> None:
        async with strandline.aio.connect(world.address, timeout=60, connections=connections) as store:

            async def work(task: int) -> None:
                customers = some_customers(world, random.Random(task))
                world.check(customers, await store.get_features("all", {"customer_id": customers}, AT))

            await asyncio.gather(*(work(task) for task in range(TASKS)))

    asyncio.run(main())


def test_lookups_and_rows_are_the_same_bits(world: World) -> None:
    customers = sorted(world.expected)
    with strandline.connect(world.address) as store:
        lookup = store.get_features("all", {"customer_id": customers}, AT)
        labels = polars.DataFrame({"customer_id": customers, "at": [AT] * len(customers)})
        rows = store.get_historical_rows("all", labels, "at", lookup.known_at)
        world.check(customers, rows)
        assert rows.statuses == lookup.statuses and rows.known_at == lookup.known_at
        assert rows.to_arrow().drop_columns(["as_of"]).equals(lookup.to_arrow())
        assert len(lookup.to_pandas()) == len(customers) and lookup.to_numpy().shape == (len(customers), 12)


def while_others_ask(world: World, act: Callable[[], None]) -> None:
    """Threads and tasks go on asking while something happens to the server; none of them may notice."""
    is_done = threading.Event()
    asked: list[int] = []

    def ask(thread: int) -> None:
        chance = random.Random(thread)
        with strandline.connect(world.address, timeout=60, connections=2) as store:
            while not is_done.is_set():
                customers = some_customers(world, chance)
                world.check(customers, store.get_features("all", {"customer_id": customers}, AT))
                asked.append(thread)

    async def ask_in_tasks() -> None:
        async with strandline.aio.connect(world.address, timeout=60, connections=2) as store:

            async def work(task: int) -> None:
                chance = random.Random(task)
                while not is_done.is_set():
                    customers = some_customers(world, chance)
                    world.check(customers, await store.get_features("all", {"customer_id": customers}, AT))
                    asked.append(1)

            await asyncio.gather(*(work(task) for task in range(20)))

    def work(number: int) -> None:
        try:
            if number == 0:
                wait_for("lookups by all", lambda: len(set(asked)) == 4)
                act()
                asked.clear()
                wait_for("lookups by all again", lambda: len(set(asked)) == 4)
            elif number == 1:
                asyncio.run(ask_in_tasks())
            else:
                ask(number)
        finally:
            is_done.set()

    run_threads(5, work)


def test_a_server_that_is_killed_and_comes_back(world: World) -> None:
    # One death at a time: a lookup that loses its second connection too is not asked a third time.
    for _ in range(2):
        while_others_ask(world, world.kill_and_restart)


def test_a_server_that_is_stopped_and_comes_back(world: World) -> None:
    while_others_ask(world, world.stop_and_restart)


def test_forked_children(world: World) -> None:
    customers = sorted(world.expected)[:20]
    with strandline.connect(world.address, timeout=30) as store:
        world.check(customers, store.get_features("all", {"customer_id": customers}, AT))

        def work() -> None:
            world.check(customers[:3], store.get_features("all", {"customer_id": customers[:3]}, AT))

        for _ in range(3):
            in_a_child(work)
            world.check(customers, store.get_features("all", {"customer_id": customers}, AT))


def test_new_definitions_are_prepared_again(world: World) -> None:
    path = world.repo / "feature_store.yaml"
    before = path.read_text()
    added = before.replace("feature_services:", "      - {column: quantity, function: max, time_window: 1d}\nfeature_services:")
    customers = sorted(world.expected)[:5]

    def names(store: Any) -> list[str]:
        result = store.get_features("all", {"customer_id": customers}, AT)
        world.check(customers, result)
        return list(result.features)

    with strandline.connect(world.address, timeout=30) as store:
        old = names(store)
        try:
            path.write_text(added)
            run("apply", "--repo", str(world.repo), "--address", world.address)
            assert names(store) == [*old, "p:quantity_max_1d"]
        finally:
            path.write_text(before)
            run("apply", "--repo", str(world.repo), "--address", world.address)
        assert names(store) == old


def test_names_that_do_not_exist(world: World) -> None:
    with strandline.connect(world.address) as store:
        with pytest.raises(strandline.UnknownFeature, match="did you mean 'count_1h'"):
            store.get_features(["p:count_2h"], {"customer_id": 1})
        with pytest.raises(strandline.UnknownService, match="did you mean 'all'"):
            store.get_features("al", {"customer_id": 1})
        with pytest.raises(strandline.InvalidArgument, match="customer_id"):
            store.get_features("all", {"customer": 1})
        assert store.get_features("all", {"customer_id": 10**9}).statuses["p:count_1h"] == ["NOT_FOUND"]
