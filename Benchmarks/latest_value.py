"""The rivals and the check of the latest-value part of the training-set benchmark (latest_value.sh).

    latest_value.py PLAN --data DIR --out FILE        events.parquet, labels.parquet --> the labels with the newest amount
    latest_value.py check --ours FILE --rivals FILE...    all have the same rows and the same bits

The newest amount of a row is that of the user's last event strictly before its time; null where there is none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def duckdb_asof(data: Path, out: Path) -> None:
    run_duckdb(
        f"""SELECT l.*, e.amount FROM '{data}/labels.parquet' l
            ASOF LEFT JOIN '{data}/events.parquet' e ON l.user_id = e.user_id AND l.event_timestamp > e.ts""",
        out,
    )


def duckdb_window(data: Path, out: Path) -> None:
    """Events and labels in one relation, each label with the last event of its user before it."""
    run_duckdb(
        f"""SELECT user_id, t AS event_timestamp, label, found AS amount FROM (
            SELECT user_id, t, label, last_value(amount IGNORE NULLS) OVER (
                PARTITION BY user_id ORDER BY t RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
            ) AS found
            FROM (
                SELECT user_id, ts AS t, amount, NULL::BIGINT AS label FROM '{data}/events.parquet'
                UNION ALL
                SELECT user_id, event_timestamp, NULL, label FROM '{data}/labels.parquet'))
        WHERE label IS NOT NULL""",
        out,
    )


def run_duckdb(query: str, out: Path) -> None:
    import duckdb

    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    connection.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


def polars_asof(data: Path, out: Path) -> None:
    """Both files are in the order of time, which is what the join wants; only the columns that it needs are read."""
    import polars as pl

    events = pl.read_parquet(data / "events.parquet", columns=["user_id", "ts", "amount"]).set_sorted("ts")
    labels = pl.read_parquet(data / "labels.parquet").set_sorted("event_timestamp")
    labels.join_asof(
        events, left_on="event_timestamp", right_on="ts", by="user_id", strategy="backward", allow_exact_matches=False,
        check_sortedness=False, coalesce=True,
    ).select("user_id", "event_timestamp", "label", "amount").write_parquet(out)  # fmt: skip


PLANS = {"duckdb_asof": duckdb_asof, "duckdb_window": duckdb_window, "polars_asof": polars_asof}


def check(ours: Path, rivals: list[Path], may_drop: bool) -> None:
    """Row by row, in an order of the rows' own. Feast's Dask plan drops rows of users who have later events only: with
    `may_drop` rows without a value may be absent, and are counted."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows(path: Path) -> tuple[object, object]:
        """Label, user, time and the cell's bits of the rows with a value; the first three of those without."""
        table = pq.read_table(path)
        times = table["event_timestamp"].cast(pa.timestamp("us", "UTC"))
        keys = [column.cast("int64").to_numpy() for column in (table["label"], table["user_id"], times)]
        order = np.lexsort(keys)
        cells = table["amount"].combine_chunks()
        missing = (cells.is_null() if path == ours else cells.is_null(nan_is_null=True)).to_numpy(zero_copy_only=False)[order]
        bits = cells.fill_null(0.0).to_numpy(zero_copy_only=False).view("<i8")
        whole = np.stack([key[order] for key in [*keys, bits]])
        return whole[:, ~missing], whole[:3, missing]

    filled, empty = rows(ours)
    dropped = 0
    for path in rivals:
        other_filled, other_empty = rows(path)
        if filled.shape != other_filled.shape:
            sys.exit(f"{path.name}: {other_filled.shape[1]} rows with a value, ours has {filled.shape[1]}")
        wrong = (filled != other_filled).any(axis=0)
        if wrong.any():
            first = int(np.argmax(wrong))
            sys.exit(
                f"{path.name}: {int(wrong.sum())} rows differ, the first of label, user, time and bits: "
                f"{other_filled[:, first].tolist()}, ours {filled[:, first].tolist()}"
            )
        fewer = empty.shape[1] - other_empty.shape[1]
        if fewer < 0 or (fewer > 0 and not may_drop) or (fewer == 0 and not np.array_equal(empty, other_empty)):
            sys.exit(f"{path.name}: {other_empty.shape[1]} rows without a value, ours has {empty.shape[1]}")
        dropped = max(dropped, fewer)
    told = f" dropped={dropped}" if may_drop else ""
    print(f"rows={filled.shape[1] + empty.shape[1]} filled={filled.shape[1]} rivals_that_agree={len(rivals)}{told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in PLANS:
        plan = commands.add_parser(name)
        plan.add_argument("--data", type=Path, required=True)
        plan.add_argument("--out", type=Path, required=True)
    checking = commands.add_parser("check")
    checking.add_argument("--ours", type=Path, required=True)
    checking.add_argument("--rivals", type=Path, nargs="+", required=True)
    checking.add_argument("--may-drop", action="store_true", help="rows without a value may be absent from the rivals' files")
    arguments = parser.parse_args()
    if arguments.command == "check":
        check(arguments.ours, arguments.rivals, arguments.may_drop)
    else:
        PLANS[arguments.command](arguments.data, arguments.out)


if __name__ == "__main__":
    main()
