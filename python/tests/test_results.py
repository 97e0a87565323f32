"""A result in every form that it can be had in."""

from __future__ import annotations

import builtins
import pickle
import struct
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pytest

import strandline
from strandline.results import FeatureResult
from strandline.wire import FeatureType, Prepared, ValueType, decode_columns, decode_values
from test_replies import columns_body, values_body

T, K = 1_700_000_000_123_456, 1_700_000_000_123_461
K_BYTES = struct.pack("<q", K)
BIG = 2**53 + 1
SEEN = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc)
KINDS = {
    "v:n": FeatureType(ValueType.INT64),
    "v:sum": FeatureType(ValueType.FLOAT64),
    "v:city": FeatureType(ValueType.STRING),
    "v:ok": FeatureType(ValueType.BOOL),
    "v:seen": FeatureType(ValueType.TIMESTAMP),
    "v:last": FeatureType(ValueType.INT64, is_list=True),
    "v:times": FeatureType(ValueType.TIMESTAMP, is_list=True),
    "v:by_city": FeatureType(ValueType.INT64, key=ValueType.STRING),
    "v:by_time": FeatureType(ValueType.TIMESTAMP, key=ValueType.TIMESTAMP),
}
COLUMNS: list[list[Any]] = [
    [BIG, None], [0.1, None], ["Zürich", None], [True, None], [T, None], [[BIG, None], None], [[T, None], None],
    [{"Bern": BIG, "Zürich": None}, None], [{T: T, 0: None}, None],
]  # fmt: skip
MARKS = [[0x81, 2] for _ in KINDS]
VALUES: dict[str, list[Any]] = {
    "v:n": [BIG, None], "v:sum": [0.1, None], "v:city": ["Zürich", None], "v:ok": [True, None], "v:seen": [SEEN, None],
    "v:last": [[BIG, None], None], "v:times": [[SEEN, None], None], "v:by_city": [{"Bern": BIG, "Zürich": None}, None],
    "v:by_time": [{SEEN: SEEN, datetime(1970, 1, 1, tzinfo=timezone.utc): None}, None],
}  # fmt: skip


def result(
    names: Sequence[str] = tuple(KINDS), times: list[list[int]] | None = None, rows: bool = False, parts: int = 1
) -> FeatureResult:
    """Of a reply that holds these features, as a client makes it."""
    places = [list(KINDS).index(name) for name in names]
    kinds = [KINDS[name] for name in names]
    table = (kinds, [COLUMNS[place] for place in places], [MARKS[place] for place in places], times)
    prepared = Prepared(1, "abc", (("customer_id", ValueType.INT64),), tuple(zip(names, kinds)))
    decoded = decode_columns(K_BYTES + columns_body(table)[8:], kinds) if rows else decode_values(fixed(values_body(table)), kinds)
    keys = [[42, 43] * parts]
    return FeatureResult(prepared, [decoded] * parts, keys, [T, 0] * parts if rows else None)


def fixed(body: bytes) -> bytes:
    return struct.pack("<qq", T, K) + body[16:]


def test_to_dict_and_rows() -> None:
    found = result()
    assert found.to_dict() == {"customer_id": [42, 43], **VALUES}
    assert list(found) == [found[0], found[1]] and found[-1] == found[1] and found[:1] == [found[0]]
    assert found[0] == {"customer_id": 42, **{name: column[0] for name, column in VALUES.items()}}
    assert found.statuses["v:n"] == ["PRESENT", "NULL_VALUE"] and found.types == KINDS
    assert (found.as_of, found.known_at) == (SEEN, SEEN.replace(microsecond=123461))
    assert isinstance(found.features["v:ok"][0], bool) and found.definition_hash == "abc"
    with pytest.raises(IndexError):
        found[2]
    with pytest.raises(KeyError, match="did you mean v:city?"):
        found.features["v:citty"]


def test_columns_are_decoded_when_somebody_looks() -> None:
    found = result()
    assert found.features["v:seen"] is found.features["v:seen"]
    assert repr(found.features) == repr(VALUES) and found.features == VALUES and "v:n" in found.features
    assert found.features == result(rows=True).features


