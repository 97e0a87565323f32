"""The command line: training sets, records that are produced, and the broker that takes them."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli_world import GOOD_LABELS, RECORDS, STORE, World, our_environment, world, write_labels, write_repo
from commands import FAILED, NOT_FOUND, OK, UNREACHABLE, USAGE, Done, fails, nobody, strandline
from processes import BINARY, Broker, Process

__all__ = ["our_environment", "world"]  # fixtures, found by their names


# Training sets.


HINT = "fix the row, or leave such rows out with --skip-bad-rows"


def train(world: World, folder: Path, *arguments: str, out: str = "out.csv") -> Done:
    labels = ["--labels", "labels.csv", "--service", "churn", "--out", out]
    return strandline("training-set", *labels, "--address", world.server.address, *arguments, folder=folder)


def test_training_set(world: World, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    done = train(world, tmp_path, "--status-columns")
    assert done.status == OK and re.fullmatch(
        r"rows=2 features=3 known_at=\S+Z boundary=strict embargo=0s zone=UTC out=out.csv manifest=out.csv.manifest.json\n", done.out
    ), str(done)
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
        ("x,never,1", "column 'event_timestamp' holds 'never', which is not a time (ISO 8601)"),
        ("42,2025-11-01", "expected 3 fields, found 2: 42,2025-11-01"),
    ],
)
def test_a_malformed_label_row(world: World, tmp_path: Path, row: str, message: str) -> None:
    """The blank line and the quoted line end count as lines of the file, so that an editor finds the row."""
    write_labels(tmp_path / "labels.csv", [GOOD_LABELS[0], "", '42,2025-11-01,"two\nlines"', row, GOOD_LABELS[1]])
    fails(train(world, tmp_path), USAGE, f"labels.csv: line 6: {message}\n{HINT}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"], "no output, whole or in part"
    (tmp_path / "out.csv").write_text("yesterday's\n")
    fails(train(world, tmp_path), USAGE)
    assert (tmp_path / "out.csv").read_text() == "yesterday's\n"


def test_the_first_malformed_label_row_is_named(world: World, tmp_path: Path) -> None:
    """The first of the file, whatever is wrong with it, and not the first of one kind of mistake."""
    bad = ["x,2025-11-01,1", "42,never,1", "42,2025-11-01", ",2025-11-01,1", "42,2025-11-01,1,1"]
    for number in range(len(bad)):
        write_labels(tmp_path / "labels.csv", [GOOD_LABELS[0], *bad[number:], *bad[:number]])
        done = train(world, tmp_path)
        fails(done, USAGE, "labels.csv: line 3: ", f"\n{HINT}\n")
        assert len(done.err.splitlines()) == 2, "one row, and what to do"


def test_a_label_key_that_is_too_long(world: World, tmp_path: Path) -> None:
    repo = write_repo(tmp_path / "repo", STORE.replace("customer_id: int64", "customer_id: string"))
    server = Process(
        tmp_path, "server", "serve", "--repo", str(repo), "--data-dir", str(tmp_path / "data"), "--no-ingest",
        "--listen", "127.0.0.1:0", "--http-listen", "off", wanted="listening on ",
    )
    try:
        write_labels(tmp_path / "labels.csv", [GOOD_LABELS[0], "k" * 1100 + ",2025-11-01,1", GOOD_LABELS[1]])
        arguments = ["training-set", "--labels", "labels.csv", "--service", "churn", "--out", "out.csv", "--address"]
        arguments += [server.printed("listening on ")]
        done = strandline(*arguments, folder=tmp_path)
        fails(done, USAGE, "labels.csv: line 3: its entity key is longer than 1024 bytes", HINT)
        assert strandline(*arguments, "--skip-bad-rows", folder=tmp_path).out.startswith("rows=2 skipped=1 ")
    finally:
        server.stop()


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
    done = train(world, tmp_path)
    fails(done, USAGE, "labels.csv: ", message)
    assert "training set 0%" not in done.err, "it was found before the work"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_training_set_of_what_there_is_not(world: World, tmp_path: Path) -> None:
    fails(train(world, tmp_path), NOT_FOUND, "labels.csv: ")
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    fails(train(world, tmp_path, "--service", "chrun"), NOT_FOUND, "no feature service 'chrun'; did you mean 'churn'?")
    fails(train(world, tmp_path, "--timestamp-column", "when"), USAGE, "there is no column 'when'. Columns: customer")
    done = train(world, tmp_path, out="gone/out.csv")
    fails(done, NOT_FOUND, "gone/out.csv: cannot create a file in 'gone': No such file or directory\n")
    assert "training set 0%" not in done.err, "it was found before the work"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_status_column_that_is_there_already(world: World, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.csv", ["42,2025-11-01,1"], "customer_id,timestamp,count_1h__status")
    assert train(world, tmp_path).status == OK
    fails(train(world, tmp_path, "--status-columns", out="new.csv"), USAGE, "labels.csv: ", "'count_1h__status'")


def test_folders_in_the_place_of_files(world: World, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").mkdir()
    fails(train(world, tmp_path), FAILED, "labels.csv: ")
    (tmp_path / "labels.csv").rmdir()
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    (tmp_path / "out.csv").mkdir()
    fails(train(world, tmp_path), FAILED, "out.csv: cannot be written: it is a folder\n")
    produced = strandline("produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere", str(tmp_path))
    fails(produced, FAILED, f"strandline: {tmp_path}: cannot be read: Is a directory\n")


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
    gone = strandline(*to, str(tmp_path / "gone.jsonl"))
    fails(gone, NOT_FOUND, f"strandline: {tmp_path}/gone.jsonl: cannot be read: No such file or directory\n")


def test_a_record_that_is_too_large(world: World) -> None:
    """The broker is there, so this is no matter of reaching it. Blank lines count: it is the line of the file."""
    to = ["produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere"]
    done = strandline(*to, "-", stdin="{}\n\n" + "x" * 1_200_000)
    fails(done, FAILED, "strandline: standard input: line 3: ", "too large")


def test_no_broker() -> None:
    """Within seconds, and not after librdkafka's five minutes."""
    done = strandline("produce", "--bootstrap", "", "--topic", "orders", "-")
    fails(done, USAGE, "--bootstrap '' names no broker; write host:port, for example 127.0.0.1:9092")
    with nobody() as address:
        began = time.monotonic()
        done = strandline("produce", "--bootstrap", address, "--topic", "orders", "-", stdin="{}\n")
        fails(done, UNREACHABLE, f"strandline: no Kafka broker answers at {address}: ", ": Connection refused\n")
        what_to_do = "give --bootstrap the address of one, or start one with: strandline dev-broker --topic orders:4"
        assert done.err.endswith(f"\n{what_to_do}\n"), str(done)
        assert time.monotonic() - began < 10


