"""Training sets as files: time rules, columns, the manifest, and that a file is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow
import pyarrow.parquet as parquet
import pytest

from cli_world import our_environment
from commands import USAGE, fails
from events import oracle
from processes import BINARY
from training_world import HOUR, SEED, START, World, iso, manifest_of, training_world

__all__ = ["our_environment"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("training")) as world:
        yield world


def check(world: World, table: pyarrow.Table, rows: list[tuple[int, int]], embargo: int = 0, also: int = 0) -> None:
    """Every cell of view `p` by obvious loops, as of T - embargo + also."""
    columns = table.to_pydict()
    for row, (customer, at) in enumerate(rows):
        for name, value in oracle(world.by_customer.get(customer, []), at - embargo + also).items():
            assert columns[name][row] == value, f"row {row}: {name} of {customer} at {iso(at)} (seed {SEED})"


def test_cells_order_and_columns(world: World, tmp_path: Path) -> None:
    labels, rows = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    done = world.build(labels, out, "--status-columns", "--event-time-columns")
    assert "boundary=strict embargo=0s zone=UTC" in done.out and "without a zone" not in done.err
    table = parquet.read_table(out)
    assert table.column_names[:4] == ["label", "customer_id", "event_timestamp", "price"]
    assert table["label"].to_pylist() == list(range(len(rows))), "the labels' own order, duplicates kept"
    check(world, table, rows)
    schema = {field.name: str(field.type) for field in table.schema}
    assert schema["count_1h"] == "int64" and schema["quantity_sum_1d"] == "int64" and schema["amount_sum_1d"] == "double"
    assert table["quantity_sum_1d"].null_count > 0, "nulls, and an int all the same"
    assert schema["count_1h__event_time"] == "timestamp[us, tz=UTC]" and schema["count_1h__status"] == "string"
    times = table["count_1h__event_time"].cast(pyarrow.int64()).to_pylist()
    for row, (customer, at) in enumerate(rows):
        inside = [event.at for event in world.by_customer.get(customer, []) if at - HOUR <= event.at < at]
        assert times[row] == max(inside, default=None)
    assert {str(parquet.ParquetFile(out).metadata.row_group(0).column(place).compression) for place in range(3)} == {"ZSTD"}


@pytest.mark.parametrize("text,embargo", [("90m", 90 * HOUR // 60), ("1d", 24 * HOUR)])
def test_embargo(world: World, tmp_path: Path, text: str, embargo: int) -> None:
    labels, rows = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    assert f"embargo={text}" in world.build(labels, out, "--embargo", text).out
    check(world, parquet.read_table(out), rows, embargo)
    assert all(column["embargo"] == text and column["leaks"] == 0 for column in manifest_of(out)["columns"])


def test_inclusive(world: World, tmp_path: Path) -> None:
    """Time is whole microseconds: inclusive is the strict window a microsecond later."""
    labels, rows = world.labels(tmp_path)
    world.build(labels, tmp_path / "out.parquet", "--boundary", "inclusive", "--embargo", "1h")
    check(world, parquet.read_table(tmp_path / "out.parquet"), rows, HOUR, also=1)


def test_embargo_of_views(world: World, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    tables = {}
    for name, options in {
        "plain": [], "hour": ["--embargo", "1h"], "two": ["--embargo", "2h"], "both": ["--embargo", "1h", "q=2h"],
    }.items():  # fmt: skip
        world.build(labels, tmp_path / f"{name}.parquet", *options, service="model")
        tables[name] = parquet.read_table(tmp_path / f"{name}.parquet")
    assert len({str(table["count_2d"].to_pylist()) for table in tables.values()}) == 3
    for column in ("count_1h", "amount_sum_1d"):
        assert tables["both"][column].equals(tables["hour"][column])
    # A derived feature reads all its inputs at one instant: the earliest of them.
    for column in ("count_2d", "share", "both"):
        assert tables["both"][column].equals(tables["two"][column])
    rules = manifest_of(tmp_path / "both.parquet")
    assert rules["time_rules"]["embargo"] == "1h" and rules["time_rules"]["view_embargo"] == {"q": "2h"}
    assert [column["embargo"] for column in rules["columns"]] == ["1h", "1h", "2h", "2h", "2h"]
    words = ["training-set", "--labels", labels, "--service", "model", "--out", tmp_path / "no.csv"]
    fails(world.cli(*words, "--embargo", "r=2h"), USAGE, "no feature of the service is of a view 'r'")
    fails(world.cli(*words, "--embargo", "1 hour"), USAGE, "'1 hour' is not a duration")
    fails(world.cli(*words, "--embargo", "1h", "2h"), USAGE, "given twice")


def test_zones(world: World, tmp_path: Path) -> None:
    """Against Python's zone data: local times of two years, and the two hours a year that are none or two instants."""
    zone = ZoneInfo("Europe/Berlin")
    source = random.Random(SEED)
    shown = [datetime(2023, 11, 13) + timedelta(seconds=source.randrange(4 * 86_400)) for _ in range(50)]
    shown += [datetime(1950, 7, 1, 12), datetime(2024, 7, 1, 12), datetime(2090, 7, 1, 12), datetime(2023, 10, 29, 3)]
    utc = [moment.replace(tzinfo=zone).astimezone(timezone.utc) for moment in shown]

    def cells(moments: list[str], *options: str) -> dict:
        path = tmp_path / "zoned.csv"
        path.write_text("\n".join(["customer_id,event_timestamp", *(f"1,{moment}" for moment in moments)]) + "\n")
        done = world.build(path, tmp_path / "zoned.parquet", *options)
        assert ("without a zone and are taken as UTC" in done.err) == (not options and moments[0].count("+") == 0)
        return parquet.read_table(tmp_path / "zoned.parquet").drop_columns(["event_timestamp"]).to_pydict()

    wanted = cells([moment.isoformat() for moment in utc])
    found = cells([moment.isoformat() for moment in shown], "--timestamp-zone", "Europe/Berlin")
    assert found == wanted and manifest_of(tmp_path / "zoned.parquet")["labels"]["times_without_zone"] == len(shown)
    assert cells([moment.isoformat() for moment in shown]) != wanted
    # Written with a zone, a time is what it says.
    assert cells([moment.isoformat() for moment in utc], "--timestamp-zone", "Asia/Tokyo") == wanted
    path = tmp_path / "bad.csv"
    words = ["training-set", "--labels", path, "--service", "all", "--out", tmp_path / "no.csv"]
    for moment, why in ("2024-03-31T02:30", "put forward over it"), ("2024-10-27T02:30", "put back to it"):
        path.write_text(f"customer_id,event_timestamp\n1,2024-01-01\n1,{moment}\n")
        done = world.cli(*words, "--timestamp-zone", "Europe/Berlin")
        fails(done, USAGE, "line 3: column 'event_timestamp'", "Europe/Berlin does not have once", why)
    for wrong in ("Europe/Berlín", "../etc/passwd", "/etc/passwd", "Europe", "zone.tab"):
        fails(world.cli(*words, "--timestamp-zone", wrong), USAGE, f"there is no zone '{wrong}'")


