"""`strandline verify`: what was written is verified, each kind of tampering is named, and what came later does not matter."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet
import pytest

import strandline as client_library
from cli_world import STORE, our_environment, write_repo
from commands import MISMATCHES, NOT_FOUND, OK, USAGE, Done, fails
from commands import strandline as cli
from events import Event
from processes import Broker, Server, wait_for
from training_world import HOUR, START, World, iso, manifest_of, renewed, training_world

__all__ = ["our_environment"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("verify")) as world:
        yield world


def verify(world: World, out: Path, *options: str) -> Done:
    return world.cli("verify", f"{out}.manifest.json", *(options or ("--all",)))


def verified(world: World, out: Path, *options: str) -> None:
    done = verify(world, out, *options)
    assert done.status == OK and done.out.startswith("verify=verified "), str(done)


@pytest.mark.parametrize("end", ["parquet", "csv", "arrow"])
@pytest.mark.parametrize(
    "options",
    [
        [], ["--embargo", "1h", "q=3h"], ["--known-at", "row-time"], ["--boundary", "inclusive"],
        ["--status-columns", "--event-time-columns", "--timestamp-zone", "Europe/Berlin"],
    ],
)  # fmt: skip
def test_what_was_written_is_verified(world: World, tmp_path: Path, end: str, options: list[str]) -> None:
    labels, rows = world.labels(tmp_path)
    for service in ("all", "model"):
        out = tmp_path / f"{service}.{end}"
        world.build(labels, out, *options, service=service)
        verified(world, out)
        assert f"rows={len(rows)} checked=37 " in verify(world, out, "--sample", "37", "--seed", "3").out


def test_as_json_and_sampled(world: World, tmp_path: Path) -> None:
    labels, rows = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out, service="model")
    told = json.loads(verify(world, out, "--sample", "50", "--seed", "9", "--output", "json").out)
    assert told == {
        "result": "verified", "findings": [], "further": 0, "rows": len(rows), "rows_checked": 50, "cells": 250,
        "differing": 0, "not_verifiable": 0, "leaks": 0, "seed": 9,
    }  # fmt: skip


def test_later_events_do_not_matter(world: World, tmp_path: Path) -> None:
    """Late ones, into windows of every row; the same labels then give other cells, and the old file is verified still."""
    labels, rows = world.labels(tmp_path)
    plain, at_row = tmp_path / "plain.parquet", tmp_path / "row.parquet"
    world.build(labels, plain)
    world.build(labels, at_row, "--known-at", "row-time", "--known-at-most", "2100-01-01")
    world.send([Event(customer, START + hour * HOUR + 1, 1000.5, 3) for customer in range(40) for hour in range(0, 72, 7)])
    verified(world, plain)
    verified(world, at_row)
    world.build(labels, tmp_path / "now.parquet")
    assert not parquet.read_table(tmp_path / "now.parquet")["count_1d"].equals(parquet.read_table(plain)["count_1d"])
    known = manifest_of(plain)["time_rules"]["known_at"]
    world.build(labels, tmp_path / "then.parquet", "--known-at", known)
    assert parquet.read_table(tmp_path / "then.parquet").equals(parquet.read_table(plain))
    verified(world, tmp_path / "then.parquet")


def changed_cell(table: pyarrow.Table, name: str, row: int, change: Callable[[Any], Any]) -> pyarrow.Table:
    values = table[name].to_pylist()
    values[row] = change(values[row])
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pyarrow.array(values, table.schema.field(name).type))


def test_one_changed_cell(world: World, tmp_path: Path) -> None:
    """With both checksums made anew. The change is the least that there is: a bit, an element, a null."""
    labels, rows = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out, "--status-columns", "--event-time-columns")
    table, manifest = parquet.read_table(out), manifest_of(out)
    sums = table["p__amount_sum_1d" if "p__amount_sum_1d" in table.column_names else "amount_sum_1d"]
    row = next(row for row, value in enumerate(sums.to_pylist()) if value is not None)
    changes: list[tuple[str, Callable[[Any], Any]]] = [
        ("count_1h", lambda value: value + 1),
        ("amount_sum_1d", lambda value: value + abs(value) * 2**-52 or 5e-324),
        ("amount_max_1d", lambda value: None),
        ("quantity_last_3_lifetime", lambda value: [*value[:-1], None]),
        ("amount_sum_by_quantity_1d", lambda value: dict(value[1:])),
        ("count_1d__status", lambda value: "PARTIAL"),
        ("count_1d__event_time", lambda value: value.replace(microsecond=(value.microsecond + 1) % 1_000_000)),
    ]
    for name, change in changes:
        found = next(column for column in table.column_names if column == name or name.split("_")[0] in column and name in column)
        tampered = changed_cell(table, found, row, change)
        assert not tampered[found].equals(table[found]), f"{found} is as it was"
        parquet.write_table(tampered, out)
        renewed(manifest, out)
        done = verify(world, out)
        assert done.status == MISMATCHES and f"differs: row {row + 1}, {found}: the file has " in done.out, str(done)
        assert "differing=1 " in done.out and "leaks=0 " in done.out, str(done)
    parquet.write_table(table, out)
    renewed(manifest, out)
    verified(world, out)


def test_a_changed_file(world: World, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    for end in ("csv", "parquet"):
        out = tmp_path / f"out.{end}"
        world.build(labels, out)
        data = bytearray(out.read_bytes())
        place = data.index(b",0.25,") + 3 if end == "csv" else len(data) // 2
        data[place] ^= 1
        out.write_bytes(data)
        done = verify(world, out)
        assert done.status == MISMATCHES and "tampered: " in done.out and "SHA-256" in done.out, str(done)
    manifest = manifest_of(out)
    manifest["file"]["name"] = f"../{tmp_path.name}/out.parquet"
    renewed(manifest, out)
    fails(verify(world, out), MISMATCHES, "the manifest names a file elsewhere")
    manifest["file"]["name"] = "out.parquet"
    renewed(manifest, out)
    out.unlink()
    fails(verify(world, out), NOT_FOUND, "out.parquet: cannot be read: No such file")


RULES: dict[str, Callable[[dict], object]] = {
    "K": lambda m: m["time_rules"].update(known_at="2026-01-01T00:00:00Z"),
    "boundary": lambda m: m["time_rules"].update(boundary="inclusive"),
    "embargo": lambda m: m["time_rules"].update(embargo="2h"),
    "embargo of a view": lambda m: m["time_rules"].update(view_embargo={"q": "5h"}),
    "row time": lambda m: m["time_rules"].update(known_at="row-time"),
    "zone": lambda m: m["labels"].update(timestamp_zone="Asia/Tokyo"),
    "definition hash": lambda m: m.update(definition_hash="ab" * 32),
    "service hash": lambda m: m.update(service_hash="ab" * 32),
    "snapshot": lambda m: m["snapshot"].update(commit="2026-01-01T00:00:00Z"),
    "rows": lambda m: m["file"].update(rows=7),
    "nulls": lambda m: m["columns"][0].update(nulls=123),
    "column's embargo": lambda m: m["columns"][1].update(embargo="3h"),
    "column": lambda m: m["columns"].pop(),
    "column's name": lambda m: m["columns"][0].update(name="count_2h"),
}


@pytest.mark.parametrize("what", RULES)
def test_a_changed_manifest(world: World, tmp_path: Path, what: str) -> None:
    """Once as it is, which the manifest's own checksum tells, and once with the checksum made anew."""
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out, "--embargo", "1h")
    manifest = manifest_of(out)
    RULES[what](manifest)
    Path(f"{out}.manifest.json").write_text(json.dumps(manifest, indent=2))
    done = verify(world, out)
    assert done.status == MISMATCHES and "its own checksum does not fit" in done.out, str(done)
    renewed(manifest, out)
    done = verify(world, out)
    assert done.status == MISMATCHES and "its own checksum" not in done.out, str(done)
    assert done.out.startswith("changed: " if what == "service hash" else ("tampered: ", "differs: ")), str(done)


