"""Label files that are wrong, of every kind: one line that says which file, where, and what is wrong, and no output."""

from __future__ import annotations

from pathlib import Path

import pyarrow
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


def test_all_rows_are_bad(world: World, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(HEAD + "x,2025-01-01\n1,soon\n")
    words = ["training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.parquet")]
    fails(world(*words, "--skip-bad-rows"), USAGE, "labels.csv: no label rows")