def test_the_manifest(world: World, tmp_path: Path) -> None:
    labels, rows = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    world.build(labels, out, service="model")
    found = manifest_of(out)
    assert found["file"] == {
        "name": "out.parquet", "bytes": out.stat().st_size, "rows": len(rows),
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
    }  # fmt: skip
    assert found["labels"]["sha256"] == hashlib.sha256(labels.read_bytes()).hexdigest()
    assert found["labels"]["request_columns"] == {"price": "price"} and found["service"] == "model@1"
    status = world.server.status()
    assert found["definition_hash"] == status["definition_hash"] and found["product_version"] == status["version"]
    assert found["time_rules"]["known_at"] == found["snapshot"]["commit"] == status["store"]["newest_commit"]
    consumed = {(p["source"], p["partition"], p["next"]) for p in found["snapshot"]["partitions"]}
    assert consumed == {(p["source"], p["partition"], p["next"]) for p in status["ingest"]["partitions"]}
    table = parquet.read_table(out)
    for column in found["columns"]:
        assert column["nulls"] == table[column["name"]].null_count and sum(column["statuses"].values()) == len(rows)
    counted = next(column for column in found["columns"] if column["feature"] == "p:count_1h")
    inside = {
        (at, event.at)
        for customer, at in rows
        for event in world.by_customer.get(customer, [])
        if at - HOUR <= event.at < at
    }
    newest = max(event for _, event in inside)
    assert datetime.fromisoformat(counted["newest_event"]) == datetime.fromisoformat(iso(newest))
    assert counted["least_age"] == min(at - event for at, event in inside)
    # The checksum, by its own definition.
    text = Path(f"{out}.manifest.json").read_text()
    assert hashlib.sha256(text.replace(found["manifest_sha256"], "0" * 64).encode()).hexdigest() == found["manifest_sha256"]
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert metadata["strandline.service_hash"] == found["service_hash"] and metadata["strandline.embargo"] == "0s"