def test_csv_has_no_rules_of_its_own(world: World, tmp_path: Path) -> None:
    """There the cells themselves tell."""
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.csv"
    world.build(labels, out)
    for what in ("K", "boundary", "row time"):
        manifest = manifest_of(out)
        original = json.dumps(manifest)
        RULES[what](manifest)
        renewed(manifest, out)
        done = verify(world, out)
        assert done.status == MISMATCHES and "differs: row " in done.out, f"{what}: {done}"
        renewed(json.loads(original), out)
    verified(world, out)


def test_changed_definitions(world: World, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out, service="model")
    path = world.repo / "feature_store.yaml"
    before = path.read_text()
    try:
        # Elsewhere: another view, and another service.
        path.write_text(before + "  - {name: other, features: ['p:count_1d']}\n")
        assert world.cli("apply", "--repo", world.repo).status == OK
        verified(world, out)
        path.write_text(before.replace("both: count_1h + count_2d", "both: count_1h + count_2d + 1"))
        applied = world.cli("apply", "--repo", world.repo)
        assert applied.status == OK, str(applied)
        done = verify(world, out)
        assert done.status == MISMATCHES and "changed: the definitions of model@1 are not those" in done.out, str(done)
        path.write_text(before.replace("{name: model,", "{name: modal,"))
        assert world.cli("apply", "--repo", world.repo).status == OK
        done = verify(world, out)
        assert done.status == MISMATCHES and "changed: the definitions have no model@1" in done.out, str(done)
    finally:
        path.write_text(before)
        assert world.cli("apply", "--repo", world.repo).status == OK
    verified(world, out)


