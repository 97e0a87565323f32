"""All that callers may give as entities sends the same bytes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pytest
from fake_server import FakeServer, golden_script

import strandline
from strandline import InvalidArgument, wire
from strandline.entities import EntityColumns
from strandline.times import microseconds
from strandline.wire import MessageType, ValueType

IDS, MERCHANTS = [42, -1, 2**63 - 1, -(2**63)], ["café", "", "a", "b"]
ROWS = [{"customer_id": number, "merchant": merchant} for number, merchant in zip(IDS, MERCHANTS)]
COLUMNS = {"customer_id": IDS, "merchant": MERCHANTS}
JOIN_KEYS = (("customer_id", ValueType.INT64), ("merchant", ValueType.STRING))
WANTED = wire.encode_keys([IDS, MERCHANTS], JOIN_KEYS)


DUCKDB = duckdb.connect()


class ArrowStream:
    """Something that is none of the three, and hands out an Arrow stream."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pyarrow.table(COLUMNS).__arrow_c_stream__(requested_schema)


FORMS: dict[str, Any] = {
    "dicts": ROWS,
    "dicts in another order": [dict(reversed(row.items())) for row in ROWS],
    "a generator": (row for row in ROWS),
    "columns": COLUMNS,
    "tuples": {"customer_id": tuple(IDS), "merchant": tuple(MERCHANTS)},
    "NumPy": {"customer_id": numpy.array(IDS), "merchant": numpy.array(MERCHANTS)},
    "NumPy's numbers": [{**row, "customer_id": numpy.int64(row["customer_id"])} for row in ROWS],
    "pandas": pandas.DataFrame(COLUMNS),
    "pandas' series": {"customer_id": pandas.Series(IDS), "merchant": pandas.Series(MERCHANTS)},
    "Polars": polars.DataFrame(COLUMNS),
    "Arrow": pyarrow.table(COLUMNS),
    "a record batch": pyarrow.RecordBatch.from_pydict(COLUMNS),
    "an Arrow stream": ArrowStream(),
    "DuckDB": DUCKDB.from_arrow(pyarrow.table(COLUMNS)),
    "a table with more": pyarrow.table({"label": [1, 0, 1, 0], **COLUMNS}),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    columns = EntityColumns.of(FORMS[form])
    assert columns.count == 4
    assert wire.encode_keys(columns.join_keys(JOIN_KEYS), JOIN_KEYS) == WANTED


def test_one_entity() -> None:
    columns = EntityColumns.of(ROWS[0])
    assert columns.count == 1 and wire.encode_keys(columns.join_keys(JOIN_KEYS), JOIN_KEYS) == WANTED[:1]


@pytest.mark.parametrize(
    "entities, message",
    [
        ("customer", "entities are dicts, columns or a table; str was given"),
        (None, "NoneType was given"),
        (7, "int was given"),
        ([1, 2], "an entity is a dict of its join keys; int was given"),
        ([ROWS[0], {"customer_id": 1}], "all entities have the same join keys"),
        ({"customer_id": [1, 2], "merchant": "a"}, "give all as columns"),
        ({"customer_id": [1, 2], "merchant": ["a"]}, "columns of different lengths: customer_id has 2, merchant has 1"),
        ({"customer_id": 1}, "an entity has the keys customer_id, merchant; this one has customer_id"),
        ({}, "this one has none"),
        ({**ROWS[0], "x": 1}, "this one has customer_id, merchant, x"),
        ({"custmer_id": 1, "merchant": "a"}, "did you mean customer_id by custmer_id?"),
        (polars.DataFrame({"customer_id": [1]}), "this one has customer_id"),
        (pandas.DataFrame({"customer_id": [1.5], "merchant": ["a"]}), "customer_id is int64; float was given"),
        (pyarrow.table({"customer_id": [None], "merchant": ["a"]}), "customer_id is int64; NoneType was given"),
    ],
)
def test_what_does_not_fit_is_said(entities: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        wire.encode_keys(EntityColumns.of(entities).join_keys(JOIN_KEYS), JOIN_KEYS)
    assert message in str(raised.value)


def test_keys_at_the_limit() -> None:
    join_keys = (("k", ValueType.STRING),)
    for length in (1020, 1021):
        (key,) = wire.encode_keys([["a" * length]], join_keys)
        assert len(key) == 2 + 3 + length
    with pytest.raises(InvalidArgument):
        wire.encode_keys([["a" * 1022]], join_keys)


WHEN = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc)
LABELS = {"customer_id": [42, -1], "merchant": ["café", ""], "event_timestamp": [WHEN, datetime(1970, 1, 1, tzinfo=timezone.utc)]}


@pytest.mark.parametrize("make", [pandas.DataFrame, polars.DataFrame, pyarrow.table, dict])
def test_tables_of_labels_bring_their_times(make: Any) -> None:
    with FakeServer(golden_script) as server, strandline.connect(server.address) as store:
        store.get_historical_rows("fraud", make(LABELS), "event_timestamp")
        by_table = server.received[-1]
        store.get_historical_rows("fraud", ROWS[:2], LABELS["event_timestamp"])
        assert by_table[1] is MessageType.ROWS and server.received[-1][2] == by_table[2]
        with pytest.raises(InvalidArgument, match="no column at"):
            store.get_historical_rows("fraud", make(LABELS), "at")


def test_times_of_numpy_and_pandas() -> None:
    in_nanoseconds = numpy.array(["2023-11-14T22:13:20.123456", "1970-01-01"], dtype="datetime64[ns]")
    with FakeServer(golden_script) as server, strandline.connect(server.address) as store:
        store.get_historical_rows("fraud", ROWS[:2], in_nanoseconds)
        by_numpy = server.received[-1]
        store.get_historical_rows("fraud", ROWS[:2], LABELS["event_timestamp"])
        assert server.received[-1][2] == by_numpy[2]
        for wrong in (in_nanoseconds + numpy.timedelta64(1, "ns"), numpy.array(["NaT", "NaT"], dtype="datetime64[us]"),
                      [pandas.NaT, pandas.NaT], [pandas.Timestamp(1), 0]):  # fmt: skip
            with pytest.raises(InvalidArgument):
                store.get_historical_rows("fraud", ROWS[:2], wrong)
    assert microseconds(pandas.Timestamp("2023-11-14T22:13:20.123456Z")) == microseconds(WHEN)
