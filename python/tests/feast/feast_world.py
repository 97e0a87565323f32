"""What the tests share: definitions with every kind of feature, events, a server, and stores of Feast's that point to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import feast
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float64, Int64, String
from processes import Broker, Server, run, wait_for

#: The features of the newest client come in one request, and with their statuses.
IS_NEW = tuple(int(part) for part in feast.__version__.split(".")[:2]) >= (0, 64)

STORE = """\
project: feast_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities:
  - {name: customer, join_keys: {customer_id: int64}}
  - {name: card, join_keys: {customer_id: int64, card_no: string}}
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, card_no: string, amount: float64, quantity: int64, shop: string, is_gift: bool}
"""
VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    aggregations:
      - {function: count, time_window: [30d, lifetime]}
      - {column: amount, function: sum, time_window: [30d, lifetime]}
      - {column: amount, function: mean, time_window: 30d}
      - {column: quantity, function: sum, time_window: 30d, name: items}
      - {column: shop, function: last_n, n: 2, time_window: 30d, name: shops}
      - {column: shop, function: histogram, time_window: 30d, name: by_shop}
  - name: card_spending
    entity: card
    source: orders
    aggregations:
      - {column: amount, function: sum, time_window: 30d}
attribute_views:
  - {name: latest, entity: customer, source: orders, max_age: 7d, attributes: [shop, is_gift]}
on_demand_feature_views:
  - name: checkout
    sources: [spending]
    request: {amount: float64}
    features: {is_unusual: request.amount > 3 * amount_mean_30d}
feature_services:
  - {name: model, features: ["spending:count_30d", "spending:amount_sum_30d", "spending:amount_mean_30d", "latest:*"]}
  - {name: checkout, features: ["spending:count_30d", "checkout:is_unusual"]}
"""
NOW = datetime.now(timezone.utc).replace(microsecond=0)
#: Customer 1 bought lately, 2 long ago, 3 within the month; 4 never.
ORDERS = [
    (1, "a", NOW - timedelta(days=2), 10.0, 1, "north", True),
    (1, "b", NOW - timedelta(days=1, microseconds=1), 30.0, 2, 'say "süd"', False),
    (2, "a", NOW - timedelta(days=400), 5.5, 3, "east", False),
    (3, "a", NOW - timedelta(days=20), 0.1, 4, "west", True),
    (3, "a", NOW - timedelta(days=19), 0.2, 5, "west", True),
]
CUSTOMERS = [1, 2, 3, 4]


@dataclass
class World:
    folder: Path
    server: Server

    def store(self, name: str, with_definitions: bool = True, token: str | None = None) -> feast.FeatureStore:
        """A store of Feast's with the server as its online store."""
        repo = self.folder / name
        repo.mkdir()
        lines = [
            "project: feast_tests",
            "provider: local",
            f"registry: {repo / 'registry.db'}",
            f"online_store: {{type: remote, path: 'http://{self.server.http}'}}",
            "entity_key_serialization_version: 3",
        ]
        (repo / "feature_store.yaml").write_text("\n".join(lines) + "\n")
        store = feast.FeatureStore(repo_path=str(repo))
        if with_definitions:
            store.apply(definitions(repo))
        return store


def definitions(folder: Path) -> list[Any]:
    """The server's views in Feast's words: what a client of theirs needs to know of names and types."""
    source = FileSource(name="orders", path=str(folder / "orders.parquet"), timestamp_field="at")
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)

    def view(name: str, **fields: Any) -> FeatureView:
        schema = [Field(name="customer_id", dtype=Int64)] + [Field(name=f, dtype=t) for f, t in fields.items()]
        return FeatureView(name=name, entities=[customer], ttl=timedelta(0), schema=schema, source=source)

    spending = view("spending", count_30d=Int64, amount_sum_30d=Float64, amount_mean_30d=Float64, items=Int64)
    latest = view("latest", shop=String, is_gift=Bool)
    model = FeatureService(name="model", features=[spending[["count_30d", "amount_sum_30d", "amount_mean_30d"]], latest])
    write_source(folder / "orders.parquet")
    return [customer, spending, latest, model]


def write_source(path: Path) -> None:
    """Feast looks at a source's file when it is applied; nothing is read from it afterwards."""
    import pyarrow as pa
    import pyarrow.parquet

    columns = {
        "customer_id": pa.array([1]), "count_30d": pa.array([1]), "amount_sum_30d": pa.array([1.0]),
        "amount_mean_30d": pa.array([1.0]), "items": pa.array([1]), "shop": pa.array(["x"]),
        "is_gift": pa.array([True]), "at": pa.array([NOW], pa.timestamp("us", "UTC")),
    }  # fmt: skip
    pyarrow.parquet.write_table(pa.table(columns), path)


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    repo = folder / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(STORE)
    (repo / "views.yaml").write_text(VIEWS)
    names = ["customer_id", "card_no", "at", "amount", "quantity", "shop", "is_gift"]
    lines = [json.dumps(dict(zip(names, order, strict=True)), default=datetime.isoformat) for order in ORDERS]
    broker = Broker(folder, "orders", 1)
    server = None
    try:
        broker.produce(folder, "orders", "customer_id", lines)
        started = server = Server(folder, repo, broker.bootstrap)
        wait_for("the orders", lambda: started.events() == len(ORDERS))
        yield World(folder, server)
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def stats(server: Server) -> dict[tuple[str, str], int]:
    """Lookups by service and protocol, as the server counts them."""
    told = json.loads(run("stats", "--address", server.address, "--output", "json").stdout)
    return {(each["service"], each["protocol"]): each["count"] for each in told["lookups"]}
