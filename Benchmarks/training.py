"""The files, the rivals and the checks of the training-set benchmark (bench_training.sh).

    training.py files --columns events.bin --out DIR            events.parquet, labels.parquet, labels_hot.parquet
    training.py run -- COMMAND                                  its time and the most memory that it took
    training.py polars|duckdb PLAN --data DIR --out FILE        one training set; Parquet to Parquet
    training.py check --data DIR --ours FILE --rivals FILE...   all agree, and ours equals an exact oracle bit for bit

Windows are [T - length, T), as the server's own.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path

HOUR = 3_600_000_000
WINDOWS = {"1h": HOUR, "1d": 24 * HOUR, "7d": 7 * 24 * HOUR, "30d": 30 * 24 * HOUR}
FEATURES = [f"{kind}_{name}" for kind in ("count", "amount_sum", "amount_max") for name in WINDOWS]


def make_files(columns: Path, out: Path, label_count: int, seed: int, hot: int) -> None:
    """Writes both files, each in the order of time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = np.fromfile(columns, dtype="<i8").reshape(3, -1)
    users, times, amounts = raw[0], raw[1], raw[2].view("<f8")
    order = np.argsort(times, kind="stable")
    stamp = pa.timestamp("us", tz="UTC")
    events = {"user_id": users[order], "ts": pa.array(times[order], stamp), "amount": amounts[order]}
    pq.write_table(pa.table(events), out / "events.parquet", row_group_size=1 << 20)
    generator = np.random.default_rng(seed)
    keys = users.max() + 1
    label_users = np.minimum(keys - 1, (keys * generator.random(label_count) ** 3).astype("<i8"))
    labels = {
        "user_id": label_users,
        "event_timestamp": pa.array(np.sort(generator.integers(times.min(), times.max(), label_count)), stamp),
        "label": generator.integers(0, 2, label_count),
    }
    pq.write_table(pa.table(labels), out / "labels.parquet", row_group_size=1 << 20)
    # A thousandth of the rows are of one user.
    labels["user_id"] = label_users.copy()
    labels["user_id"][:: 1000] = hot
    pq.write_table(pa.table(labels), out / "labels_hot.parquet", row_group_size=1 << 20)


def polars_rolling(data: Path, out: Path) -> None:
    """Events and labels in one sorted frame; a rolling aggregation for each length."""
    import polars as pl

    frame = polars_frame(data)
    parts = []
    for name, length in WINDOWS.items():
        rolled = frame.rolling(
            "ts", period=f"{length // HOUR}h", closed="left", group_by="user_id"
        ).agg(
            pl.col("amount").count().alias(f"count_{name}"),
            pl.col("amount").sum().alias(f"amount_sum_{name}"),
            pl.col("amount").max().alias(f"amount_max_{name}"),
        )
        parts.append(rolled.select(pl.exclude("user_id", "ts")))
    write_polars(frame, parts, data, out)


def polars_rolling_by(data: Path, out: Path) -> None:
    """The same frame; rolling expressions over each user."""
    import polars as pl

    frame = polars_frame(data)
    amount = pl.col("amount")
    columns = []
    for name, length in WINDOWS.items():
        size = {"window_size": f"{length // HOUR}h", "closed": "left"}
        columns += [
            amount.is_not_null().cast(pl.Float64).rolling_sum_by("ts", **size).over("user_id").alias(f"count_{name}"),
            amount.fill_null(0).rolling_sum_by("ts", **size).over("user_id").alias(f"amount_sum_{name}"),
            amount.rolling_max_by("ts", **size).over("user_id").alias(f"amount_max_{name}"),
        ]
    write_polars(frame, [frame.select(columns)], data, out)


