"""A producer that sends events twice, through processes: each counts once, after a crash too."""

from __future__ import annotations

import json
from pathlib import Path

from processes import Broker, Server, run, wait_for

STORE = """\
project: duplicates
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: iso8601
    event_id: order_id
    schema: {customer_id: int64, order_id: string, amount: float64}
feature_views:
  - name: spend
    entity: customer
    source: orders
    aggregations:
      - {function: count, time_window: lifetime}
      - {function: sum, column: amount, time_window: lifetime}
      - {function: sum, column: amount, time_window: 2events, name: newest}
feature_services: [{name: all, features: ["spend:*"]}]
"""


def produce(broker: Broker, folder: Path, records: list[dict]) -> None:
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    run("produce", "--bootstrap", broker.bootstrap, "--topic", broker.topic, str(path))


def order(day: int, order_id: str | None, amount: float) -> dict:
    return {"customer_id": 1, "at": f"2024-01-{day:02}", "order_id": order_id, "amount": amount}


def values(server: Server) -> dict[str, object]:
    done = run(
        "get", "customer_id=1", "--service", "all", "--as-of", "2024-02-01", "--output", "json",
        "--address", server.address,
    )  # fmt: skip
    return {name: cell.get("value") for name, cell in json.loads(done.stdout)["features"].items()}


def test_duplicates_count_once(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(STORE)
    broker = Broker(tmp_path, "orders", 1)
    server = None
    try:
        produce(broker, tmp_path, [order(1, "a", 1.0), order(2, "b", 2.0), order(2, "b", 2.0)])
        # Again; at another time; without an id; in another commit.
        produce(broker, tmp_path, [order(1, "a", 1.0), order(3, "b", 4.0), order(3, None, 8.0), order(3, None, 8.0)])
        server = Server(tmp_path, repo, broker.bootstrap)
        first = server
        wait_for("the records", lambda: first.status()["ingest"]["events"] == 7)
        wanted = {"spend:count_lifetime": 5, "spend:amount_sum_lifetime": 23.0, "spend:newest": 16.0}
        assert values(server) == wanted
        server.kill()
        server = Server(tmp_path, repo, broker.bootstrap)
        assert values(server) == wanted
        changed = STORE.replace("event_id: order_id", "event_id: customer_id")
        (repo / "feature_store.yaml").write_text(changed)
        done = run("plan", "--repo", str(repo), "--address", server.address, check=False)
        assert done.returncode != 0 and "event_id changes from order_id to customer_id" in done.stdout + done.stderr
    finally:
        if server is not None:
            server.stop()
        broker.stop()
