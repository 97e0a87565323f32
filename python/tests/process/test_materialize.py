"""strandline materialize: rows of files beside records of a topic, runs that come again, and what goes wrong."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
import strandline as client_library

from commands import FAILED, NOT_FOUND, OK, USAGE, Done, strandline
from processes import BINARY, Process, Server, run, wait_for

INCOMPLETE, UNREACHABLE = 6, 5
STORE = """\
project: batch
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities:
  - {name: customer, join_keys: {customer_id: int64}}
  - {name: shop, join_keys: {shop: string}}
sources:
  - name: stream
    topic: orders
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, shop: string, amount: float64, n: int64, is_new: bool, seen: timestamp}
  - name: files
    topic: nothing
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, shop: string, amount: float64, n: int64, is_new: bool, seen: timestamp}
"""
VIEW = """\
  - name: {source}_{entity}
    entity: {entity}
    source: {source}
    filter: n is null or n < 90
    columns:
      product: amount * n
    aggregations:
      - {{function: count, time_window: [1h, 1d, lifetime]}}
      - {{column: amount, function: sum, time_window: [1h, 7d]}}
      - {{column: amount, function: mean, time_window: 1d}}
      - {{column: amount, function: min, time_window: 1d}}
      - {{column: amount, function: max, time_window: 7d}}
      - {{column: amount, function: stddev_samp, time_window: 7d}}
      - {{column: amount, function: first, time_window: 7d}}
      - {{column: amount, function: last, time_window: 7d}}
      - {{column: n, function: sum, time_window: 7d}}
      - {{column: n, function: last_n, time_window: 7d, n: 5}}
      - {{column: shop, function: count_distinct, time_window: 7d}}
      - {{column: shop, function: top_k, time_window: 7d, n: 3}}
      - {{column: amount, function: approx_percentile, percentile: 0.9, time_window: 7d}}
      - {{column: amount, function: decayed_sum, half_life: 1d, time_window: 7d}}
      - {{column: product, function: sum, time_window: 7d}}
      - {{column: is_new, function: last, time_window: 7d}}
      - {{column: seen, function: max, time_window: 7d}}
      - {{function: time_since_last, time_window: 7d}}
"""
BEGIN = 1_700_000_000_000_000
DAY = 86_400_000_000
STAMP = pa.timestamp("us", tz="UTC")


def views() -> str:
    text = "feature_views:\n" + "".join(
        VIEW.format(source=source, entity=entity) for source in ("stream", "files") for entity in ("customer", "shop")
    )
    services = "".join(
        f'  - {{name: {source}_{entity}, features: ["{source}_{entity}:*"]}}\n'
        for source in ("stream", "files")
        for entity in ("customer", "shop")
    )
    return text + "feature_services:\n" + services


def make_table(count: int, seed: int, begin: int = BEGIN) -> pa.Table:
    """Rows over four days, no two of one instant."""
    source = random.Random(seed)
    times = sorted(source.sample(range(begin, begin + 4 * DAY), count))

    def some(value: Any) -> Any:
        return None if source.random() < 0.1 else value

    return pa.table(
        {
            "customer_id": pa.array([source.randrange(20) for _ in times], pa.int64()),
            "at": pa.array(times, STAMP),
            "amount": pa.array([some(round(source.uniform(-5, 500), 2)) for _ in times], pa.float64()),
            "shop": pa.array([f"Läden {source.randrange(6)}" for _ in times], pa.string()),
            "n": pa.array([some(source.randrange(100)) for _ in times], pa.int64()),
            "is_new": pa.array([some(source.random() < 0.5) for _ in times], pa.bool_()),
            "seen": pa.array([some(t - source.randrange(DAY)) for t in times], STAMP),
            "not_ours": pa.array([[1]] * count, pa.list_(pa.int64())),
        }
    )


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path, row_group_size=200)
    elif path.suffix == ".arrow":
        pa.feather.write_feather(table, path, compression="uncompressed", chunksize=300)
    else:
        pa.csv.write_csv(table.drop_columns(["not_ours"]), path)
    return path


@dataclass
class World:
    folder: Path
    repo: Path
    server: Server

    def run(self, *arguments: str | Path) -> Done:
        return strandline("materialize", *map(str, arguments), "--address", self.server.address)

    def result(self, *arguments: str | Path) -> dict[str, Any]:
        done = self.run(*arguments, "--output", "json")
        assert done.status == OK, done.err
        return json.loads(done.out.splitlines()[-1])

    def load(self, *paths: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
        return self.result("--source", "files", "--from", *paths, *more)

    def values(self, source: str, at: int) -> list[dict[str, list[Any]]]:
        """Every feature of every entity at an instant, without the views' names."""
        with client_library.connect(self.server.address) as client:
            found = []
            for entity, keys in (("customer", [{"customer_id": c} for c in range(20)]), ("shop", SHOPS)):
                result = client.get_features(f"{source}_{entity}", keys, as_of=at)
                columns = {name.replace(f"{source}_{entity}", ""): column for name, column in result.to_dict().items()}
                found.append(columns)
        return found