def polars_cumulative(data: Path, out: Path) -> None:
    """Counts and sums as differences of cumulative ones, found by ASOF joins; only the maxima roll."""
    import polars as pl

    events = pl.scan_parquet(data / "events.parquet").sort("user_id", "ts").collect()
    frame = polars_frame(data)
    running = events.with_columns(
        pl.col("amount").cum_count().over("user_id").alias("n"), pl.col("amount").cum_sum().over("user_id").alias("s")
    ).select("user_id", "ts", "n", "s").sort("ts")
    labels = frame.filter(pl.col("row").is_not_null()).select("user_id", "ts", "row").sort("ts")

    def at(shift: int, name: str) -> "pl.DataFrame":
        edge = labels.with_columns(ts=pl.col("ts") - pl.duration(microseconds=shift + 1))
        found = edge.join_asof(running, on="ts", by="user_id", strategy="backward", check_sortedness=False)
        return found.select(pl.col("n").fill_null(0).alias(f"n{name}"), pl.col("s").fill_null(0.0).alias(f"s{name}"))

    ends = [at(0, "")] + [at(length, name) for name, length in WINDOWS.items()]
    sums = pl.concat([labels.select("row"), *ends], how="horizontal")
    sums = sums.select(
        "row",
        *[(pl.col("n") - pl.col(f"n{name}")).alias(f"count_{name}") for name in WINDOWS],
        *[(pl.col("s") - pl.col(f"s{name}")).alias(f"amount_sum_{name}") for name in WINDOWS],
    ).sort("row")
    maxima = frame.select(
        "row",
        *[
            pl.col("amount")
            .rolling_max_by("ts", window_size=f"{length // HOUR}h", closed="left")
            .over("user_id")
            .alias(f"amount_max_{name}")
            for name, length in WINDOWS.items()
        ],
    ).filter(pl.col("row").is_not_null()).sort("row")
    kept = pl.read_parquet(data / "labels.parquet")
    pl.concat([kept, sums.drop("row"), maxima.drop("row")], how="horizontal").write_parquet(out)


def polars_frame(data: Path):
    import polars as pl

    events = pl.scan_parquet(data / "events.parquet").with_columns(row=pl.lit(None, pl.UInt32))
    labels = pl.scan_parquet(data / "labels.parquet").with_row_index("row").select(
        "user_id", pl.col("event_timestamp").alias("ts"), pl.lit(None, pl.Float64).alias("amount"), "row"
    )
    return pl.concat([events, labels]).sort("user_id", "ts").collect()


def write_polars(frame, parts, data: Path, out: Path) -> None:
    import polars as pl

    wide = pl.concat([frame.select("row"), *parts], how="horizontal")
    wide = wide.filter(pl.col("row").is_not_null()).sort("row").drop("row")
    labels = pl.read_parquet(data / "labels.parquet")
    pl.concat([labels, wide], how="horizontal").write_parquet(out)


def duckdb_window(data: Path, out: Path) -> None:
    """Events and labels in one relation; a RANGE frame for each length."""
    frames, columns = [], []
    for name, length in WINDOWS.items():
        frames.append(
            f"w{name} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN {length} PRECEDING AND 1 PRECEDING)"
        )
        columns += [
            f"count(amount) OVER w{name} AS count_{name}",
            f"sum(amount) OVER w{name} AS amount_sum_{name}",
            f"max(amount) OVER w{name} AS amount_max_{name}",
        ]
    run_duckdb(
        f"""COPY (
            SELECT l.*, f.* EXCLUDE (row) FROM (
                SELECT * EXCLUDE (user_id, t, amount) FROM (
                    SELECT user_id, t, amount, row, {", ".join(columns)} FROM everything WINDOW {", ".join(frames)})
                WHERE row IS NOT NULL) f
            JOIN (SELECT *, row_number() OVER () AS row FROM '{data}/labels.parquet') l USING (row)
        ) TO '{out}' (FORMAT parquet)""",
        data,
    )


