"""The same events in DuckDB, by plain SQL: lookups and training rows must agree with it (promises P3 to P5)."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
import strandline

from events import DAY, HOUR, START, Event, make_events, oracle
from processes import Server, kafka, run, wait_for, write_repository

SEED = 11
NAMES = list(oracle([], START))


@dataclass
class World:
    folder: Path
    server: Server
    broker: Broker
    events: list[Event]
    questions: list[tuple[int, int]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("parity")
    events = make_events(SEED, 20_000, 200)
    source = random.Random(SEED)
    # Random instants, and the instants of events and a microsecond on either side of them and of their windows' ends.
    questions = [(source.randrange(210), START + source.randrange(4 * DAY)) for _ in range(500)]
    for event in source.sample(events, 500):
        edge = source.choice([0, HOUR, DAY]) + source.choice([-1, 0, 1])
        questions.append((event.customer, event.at + edge))
    broker = kafka(folder, "purchases", 4)
    repo = write_repository(folder, broker.topic)
    server = None
    try:
        broker.produce(folder, broker.topic, "customer_id", [e.json() for e in events])
        server = Server(folder, repo, broker.bootstrap)
        started = server
        wait_for("all events", lambda: started.events() >= len(events))
        yield World(folder, server, broker, events, questions)
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def in_duckdb(world: World) -> list[dict]:
    database = duckdb.connect()
    database.execute("create table e (customer_id bigint, t bigint, amount double, quantity bigint)")
    database.executemany("insert into e values (?, ?, ?, ?)", [(e.customer, e.at, e.amount, e.quantity) for e in world.events])
    database.execute("create table q (n bigint, customer_id bigint, t bigint)")
    database.executemany("insert into q values (?, ?, ?)", [(n, c, t) for n, (c, t) in enumerate(world.questions)])
    day = f"e.t >= q.t - {DAY}"
    hour = f"e.t >= q.t - {HOUR}"
    rows = database.execute(
        f"""
        select
          count(*) filter ({hour} and e.t is not null) as count_1h,
          count(*) filter ({day} and e.t is not null) as count_1d,
          count(e.t) as count_lifetime,
          sum(e.amount) filter ({hour}) as amount_sum_1h,
          sum(e.amount) filter ({day}) as amount_sum_1d,
          sum(e.amount) as amount_sum_lifetime,
          min(e.amount) filter ({day}) as amount_min_1d,
          max(e.amount) filter ({day}) as amount_max_1d,
          avg(e.amount) filter ({day}) as amount_mean_1d,
          sum(e.quantity) filter ({day}) as quantity_sum_1d,
          arg_min(e.amount, e.t) filter ({day} and e.amount is not null) as amount_first_1d,
          arg_max(e.amount, e.t) filter ({day} and e.amount is not null) as amount_last_1d
        from q left join e on e.customer_id = q.customer_id and e.t < q.t
        group by q.n order by q.n
        """
    ).fetchall()
    return [dict(zip(NAMES, row)) for row in rows]


def lookups(world: World) -> list[dict]:
    with strandline.connect(world.server.address) as client:
        customers, times = zip(*world.questions)
        columns = client.get_historical_rows("all", {"customer_id": customers}, times).to_dict()
        single = [client.get_features("all", [{"customer_id": c}], as_of=t).to_dict() for c, t in world.questions[::20]]

    def pick(table: dict, name: str, row: int) -> float | int | None:
        return next(table[key][row] for key in (name, f"p:{name}", f"p__{name}") if key in table)

    rows = [{name: pick(columns, name, row) for name in NAMES} for row in range(len(world.questions))]
    for index, table in enumerate(single):
        assert {name: pick(table, name, 0) for name in NAMES} == rows[index * 20], "lookup and historical row differ"
    return rows


def test_lookups_agree_with_duckdb_and_with_exact_sums(world: World) -> None:
    ours, theirs = lookups(world), in_duckdb(world)
    by_customer: dict[int, list[Event]] = {}
    for event in world.events:
        by_customer.setdefault(event.customer, []).append(event)
    nonempty = 0
    for (customer, at), row, other in zip(world.questions, ours, theirs, strict=True):
        exact = oracle(by_customer.get(customer, []), at)
        assert row == exact, f"customer {customer} at {at} (seed {SEED})"
        nonempty += row["count_1d"] > 0
        for name in NAMES:
            if isinstance(row[name], float) and other[name] is not None:
                assert math.isclose(row[name], other[name], rel_tol=1e-9, abs_tol=1e-9), f"{name} of {customer} at {at}"
            else:
                assert row[name] == other[name], f"{name} of {customer} at {at} (seed {SEED})"
    assert nonempty > len(world.questions) // 3


def test_a_training_set_holds_the_same_bits(world: World) -> None:
    labels = world.folder / "labels.csv"
    with labels.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["n", "customer_id", "event_timestamp", "label"])
        for n, (customer, at) in enumerate(world.questions):
            stamp = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=at)
            writer.writerow([n, customer, stamp.isoformat(), n % 2])
    out = world.folder / "train.csv"
    run("training-set", "--labels", str(labels), "--service", "all", "--out", str(out), "--address", world.server.address)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n"]) for row in rows] == list(range(len(world.questions)))
    for row, wanted in zip(rows, lookups(world), strict=True):
        for name in NAMES:
            found = None if row[name] == "" else type(wanted[name] or 0)(row[name])
            assert found == wanted[name], f"row {row['n']}: {name}"
