"""The command line: training sets, records that are produced, and the broker that takes them."""

from __future__ import annotations

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli_world import GOOD_LABELS, RECORDS, World, our_environment, world, write_labels
from commands import FAILED, NOT_FOUND, OK, USAGE, Done, fails, strandline

__all__ = ["our_environment", "world"]  # fixtures, found by their names


# Training sets.


def train(world: World, folder: Path, *arguments: str, out: str = "out.csv") -> Done:
    labels = ["--labels", "labels.csv", "--service", "churn", "--out", out]
    return strandline("training-set", *labels, "--address", world.server.address, *arguments, folder=folder)


def test_training_set(world: World, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    done = train(world, tmp_path, "--status-columns")
    assert done.status == OK and re.fullmatch(r"rows=2 features=3 known_at=\S+Z out=out.csv\n", done.out), str(done)
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["007", "x"], "other columns come through as they are"
    assert [(row["count_30d"], row["amount_sum_30d"]) for row in rows] == [("1", "19.9"), ("0", "")]
    assert [row["count_30d__status"] for row in rows] == ["PRESENT", "NOT_FOUND"]


@pytest.mark.parametrize(
    "row, message",
    [
        ("42,yesterday,1", "column 'event_timestamp' holds 'yesterday', which is not a time (ISO 8601)"),
        ("42,,1", "column 'event_timestamp' is empty"),
        ("x,2025-11-01,1", "column 'customer_id' holds 'x', which is not a whole number of 64 bits"),
        (",2025-11-01,1", "column 'customer_id' is empty"),
        ("42,2025-11-01", "expected 3 fields, found 2: 42,2025-11-01"),
    ],
)
def test_a_malformed_label_row(world: World, tmp_path: Path, row: str, message: str) -> None:
    """The blank line and the quoted line end count as lines of the file, so that an editor finds the row."""
    write_labels(tmp_path / "labels.csv", [GOOD_LABELS[0], "", '42,2025-11-01,"two\nlines"', row, GOOD_LABELS[1]])
    fails(train(world, tmp_path), USAGE, f"labels.csv: line 6: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"], "no output, whole or in part"
    (tmp_path / "out.csv").write_text("yesterday's\n")
    fails(train(world, tmp_path), USAGE)
    assert (tmp_path / "out.csv").read_text() == "yesterday's\n"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_bad_rows_can_be_skipped(world: World, tmp_path: Path, kind: str) -> None:
    bad = ["42,never,1", "42,,1", "x,2025-11-01,1", ",2025-11-01,1", "42,2025-11-01", "42,2025-11-01,1,1", "x,never,1"]
    write_labels(tmp_path / "labels.csv", [bad[0], GOOD_LABELS[0], *bad[1:5], GOOD_LABELS[1], *bad[5:]])
    done = train(world, tmp_path, "--skip-bad-rows", out=f"out.{kind}")
    assert done.status == OK and done.out.startswith("rows=2 skipped=7 features=3 "), str(done)
    if kind == "csv":
        lines = (tmp_path / "out.csv").read_text().splitlines()
        assert [line.rsplit(",", 3)[0] for line in lines[1:]] == GOOD_LABELS
    # Nothing was left out, and that is said too.
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    assert train(world, tmp_path, "--skip-bad-rows").out.startswith("rows=2 skipped=0 features=3 ")
    # A file of bad rows only is a mistake, and no empty training set.
    write_labels(tmp_path / "labels.csv", bad)
    fails(train(world, tmp_path, "--skip-bad-rows", out="none.csv"), USAGE, "labels.csv: no label rows")
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(
    "header, rows, message",
    [
        ("customer_id,label", ["42,1"], "no column event_timestamp or timestamp; name the time column with --"),
        ("customer,timestamp", ["42,2025-11-01"], "no column 'customer_id'; did you mean 'customer'?"),
        ("customer_id,timestamp,count_1h", ["42,2025-11-01,1"], "has a column of that name already"),
        ("customer_id,timestamp", [], "no label rows"),
        ("customer_id,timestamp", ['"42,2025-11-01'], "line 2: a quote is opened and never closed"),
    ],
)
def test_a_label_file_that_does_not_fit(
    world: World, tmp_path: Path, header: str, rows: list[str], message: str
) -> None:
    write_labels(tmp_path / "labels.csv", rows, header)
    fails(train(world, tmp_path), USAGE, "labels.csv: ", message)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_training_set_of_what_there_is_not(world: World, tmp_path: Path) -> None:
    fails(train(world, tmp_path), NOT_FOUND, "labels.csv: ")
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    fails(train(world, tmp_path, "--service", "chrun"), NOT_FOUND, "no feature service 'chrun'; did you mean 'churn'?")
    fails(train(world, tmp_path, "--timestamp-column", "when"), USAGE, "there is no column 'when'. Columns: customer")
    fails(train(world, tmp_path, out="gone/out.csv"), NOT_FOUND, "gone/out.csv: cannot create a file in 'gone'")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


# The broker, and records for it.


def test_produce(world: World, tmp_path: Path) -> None:
    """To a topic that no source reads, so that the other tests' events stay the ones that they know."""
    to = ["produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere"]
    (tmp_path / "records.jsonl").write_text(RECORDS)
    done = strandline(*to, "--key", "customer_id", str(tmp_path / "records.jsonl"))
    assert (done.status, done.out) == (OK, "produced=2 topic=elsewhere\n"), "a blank line is no record"
    done = strandline(*to, "-", stdin='{"a": 1}\r\n{"a": 2}')
    assert (done.status, done.out) == (OK, "produced=2 topic=elsewhere\n")
    assert strandline(*to, "-").out == "produced=0 topic=elsewhere\n"
    fails(strandline(*to, str(tmp_path / "gone.jsonl")), FAILED, f"{tmp_path}/gone.jsonl: cannot be read")


def test_a_record_that_is_too_large(world: World) -> None:
    to = ["produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere"]
    done = strandline(*to, "-", stdin="x" * 1_200_000)
    assert done.status != OK and done.out == "" and "too large" in done.err, str(done)


def test_dev_broker_with_a_topic_that_cannot_be() -> None:
    """Side by side: librdkafka takes a second to end a broker."""
    topics = ["orders", "orders:0", "orders:many", "orders:1:2", ""]
    with ThreadPoolExecutor(len(topics) + 1) as pool:
        twice = pool.submit(strandline, "dev-broker", "--topic", "orders:1", "--topic", "orders:2")
        for topic, done in zip(topics, pool.map(lambda topic: strandline("dev-broker", "--topic", topic), topics)):
            fails(done, USAGE, f"--topic '{topic}': write name:partitions, for example purchases:4")
        fails(twice.result(), FAILED, "already exists")