def duckdb_cumulative(data: Path, out: Path) -> None:
    """Counts and sums as differences of cumulative ones, found by ASOF joins; only the maxima are windows."""
    frames = [
        f"w{name} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN {length} PRECEDING AND 1 PRECEDING)"
        for name, length in WINDOWS.items()
    ]
    maxima = [f"max(amount) OVER w{name} AS amount_max_{name}" for name in WINDOWS]
    joins, columns = [], []
    for name, length in [("end", 0), *WINDOWS.items()]:
        joins.append(
            f"ASOF LEFT JOIN running r{name} ON l.user_id = r{name}.user_id AND l.t - {length} > r{name}.t"
        )
        if name != "end":
            columns += [
                f"coalesce(rend.n, 0) - coalesce(r{name}.n, 0) AS count_{name}",
                f"coalesce(rend.s, 0) - coalesce(r{name}.s, 0) AS amount_sum_{name}",
            ]
    run_duckdb(
        f"""CREATE TEMP TABLE running AS
            SELECT user_id, t, count(*) OVER w AS n, sum(amount) OVER w AS s FROM everything WHERE row IS NULL
            WINDOW w AS (PARTITION BY user_id ORDER BY t ROWS UNBOUNDED PRECEDING);
        COPY (
            SELECT l.*, s.* EXCLUDE (row), m.* EXCLUDE (row)
            FROM (SELECT *, row_number() OVER () AS row FROM '{data}/labels.parquet') l
            JOIN (SELECT l.row, {", ".join(columns)} FROM (SELECT * FROM everything WHERE row IS NOT NULL) l
                {" ".join(joins)}) s USING (row)
            JOIN (SELECT * EXCLUDE (user_id, t, amount) FROM (
                    SELECT user_id, t, amount, row, {", ".join(maxima)} FROM everything WINDOW {", ".join(frames)})
                WHERE row IS NOT NULL) m USING (row)
        ) TO '{out}' (FORMAT parquet)""",
        data,
    )


def run_duckdb(query: str, data: Path) -> None:
    import duckdb

    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    connection.execute(
        f"""CREATE TEMP VIEW everything AS
            SELECT user_id, epoch_us(ts) AS t, amount, NULL::BIGINT AS row FROM '{data}/events.parquet'
            UNION ALL
            SELECT user_id, epoch_us(event_timestamp), NULL, row_number() OVER () FROM '{data}/labels.parquet'"""
    )
    connection.execute(query)


PLANS = {
    "polars": {"rolling": polars_rolling, "rolling_by": polars_rolling_by, "cumulative": polars_cumulative},
    "duckdb": {"window": duckdb_window, "cumulative": duckdb_cumulative},
}


def run(command: list[str]) -> None:
    """Runs a command and prints what it took; its own output goes to standard error."""
    begun = time.monotonic()
    status = subprocess.run(command, stdout=sys.stderr, env={**os.environ, "POLARS_MAX_THREADS": "2"}).returncode
    wall = time.monotonic() - begun
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall_s={wall:.3f} cpu_s={usage.ru_utime + usage.ru_stime:.2f} rss_kb={usage.ru_maxrss}")
    sys.exit(status)


def check(data: Path, ours: Path, rivals: list[Path], cells: int, seed: int) -> None:
    import numpy as np
    import pyarrow.parquet as pq

    own = pq.read_table(ours)
    keys = ["user_id", "event_timestamp"]
    place = np.lexsort([own[key].cast("int64").to_numpy() for key in keys])
    for path in rivals:
        other = pq.read_table(path)
        order = np.lexsort([other[key].cast("int64").to_numpy() for key in keys])
        for key in keys:
            if not np.array_equal(
                own[key].cast("int64").to_numpy()[place], other[key].cast("int64").to_numpy()[order]
            ):
                sys.exit(f"{path.name}: other rows than ours")
        for feature in FEATURES:
            a = own[feature].cast("float64").to_numpy()[place]
            b = other[feature].cast("float64").to_numpy()[order]
            if feature.startswith("amount_sum"):
                # We have no sum of nothing; they may have 0.
                a, b = np.nan_to_num(a), np.nan_to_num(b)
                wrong = np.abs(a - b) > 1e-9 * np.maximum(1.0, np.abs(a))
            else:
                wrong = ~((a == b) | (np.isnan(a) & np.isnan(b)))
            if wrong.any():
                first = int(np.argmax(wrong))
                sys.exit(f"{path.name}: {feature}: {int(wrong.sum())} differ, the first: {a[first]!r}, {b[first]!r}")
    print(f"rivals_that_agree={len(rivals)}")
    check_exactly(data, own, cells, seed)


