"""`strandline parity` beside a live server: no mismatches where there are none, all of them told where the oracle is wrong."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import strandline as client_library
from cli_world import our_environment, write_repo
from commands import MISMATCHES, NOT_FOUND, OK, USAGE, Done, fails, strandline
from processes import Broker, Server, wait_for

__all__ = ["our_environment"]

STORE = """\
project: parity_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities:
  - {name: customer, join_keys: {customer_id: int64}}
  - {name: place, join_keys: {customer_id: int64, city: string}}
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: epoch_us
    key_format: json
    schema: {customer_id: int64, city: string, amount: float64, quantity: int64, paid: bool}
  - name: visits
    timestamp_field: at
    timestamp_format: epoch_us
    schema: {customer_id: int64, length: float64}
"""
VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    filter: paid
    columns: {net: amount * 0.9}
    aggregations:
      - {function: count, time_window: [1h, 7d, lifetime, 5events, 6x4h]}
      - {column: amount, function: sum, time_window: [1d, lifetime]}
      - {column: net, function: mean, time_window: 1d, offset: 1h}
      - {column: amount, function: var_samp, time_window: 7d}
      - {column: city, function: last_n, n: 3, time_window: lifetime}
      - {column: city, function: approx_count_distinct, time_window: 7d}
      - {column: amount, function: approx_percentile, percentile: 0.9, time_window: 7d}
      - {column: amount, function: decayed_sum, half_life: 1d, time_window: lifetime}
      - {column: amount, function: sum, group_by: city, time_window: 7d}
      - {function: time_since_last, time_window: lifetime}
  - name: local
    entity: place
    source: orders
    aggregations: [{column: quantity, function: sum, time_window: [1d, lifetime]}]
attribute_views:
  - {name: profile, entity: customer, source: orders, max_age: 2d, attributes: [city, quantity]}
on_demand_feature_views:
  - name: derived
    sources: [spending]
    request: {amount: float64}
    features: {ratio: request.amount / count_7d}
feature_services: [{name: churn, features: ["spending:*"]}]
"""
VISITS = """\
feature_views:
  - name: recent
    entity: customer
    source: visits
    history: 4s
    aggregations:
      - {function: count, time_window: [1s, 4s, lifetime, 2events]}
      - {column: length, function: sum, time_window: 2s}
attribute_views:
  - {name: visit, entity: customer, source: visits, history: 4s, attributes: [length]}
"""
CITIES = ["Ghent", "Bruges", "", "U\u0308bung", "\u00dcbung", None]


