"""`group_by`, end to end: events in through a broker, maps out through the command line, both clients' ways, and files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

import strandline
from cli_world import our_environment, write_labels, write_repo
from processes import Broker, Server, run, wait_for

__all__ = ["our_environment"]

STORE = """\
project: group_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, amount: float64, merchant: string, paid: bool, code: int64}
"""
VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    columns: {kind: case when amount > 10 then 'large' else 'small' end}
    aggregations:
      - {column: amount, function: sum, group_by: merchant, time_window: 30d}
      - {function: count, group_by: kind, time_window: lifetime}
      - {column: merchant, function: last, group_by: paid, time_window: 30d}
      - {column: amount, function: var_samp, group_by: code, time_window: 30d, max_groups: 2, name: spread}
      - {column: amount, function: sum, group_by: merchant, time_window: 30d, max_distinct: 1, name: too_many}
      - {function: count, group_by: merchant, time_window: 2events, max_groups: 1, name: newest}
feature_services: [{name: churn, features: ["spending:*"]}]
"""
ORDERS = [
    (1, 19.5, "café", True, 7), (2, 0.25, "bakery", False, 7), (3, 20.0, "café", True, -3), (4, 5.5, None, None, 9),
    (5, None, "bakery", False, 7),
]  # fmt: skip
SUMS = {"bakery": 0.25, "café": 39.5}
WANTED = {
    "amount_sum_by_merchant_30d": SUMS,
    # Without an amount there is no "> 10": the rest is small.
    "count_by_kind_lifetime": {"large": 2, "small": 3},
    "merchant_last_by_paid_30d": {False: "bakery", True: "café"},
    # Three events, of two amounts: 19.5 and 0.25 have the variance 185.28125; of one there is none.
    "spread": {-3: None, 7: 185.28125},
    "too_many": None,
    "newest": {"bakery": 1},
}
T = "2025-11-20T00:00:00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("groups")
    repo = write_repo(folder / "repo", STORE, VIEWS)
    broker = Broker(folder, "orders", 1)
    server = None
    try:
        lines = [
            json.dumps(
                {"customer_id": 1, "at": f"2025-11-{10 + day:02}T00:00:00Z", "amount": amount, "merchant": merchant,
                 "paid": paid, "code": code}
            )
            for day, amount, merchant, paid, code in ORDERS
        ]  # fmt: skip
        broker.produce(folder, "orders", "customer_id", lines)
        started = server = Server(folder, repo, broker.bootstrap)
        wait_for("the orders", lambda: started.events() == len(ORDERS))
        yield server
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def test_get_and_features(server: Server) -> None:
    table = run("get", "customer_id=1", "--service", "churn", "--as-of", T, "--address", server.address).stdout
    assert "{bakery: 0.25, café: 39.5}" in table and "{-3: null, 7: 185.28125}" in table
    shown = json.loads(
        run(
            "get", "customer_id=1", "--service", "churn", "--as-of", T, "--output", "json", "--address", server.address
        ).stdout
    )["features"]
    assert shown["spending:amount_sum_by_merchant_30d"]["value"] == SUMS
    assert shown["spending:spread"]["value"] == {"-3": None, "7": 185.28125}
    assert shown["spending:too_many"] == {**shown["spending:too_many"], "status": "OVERFLOW", "value": None}
    features = run("features", "--address", server.address).stdout
    assert "map<string, float64>" in features and "sum of amount by merchant over 30d" in features
    assert "var_samp(max_groups 2) of amount by code over 30d" in features
    described = json.loads(run("features", "--output", "json", "--address", server.address).stdout)["features"]
    assert [feature.get("group_by") for feature in described][:2] == ["merchant", "kind"]


def test_plan_says_what_changes(server: Server, tmp_path: Path) -> None:
    changed = VIEWS.replace("max_groups: 2", "max_groups: 3").replace("group_by: kind", "group_by: merchant")
    repo = write_repo(tmp_path / "repo", STORE, changed)
    plan = run("plan", "--repo", str(repo), "--address", server.address, check=False).stdout
    assert "var_samp(max_groups 2) of amount by code over 30d -> var_samp(max_groups 3) of amount by code over 30d" in plan
    assert "+ count_by_merchant_lifetime (count of events by merchant over lifetime)" in plan


def test_python_client(server: Server) -> None:
    with strandline.connect(server.address) as client:
        result = client.get_features("churn", {"customer_id": 1}, T)
        rows = client.get_historical_rows("churn", [{"customer_id": 1}, {"customer_id": 2}], [T, T])
    for name, wanted in WANTED.items():
        assert result.features[f"spending:{name}"][0] == wanted
        assert rows.features[f"spending:{name}"] == [wanted, None]
    assert result.types["spending:spread"].name == "map<int64, float64>"
    assert result.statuses["spending:too_many"] == ["OVERFLOW"]
    assert rows.statuses["spending:newest"] == ["PRESENT", "NOT_FOUND"]


def test_training_sets(server: Server, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.csv", [f"1,{T},x", f"2,{T},y", "1,2025-11-12T00:00:01Z,z"])
    for name in ("train.parquet", "train.csv"):
        run(
            "training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / name), "--address",
            server.address,
        )  # fmt: skip
    table = pa.parquet.read_table(tmp_path / "train.parquet")
    table.validate(full=True)
    assert table.schema.field("amount_sum_by_merchant_30d").type == pa.map_(pa.string(), pa.float64())
    assert table.schema.field("merchant_last_by_paid_30d").type == pa.map_(pa.bool_(), pa.string())
    first, none, early = table.to_pylist()
    for name, wanted in WANTED.items():
        assert first[name] == (None if wanted is None else list(wanted.items())), name
        assert none[name] is None
    assert early["amount_sum_by_merchant_30d"] == [("bakery", 0.25), ("café", 19.5)]
    assert early["newest"] == [("bakery", 1)], "of one event each the first in the order of the categories"
    with (tmp_path / "train.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert json.loads(row["amount_sum_by_merchant_30d"]) == SUMS and row["too_many"] == ""