def check_exactly(data: Path, own, cells: int, seed: int) -> None:
    """Compares cells, spread over all rows, with a plain computation: bit for bit."""
    import numpy as np
    import pyarrow.parquet as pq

    events = pq.read_table(data / "events.parquet")
    users, times = events["user_id"].to_numpy(), events["ts"].cast("int64").to_numpy()
    amounts = events["amount"].to_numpy()
    order = np.lexsort([times, users])
    users, times, amounts = users[order], times[order], amounts[order]
    label_users, label_times = own["user_id"].to_numpy(), own["event_timestamp"].cast("int64").to_numpy()
    columns = {feature: own[feature].to_pylist() for feature in FEATURES}
    chooser = random.Random(seed)
    filled = 0
    for _ in range(cells):
        row, feature = chooser.randrange(len(label_users)), chooser.choice(FEATURES)
        kind, name = feature.rsplit("_", 1)
        begin, end = np.searchsorted(users, [label_users[row], label_users[row] + 1])
        own_times = times[begin:end]
        edges = [label_times[row] - WINDOWS[name], label_times[row]]
        low, high = (begin + np.searchsorted(own_times, edge) for edge in edges)
        inside = amounts[low:high].tolist()
        filled += bool(inside)
        if kind == "count":
            wanted = len(inside)
        elif not inside:
            wanted = None
        else:
            wanted = math.fsum(inside) if kind == "amount_sum" else max(inside)
        found = columns[feature][row]
        same = found == wanted
        if isinstance(wanted, float) and isinstance(found, float):
            same = struct.pack("<d", found) == struct.pack("<d", wanted)
        if not same:
            sys.exit(f"row {row}, {feature}: {found!r}, the oracle has {wanted!r}")
    print(f"oracle_cells={cells}\noracle_nonempty={filled}\noracle_mismatches=0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    files = commands.add_parser("files")
    files.add_argument("--columns", type=Path, required=True)
    files.add_argument("--out", type=Path, required=True)
    files.add_argument("--labels", type=int, default=1_000_000)
    files.add_argument("--seed", type=int, default=1)
    files.add_argument("--hot", type=int, required=True, help="the user of a thousandth of labels_hot.parquet")
    running = commands.add_parser("run")
    running.add_argument("arguments", nargs=argparse.REMAINDER)
    for library in PLANS:
        rival = commands.add_parser(library)
        rival.add_argument("plan", choices=PLANS[library])
        rival.add_argument("--data", type=Path, required=True)
        rival.add_argument("--out", type=Path, required=True)
    checking = commands.add_parser("check")
    checking.add_argument("--data", type=Path, required=True)
    checking.add_argument("--ours", type=Path, required=True)
    checking.add_argument("--rivals", type=Path, nargs="*", default=[])
    checking.add_argument("--cells", type=int, default=10_000)
    checking.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.command == "files":
        make_files(arguments.columns, arguments.out, arguments.labels, arguments.seed, arguments.hot)
    elif arguments.command == "run":
        run(arguments.arguments[arguments.arguments[:1] == ["--"] :])
    elif arguments.command == "check":
        check(arguments.data, arguments.ours, arguments.rivals, arguments.cells, arguments.seed)
    else:
        PLANS[arguments.command][arguments.plan](arguments.data, arguments.out)


if __name__ == "__main__":
    main()
