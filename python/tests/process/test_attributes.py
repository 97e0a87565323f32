"""Attribute views through processes: records with keys and without values in, the same bits out of lookups and training sets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from processes import Broker, Server, run, wait_for

STORE = """\
project: attributes
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: customers
    timestamp_field: at
    timestamp_format: iso8601
    key_format: json
    schema: {customer_id: int64, country: string, limit: float64}
  - name: accounts
    topic: customers
    envelope: debezium
    schema: {customer_id: int64, country: string}
"""
VIEWS = """\
attribute_views:
  - name: profile
    entity: customer
    source: customers
    max_age: 30d
    attributes: [country, {name: credit, column: limit}]
feature_views:
  - name: changes
    entity: customer
    source: customers
    aggregations: [{function: count, time_window: lifetime}]
feature_services: [{name: all, features: ["profile:*", "changes:*"]}]
"""
DEBEZIUM = """\
attribute_views: [{name: account, entity: customer, source: accounts, attributes: [country]}]
"""
#: Country, credit and count as of each day, by hand.
DAYS = {
    "2024-01-01": (None, None, None),
    "2024-01-02": ("ch", 0.1, 1),
    "2024-01-03": (None, 0.3, 2),
    "2024-01-05": (None, None, 2),  # deleted on the 4th
    "2024-01-11": ("fr", 7.25, 3),
    "2024-02-09": ("fr", 7.25, 3),  # 30 days after the 10th, to the microsecond
    "2024-02-09T00:00:00.000001": (None, None, 3),
}
STATUSES = {
    "2024-01-01": "NOT_FOUND", "2024-01-02": "PRESENT", "2024-01-03": "NULL_VALUE", "2024-01-05": "NOT_FOUND",
    "2024-01-11": "PRESENT", "2024-02-09": "PRESENT", "2024-02-09T00:00:00.000001": "OUTSIDE_MAX_AGE",
}  # fmt: skip


def produce(broker: Broker, folder: Path, lines: list[str], *more: str) -> None:
    path = folder / "records.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    run("produce", "--bootstrap", broker.bootstrap, "--topic", broker.topic, "--keyed", *more, str(path))


def upsert(at: str, customer: int = 1, **fields: object) -> str:
    return json.dumps({"customer_id": customer}) + "\t" + json.dumps({"customer_id": customer, "at": at, **fields})


def get(server: Server, as_of: str, *more: str) -> dict[str, dict]:
    done = run(
        "get", "customer_id=1", "--service", "all", "--as-of", as_of, "--output", "json", "--address", server.address, *more
    )
    return json.loads(done.stdout)["features"]


def answers(server: Server, folder: Path) -> tuple[list[dict[str, dict]], bytes]:
    """What lookups say of every day, checked, and the training set of the same days."""
    found = [get(server, day) for day in DAYS]
    for (day, (country, credit, count)), cells in zip(DAYS.items(), found, strict=True):
        assert cells["profile:country"].get("value") == country, day
        assert cells["profile:credit"].get("value") == credit, day
        assert cells["profile:country"]["status"] == STATUSES[day], day
        assert cells["changes:count_lifetime"].get("value") == (0 if count is None else count), day
    labels = folder / "labels.csv"
    labels.write_text("customer_id,event_timestamp\n" + "".join(f"1,{day}\n" for day in DAYS))
    out = folder / "train.csv"
    run("training-set", "--labels", str(labels), "--service", "all", "--out", str(out), "--address", server.address)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, (country, credit, _) in zip(rows, DAYS.values(), strict=True):
        assert row["country"] == (country or "")
        assert row["credit"] == ("" if credit is None else repr(credit))
    return found, out.read_bytes()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "feature_store.yaml").write_text(STORE)
    (folder / "views.yaml").write_text(VIEWS)
    return folder


def test_deletes_by_record_key(tmp_path: Path, repo: Path) -> None:
    broker = Broker(tmp_path, "customers", 2)
    server = None
    try:
        # The latest version comes first, and the delete last.
        produce(broker, tmp_path, [upsert("2024-01-10", country="fr", limit=7.25), upsert("2024-01-01T08:00:00Z", country="ch", limit=0.1)])
        produce(broker, tmp_path, [upsert("2024-01-02T08:00:00Z", limit=0.3)])
        produce(broker, tmp_path, ['{"customer_id":1}\t'], "--timestamp", "2024-01-04")
        produce(broker, tmp_path, ["1\t", '{"customer_id":2}\t'], "--timestamp", "2024-01-04")
        server = Server(tmp_path, repo, broker.bootstrap)
        first = server
        wait_for("the records", lambda: (ingest := first.status()["ingest"])["events"] + ingest["dead_letters"] == 6)
        counters = server.status()["counters"]
        assert counters["tombstones/customers"] == 2 and counters["dead_letters/customers/bad_key"] == 1
        before = answers(server, tmp_path)
        assert "latest of country, at most 30d old" in run("features", "--address", server.address).stdout
        # Killed, and begun again from the journal.
        server.kill()
        server = Server(tmp_path, repo, broker.bootstrap)
        assert answers(server, tmp_path) == before
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def test_debezium(tmp_path: Path, repo: Path) -> None:
    (repo / "views.yaml").write_text(DEBEZIUM)
    broker = Broker(tmp_path, "customers", 1)
    server = None

    def change(op: str, day: int, before: str | None, after: str | None, wraps: bool) -> str:
        rows = [{"customer_id": 1, "country": country} if country else None for country in (before, after)]
        event = {"before": rows[0], "after": rows[1], "op": op, "source": {"ts_ms": 1_704_067_200_000 + day * 86_400_000}}
        return '{"customer_id":1}\t' + json.dumps({"schema": {}, "payload": event} if wraps else event)

    try:
        produce(
            broker, tmp_path,
            [
                change("r", 0, None, "ch", False), change("u", 1, "ch", "fr", True), change("d", 2, "fr", None, False),
                '{"customer_id":1}\t', change("t", 3, None, None, False),
            ],
        )  # fmt: skip
        server = Server(tmp_path, repo, broker.bootstrap)
        first = server
        wait_for("the changes", lambda: (ingest := first.status()["ingest"])["events"] + ingest["dead_letters"] == 4)
        wanted = {"2024-01-01T12:00:00": "ch", "2024-01-02T12:00:00": "fr", "2024-01-03T12:00:00": None}

        def read() -> list[dict]:
            found = []
            for as_of, country in wanted.items():
                done = run(
                    "get", "customer_id=1", "--features", "account:country", "--as-of", as_of, "--output", "json",
                    "--address", server.address,
                )  # fmt: skip
                cell = json.loads(done.stdout)["features"]["account:country"]
                assert cell.get("value") == country and cell["status"] == ("PRESENT" if country else "NOT_FOUND")
                found.append(cell)
            return found

        before = read()
        counters = server.status()["counters"]
        assert counters["tombstones/accounts"] == 1 and counters["skipped_nulls/accounts"] == 1
        assert counters["dead_letters/accounts/bad_envelope"] == 1
        assert "skipped.operations=t" in run("dead-letters", "--address", server.address).stdout
        server.kill()
        server = Server(tmp_path, repo, broker.bootstrap)
        assert read() == before
    finally:
        if server is not None:
            server.stop()
        broker.stop()
