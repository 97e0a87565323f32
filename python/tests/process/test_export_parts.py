"""`strandline export` of more rows than its memory: days in several files, which together hold every row once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import polars
import pytest

from cli_world import our_environment
from commands import OK, strandline
from processes import Server

__all__ = ["our_environment"]

STORE = """\
project: parts
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities:
  - {name: customer, join_keys: {customer_id: int64}}
sources:
  - {name: orders, topic: orders, timestamp_field: at, timestamp_format: iso8601,
     schema: {customer_id: int64, amount: float64, note: string}}
feature_views:
  - name: spending
    entity: customer
    source: orders
    aggregations:
      - {column: amount, function: sum, time_window: 30d}
      - {column: note, function: last, time_window: 30d}
"""
BEGIN = 1_700_006_400_000_000
DAY = 86_400_000_000
ROWS, SEED = 120_000, 11


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(STORE)
    server = Server(tmp_path, repo, "127.0.0.1:1")
    try:
        yield server
    finally:
        server.stop()


def test_every_row_is_in_one_file(server: Server, tmp_path: Path) -> None:
    source = random.Random(SEED)
    print(f"seed {SEED}")
    # Most of them on the second day.
    times = sorted(BEGIN + (DAY if source.random() < 0.8 else 0) + source.randrange(DAY) for _ in range(ROWS))
    given = polars.DataFrame(
        {
            "customer_id": [source.randrange(500) for _ in times],
            "at": polars.Series(times).cast(polars.Datetime("us", "UTC")),
            "amount": [float(number) for number in range(ROWS)],
            "note": [f"{number} " + "x" * source.randrange(200, 500) for number in range(ROWS)],
        }
    )
    given.write_parquet(tmp_path / "orders.parquet")
    taken = strandline(
        "materialize", "--source", "orders", "--from", str(tmp_path / "orders.parquet"), "--address", server.address
    )
    assert taken.status == OK, taken.err

    def export(name: str, memory: str) -> dict:
        done = strandline(
            "export", "--view", "spending", "--out", str(tmp_path / name), "--memory", memory, "--output", "json",
            "--address", server.address,
        )  # fmt: skip
        assert done.status == OK, done.err
        return json.loads(done.out.splitlines()[-1])

    small, large = export("small", "64MiB"), export("large", "1GiB")
    assert small["rows"] == large["rows"] == ROWS
    files = {name: sorted(tmp_path.glob(f"{name}/date=*/*.parquet")) for name in ("small", "large")}
    parts = [path.name for path in files["small"] if path.parent.name == files["small"][-1].parent.name]
    assert len(parts) >= 2 and parts == [f"part-{number:05}.parquet" for number in range(len(parts))]
    assert len(files["large"]) == 2 and small["files"] == len(files["small"])

    columns = ["customer_id", "event_timestamp", "amount", "note"]
    expected = given.rename({"at": "event_timestamp"}).select(columns).sort("amount")
    for paths in files.values():
        found = polars.concat([polars.read_parquet(path, hive_partitioning=False) for path in paths])
        assert found.select(columns).sort("amount").equals(expected)
        # A file's rows are in the order of entities and event times, and of its own day.
        for path in paths:
            one = polars.read_parquet(path, hive_partitioning=False)
            assert one.equals(one.sort("customer_id", "event_timestamp", maintain_order=True))
            assert set(one["event_timestamp"].dt.date().cast(polars.String)) == {path.parent.name.removeprefix("date=")}