def test_parts_are_one_result() -> None:
    found = result(parts=3)
    assert len(found) == 6 and found.features["v:n"] == [BIG, None] * 3
    assert found.statuses["v:n"] == ["PRESENT", "NULL_VALUE"] * 3
    assert found.to_arrow().num_rows == 6 and len(found.to_pandas()) == 6
    historical = result(rows=True, parts=2)
    assert historical.row_times == [SEEN, datetime(1970, 1, 1, tzinfo=timezone.utc)] * 2 and historical.as_of is None


def test_statuses_and_event_times_on_demand() -> None:
    found = result(["v:n", "v:sum"], times=[[T, -(2**63)], [T, T]])
    assert found.event_times == {"v:n": [SEEN, SEEN], "v:sum": [None, SEEN]}
    wanted = {
        "customer_id": [42, 43], "v:n": [BIG, None], "v:n__status": ["PRESENT", "NULL_VALUE"], "v:n__ts": [SEEN, SEEN],
        "v:sum": [0.1, None], "v:sum__status": ["PRESENT", "NULL_VALUE"], "v:sum__ts": [None, SEEN],
    }  # fmt: skip
    assert found.to_dict(statuses=True, event_times=True) == wanted
    assert found.to_arrow(statuses=True, event_times=True).to_pydict() == wanted
    assert found.to_polars(statuses=True, event_times=True).to_dict(as_series=False) == wanted
    assert list(found.to_pandas(statuses=True, event_times=True)) == list(wanted)
    without = result(["v:n"])
    assert without.event_times is None
    assert without.to_dict(event_times=True)["v:n__ts"] == [None, None]
    assert without.to_arrow(event_times=True)["v:n__ts"].type == pyarrow.timestamp("us", tz="UTC")


@pytest.mark.parametrize("rows", [False, True])
def test_arrow(rows: bool) -> None:
    table = result(rows=rows).to_arrow()
    table.validate(full=True)
    types = {name: table.schema.field(name).type for name in KINDS}
    time = pyarrow.timestamp("us", tz="UTC")
    assert types == {
        "v:n": pyarrow.int64(), "v:sum": pyarrow.float64(), "v:city": pyarrow.string(), "v:ok": pyarrow.bool_(),
        "v:seen": time, "v:last": pyarrow.list_(pyarrow.field("element", pyarrow.int64())),
        "v:times": pyarrow.list_(pyarrow.field("element", time)), "v:by_city": pyarrow.map_(pyarrow.string(), pyarrow.int64()),
        "v:by_time": pyarrow.map_(time, time),
    }  # fmt: skip
    found = table.to_pydict()
    for name, column in VALUES.items():
        is_map = KINDS[name].key is not None
        assert found[name] == [list(column[0].items()) if is_map else column[0], None], name
    assert table.schema.metadata[b"strandline.known_at"].startswith(b"2023-11-14T22:13:20")
    assert (b"strandline.as_of" in table.schema.metadata) != rows and ("as_of" in table.column_names) == rows


def test_arrow_streams_are_read_by_others() -> None:
    found = result()
    assert pyarrow.table(found) == found.to_arrow()
    assert polars.DataFrame(found)["v:n"].to_list() == [BIG, None]
    with duckdb.connect() as connection:
        read = connection.sql('select "v:n", "v:city" from found where "v:n" is not null')
        assert read.fetchall() == [(BIG, "Zürich")]


def test_pandas() -> None:
    frame = result().to_pandas()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} | {"v:city": "string"} == {
        "customer_id": "Int64", "v:n": "Int64", "v:sum": "float64", "v:city": "string", "v:ok": "boolean",
        "v:seen": "datetime64[us, UTC]", "v:last": "object", "v:times": "object", "v:by_city": "object",
        "v:by_time": "object",
    }  # fmt: skip
    assert pandas.api.types.is_string_dtype(frame["v:city"])
    assert frame["v:n"][0] == BIG and frame["v:n"].isna().tolist() == [False, True]
    assert frame["v:seen"][0].to_pydatetime() == SEEN and frame["v:seen"].isna()[1]
    assert frame["v:by_city"][0] == {"Bern": BIG, "Zürich": None} and frame["v:times"][0] == [SEEN, None]
    assert result(rows=True).to_pandas()["as_of"].dt.tz is not None


