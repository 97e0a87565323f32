"""kill -9 in mid-ingest: nothing acknowledged is lost, nothing counts twice (promises P1 and P2)."""

from __future__ import annotations

import random
import time
from pathlib import Path

import strandline

from events import DAY, START, make_events, oracle
from processes import Server, kafka, wait_for, write_repository

SEED = 7


def test_ten_kills_in_mid_ingest(tmp_path: Path) -> None:
    events = make_events(SEED, 60_000, 300)
    source = random.Random(SEED)
    broker = kafka(tmp_path, "purchases", 4)
    repo = write_repository(tmp_path, broker.topic)
    server = None
    try:
        seen = 0
        for kill in range(10):
            part = events[kill * 5000 : (kill + 1) * 5000]
            broker.produce(tmp_path, broker.topic, "customer_id", [e.json() for e in part])
            server = Server(tmp_path, repo, broker.bootstrap)
            # Somewhere in the part, or while the offsets of the last one are still being settled.
            time.sleep(source.uniform(0, 0.15))
            if source.random() < 0.7:
                now = server.events()
                assert now >= seen, f"kill {kill}: {now} events after {seen} (seed {SEED})"
                assert now <= (kill + 1) * 5000
                seen = now
            server.kill()
        broker.produce(tmp_path, broker.topic, "customer_id", [e.json() for e in events[50_000:]])
        server = Server(tmp_path, repo, broker.bootstrap)
        wait_for("all events", lambda: server.events() >= len(events))
        assert server.events() == len(events)
        by_customer: dict[int, list] = {}
        for event in events:
            by_customer.setdefault(event.customer, []).append(event)
        with strandline.connect(server.address) as client:
            for at in [START + source.randrange(3 * DAY + 1) for _ in range(4)] + [START + 4 * DAY]:
                wanted = sorted(by_customer)
                result = client.get_features("all", [{"customer_id": c} for c in wanted], as_of=at)
                columns = result.to_dict()
                for row, customer in enumerate(wanted):
                    for name, value in oracle(by_customer[customer], at).items():
                        found = next(columns[key][row] for key in (name, f"p:{name}", f"p__{name}") if key in columns)
                        assert found == value, f"customer {customer} at {at}: {name} is {found}, not {value} (seed {SEED})"
    finally:
        if server is not None:
            server.stop()
        broker.stop()