SHOPS = [{"shop": f"Läden {number}"} for number in range(6)]


def start(folder: Path, *more: str) -> World:
    repo = folder / "repo"
    repo.mkdir(exist_ok=True)
    (repo / "feature_store.yaml").write_text(STORE)
    (repo / "views.yaml").write_text(views())
    return World(folder, repo, Server(folder, repo, *(more or ("127.0.0.1:1",))))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = start(tmp_path)
    try:
        yield world
    finally:
        world.server.stop()


def test_again_shuffled_split_and_in_other_formats(world: World, tmp_path: Path) -> None:
    table = make_table(3000, 1)
    first = world.load(write(table, tmp_path / "a.parquet"))
    assert (first["read"], first["selected"], first["new"], first["present"]) == (3000, 3000, 3000, 0)
    assert first["known_from"] <= first["known_to"] and "available_from" not in first
    before = world.values("files", BEGIN + 5 * DAY)
    order = list(range(3000))
    random.Random(2).shuffle(order)
    shuffled = table.take(order)
    for paths in (
        [tmp_path / "a.parquet"],
        [write(shuffled, tmp_path / "b.arrow")],
        [write(shuffled, tmp_path / "c.csv")],
        [write(table.slice(1500), tmp_path / "d.csv"), write(table.slice(0, 1500), tmp_path / "e.arrow")],
        [write(shuffled.slice(0, 700), tmp_path / "f.parquet"), write(shuffled.slice(700), tmp_path / "g.parquet")],
    ):
        again = world.load(*paths)
        assert (again["new"], again["present"]) == (0, 3000), paths
        assert "known_from" not in again
    assert world.values("files", BEGIN + 5 * DAY) == before
    # Whole numbers as doubles and text as a dictionary are the same content.
    other = table.set_column(4, "n", table["n"].cast(pa.float64()))
    other = other.set_column(3, "shop", other["shop"].dictionary_encode())
    other = other.set_column(1, "at", other["at"].cast(pa.timestamp("us")))
    assert world.load(write(other, tmp_path / "h.arrow"))["present"] == 3000


def test_overlapping_intervals(world: World, tmp_path: Path) -> None:
    table = make_table(2000, 3)
    path = write(table, tmp_path / "a.parquet")
    times = table["at"].cast(pa.int64()).to_pylist()
    new = 0
    for first, last in ((0, 2), (1, 3), (0, 5)):
        start, end = BEGIN + first * DAY, BEGIN + last * DAY
        interval = ("--start", iso(start), "--end", iso(end))
        tried = world.load(path, more=(*interval, "--dry-run"))
        done = world.load(path, more=interval)
        chosen = sum(start <= t < end for t in times)
        assert done["selected"] == chosen == done["new"] + done["present"]
        assert (tried["new"], tried["present"]) == (done["new"], done["present"]) and "known_from" not in tried
        assert done["gone_rows"] == tried["gone_rows"] == 0
        new += done["new"]
    assert new == 2000


def test_equal_rows_are_events(world: World, tmp_path: Path) -> None:
    row = make_table(1, 4)
    assert world.load(write(pa.concat_tables([row] * 3), tmp_path / "a.parquet"))["new"] == 3
    assert world.load(write(pa.concat_tables([row] * 2), tmp_path / "b.csv"))["present"] == 2
    five = pa.concat_tables([row, make_table(5, 5), row, row, row, row])
    again = world.load(write(five, tmp_path / "c.arrow"))
    assert (again["new"], again["present"]) == (7, 3)


