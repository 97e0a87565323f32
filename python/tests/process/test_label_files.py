"""Label files that are wrong, of every kind: one line that says which file, where, and what is wrong, and no output."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.ipc
import pyarrow.parquet as parquet
import pytest

from cli_world import World, our_environment, world
from commands import USAGE, fails

__all__ = ["our_environment", "world"]

HEAD = "customer_id,event_timestamp\n"
TIME = ["2025-01-01"]
NONE = pyarrow.table({"customer_id": pyarrow.array([], pyarrow.int64()), "timestamp": pyarrow.array([], pyarrow.timestamp("us"))})


@pytest.mark.parametrize(
    "content,message",
    [
        ("event_timestamp\n2025-01-01\n", "there is no column 'customer_id'. Columns: event_timestamp"),
        ("customer_id\n1\n", "no column event_timestamp or timestamp; name the time column with --timestamp-column"),
        ("customer_id,customer_id,timestamp\n1,1,2025-01-01\n", "there are 2 columns named 'customer_id'"),
        (HEAD + "x,2025-01-01\n", "line 2: column 'customer_id' holds 'x', which is not a whole number"),
        (HEAD + "9999999999999999999,2025-01-01\n", "line 2: column 'customer_id' holds '9999999999999999999', which is not"),
        (HEAD + "1,2025-01-01\n1,soon\n", "line 3: column 'event_timestamp' holds 'soon', which is not a time (ISO 8601)"),
        (HEAD + "1,2025-01-01T00:00:00.1234567\n", "line 2: column 'event_timestamp' holds '2025-01-01T00:00:00.1234567'"),
        (HEAD + "1,\n", "line 2: column 'event_timestamp' is empty"),
        (HEAD + ",2025-01-01\n", "line 2: column 'customer_id' is empty"),
        (HEAD + "1\n", "line 2: expected 2 fields, found 1"),
        ("", "the file has no header row"),
        (HEAD, "no label rows"),
        (NONE, "no label rows"),
        ({"customer_id": [1.5], "timestamp": TIME}, "column 'customer_id' of type double"),
        ({"customer_id": [True], "timestamp": TIME}, "column 'customer_id' of type bool: does not hold whole numbers"),
        ({"customer_id": [[1]], "timestamp": TIME}, "column 'customer_id' of type list"),
        ({"customer_id": [1], "timestamp": [5]}, "of type int64: does not hold times: timestamps, dates or ISO 8601 text do"),
        ({"customer_id": [1], "timestamp": pyarrow.array([1], pyarrow.timestamp("ns"))}, "row 1 has digits beyond microseconds"),
        ({"customer_id": [1, 1], "timestamp": pyarrow.array([1, None], pyarrow.timestamp("us"))}, "row 2: column 'timestamp' is empty"),
        (b"PAR1 and no more", "not a parquet file"),
    ],
)  # fmt: skip
def test_a_label_file_that_is_wrong(world: World, tmp_path: Path, content: object, message: str) -> None:
    labels = tmp_path / ("labels.csv" if isinstance(content, str) else "labels.parquet")
    if isinstance(content, bytes):
        labels.write_bytes(content)
    elif isinstance(content, str):
        labels.write_text(content)
    else:
        parquet.write_table(content if isinstance(content, pyarrow.Table) else pyarrow.table(content), labels)
    done = world("training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet"))
    fails(done, USAGE, f"{labels}: ", message)
    assert [path.name for path in tmp_path.iterdir()] == [labels.name], "no output, whole or in part"


def times(*texts: str) -> pyarrow.Array:
    return pyarrow.array(texts)


NO_ROWS = pyarrow.table({"customer_id": pyarrow.array([], pyarrow.int64()), "timestamp": pyarrow.array([], pyarrow.timestamp("us"))})
TEXT_KEYS = {"customer_id": ["42", "x"], "timestamp": times("2025-01-01", "2025-01-01")}
TYPED: dict[str, tuple[object, str]] = {
    "no key": ({"timestamp": TIME}, "there is no column 'customer_id'. Columns: timestamp"),
    "no time": ({"customer_id": [1]}, "no column event_timestamp or timestamp; name the time column with --timestamp-column"),
    "a key of another type": ({"customer_id": [1.5], "timestamp": TIME}, "column 'customer_id' of type double"),
    "a key that is text": (TEXT_KEYS, "row 2: column 'customer_id' holds 'x', which is not a whole number"),
    "a key of bytes": ({"customer_id": [b"1"], "timestamp": TIME}, "column 'customer_id' of type binary"),
    "a key of parts": ({"customer_id": [{"a": 1}], "timestamp": TIME}, "column 'customer_id' of type struct"),
    "a key beyond 64 bits": (
        {"customer_id": pyarrow.array([2**64 - 1], pyarrow.uint64()), "timestamp": TIME}, "column 'customer_id'",
    ),
    "no key in a row": ({"customer_id": [1, None], "timestamp": times("2025-01-01", "2025-01-01")}, "row 2: column 'customer_id' is empty"),
    "a time of another type": ({"customer_id": [1], "timestamp": [5.0]}, "column 'timestamp' of type double: does not hold times"),
    "a time that is none": (
        {"customer_id": [1, 1], "timestamp": times("2025-01-01", "soon")},
        "row 2: column 'timestamp' holds 'soon', which is not a time (ISO 8601)",
    ),
    "no rows": (NO_ROWS, "no label rows"),
    "no bytes": (b"", "the file is empty, and not a"),
    "other bytes": (b"customer_id,timestamp\n1,2025-01-01\n", "ot a"),
}  # fmt: skip


@pytest.mark.parametrize("end", ["parquet", "arrow"])
@pytest.mark.parametrize("what", TYPED)
def test_files_with_types(world: World, tmp_path: Path, what: str, end: str) -> None:
    content, message = TYPED[what]
    labels = tmp_path / f"labels.{end}"
    if isinstance(content, bytes):
        labels.write_bytes(content)
    else:
        table = content if isinstance(content, pyarrow.Table) else pyarrow.table(content)
        if end == "parquet":
            parquet.write_table(table, labels)
        else:
            with pyarrow.OSFile(str(labels), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
    done = world("training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet"))
    fails(done, USAGE, f"{labels}: ", message)
    assert len(done.err.splitlines()) <= 3 and [path.name for path in tmp_path.iterdir()] == [labels.name], str(done)


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_half_a_file(world: World, tmp_path: Path, end: str) -> None:
    """A copy that broke off. Half a CSV is one, up to its last line; the others end with what says how to read them."""
    labels, half = tmp_path / f"labels.{end}", tmp_path / f"half.{end}"
    table = pyarrow.table({"customer_id": [1] * 5000, "timestamp": ["2025-01-01T00:00:00"] * 5000})
    if end == "parquet":
        parquet.write_table(table, labels)
    elif end == "arrow":
        with pyarrow.OSFile(str(labels), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        labels.write_text("customer_id,timestamp\n" + "1,2025-01-01T00:00:00\n" * 10 + "1")
    data = labels.read_bytes()
    half.write_bytes(data if end == "csv" else data[: len(data) // 2])
    out = tmp_path / "out.parquet"
    done = world("training-set", "--labels", str(half), "--service", "churn", "--out", str(out))
    fails(done, USAGE, f"{half}: ", "line 12: expected 2 fields, found 1" if end == "csv" else "ot a")
    assert not out.exists()


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_labels_of_another_entity(world: World, tmp_path: Path, end: str) -> None:
    """Keys of an entity that the service does not have: which keys it has, and which columns there are."""
    table = pyarrow.table({"merchant_id": [1], "event_timestamp": ["2025-01-01"]})
    labels = tmp_path / f"labels.{end}"
    if end == "csv":
        labels.write_text("merchant_id,event_timestamp\n1,2025-01-01\n")
    elif end == "parquet":
        parquet.write_table(table, labels)
    else:
        with pyarrow.OSFile(str(labels), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    done = world("training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet"))
    fails(done, USAGE, f"{labels}: there is no column 'customer_id'. Columns: merchant_id, event_timestamp")


def test_a_format_that_nobody_reads(world: World, tmp_path: Path) -> None:
    labels = tmp_path / "labels.xlsx"
    labels.write_bytes(b"PK")
    done = world("training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet"))
    fails(done, USAGE, "labels.xlsx", ".csv, .parquet")


def test_all_rows_are_bad(world: World, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(HEAD + "x,2025-01-01\n1,soon\n")
    words = ["training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet")]
    fails(world(*words, "--skip-bad-rows"), USAGE, "labels.csv: no label rows")
