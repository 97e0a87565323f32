"""Makes foreign.parquet: column types that Strandline reads but never writes, as pandas, Spark and others write them."""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

MICROS = 1_583_064_000_250_000  # 2020-03-01T12:00:00.250Z
berlin = "Europe/Berlin"
columns = {
    "small": pa.array([7, None, -3], pa.int32()),
    "unsigned": pa.array([7, None, 2**64 - 1], pa.uint64()),
    "category": pa.array(["a", None, "a"]).dictionary_encode(),
    "large": pa.array(["x", None, "y"], pa.large_string()),
    "millis": pa.array([MICROS // 1000, None, -1], pa.timestamp("ms", berlin)),
    "micros": pa.array([MICROS, None, -1], pa.timestamp("us")),
    "nanos": pa.array([MICROS * 1000, None, -1000], pa.timestamp("ns", berlin)),
    "finer": pa.array([MICROS * 1000, None, 1], pa.timestamp("ns")),
    "day": pa.array([18322, None, -1], pa.date32()),
    "amount": pa.array([1, None, 2]).cast(pa.decimal128(21, 2)),
    "tags": pa.array([["a"], None, []]),
}
table = pa.table(columns).replace_schema_metadata({"pandas": json.dumps({"index_columns": []}), "owner": "risk"})
pq.write_table(table, pathlib.Path(__file__).with_name("foreign.parquet"), compression="zstd")