def parity(server: Server, *arguments: str) -> Done:
    return strandline("parity", "--pause", "0", "--address", server.address, *arguments)


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("parity_broker")
    broker = Broker(folder, "orders", 3)
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def server(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """600 orders of 30 customers in three lots, a fifth of them late, and restarts between: some events are in leaves."""
    folder = tmp_path_factory.mktemp("parity")
    source = random.Random(7)
    begin = datetime.now(UTC) - timedelta(days=20)
    server = None
    try:
        for lot in range(3):
            lines = []
            for number in range(200):
                hours = lot * 100 + number / 2 - (source.uniform(0, 90) if source.random() < 0.2 else 0)
                order = {
                    "customer_id": int(30 * source.random() ** 2), "city": source.choice(CITIES),
                    "at": microseconds(begin + timedelta(hours=hours)) // 1_000_000 * 1_000_000,
                    "amount": None if source.random() < 0.1 else round(source.uniform(-5, 500), 2),
                    "quantity": source.randrange(10), "paid": source.random() < 0.7,
                }  # fmt: skip
                lines.append(json.dumps(order))
            broker.produce(folder, "orders", "customer_id", lines)
            if server is None:
                server = Server(folder, write_repo(folder / "repo", STORE, VIEWS), broker.bootstrap)
            running = server
            wait_for("the orders", lambda: sum(_settled(running)) == (lot + 1) * 200)
        assert server is not None
        yield server
    finally:
        if server is not None:
            server.stop()


def _settled(server: Server) -> tuple[int, int]:
    ingest = server.status()["ingest"]
    return ingest["events"], ingest["dead_letters"]


def test_a_right_store_has_no_mismatches(server: Server) -> None:
    done = parity(server, "--cells", "3000", "--seed", "1")
    assert done.status == OK, str(done)
    first, skipped, last = done.out.splitlines()
    assert first.startswith("seed=1 known_at=20") and first.endswith(" features=20 left_out=0")
    assert (skipped, last) == ("skipped=0 passed_over=0", "parity compared=3000 mismatches=0")
    assert "parity 100% 3000/3000" in done.err, "progress"


def test_some_features_as_json(server: Server) -> None:
    for chosen, count in (["--service", "churn"], 15), (["--features", "profile:city", "local:quantity_sum_1d"], 2):
        done = parity(server, *chosen, "--cells", "200", "--output", "json")
        assert done.status == OK, str(done)
        told = json.loads(done.out)
        assert told.pop("seed") >= 0 and told.pop("known_at").startswith("20")
        assert told == {
            "features": count, "left_out": [], "compared": 200, "mismatches": 0, "skipped": 0, "passed_over": 0,
            "first_mismatches": [],
        }  # fmt: skip


def test_mismatches_are_told(server: Server) -> None:
    """The canary computes by the other boundary rule: every event at T or at the far edge shows."""
    done = parity(server, "--cells", "2000", "--seed", "2", "--canary")
    assert done.status == MISMATCHES and " of 2000 cells differ" in done.err, str(done)
    *lines, skipped, last = done.out.splitlines()[1:]
    compared, mismatches = (int(word.partition("=")[2]) for word in last.removeprefix("parity ").split())
    assert compared == 2000 and mismatches > 20 and len(lines) == 20 and skipped.startswith("skipped=")
    for line in lines:
        for part in ("mismatch customer_id=", " T=20", " K=20", " boundary=", " feature=", " lookup=", " rows=", " naive="):
            assert part in line
    told = json.loads(parity(server, "--cells", "2000", "--seed", "2", "--canary", "--output", "json").out)
    assert told["compared"] == 2000 and told["mismatches"] > 20
    worst = told["first_mismatches"][0]
    assert worst["entity"][0].startswith("customer_id=") and worst["boundary"] in ("strict", "inclusive")
    assert worst["lookup"].split("/")[0] == worst["rows"].split("/")[0]


def test_the_verbs_that_it_reads_with(server: Server) -> None:
    with client_library.connect(server.address) as client:
        files = client.admin("definitions", {})
        assert [file["name"] for file in files["files"]] == ["feature_store.yaml", "views.yaml"]
        wanted = {"source": "orders", "entity": "customer", "count": 10, "seed": 5}
        sample = client.admin("sample_entities", wanted)
        assert 0 < len(sample["keys"]) <= 10 and sample == client.admin("sample_entities", wanted)
        pages, after = [], {}
        while True:
            page = client.admin(
                "entity_history", {"source": "orders", "entity": "customer", "key": [0], "limit": 7, **after}
            )
            pages.append(page)
            if "next" not in page:
                break
            after = {"after": page["next"]}
        times = [time for page in pages for time in page["times"]]
        assert len(pages) > 2 and times == sorted(times) and "dropped" not in pages[0]
        names = [column["name"] for column in pages[0]["columns"]]
        assert {"amount", "= amount * 0.9", "? paid", "! live"} <= set(names)
        for body, text in (
            ({**wanted, "count": 0}, "count must be 1 to 1000"), ({**wanted, "entity": "custmer"}, "'customer'"),
            ({**wanted, "source": "ordrs"}, "'orders'"),
        ):  # fmt: skip
            with pytest.raises(client_library.StrandlineError, match=text):
                client.admin("sample_entities", body)
        with pytest.raises(client_library.StrandlineError, match="customer_id: int64"):
            client.admin("entity_history", {"source": "orders", "entity": "customer", "key": ["x"], "limit": 7})


def test_wrong_usage(server: Server) -> None:
    fails(parity(server, "--service", "churn", "--features", "a:b"), USAGE, "--service or --features, not both")
    fails(parity(server, "--cells", "0"), USAGE, "--cells must be 1 to")
    fails(parity(server, "--pause", "10001"), USAGE, "--pause must be 0 to 10000")
    fails(parity(server, "--features", "spending"), USAGE, "'spending' is not a feature")
    fails(parity(server, "--features", "spending:count_7h"), NOT_FOUND, "no feature 'spending:count_7h'; did you mean")
    fails(parity(server, "--service", "chrn"), NOT_FOUND, "chrn")


def test_dropped_history_is_skipped(tmp_path: Path) -> None:
    broker = Broker(tmp_path, "visits", 1)
    server = None
    try:
        server = running = Server(tmp_path, write_repo(tmp_path / "repo", STORE, VISITS), broker.bootstrap)

        def visits() -> list[str]:
            now = microseconds(datetime.now(UTC))
            return [json.dumps({"customer_id": n % 3, "at": now + n * 1000, "length": n / 3}) for n in range(12)]

        def history() -> dict:
            with client_library.connect(running.address) as client:
                body = {"source": "visits", "entity": "customer", "key": [0], "limit": 7}
                return client.admin("entity_history", body)

        end = time.monotonic() + 40
        while "dropped" not in history():
            assert time.monotonic() < end, "nothing was dropped"
            broker.produce(tmp_path, "visits", "customer_id", visits())
            time.sleep(0.5)
        page = history()
        assert page["dropped"]["events"] > 0 and page["dropped"]["last_time"] < page["horizon"]
        done = parity(running, "--cells", "600", "--seed", "3", "--output", "json")
        assert done.status == OK, str(done)
        told = json.loads(done.out)
        assert told["compared"] > 50 and told["mismatches"] == 0 and told["skipped"] > 0, told
    finally:
        if server is not None:
            server.stop()
        broker.stop()
