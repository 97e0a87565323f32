"""`strandline export`: what its files hold is what lookups count, by obvious recomputation over the files alone."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import polars
import pytest
import strandline as client_library

from cli_world import our_environment
from commands import NOT_FOUND, OK, USAGE, Done, fails
from commands import strandline as cli
from events import DAY, HOUR, START
from processes import BINARY, Broker, Server, wait_for

__all__ = ["our_environment"]

SEED = 29
STORE = """\
project: exports
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities:
  - {name: customer, join_keys: {customer_id: int64}}
  - {name: basket, join_keys: {shop: string, customer_id: int64}}
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: epoch_us
    event_id: order_id
    schema: {customer_id: int64, shop: string, order_id: int64, amount: float64, quantity: int64, date: string}
feature_views:
  - name: spending
    entity: customer
    source: orders
    filter: quantity <> 3
    columns: {net: amount * 0.9}
    aggregations:
      - {function: count, time_window: [1d, 30d]}
      - {column: amount, function: sum, time_window: 1d}
      - {column: net, function: sum, time_window: 1d}
      - {column: quantity, function: sum, time_window: 30d}
      - {column: date, function: last, time_window: 30d}
  - name: baskets
    entity: basket
    source: orders
    aggregations:
      - {function: count, time_window: 30d}
      - {column: amount, function: sum, time_window: 30d}
feature_services:
  - {name: customers, features: ["spending:*"]}
  - {name: by_basket, features: ["baskets:*"]}
