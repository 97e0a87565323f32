"""The command line on lists and maps: a server that answers with the golden frames, and pyarrow as the reader."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path

import golden
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from fake_server import FakeServer
from processes import run

from strandline import wire
from strandline.wire import MessageType

TIME = 1_700_000_000_123_456
#: In the order in which the CLI asks, by key; the golden rows answer in that order.
LABELS = 'customer_id,merchant,event_timestamp\n42,café,2023-11-14\n-1,"",2023-11-14\n'
SECOND = {"last_n": [-7, 0, None], "cities": ["Zürich", None, ""], "by_city": {"Bern": 3, "Zürich": 1}}


def one_row(cells: bytes) -> bytes:
    """VALUES of one entity, four features, with the event times that `get` asks for."""
    return struct.pack("<qqIHB", TIME, TIME, 1, 4, 4) + cells + struct.pack("<4q", *[-(2**63)] * 4)


#: What a training set asks before its rows, and after them.
SNAPSHOT = {
    "version": "0.1.0", "project": "p", "partitions": [], "definition_hash": "0" * 64, "service": "s@1", "service_hash": "1" * 64,
    "features": [{"reference": f"v:{name}", "views": ["v"]} for name in ("last_n", "cities", "by_city", "by_n")],
}  # fmt: skip


def with_event_times(columns: bytes, rows: int) -> bytes:
    """COLUMNS of four features with lengths, with the event times that a training set asks for: none."""
    parts, at = [columns[:14]], 14
    for _ in range(4):
        end = at + rows + sum(struct.unpack_from(f"<{rows}I", columns, at + rows)) + 4 * rows
        parts += [columns[at:end], struct.pack(f"<{rows}q", *[-(2**63)] * rows)]
        at = end
    assert at == len(columns)
    return b"".join(parts)


def answering(values: bytes):  # type: ignore[no-untyped-def]
    def script(_: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        names = {MessageType.HELLO: "welcome", MessageType.PREPARE: "prepared_nested"}
        if kind is MessageType.ROWS:
            assert body[4] & 4, "event times are asked for"
            return wire.frame(MessageType.COLUMNS, request_id, with_event_times(golden.body("columns_nested"), 2))
        if kind is MessageType.ADMIN:
            assert body == wire.encode_admin("snapshot", json.dumps({"service": "s"}, separators=(",", ":"))) or b"s@1" in body
            reply = json.dumps(SNAPSHOT).encode()
            return wire.frame(MessageType.ADMIN_REPLY, request_id, struct.pack("<I", len(reply)) + reply)
        if kind is MessageType.LOOKUP:
            return wire.frame(MessageType.VALUES, request_id, values)
        return golden.answering(names.get(kind, "pong"), request_id)

    return script


FIRST_ROW = golden.body("values_nested")[23:-20]


def get(values: bytes, output: str) -> str:
    with FakeServer(answering(values)) as server:
        return run(
            "get", "customer_id=42", "merchant=x", "--service", "s", "--output", output, "--address", server.address
        ).stdout


def test_get_shows_lists_and_maps() -> None:
    table = get(one_row(FIRST_ROW), "table")
    for shown in ("[-7, 0, null]", "[Zürich, null, ]", "{Bern: 3, Zürich: 1}", "{-7: 0.1, 42: null}"):
        assert shown in table
    features = json.loads(get(one_row(FIRST_ROW), "json"))["features"]
    assert [features[name]["value"] for name in ("v:last_n", "v:cities", "v:by_city", "v:by_n")] == [
        [-7, 0, None], ["Zürich", None, ""], {"Bern": 3, "Zürich": 1}, {"-7": 0.1, "42": None},
    ]  # fmt: skip


def test_get_cuts_long_lists_in_tables_only() -> None:
    payload = struct.pack("<I", 1000) + b"\1" * 1000 + struct.pack("<1000q", *range(1000))
    cells = bytes([0x81, 2, 2, 2]) + struct.pack("<I", len(payload)) + payload
    table = get(one_row(cells), "table")
    assert "[0, 1, 2, 3," in table and "… 1000 in all]" in table and max(map(len, table.splitlines())) < 120
    assert json.loads(get(one_row(cells), "json"))["features"]["v:last_n"]["value"] == list(range(1000))


def training_set(folder: Path, name: str) -> Path:
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    with FakeServer(answering(b"")) as server:
        run(
            "training-set", "--labels", str(folder / "labels.csv"), "--service", "s", "--out", str(folder / name),
            "--address", server.address,
        )  # fmt: skip
    return folder / name


@pytest.mark.parametrize("name", ["train.parquet", "train.arrow"])
def test_training_sets_hold_arrow_lists_and_maps(tmp_path: Path, name: str) -> None:
    path = training_set(tmp_path, name)
    table = pa.parquet.read_table(path) if name.endswith("parquet") else pa.ipc.open_file(path).read_all()
    assert table.schema.field("last_n").type == pa.list_(pa.field("element", pa.int64()))
    assert table.schema.field("cities").type == pa.list_(pa.field("element", pa.string()))
    assert table.schema.field("by_city").type == pa.map_(pa.string(), pa.int64())
    assert table.schema.field("by_n").type == pa.map_(pa.int64(), pa.float64())
    rows = table.to_pylist()
    # Customer -1 comes first in the order of keys, so the first golden row is its.
    assert rows[1]["last_n"] == [-7, 0, None] and rows[0]["last_n"] is None
    assert rows[1]["cities"] == ["Zürich", None, ""] and rows[0]["cities"] == []
    assert rows[1]["by_city"] == [("Bern", 3), ("Zürich", 1)] and rows[0]["by_city"] == []
    assert rows[1]["by_n"] == [(-7, 0.1), (42, None)] and rows[0]["by_n"] is None
    table.validate(full=True)


def test_training_sets_in_csv_hold_json(tmp_path: Path) -> None:
    with training_set(tmp_path, "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {name: json.loads(rows[1][name]) for name in SECOND} == SECOND
    assert json.loads(rows[1]["by_n"]) == {"-7": 0.1, "42": None}
    assert rows[0]["last_n"] == "" and json.loads(rows[0]["cities"]) == [] and json.loads(rows[0]["by_city"]) == {}


def test_rows_that_do_not_fit_a_frame_are_asked_for_in_parts(tmp_path: Path) -> None:
    """The server refuses both rows at once; one by one it answers with the second golden row, which has no value."""
    asked: list[int] = []
    columns = struct.pack("<qIH", TIME, 1, 4) + (b"\2" + bytes(4)) * 4

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is not MessageType.ROWS:
            return answering(b"")(number, kind, request_id, body)
        asked.append(struct.unpack_from("<IBqI", body)[3])
        if asked[-1] > 1:
            return wire.frame(MessageType.ERROR, request_id, struct.pack("<HBI", 14, 0, 0))
        return wire.frame(MessageType.COLUMNS, request_id, with_event_times(columns, 1))

    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    with FakeServer(script) as server:
        run(
            "training-set", "--labels", str(tmp_path / "labels.csv"), "--service", "s", "--out",
            str(tmp_path / "out.parquet"), "--address", server.address,
        )  # fmt: skip
    assert asked == [2, 1, 1]
    assert pa.parquet.read_table(tmp_path / "out.parquet")["last_n"].to_pylist() == [None, None]
