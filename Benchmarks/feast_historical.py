"""Feast's get_historical_features for the training-set benchmark (feast_historical.sh); runs in Feast's environment.

    feast_historical.py apply --repo DIR --store dask|duckdb --events FILE
    feast_historical.py run --repo DIR --labels FILE --out FILE     prints seconds= and warm_seconds=

Both from the labels' file to the result's, without Python's start, Feast's imports and its definitions; the first call of the
process, and the second one.
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from pathlib import Path

import pandas
import pyarrow.parquet
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

OFFLINE = {"dask": "dask", "duckdb": "duckdb"}


def apply(repo: Path, store: str, events: Path) -> None:
    repo.mkdir(parents=True)
    lines = [
        "project: historical",
        "provider: local",
        f"registry: {{path: {repo}/registry.db, cache_ttl_seconds: 0}}",
        f"online_store: {{type: sqlite, path: {repo}/online.db}}",
        f"offline_store: {{type: {OFFLINE[store]}}}",
        "entity_key_serialization_version: 3",
    ]
    (repo / "feature_store.yaml").write_text("\n".join(lines) + "\n")
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    newest = FeatureView(
        name="newest",
        entities=[user],
        ttl=timedelta(0),
        schema=[Field(name="user_id", dtype=Int64), Field(name="amount", dtype=Float64)],
        source=FileSource(name="payments", path=str(events), timestamp_field="ts"),
    )
    FeatureStore(repo_path=str(repo)).apply([user, newest])


def run(repo: Path, labels: Path, out: Path) -> None:
    store = FeatureStore(repo_path=str(repo))
    for name in ("seconds", "warm_seconds"):
        begun = time.monotonic()
        asked = store.get_historical_features(entity_df=pandas.read_parquet(labels), features=["newest:amount"])
        table = asked.to_arrow()
        pyarrow.parquet.write_table(table, out)
        print(f"{name}={time.monotonic() - begun:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    applying, running = commands.add_parser("apply"), commands.add_parser("run")
    for command in (applying, running):
        command.add_argument("--repo", type=Path, required=True)
    applying.add_argument("--store", choices=OFFLINE, required=True)
    applying.add_argument("--events", type=Path, required=True)
    running.add_argument("--labels", type=Path, required=True)
    running.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "apply":
        apply(arguments.repo.resolve(), arguments.store, arguments.events.resolve())
    else:
        run(arguments.repo.resolve(), arguments.labels, arguments.out)


if __name__ == "__main__":
    main()