"""
COUNT, CUSTOMERS = 4000, 60
SHOPS = ["Zürich", "", "b'c", "long " * 20]


def make_orders(count: int, seed: int) -> list[dict]:
    """Skewed customers over five days in no order, with nulls, and with orders that were sent twice."""
    source = random.Random(seed)
    orders = [
        {
            "customer_id": int(CUSTOMERS * source.random() ** 2) - 5,
            "shop": source.choice(SHOPS),
            "order_id": None if source.random() < 0.1 else number,
            "at": START + source.randrange(5 * DAY // 1000) * 1000,
            "amount": None if source.random() < 0.1 else round(source.uniform(-5, 500), 2),
            "quantity": None if source.random() < 0.1 else source.randrange(5),
            "date": source.choice(["x", "ü", ""]),
        }
        for number in range(seed * 1_000_000, seed * 1_000_000 + count)
    ]
    return orders + [dict(order, amount=1e6) for order in source.sample(orders, count // 10)]


@dataclass
class World:
    folder: Path
    broker: Broker
    server: Server
    #: K after the first half.
    half: str = ""

    def __call__(self, *arguments: str | Path) -> Done:
        return cli(*map(str, arguments), "--address", self.server.address)

    def send(self, orders: list[dict]) -> None:
        before = self.server.events()
        lines = [json.dumps({name: value for name, value in order.items() if value is not None}) for order in orders]
        self.broker.produce(self.folder, "orders", "customer_id", lines)
        wait_for("the orders", lambda: self.server.events() == before + len(orders))

    def export(self, out: Path, *options: str, view: str = "spending") -> dict:
        done = self("export", "--view", view, "--out", out, "--output", "json", *options)
        assert done.status == OK, str(done)
        result: dict = json.loads(done.out.splitlines()[-1])
        return result

    def newest(self) -> str:
        newest: str = json.loads(self("status", "--output", "json").out)["store"]["newest_commit"]
        return newest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("export")
    repo = folder / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(STORE)
    broker = Broker(folder, "orders", 2)
    server = None
    try:
        server = Server(folder, repo, broker.bootstrap)
        world = World(folder, broker, server)
        world.send(make_orders(COUNT // 2, SEED))
        world.half = world.newest()
        # What came first is folded by this; what follows is not.
        world.export(folder / "first")
        world.send(make_orders(COUNT // 2, SEED + 1))
        yield world
        server = world.server
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def time_of(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)


def rows_of(folder: Path) -> list[dict]:
    """All rows, by DuckDB, with times in microseconds; Polars reads the same."""
    pattern = f"{folder}/*/*.parquet"
    duck = duckdb.connect()
    micros = "epoch_us(event_timestamp) as event_timestamp, epoch_us(known_at) as known_at"
    table = duck.execute(f"select * replace ({micros}) from read_parquet('{pattern}', hive_partitioning = true)")
    names = [column[0] for column in table.description]
    rows = [dict(zip(names, row)) for row in table.fetchall()]
    frame = polars.read_parquet(pattern, hive_partitioning=True).with_columns(
        polars.col("event_timestamp", "known_at").cast(polars.Int64)
    )
    assert sorted(frame.columns) == sorted(names)
    order = ["__partition", "__offset"]
    mine = sorted(rows, key=lambda row: tuple(row[name] for name in order))
    theirs = frame.sort(order).to_dicts()
    assert len(mine) == len(theirs)
    for left, right in zip(mine, theirs):
        for name in set(names) - {"date"}:
            assert left[name] == right[name], (left, right)
    return rows


def total(values: list) -> float | None:
    return math.fsum(values) + 0.0 if values else None


def check_spending(world: World, rows: list[dict], known_at: str | None, seed: int) -> None:
    source = random.Random(seed)
    at = [START + source.randrange(6 * DAY) for _ in range(150)]
    at += [row["event_timestamp"] for row in source.sample(rows, 30)]
    keys = [source.randrange(-6, CUSTOMERS) for _ in at]
    with client_library.connect(world.server.address) as client:
        for key, instant in zip(keys, at):
            found = client.get_features("customers", {"customer_id": key}, time_of(instant), known_at=known_at)
            own = [row for row in rows if row["customer_id"] == key]

            def within(length: int) -> list[dict]:
                low, high = instant - length, instant
                return sorted(
                    (row for row in own if low <= row["event_timestamp"] < high),
                    key=lambda row: (row["event_timestamp"], row["__partition"], row["__offset"]),
                )

            def values(name: str, length: int) -> list:
                return [row[name] for row in within(length) if row[name] is not None]

            month = within(30 * DAY)
            expected = {
                "count_1d": len(within(DAY)),
                "count_30d": len(month),
                "amount_sum_1d": total(values("amount", DAY)),
                "net_sum_1d": total(values("net", DAY)),
                "quantity_sum_30d": sum(values("quantity", 30 * DAY)) if values("quantity", 30 * DAY) else None,
                "date_last_30d": month[-1]["column__date"] if month else None,
            }
            got = {name.split(":")[1]: found.features[name][0] for name in found.features}
            assert got == expected, (seed, key, time_of(instant))


def test_what_lookups_count_is_in_the_files(world: World, tmp_path: Path) -> None:
    result = world.export(tmp_path / "all")
    rows = rows_of(tmp_path / "all")
    assert len(rows) == result["rows"] > COUNT // 2 and result["days"] in (5, 6)
    assert (tmp_path / "all" / "_SUCCESS").exists()
    check_spending(world, rows, result["known_at"], SEED)
    manifest = json.loads((tmp_path / "all" / "_manifest.json").read_text())
    assert manifest["filter"] == "quantity <> 3" and manifest["event_id"] == "order_id"
    assert [column["name"] for column in manifest["columns"]] == [
        "customer_id", "event_timestamp", "known_at", "amount", "net", "quantity", "column__date",
        "__partition", "__offset", "__incarnation",
    ]  # fmt: skip
    # A folder a day, and within a file by (entity key, event time, position).
    for file in manifest["files"]:
        frame = polars.read_parquet(tmp_path / "all" / file["path"], hive_partitioning=False)
        assert len(frame) == file["rows"]
        assert f"date={frame['event_timestamp'][0]:%Y-%m-%d}" == file["path"].split("/")[0]
        order = ["customer_id", "event_timestamp", "__partition", "__offset"]
        assert frame.equals(frame.sort(order)), file


def test_known_at_in_the_past(world: World, tmp_path: Path) -> None:
    result = world.export(tmp_path / "half", "--known-at", world.half)
    assert result["known_at"] == world.half
    rows = rows_of(tmp_path / "half")
    assert len(rows) < world.export(tmp_path / "x", "--dry-run")["rows"]
    check_spending(world, rows, world.half, SEED + 2)


def test_composite_and_string_keys(world: World, tmp_path: Path) -> None:
    result = world.export(tmp_path / "baskets", view="baskets")
    rows = rows_of(tmp_path / "baskets")
    known, at = result["known_at"], time_of(START + 10 * DAY)
    assert {row["shop"] for row in rows} == set(SHOPS)
    with client_library.connect(world.server.address) as client:
        for shop in SHOPS:
            for customer in range(-5, 10):
                own = [row for row in rows if (row["shop"], row["customer_id"]) == (shop, customer)]
                amounts = [row["amount"] for row in own if row["amount"] is not None]
                key = {"shop": shop, "customer_id": customer}
                found = client.get_features("by_basket", key, at, known_at=known)
                assert found.features["baskets:count_30d"][0] == len(own), key
                assert found.features["baskets:amount_sum_30d"][0] == total(amounts), key


def test_half_open_interval(world: World, tmp_path: Path) -> None:
    rows = sorted(rows_of_view(world, tmp_path / "whole"), key=lambda row: row["event_timestamp"])
    start, end = rows[len(rows) // 4]["event_timestamp"], rows[len(rows) // 2]["event_timestamp"]
    world.export(tmp_path / "part", "--start", time_of(start).isoformat(), "--end", time_of(end).isoformat())
    part = rows_of(tmp_path / "part")
    inside = [row for row in rows if start <= row["event_timestamp"] < end]
    positions = {(row["__partition"], row["__offset"]) for row in part}
    assert positions == {(row["__partition"], row["__offset"]) for row in inside} and len(part) == len(inside)


def rows_of_view(world: World, out: Path) -> list[dict]:
    world.export(out)
    return rows_of(out)


def digests(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_bytes_while_events_come_in(world: World, tmp_path: Path) -> None:
    known = world.newest()
    world.export(tmp_path / "before", "--known-at", known)
    more = make_orders(600, SEED + 3)
    sender = threading.Thread(target=lambda: world.send(more))
    sender.start()
    try:
        for number in range(5):
            world.export(tmp_path / f"{number}", "--known-at", known)
    finally:
        sender.join()
    world.export(tmp_path / "after", "--known-at", known)
    for name in ["0", "1", "2", "3", "4", "after"]:
        assert digests(tmp_path / name) == digests(tmp_path / "before"), name


def test_after_a_restart_all_is_cold(world: World, tmp_path: Path) -> None:
    known = world.newest()
    world.export(tmp_path / "warm", "--known-at", known, view="baskets")
    world.server.kill()
    world.server = Server(world.folder, world.folder / "repo", world.broker.bootstrap)
    world.export(tmp_path / "cold", "--known-at", known, view="baskets")
    assert digests(tmp_path / "warm") == digests(tmp_path / "cold")


def test_dry_run_writes_nothing(world: World, tmp_path: Path) -> None:
    done = world("export", "--view", "spending", "--out", tmp_path / "none", "--dry-run")
    assert done.status == OK and "nothing was written" in done.out and not (tmp_path / "none").exists()
    assert not list(tmp_path.iterdir())


def test_progress_is_json_where_the_result_is(world: World, tmp_path: Path) -> None:
    done = world("export", "--view", "spending", "--out", tmp_path / "out", "--output", "json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert [line["progress"] for line in lines] == ["export"] * len(lines) and lines[-1]["percent"] == 100


def test_what_cannot_be_is_refused(world: World, tmp_path: Path) -> None:
    def export(*more: str, view: str = "spending", out: Path = tmp_path / "out") -> Done:
        return world("export", "--view", view, "--out", out, *more)

    fails(export(view="spendings"), NOT_FOUND, "no view 'spendings'", "spending")
    fails(export("--start", "yesterday"), USAGE, "--start", "ISO 8601")
    fails(export("--start", "2026-01-02Z", "--end", "2026-01-01"), USAGE, "--start")
    fails(export("--start", "2026-01-02", "--end", "2026-01-01"), USAGE, "--end must be after --start")
    fails(export("--start", "2026-01-02", "--end", "2026-01-02"), USAGE, "--end must be after --start")
    fails(export("--memory", "1MiB"), USAGE, "--memory")
    fails(export(out=tmp_path / "no" / "out"), NOT_FOUND, "cannot create a folder")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("kept")
    fails(export(out=full), USAGE, "not empty")
    assert (full / "mine").read_text() == "kept" and not (tmp_path / "out").exists()
    naive = export("--start", "2026-01-02T00:00:00")
    assert naive.status == OK and "taken as UTC" in naive.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed_half_way_there_is_no_folder(world: World, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [BINARY, "export", "--view", "baskets", "--out", str(out), "--address", world.server.address],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(number)
    process.wait()
    process.stderr.close()
    if process.returncode != OK:
        assert process.returncode in (128 + number, -number) and not out.exists()
        if number != signal.SIGKILL:
            assert list(tmp_path.iterdir()) == []
    else:
        # It was faster than the signal: then it is whole.
        assert (out / "_SUCCESS").exists()
        return
    # What a kill left is in nobody's way.
    world.export(out, view="baskets")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