def test_polars() -> None:
    frame = result().to_polars()
    time = polars.Datetime("us", "UTC")
    assert dict(frame.schema) == {
        "customer_id": polars.Int64, "v:n": polars.Int64, "v:sum": polars.Float64, "v:city": polars.String,
        "v:ok": polars.Boolean, "v:seen": time, "v:last": polars.List(polars.Int64), "v:times": polars.List(time),
        "v:by_city": polars.List(polars.Struct({"key": polars.String, "value": polars.Int64})),
        "v:by_time": polars.List(polars.Struct({"key": time, "value": time})),
    }  # fmt: skip
    found = frame.to_dict(as_series=False)
    for name in ("v:n", "v:sum", "v:city", "v:ok", "v:seen", "v:last", "v:times"):
        assert found[name] == VALUES[name], name
    assert found["v:by_city"] == [[{"key": "Bern", "value": BIG}, {"key": "Zürich", "value": None}], None]


def test_numpy() -> None:
    numbers = result(["v:sum", "v:ok"]).to_numpy()
    assert numbers.dtype == "float64" and numbers[0].tolist() == [0.1, 1.0] and numpy.isnan(numbers[1]).all()
    assert numbers.shape == (2, 2)
    times = result(["v:seen"]).to_numpy()
    assert times.dtype == "datetime64[us]" and times[0, 0] == numpy.datetime64(T, "us") and numpy.isnat(times[1, 0])
    objects = result(["v:n", "v:city", "v:last"]).to_numpy()
    assert objects.dtype == object and objects.tolist() == [[BIG, "Zürich", [BIG, None]], [None, None, None]]
    kinds = [KINDS["v:n"]] * 2
    prepared = Prepared(1, "", (), (("v:a", kinds[0]), ("v:b", kinds[0])))
    whole = decode_values(fixed(values_body((kinds, [[BIG], [2]], [[0x81], [0x81]], None))), kinds)
    exact = FeatureResult(prepared, [whole], []).to_numpy()
    assert exact.dtype == "int64" and exact.tolist() == [[BIG, 2]]


@pytest.mark.parametrize("package, extra", [("numpy", "numpy"), ("pandas", "pandas"), ("polars", "polars"), ("pyarrow", "arrow")])
def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, package: str, extra: str) -> None:
    def importing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", importing)
    monkeypatch.setattr("strandline.tables.import_module", importing)
    with pytest.raises(strandline.MissingExtra, match=rf"pip install 'strandline\[{extra}\]'"):
        getattr(result(), {"pyarrow": "to_arrow"}.get(package, f"to_{package}"))()


def test_how_it_looks() -> None:
    found = result(["v:n", "v:city", "v:last"])
    assert repr(found) == (
        "FeatureResult(2 rows x 3 features, as_of=2023-11-14T22:13:20.123456+00:00, known_at=2023-11-14T22:13:20.123461+00:00)"
    )
    lines = str(found).splitlines()
    assert lines[0] == repr(found) and lines[1].split() == ["customer_id", "v:n", "v:city", "v:last"]
    assert lines[3].split() == ["43", "NULL_VALUE", "NULL_VALUE", "NULL_VALUE"]
    assert len(str(result(parts=20)).splitlines()) == 13 and "... 30 more rows" in str(result(parts=20))
    html = found._repr_html_()
    assert html.count("<tr>") == 3 and 'title="NULL_VALUE"' in html and "[9007199254740993, None]" in html
    assert "30 more rows" in result(parts=20)._repr_html_()
    hostile = FeatureResult(Prepared(1, "", (("<b>", ValueType.STRING),), (("<i>:x", KINDS["v:n"]),)),
                            result(["v:n"])._parts, [["<script>", "&"]])  # fmt: skip
    assert "<script>" not in hostile._repr_html_() and "<i>" not in hostile._repr_html_()


def test_results_go_to_other_processes() -> None:
    found = pickle.loads(pickle.dumps(result(times=None)))
    assert found.to_dict() == result().to_dict() and found.statuses == result().statuses