@pytest.mark.parametrize("end", ["parquet", "csv", "arrow"])
def test_the_same_inputs_give_the_same_bytes(world: World, tmp_path: Path, end: str) -> None:
    labels, _ = world.labels(tmp_path)
    written = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        out = tmp_path / folder / f"out.{end}"
        world.build(labels, out, "--status-columns", "--event-time-columns", "--embargo", "1h")
        written.append((out.read_bytes(), Path(f"{out}.manifest.json").read_bytes()))
    assert written[0] == written[1]


def many_labels(folder: Path, count: int) -> Path:
    source = random.Random(SEED)
    path = folder / "many.csv"
    lines = [f"{source.randrange(40)},{iso(START + source.randrange(3 * 24 * HOUR))}" for _ in range(count)]
    path.write_text("\n".join(["customer_id,event_timestamp", *lines]) + "\n")
    return path


@pytest.mark.parametrize("number,status", [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_end_in_the_middle_leaves_nothing(world: World, tmp_path: Path, number: int, status: int) -> None:
    """Ended at moments all over the build; what is there afterwards is what was there before, or all of it."""
    labels = many_labels(tmp_path, 60_000)
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "out.parquet"
    arguments = [
        str(BINARY), "training-set", "--labels", str(labels), "--service", "all", "--out", str(out), "--address", world.server.address,
    ]  # fmt: skip
    begun = time.monotonic()
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    whole = time.monotonic() - begun
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert old.keys() == {"out.parquet", "out.parquet.manifest.json"}
    source = random.Random(SEED)
    ended = 0
    for attempt in range(8):
        if attempt == 4:
            for path in folder.iterdir():
                path.unlink()
            old = {}
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        process.stderr.read(1)  # the progress: reading has begun, and with it the handling of signals
        time.sleep(source.uniform(0, whole))
        process.send_signal(number)
        process.communicate(timeout=60)
        left = {path.name: path.read_bytes() for path in folder.iterdir()}
        if process.returncode == 0:
            assert left.keys() == {"out.parquet", "out.parquet.manifest.json"}
            old = left
            continue
        ended += 1
        assert process.returncode == status
        # Between the two names the file is there, and not yet its manifest.
        assert left == old or left.keys() == {"out.parquet"} or left.keys() == {"out.parquet", "out.parquet.manifest.json"}
        assert not [name for name in left if name.startswith(".")], f"attempt {attempt} left {sorted(left)}"
    assert ended > 2, f"{ended} of 8 were ended in time: the test shows little"


def test_folders_where_nothing_can_be_written(world: World, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    (tmp_path / "out.parquet.manifest.json").mkdir()
    words = ["training-set", "--labels", labels, "--service", "all", "--out", tmp_path / "out.parquet"]
    fails(world.cli(*words), 1, "out.parquet.manifest.json: cannot be written: it is a folder")
    assert os.listdir(tmp_path / "out.parquet.manifest.json") == [] and not (tmp_path / "out.parquet").exists()