def test_no_broker_on_a_terminal() -> None:
    """A person sees within a second that there is something to wait for."""
    ours, theirs = pty.openpty()
    with nobody() as address:
        command = [BINARY, "produce", "--bootstrap", address, "--topic", "orders", "-"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs)
        try:
            readable, _, _ = select.select([ours], [], [], 1)
            assert readable and f"waiting for a broker at {address} ..." in os.read(ours, 1000).decode()
        finally:
            process.terminate()
            process.communicate(timeout=10)
            os.close(ours)
            os.close(theirs)


@pytest.mark.skipif(not os.environ.get("STRANDLINE_LONG_TESTS"), reason="waits for ten seconds; make test-long")
def test_a_broker_that_goes_away(tmp_path: Path) -> None:
    """In the middle of the records. What is missing is no record's fault, so no line is named."""
    broker = Broker(tmp_path, "orders", 1)
    command = [BINARY, "produce", "--bootstrap", broker.bootstrap, "--topic", "orders", "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    try:
        # More than a pipe holds: when all is written, the command has begun to read, and so has reached the broker.
        process.stdin.write('{"customer_id": 42}\n' * 10_000)
        process.stdin.flush()
        broker.kill()
        _, err = process.communicate('{"customer_id": 43}\n', timeout=30)
        assert process.returncode == UNREACHABLE and f"no Kafka broker answers at {broker.bootstrap}: " in err, err
        assert ": line " not in err
    finally:
        process.kill()
        broker.stop()


def test_dev_broker_with_a_topic_that_cannot_be() -> None:
    """Said before there is a broker: librdkafka takes a second to end one."""
    topics = ["orders", "orders:0", "orders:many", "orders:1:2", "orders::2", ":2", ""]
    with ThreadPoolExecutor(len(topics) + 1) as pool:
        twice = pool.submit(strandline, "dev-broker", "--topic", "orders:1", "--topic", "orders:2")
        for topic, done in zip(topics, pool.map(lambda topic: strandline("dev-broker", "--topic", topic), topics)):
            fails(done, USAGE, f"--topic '{topic}': write name:partitions, for example purchases:4")
        fails(twice.result(), USAGE, "--topic 'orders:2': topic 'orders' is named twice")
