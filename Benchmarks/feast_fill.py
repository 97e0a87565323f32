"""Makes a Feast repository whose online store holds what a Strandline server answers as of now: the same entities, features
of the same names, doubles as doubles. Prints the features and the T that the values are of.

    .venv-feast-0.67.0/bin/python Benchmarks/feast_fill.py --from 127.0.0.1:6567 --repo /tmp/feast --redis 127.0.0.1:7399
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

import strandline

#: Entities that are read and written at once.
PART = 10_000
JOIN_KEY = "user_id"
TYPES = {"int64": Int64, "float64": Float64}
COLUMNS = {"int64": "Int64", "float64": "Float64"}


def apply(repo: Path, redis: str | None, types: dict[str, str]) -> FeatureStore:
    """Feast's definitions for the server's features; all are of one view."""
    repo.mkdir(parents=True)
    # Beside our own keys in the same Redis, in a database of its own. The registry is not looked at again while it serves.
    online = f"{{type: redis, connection_string: '{redis},db=1'}}" if redis else f"{{type: sqlite, path: {repo}/online.db}}"
    lines = [
        "project: lookup_bench",
        "provider: local",
        f"registry: {{path: {repo}/registry.db, cache_ttl_seconds: 0}}",
        f"online_store: {online}",
        "entity_key_serialization_version: 3",
    ]
    (repo / "feature_store.yaml").write_text("\n".join(lines) + "\n")
    # Feast looks at a source's file when it is applied; nothing is read from it afterwards.
    names = [reference.split(":")[1] for reference in types]
    (view_name,) = {reference.split(":")[0] for reference in types}
    source = FileSource(name="values", path=str(repo / "values.parquet"), timestamp_field="event_timestamp")
    stamp = pandas.Series([datetime.now(timezone.utc)])
    pandas.DataFrame({JOIN_KEY: [0], **{name: [0] for name in names}, "event_timestamp": stamp}).to_parquet(source.path)
    fields = [Field(name=name, dtype=TYPES[kind]) for name, kind in zip(names, types.values(), strict=True)]
    user = Entity(name="user", join_keys=[JOIN_KEY], value_type=ValueType.INT64)
    view = FeatureView(
        name=view_name,
        entities=[user],
        ttl=timedelta(0),
        schema=[Field(name=JOIN_KEY, dtype=Int64), *fields],
        source=source,
    )
    store = FeatureStore(repo_path=str(repo))
    store.apply([user, view])
    return store


def frame(asked: strandline.FeatureResult, keys: list[int], as_of: datetime) -> pandas.DataFrame:
    columns = {
        reference.split(":")[1]: pandas.array(asked.features[reference], dtype=COLUMNS[str(kind)])
        for reference, kind in asked.types.items()
    }
    return pandas.DataFrame({JOIN_KEY: keys, **columns, "event_timestamp": as_of})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--from", dest="address", required=True, help="host:port of the Strandline server")
    parser.add_argument("--repo", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--redis", help="host:port of the Redis that is to be the online store; without it, SQLite")
    parser.add_argument("--service", default="ten")
    parser.add_argument("--keys", type=int, default=100_000)
    arguments = parser.parse_args()

    began = time.monotonic()
    values = 0
    with strandline.connect(arguments.address) as client:
        first = client.get_features(arguments.service, {JOIN_KEY: [0]})
        as_of = first.as_of or datetime.now(timezone.utc)
        types = {reference: str(kind) for reference, kind in first.types.items()}
        store = apply(arguments.repo, arguments.redis, types)
        (view,) = store.list_feature_views()
        for start in range(0, arguments.keys, PART):
            keys = list(range(start, min(arguments.keys, start + PART)))
            part = frame(client.get_features(arguments.service, {JOIN_KEY: keys}, as_of=as_of), keys, as_of)
            store.write_to_online_store(view.name, part, allow_registry_cache=True)
            values += int(part.count().sum()) - 2 * len(keys)
    seconds = time.monotonic() - began
    print(
        f"filled entities={arguments.keys} values={values} seconds={seconds:.1f} as_of={as_of.isoformat()}",
        f"features={','.join(types)}",
    )


if __name__ == "__main__":
    main()
