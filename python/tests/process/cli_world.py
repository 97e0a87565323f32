"""What the tests of the command line share: a server with one good order and one dead letter, a world for each file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands import OK, Done, environment, strandline
from processes import Broker, Server, wait_for

STORE = """\
project: cli_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, amount: float64}
"""
VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    aggregations:
      - {function: count, time_window: [1h, 30d]}
      - {column: amount, function: sum, time_window: 30d}
feature_services: [{name: churn, features: ["spending:*"]}]
"""
RECORDS = """\
{"customer_id": 42, "at": "2025-11-20T00:00:00Z", "amount": 19.9}

{"customer_id": 42, "at": "1999", "amount": 1}
"""
GOOD_LABELS = ["42,2025-11-24T08:15:00Z,007", "42,2025-11-01,x"]


@pytest.fixture(scope="module", autouse=True)
def our_environment() -> Iterator[None]:
    """Of the user's own variables none points a command of these tests anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        yield


@dataclass(frozen=True)
class World:
    """One server with one good order and one dead letter, for all tests here."""

    folder: Path
    repo: Path
    broker: Broker
    server: Server

    def __call__(self, *arguments: str) -> Done:
        return strandline(*arguments, "--address", self.server.address)

    def applied(self) -> str:
        """What is in force, whole."""
        return self("features", "--output", "json").out


def write_repo(folder: Path, store: str = STORE, views: str = VIEWS) -> Path:
    folder.mkdir()
    (folder / "feature_store.yaml").write_text(store)
    (folder / "views.yaml").write_text(views)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cli")
    repo = write_repo(folder / "repo")
    broker = Broker(folder, "orders", 1)
    server = None
    try:
        broker.produce(folder, "orders", "customer_id", RECORDS.splitlines())
        started = server = Server(folder, repo, broker.bootstrap)
        wait_for("the order", lambda: (ingest := started.status()["ingest"])["events"] + ingest["dead_letters"] == 2)
        yield World(folder, repo, broker, server)
        server.stop()
        assert server.process.returncode == OK, "SIGTERM is the orderly way to end"
        broker.stop()
        assert broker.process.returncode == OK
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def write_labels(path: Path, rows: list[str], header: str = "customer_id,event_timestamp,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path