def test_another_store(world: World, tmp_path: Path) -> None:
    """A store that has not come as far cannot say anything; it does not accuse."""
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out)
    server = Server(tmp_path, world.repo, "127.0.0.1:1")
    try:
        done = cli("verify", f"{out}.manifest.json", "--address", server.address)
        assert done.status == NOT_FOUND and "not verifiable: " in done.out and "another store?" in done.out, str(done)
    finally:
        server.stop()


def test_wrong_usage(world: World, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out)
    fails(world.cli("verify", out), USAGE, "this is not a training set's manifest")
    fails(world.cli("verify", tmp_path / "none.json"), NOT_FOUND, "none.json: cannot be read")
    fails(verify(world, out, "--sample", "0"), USAGE, "--sample must be 1 or more")
    manifest = manifest_of(out)
    manifest["format"] = 2
    Path(f"{out}.manifest.json").write_text(json.dumps(manifest))
    fails(verify(world, out), USAGE, "a manifest of format 2; this version reads format 1")
    Path(f"{out}.manifest.json").write_text("{}")
    fails(verify(world, out), USAGE, "the key format is missing")


def test_dropped_history_is_not_tampering(tmp_path: Path) -> None:
    views = """\
feature_views:
  - {name: spending, entity: customer, source: orders, history: 4s, aggregations: [{function: count, time_window: [1s, lifetime]}]}
feature_services: [{name: churn, features: ["spending:*"]}]
"""
    broker = Broker(tmp_path, "orders", 1)
    server = None
    try:
        server = running = Server(tmp_path, write_repo(tmp_path / "repo", STORE, views), broker.bootstrap)

        def order(customer: int) -> int:
            at = time.time_ns() // 1000
            broker.produce(tmp_path, "orders", "customer_id", [json.dumps({"customer_id": customer, "at": iso(at), "amount": 1.0})])
            return at

        first = order(1)
        wait_for("the order", lambda: running.events() == 1)
        labels = tmp_path / "labels.csv"
        labels.write_text(f"customer_id,timestamp\n1,{iso(first + 1)}\n2,{iso(first + 1)}\n")
        out = tmp_path / "out.parquet"
        words = ["training-set", "--labels", str(labels), "--service", "churn", "--out", str(out)]
        assert cli(*words, "--address", server.address).status == OK
        assert cli("verify", f"{out}.manifest.json", "--address", server.address).status == OK
        # Both have read at their K within the last minute, and hold history where it is; a server forgets that when it ends.
        server.kill()
        server = running = Server(tmp_path, tmp_path / "repo", broker.bootstrap)
        with client_library.connect(server.address) as client:

            def is_dropped() -> bool:
                order(3)
                found = client.get_features("churn", {"customer_id": 1}, first + 1)
                return found.statuses["spending:count_1s"] == ["OUTSIDE_RETENTION"]

            wait_for("the first order to be dropped", is_dropped, seconds=60)
        done = cli("verify", f"{out}.manifest.json", "--address", server.address)
        assert done.status == NOT_FOUND and "OUTSIDE_RETENTION" in done.out, str(done)
        assert "differing=0 " in done.out and "tampered" not in done.out, str(done)
        # A changed file is told all the same.
        parquet.write_table(parquet.read_table(out).slice(0, 1), out)
        done = cli("verify", f"{out}.manifest.json", "--address", server.address)
        assert done.status == MISMATCHES and "tampered: " in done.out, str(done)
    finally:
        if server is not None:
            server.stop()
        broker.stop()


