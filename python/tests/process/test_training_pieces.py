"""Training sets are built in pieces: how large they are does not show in the file, and what they take does not grow with the labels."""

from __future__ import annotations

import io
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as parquet
import pytest

from cli_world import our_environment
from processes import BINARY
from training_world import DAY, SEED, START, World, iso, training_world

__all__ = ["our_environment"]

LONG = "STRANDLINE_LONG_TESTS" in os.environ


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("pieces")) as world:
        yield world


def csv_labels(path: Path, count: int, bad: bool) -> Path:
    """In no order, with rows twice, text that has quotes and line ends, empty cells, and rows that are bad in two ways."""
    source = random.Random(SEED)
    lines = ["label,customer_id,event_timestamp,price,note"]
    for row in range(count):
        if row % 10 == 9:
            lines.append(lines[-source.randrange(1, 9)])
            continue
        note = source.choice(["", "plain", '"a, b"', '"two\nlines"', '"say ""no"""'])
        price = source.choice(["", str(row / 4)])
        lines.append(f"{row},{source.randrange(43)},{iso(START + source.randrange(3 * DAY))},{price},{note}")
        if bad and source.randrange(50) == 0:
            lines.append(source.choice(["1,2", "1,x,2023-11-15,1,", "", "1,1,soon,1,"]))
    path.write_text("\n".join(lines) + "\n")
    return path


def typed_labels(path: Path, count: int, dictionary: bool = True) -> Path:
    """The same rows with types, dictionaries and lists, in row groups and batches of odd lengths."""
    text = csv_labels(path.with_suffix(".csv"), count, bad=False)
    table = pyarrow.csv.read_csv(text, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))
    if dictionary:
        table = table.set_column(4, "note", table["note"].combine_chunks().dictionary_encode())
    table = table.append_column("codes", pyarrow.array([[row, None] if row % 3 else None for row in range(len(table))]))
    table = table.replace_schema_metadata({"made": "by a test", "strandline.service": "old"})
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=4999)
    else:
        with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
            for begin in range(0, len(table), 3001):
                writer.write_table(table.slice(begin, 3001))
    return path


@pytest.mark.parametrize("out", ["parquet", "csv", "arrow"])
@pytest.mark.parametrize("labels", ["csv", "bad", "parquet", "arrow"])
def test_the_budget_does_not_show(world: World, tmp_path: Path, labels: str, out: str) -> None:
    count = 40_000
    if labels in ("csv", "bad"):
        path = csv_labels(tmp_path / "labels.csv", count, labels == "bad")
    else:
        # Row groups have dictionaries of their own, and an Arrow file takes one a column.
        path = typed_labels(tmp_path / f"labels.{labels}", count, dictionary=not (labels == "parquet" and out == "arrow"))
    options = {
        "csv": ["--status-columns", "--event-time-columns"],
        "bad": ["--skip-bad-rows", "--embargo", "1h", "q=2h"],
        "parquet": ["--known-at", "row-time"],
        "arrow": ["--boundary", "inclusive", "--embargo", "2h"],
    }[labels]
    for service in ("all", "model"):
        written, told = [], []
        for memory in ("1MiB", "3MiB", "1GiB"):
            (tmp_path / service / memory).mkdir(parents=True)
            file = tmp_path / service / memory / f"out.{out}"
            done = world.build(path, file, "--memory", memory, *options, service=service)
            told.append([line for line in done.err.splitlines() if line.startswith("training set ")])
            written.append((file.read_bytes(), Path(f"{file}.manifest.json").read_bytes()))
        assert written[0] == written[1] == written[2], f"{service}: the budget shows (seed {SEED})"
        assert told[0] != told[2], "a small budget makes more pieces than a large one"
    if labels == "bad":
        assert b'"skipped_rows" : 0' not in written[0][1]


def test_what_labels_say_of_themselves_stays(world: World, tmp_path: Path) -> None:
    labels = typed_labels(tmp_path / "labels.parquet", 20_000)
    world.build(labels, tmp_path / "out.parquet", "--memory", "1MiB")
    before, after = parquet.read_table(labels), parquet.read_table(tmp_path / "out.parquet")
    assert after.select(before.column_names).to_pylist() == before.to_pylist()
    assert [after.schema.field(name) for name in before.column_names] == list(before.schema)
    assert after.schema.metadata[b"made"] == b"by a test" and after.schema.metadata[b"strandline.service"] == b"all@1"
    assert parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).num_rows == 20_000


