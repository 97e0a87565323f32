"""What a scheduler sees of every verb: exit statuses as docs/operations.md has them, JSON as the last line, dry runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars
from cli_world import GOOD_LABELS, VIEWS, World, our_environment, world, write_labels
from commands import FAILED, NOT_FOUND, OK, UNREACHABLE, USAGE, Done, nobody
from commands import strandline as cli
from processes import Broker, Server, run, wait_for

__all__ = ["our_environment", "world"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def last(done: Done) -> dict:
    message: dict = json.loads(done.out.splitlines()[-1])
    return message


def test_the_table_of_statuses(world: World, tmp_path: Path) -> None:
    section = PAGE.read_text().split("## Exit status and output")[1].split("\n## ")[0]
    statuses = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", section, re.M) for number in row.split(",")}
    assert statuses == {0, 1, 2, 3, 4, 5, 6, 130, 143}
    out = str(tmp_path / "out")
    assert world("status").status == OK
    assert world("export", "--view", "spending", "--out", "/").status == USAGE
    assert world("export", "--view", "nosuch", "--out", out).status == NOT_FOUND
    assert world("training-set", "--labels", "no.csv", "--service", "churn", "--out", f"{out}.csv").status == NOT_FOUND
    assert world("get", "customer_id=x", "--service", "churn").status == USAGE
    assert world("get", "customer_id=1", "--service", "chur").status == NOT_FOUND
    (tmp_path / "file").write_text("")
    assert world("export", "--view", "spending", "--out", str(tmp_path / "file" / "out")).status == FAILED
    with nobody() as address:
        assert cli("status", "--address", address).status == UNREACHABLE
        assert cli("export", "--view", "spending", "--out", out, "--address", address).status == UNREACHABLE
    assert not (tmp_path / "out").exists()


def test_json_is_the_last_line(world: World, tmp_path: Path) -> None:
    labels = str(write_labels(tmp_path / "labels.csv", GOOD_LABELS))
    out = str(tmp_path / "train.parquet")
    made = world("training-set", "--labels", labels, "--service", "churn", "--out", out, "--output", "json")
    assert made.status == OK and last(made)["result"] == "written" and last(made)["rows"] == 2
    assert all(json.loads(line)["progress"] == "training set" for line in made.err.splitlines() if line[0] == "{")
    assert last(world("verify", last(made)["manifest"], "--output", "json"))["result"] == "verified"
    for verb in ("status", "stats", "features", "dead-letters"):
        assert last(world(verb, "--output", "json")) is not None
    assert last(world("plan", "--repo", str(world.repo), "--output", "json"))["has_changes"] is False


def test_plan_says_mistakes_in_json_too(world: World, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text((world.repo / "feature_store.yaml").read_text())
    (repo / "views.yaml").write_text(VIEWS.replace("source: orders", "source: order"))
    done = world("plan", "--repo", str(repo), "--output", "json")
    assert done.status == USAGE and (not done.out or last(done)["ok"] is False), str(done)


def test_a_dry_run_checks_and_writes_nothing(world: World, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    out = tmp_path / "train.parquet"

    def dry(*more: str) -> Done:
        return world("training-set", "--labels", str(labels), "--service", "churn", "--out", str(out), "--dry-run", *more)

    found = last(dry("--output", "json"))
    assert found["result"] == "dry_run" and found["rows"] == 2 and len(found["features"]) == 3
    assert (found["first_time"], found["last_time"]) == ("2025-11-01T00:00:00Z", "2025-11-24T08:15:00Z")
    assert "dry run: nothing was written\nrows=2 " in dry().out
    write_labels(labels, [*GOOD_LABELS, "x,2025-11-01,y"])
    assert dry().status == USAGE and last(dry("--skip-bad-rows", "--output", "json"))["skipped_rows"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv"]


STORE = """\
project: deletes
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: customers
    timestamp_field: at
    timestamp_format: iso8601
    key_format: json
    schema: {customer_id: int64, country: string, limit: float64}
attribute_views:
  - name: profile
    entity: customer
    source: customers
    attributes: [country, {name: credit, column: limit}]
feature_views:
  - name: changes
    entity: customer
    source: customers
    aggregations: [{function: count, time_window: lifetime}]
"""


def test_deletes_are_versions_of_attribute_views_only(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(STORE)
    broker = Broker(tmp_path, "customers", 1)
    server = None
    try:
        server = started = Server(tmp_path, repo, broker.bootstrap)
        key = '{"customer_id": 1}'
        path = tmp_path / "keyed.txt"
        path.write_text(f'{key}\t{{"customer_id": 1, "at": "2024-01-01", "country": "ch"}}\n')
        address = ["--bootstrap", broker.bootstrap, "--topic", "customers"]
        run("produce", *address, "--keyed", str(path))
        path.write_text(f"{key}\t\n")
        run("produce", *address, "--keyed", "--timestamp", "2024-01-03T00:00:00Z", str(path))
        wait_for("both", lambda: started.events() == 2)
        for view, rows in (("profile", 2), ("changes", 1)):
            done = cli("export", "--view", view, "--out", str(tmp_path / view), "--address", server.address)
            assert done.status == OK and f"rows={rows} " in done.out, str(done)
        found = polars.read_parquet(f"{tmp_path}/profile/*/*.parquet", hive_partitioning=False).sort("event_timestamp")
        assert found["country"].to_list() == ["ch", None] and found["__deleted"].to_list() == [False, True]
        assert found["limit"].to_list() == [None, None]
    finally:
        if server is not None:
            server.stop()
        broker.stop()
