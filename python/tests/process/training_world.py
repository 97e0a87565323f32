"""What the tests of training sets share: a server with seeded purchases, and label rows with what their cells must be."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from commands import OK, Done
from commands import strandline as cli
from events import DAY, HOUR, START, Event, make_events
from processes import REPOSITORY, Broker, Server, wait_for

SEED = 11
EVENTS, CUSTOMERS, LABELS = 3000, 40, 300
# `names` and `map`: what only Parquet has types for. `derived` reads two views and the request.
MORE = """\
  - name: q
    entity: customer
    source: purchases
    aggregations:
      - {function: count, time_window: 2d}
      - {column: quantity, function: last_n, n: 3, time_window: lifetime}
      - {column: amount, function: sum, group_by: quantity, time_window: 1d}
      - {column: amount, function: sum, time_window: 1d, name: total}
on_demand_feature_views:
  - name: derived
    sources: [p, q]
    request: {price: float64}
    features: {share: request.price / count_2d, both: count_1h + count_2d}
feature_services:
  - {name: all, features: ["p:*", "q:*"]}
  - {name: model, features: ["p:count_1h", "p:amount_sum_1d", "q:count_2d", "derived:share", "derived:both"]}
"""


def iso(microseconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)).isoformat()


@dataclass
class World:
    folder: Path
    repo: Path
    broker: Broker
    server: Server
    events: list[Event]
    by_customer: dict[int, list[Event]] = field(default_factory=dict)

    def cli(self, *arguments: str | Path) -> Done:
        return cli(*map(str, arguments), "--address", self.server.address)

    def build(self, labels: Path, out: Path, *options: str, service: str = "all") -> Done:
        done = self.cli("training-set", "--labels", labels, "--service", service, "--out", out, *options)
        assert done.status == OK, str(done)
        return done

    def send(self, events: list[Event]) -> None:
        before = self.server.events()
        self.broker.produce(self.folder, "purchases", "customer_id", [event.json() for event in events])
        wait_for("the events", lambda: self.server.events() == before + len(events))

    def labels(self, folder: Path, count: int = LABELS, seed: int = SEED) -> tuple[Path, list[tuple[int, int]]]:
        """A file with some rows twice, some customers that nobody knows, and times at events' own times; in no order."""
        source = random.Random(seed)
        rows = [(source.randrange(CUSTOMERS + 3), START + source.randrange(3 * DAY)) for _ in range(count - 20)]
        rows += [(event.customer, event.at) for event in source.sample(self.events, 10)] + rows[:10]
        source.shuffle(rows)
        path = folder / f"labels{seed}.csv"
        lines = [f"{number},{customer},{iso(at)},{number / 4}" for number, (customer, at) in enumerate(rows)]
        path.write_text("\n".join(["label,customer_id,event_timestamp,price", *lines]) + "\n")
        return path, rows


@contextmanager
def training_world(folder: Path) -> Iterator[World]:
    repo = folder / "repo"
    repo.mkdir()
    text = REPOSITORY.replace("TOPIC", "purchases")
    assert text.count("feature_services:") == 1
    (repo / "feature_store.yaml").write_text(text[: text.index("feature_services:")] + MORE)
    events = make_events(SEED, EVENTS, CUSTOMERS)
    broker = Broker(folder, "purchases", 2)
    server = None
    try:
        server = Server(folder, repo, broker.bootstrap)
        world = World(folder, repo, broker, server, events)
        world.send(events)
        for event in events:
            world.by_customer.setdefault(event.customer, []).append(event)
        yield world
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def manifest_of(out: Path) -> dict:
    found: dict = json.loads(Path(f"{out}.manifest.json").read_text())
    return found


def renewed(manifest: dict, out: Path) -> None:
    """Writes a manifest with the file's checksum and its own, as somebody would who knows both."""
    manifest["file"]["sha256"] = hashlib.sha256(out.read_bytes()).hexdigest()
    manifest["file"]["bytes"] = out.stat().st_size
    blank = json.dumps({**manifest, "manifest_sha256": "0" * 64})
    Path(f"{out}.manifest.json").write_text(blank.replace("0" * 64, hashlib.sha256(blank.encode()).hexdigest()))


__all__ = ["DAY", "HOUR", "START", "World", "iso", "manifest_of", "renewed", "training_world"]