VALUES = {
    "null": [""],
    "whole": ["1", "-5", "0", "77"],
    "huge": ["9999999999999999999"],
    "bit": ["0", "1"],
    "bool": ["true", "false", "True"],
    "date": ["2024-01-01", "1999-12-31"],
    "time": ["10:00", "23:59:59"],
    "moment": ["2024-01-01 10:00:00", "2024-01-01T10:00:00"],
    "zoned": ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+01:00"],
    "fraction": ["2024-01-01 10:00:00.5"],
    "zoned fraction": ["2024-01-01T10:00:00.25Z"],
    "double": ["1.5", "-2e9", "nan", "inf"],
    "text": ["x", "NA", "null", '"a ""b"", c"', '""', "007a", "ü"],
}
#: Kinds that may become one another, so that mixtures are met that are not all text.
RELATED = [["null", "whole", "double", "bit"], ["bit", "bool", "null", "whole"], ["date", "moment", "fraction", "null"],
           ["zoned", "zoned fraction", "null"], ["whole", "huge", "double"], list(VALUES)]  # fmt: skip


@pytest.mark.parametrize("seed", range(SEED, SEED + (12 if LONG else 2)))
def test_types_are_those_of_the_whole_file(world: World, tmp_path: Path, seed: int) -> None:
    """Columns whose first megabytes are of other kinds than the next ones, against Arrow's own reading of the whole file."""
    source = random.Random(seed)
    columns = 24
    rows, padding = 30_000, "p" * 250
    plans = []
    for _ in range(columns):
        kinds = source.choice(RELATED)
        cuts = sorted(source.randrange(rows) for _ in range(source.randrange(4)))
        plans.append([(cut, source.choice(kinds)) for cut in [*cuts, rows]])
    text = io.StringIO()
    text.write("customer_id,event_timestamp,pad," + ",".join(f"c{place}" for place in range(columns)) + "\n")
    for row in range(rows):
        cells = [source.choice(VALUES[next(kind for cut, kind in plan if row < cut)]) for plan in plans]
        text.write(f"{row % 40},2023-11-15,{padding}," + ",".join(cells) + "\n")
    labels = tmp_path / "labels.csv"
    labels.write_text(text.getvalue())
    assert labels.stat().st_size > 2 * (4 << 20), "several blocks"
    options = pyarrow.csv.ConvertOptions(null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
    wanted = pyarrow.csv.read_csv(labels, convert_options=options, read_options=pyarrow.csv.ReadOptions(block_size=1 << 28))
    out = tmp_path / "out.arrow"
    world.build(labels, out, "--memory", "4MiB")
    found = pyarrow.ipc.open_file(out).read_all().select(wanted.column_names)
    assert found.schema.remove_metadata() == wanted.schema, f"seed {seed}"
    for name in wanted.column_names:
        same = found[name].combine_chunks().cast(wanted[name].type)
        assert str(same.to_pylist()) == str(wanted[name].to_pylist()), f"column {name} (seed {seed})"


def test_labels_that_change_on_the_way(world: World, tmp_path: Path) -> None:
    labels = csv_labels(tmp_path / "labels.csv", 300_000, bad=False)
    out = tmp_path / "out.csv"
    process = subprocess.Popen(
        [str(BINARY), "training-set", "--labels", str(labels), "--service", "all", "--out", str(out), "--memory", "1MiB",
         "--address", world.server.address],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.read(1)  # the progress: all rows were checked
    with labels.open("a") as file:
        file.write("1,1,2023-11-15,1,\n")
    error = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 1 and f"{labels}: the file changed while it was read; nothing was written" in error
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def peak(world: World, labels: Path, out: Path) -> int:
    """The most memory that a build takes, in MiB."""
    process = subprocess.Popen(
        [str(BINARY), "training-set", "--labels", str(labels), "--service", "model", "--out", str(out), "--memory", "16MiB",
         "--address", world.server.address],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # Not by `ru_maxrss`: a child begins with the peak of the process that made it.
    highest = 0
    while process.poll() is None:
        text = Path(f"/proc/{process.pid}/status").read_text()
        highest = max([highest, *(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:"))])
        time.sleep(0.02)
    assert process.returncode == 0 and highest > 0
    return highest // 1024


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_labels(world: World, tmp_path: Path, end: str) -> None:
    """Three times the rows: a table of them all would take 100 bytes a cell and row more, here 90 MiB and more."""
    few = 1_000_000 if LONG else 150_000
    found = []
    for count in (few, 3 * few):
        source = random.Random(SEED)
        users = [source.randrange(40) for _ in range(count)]
        times = pyarrow.array([START + source.randrange(3 * DAY) for _ in range(count)], pyarrow.timestamp("us", "UTC"))
        table = pyarrow.table(
            {"customer_id": users, "event_timestamp": times, "label": range(count), "price": [1.5] * count}
        )
        labels = tmp_path / f"labels{count}.{end}"
        if end == "csv":
            pyarrow.csv.write_csv(table, labels)
        else:
            parquet.write_table(table, labels)
        found.append(peak(world, labels, tmp_path / f"out.{end}"))
    assert found[1] - found[0] < 40, f"{few} rows took {found[0]} MiB, three times as many {found[1]}"
