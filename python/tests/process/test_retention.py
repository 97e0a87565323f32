"""History that is dropped, through processes: what a server answers while events leave, and after a kill.

    history 4s; a horizon moves by steps of at least 1s

    first orders      later orders ...                                     now
    ----|-------------------|------------|---------------------------------|----> event time
        lifetime counts all of them; a window over the first ones is OUTSIDE_RETENTION once they are gone
"""

from __future__ import annotations

import json
import math
import time
from datetime import datetime, timezone
from pathlib import Path

import strandline
from cli_world import STORE, our_environment, write_repo
from processes import Broker, Server, wait_for

__all__ = ["our_environment"]

VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    history: 4s
    aggregations:
      - {function: count, time_window: [1s, lifetime]}
      - {column: amount, function: sum, time_window: lifetime}
      - {column: amount, function: first, time_window: lifetime}
attribute_views:
  - {name: newest, entity: customer, source: orders, history: 4s, attributes: [amount]}
feature_services: [{name: all, features: ["spending:*", "newest:*"]}]
"""


def now() -> int:
    return time.time_ns() // 1000


def iso(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, timezone.utc).isoformat()


def answer(client: strandline.Client, customer: int, at: int | None = None) -> dict[str, tuple[object, str]]:
    result = client.get_features("all", {"customer_id": customer}, at)
    return {
        name.split(":")[1]: (result.features[name][0], result.statuses[name][0]) for name in result.features
    }


def test_history_leaves_and_lifetime_stays(tmp_path: Path) -> None:
    repo = write_repo(tmp_path / "repo", STORE, VIEWS)
    broker = Broker(tmp_path, "orders", 1)
    server = Server(tmp_path, repo, broker.bootstrap)
    client = strandline.connect(server.address)
    try:
        sent = 0

        def order(customer: int, amount: float) -> int:
            nonlocal sent
            at = now()
            record = {"customer_id": customer, "at": iso(at), "amount": amount}
            broker.produce(tmp_path, "orders", "customer_id", [json.dumps(record)])
            sent += 1
            wait_for("the order", lambda: server.events() == sent)
            return at

        first = order(1, 0.1)
        order(1, 0.2)
        seen = answer(client, 1, first + 1)
        assert seen["count_1s"][1] == "PRESENT" and seen["amount"] == (0.1, "PRESENT"), seen

        def dropped() -> bool:
            # Horizons follow commits: a customer that nobody asks for keeps them coming.
            order(2, 1.0)
            horizon = client.status()["store"]["horizons"].get("orders")
            return horizon is not None and datetime.fromisoformat(horizon).timestamp() * 1e6 > first + 1_000_000

        wait_for("the first orders to be dropped", dropped, seconds=60)
        for _ in range(2):
            gone = answer(client, 1, first + 1)
            assert set(gone.values()) == {(None, "OUTSIDE_RETENTION")}, gone
            kept = answer(client, 1)
            assert kept["count_lifetime"] == (2, "PRESENT"), kept
            assert kept["amount_sum_lifetime"][0] == 0.1 + 0.2, kept
            assert kept["amount_first_lifetime"] == (0.1, "PRESENT"), kept
            assert kept["amount"] == (0.2, "PRESENT"), "the newest version stays in force"
            assert kept["count_1s"] == (0, "PRESENT"), kept
            rows = client.get_historical_rows("all", {"customer_id": [1, 1]}, [now(), first + 1])
            assert rows.features["spending:count_lifetime"] == [2, None]
            # The same from disk, after the process died.
            client.close()
            server.kill()
            server = Server(tmp_path, repo, broker.bootstrap)
            client = strandline.connect(server.address)
            wait_for("the orders", lambda: server.events() >= sent)
        order(1, 0.4)
        assert answer(client, 1)["amount_sum_lifetime"][0] == math.fsum([0.1, 0.2, 0.4])
    finally:
        client.close()
        server.stop()
        broker.stop()