def test_changed_and_gone(world: World, tmp_path: Path) -> None:
    table = make_table(400, 6)
    world.load(write(table, tmp_path / "a.parquet"))
    amounts = table["amount"].to_pylist()
    amounts[7] = (amounts[7] or 0) + 1
    changed = table.set_column(2, "amount", pa.array(amounts, pa.float64()))
    kept = pa.concat_tables([changed.slice(0, 100), changed.slice(110)])
    interval = ("--start", iso(BEGIN - DAY), "--end", iso(BEGIN + 5 * DAY))
    result = world.load(write(kept, tmp_path / "b.parquet"), more=(*interval, "--dry-run"))
    assert (result["new"], result["present"], result["gone_rows"]) == (1, 389, 11)
    result = world.load(tmp_path / "b.parquet", more=interval)
    assert (result["new"], result["present"], result["gone_rows"]) == (1, 389, 11)
    assert sum(day["rows"] for day in result["gone"]) == 11
    # Hours that lie only partly inside are not compared.
    short = ("--start", iso(BEGIN + 1), "--end", iso(BEGIN + 2))
    result = world.load(tmp_path / "b.parquet", more=short)
    assert result["gone_rows"] == 0 and "compared_from" not in result
    assert "gone" not in world.load(tmp_path / "b.parquet")


def test_rows_of_another_schema_are_warned_of(world: World, tmp_path: Path) -> None:
    table = make_table(50, 8)
    table = table.set_column(table.column_names.index("seen"), "seen", table["at"])
    files = ("--source", "files", "--from")
    before = write(table.drop_columns(["seen"]), tmp_path / "a.parquet")
    first = world.run(*files, before, "--without", "seen")
    assert first.status == OK and "warning" not in first.err
    # Other fields: other rows, which no dry run and no run lets pass in silence.
    whole = write(table, tmp_path / "b.parquet")
    for options in (["--dry-run"], []):
        again = world.run(*files, whole, *options)
        assert again.status == OK and "new=50 present=0" in again.out
        assert "warning: 50 rows from files were there on these days" in again.err
    assert "warning" not in world.run(*files, whole).err


def test_the_same_bits_as_the_stream(tmp_path: Path) -> None:
    """Late, in other batches, cold: files and topic give the same values of every function."""
    topics = ("--topic", "orders:3", "--topic", "nothing:1")
    broker = Process(tmp_path, "broker", "dev-broker", *topics, wanted="kafka bootstrap=")
    bootstrap = broker.printed("kafka bootstrap=")
    world = None
    try:
        world = start(tmp_path, bootstrap)
        table = make_table(3000, 7)
        late = [0, 1, 2, 10, 500]
        rows = table.drop_columns(["not_ours"]).to_pylist()
        for row in rows:
            for name in ("at", "seen"):
                row[name] = row[name] and row[name].isoformat()
        order = [r for r in range(3000) if r not in late]
        records = tmp_path / "records.jsonl"
        records.write_text("".join(json.dumps(rows[r]) + "\n" for r in order + late))
        run("produce", "--bootstrap", bootstrap, "--topic", "orders", "--key", "customer_id", str(records))
        world.load(write(table.take(order), tmp_path / "a.parquet"))
        world.load(write(table.take(late), tmp_path / "b.csv"))
        counters = lambda: world.server.status()["counters"]  # noqa: E731
        wait_for("the records", lambda: counters().get("events/stream") == 3000)
        assert counters()["events/files"] == 3000
        for at in [BEGIN + 4 * DAY, BEGIN + 2 * DAY + 1, *(BEGIN + k * DAY // 3 for k in range(1, 12))]:
            assert world.values("files", at) == world.values("stream", at), at
    finally:
        if world is not None:
            world.server.stop()
        broker.stop()


def test_rows_that_are_not_accepted(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "customer_id,at,amount,shop,n,is_new,seen\n"
        "1,2023-11-20,1.5,a,1,true,\n"
        ",2023-11-20,1.5,a,1,true,\n"
        "1,,1.5,a,1,true,\n"
        "1,yesterday,1.5,a,1,true,\n"
        "1,2023-11-20,dear,a,1,true,\n"
        "1,2023-11-20,nan,a,1,true,\n"
        "1,2023-11-20,1.5,a,1.5,true,\n"
        "1,2023-11-20,1.5,a,1,perhaps,\n"
        "1,9000-01-01,1.5,a,1,true,\n"
    )
    arguments = ("--source", "files", "--from", path)
    result = world.result(*arguments)
    assert result["new"] == 1 and result["selected"] == 7
    wanted = {"missing_key": 1, "missing_timestamp": 1, "bad_timestamp": 1, "wrong_type": 3, "non_finite": 1}
    assert result["rejected"] == {**wanted, "too_far_in_future": 1}
    assert sorted(row["row"] for row in result["rejected_rows"]) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert "dear" not in json.dumps(result)
    done = world.run(*arguments, "--fail-on-rejected")
    assert done.status == INCOMPLETE and "a.csv: line 6: wrong_type: field 'amount'" in done.err
    assert world.server.status()["ingest"]["dead_letters"] == 0


def test_bad_files(world: World, tmp_path: Path) -> None:
    table = make_table(10, 8)

    def refused(path: Path, *more: str, source: str = "files") -> str:
        done = world.run("--source", source, "--from", path, *more)
        assert done.status in (FAILED, USAGE, NOT_FOUND) and done.out == "", done.out
        return done.err

    without = write(table.drop_columns(["amount"]), tmp_path / "a.parquet")
    assert "there is no column 'amount'" in refused(without) and "--without amount" in refused(without)
    assert world.result("--source", "files", "--from", without, "--without", "amount")["new"] == 10
    assert "there is no column 'at'; did you mean 'att'?" in refused(
        write(table.rename_columns(["at" if c == "x" else "att" if c == "at" else c for c in table.column_names]), tmp_path / "b.parquet")
    )
    texts = table.set_column(2, "amount", pa.array([["x"]] * 10))
    assert "column 'amount' holds list" in refused(write(texts, tmp_path / "c.parquet"))
    numbers = table.set_column(1, "at", table["at"].cast(pa.int64()))
    assert "numbers have no unit" in refused(write(numbers, tmp_path / "d.parquet"))
    (tmp_path / "torn.csv").write_text("customer_id,at\n1\n")
    assert "torn.csv" in refused(tmp_path / "torn.csv")
    (tmp_path / "e.parquet").write_bytes(b"PAR1 and not more")
    assert "e.parquet" in refused(tmp_path / "e.parquet")
    assert "no-file.csv" in refused(tmp_path / "no-file.csv")
    assert "no source 'file'; did you mean 'files'?" in refused(without, source="file")
    assert "does not lie before" in refused(without, "--start", "2024-01-02", "--end", "2024-01-02")
    empty = world.load(write(table.slice(0, 0), tmp_path / "f.parquet"))
    assert (empty["read"], empty["new"]) == (0, 0)


def test_nobody_is_there(tmp_path: Path) -> None:
    write(make_table(1, 9), tmp_path / "a.parquet")
    done = strandline("materialize", "--source", "files", "--from", str(tmp_path / "a.parquet"), "--address", "127.0.0.1:1")
    assert done.status == UNREACHABLE


def test_available_from(world: World, tmp_path: Path) -> None:
    path = write(make_table(50, 10), tmp_path / "a.parquet")
    assert "available_from" not in world.load(path)
    result = world.load(path, more=("--available-from", iso(BEGIN)))
    assert result["available_from"] == iso(BEGIN)
    assert world.load(path, more=("--available-from", iso(BEGIN + DAY)))["available_from"] == iso(BEGIN)
    assert world.load(path, more=("--available-from", iso(BEGIN - DAY)))["available_from"] == iso(BEGIN - DAY)


def test_kills_of_either_side(tmp_path: Path) -> None:
    """Whatever dies when, the last run ends with the history of one that nobody disturbed."""
    world = start(tmp_path)
    calm = tmp_path / "calm"
    calm.mkdir()
    other = start(calm)
    source = random.Random(11)
    try:
        path = tmp_path / "a.parquet"
        pa.parquet.write_table(make_table(400_000, 12), path)
        whole = other.load(path)["new"]
        assert whole == 400_000
        for number in range(4):
            command = [BINARY, "materialize", "--source", "files", "--from", path, "--address", world.server.address]
            running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(source.uniform(0.1, 0.8))
            if number % 2 == 0:
                running.send_signal(signal.SIGKILL if number == 0 else signal.SIGINT)
            else:
                world.server.kill()
            running.wait(timeout=60)
            if number % 2 == 1:
                world = start(tmp_path)
        result = world.load(path)
        assert result["new"] + result["present"] == whole
        assert world.load(path)["new"] == 0
        for at in (BEGIN + 5 * DAY, BEGIN + 2 * DAY):
            assert world.values("files", at) == other.values("files", at)
        assert world.server.status()["counters"]["file_rows/files"] == whole
    finally:
        world.server.stop()
        other.server.stop()


def iso(microseconds: int) -> str:
    import datetime

    seconds, rest = divmod(microseconds, 1_000_000)
    stamp = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    fraction = f".{rest:06d}" if rest % 1000 else f".{rest // 1000:03d}" if rest else ""
    return stamp.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
