"""Derived features from definitions to training sets: lookups, rows, files and the command line hold the same bits, and
both an oracle of obvious Python and DuckDB compute them from known inputs."""

from __future__ import annotations

import csv
import json
import math
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest
from events import DAY, START, Event, make_events, oracle
from processes import REPOSITORY, Server, kafka, run, wait_for

import strandline

SEED = 23
ROWS = 300
CHECKOUT = """
on_demand_feature_views:
  - name: checkout
    description: What a purchase looks like beside those before it.
    sources: [p]
    request: {amount: float64, n: int64, note: string, vip: bool, since: timestamp}
    features:
      share: amount_sum_1h / nullif(amount_sum_1d, 0)
      is_unusual: request.amount > 3 * amount_mean_1d
      spread: case when count_1d > 1 then p.amount_max_1d - p.amount_min_1d else 0.0 end
      big: request.n * 9223372036854775807
      noted: request.note || ' (' || cast(count_lifetime as string) || ')'
      trusted: request.vip or count_lifetime > 50
      hour_known: hour(request.since)
      units: coalesce(quantity_sum_1d, 0) + request.n
"""
#: In DuckDB's words, over the columns of a training set.
DUCK = {
    "share": "amount_sum_1h / nullif(amount_sum_1d, 0)",
    "is_unusual": "amount > 3 * amount_mean_1d",
    "spread": "case when count_1d > 1 then amount_max_1d - amount_min_1d else 0.0::double end",
    "big": "case when abs(n) > 1 then null else n * 9223372036854775807::bigint end",
    "noted": "note || ' (' || cast(count_lifetime as varchar) || ')'",
    "trusted": "vip or count_lifetime > 50",
    "hour_known": "hour(since)",
    "units": "coalesce(quantity_sum_1d, 0) + n",
}
NAMES = list(DUCK)
SERVICE = 'feature_services: [{name: all, features: ["p:*"]}, {name: model, features: ["p:*", "checkout:*"]}]\n'


@dataclass(frozen=True)
class Label:
    customer: int
    at: int
    request: dict


@dataclass
class World:
    folder: Path
    server: Server
    events: list[Event]
    labels: list[Label]


def make_label(source: random.Random, at: int) -> Label:
    values = {
        "amount": source.choice([0.0, 19.9, 250.0, 1e4]),
        "n": source.choice([0, 1, -1, 2, 7]),
        "note": source.choice(["a, b", "Zürich", "x"]),
        "vip": source.random() < 0.5,
        "since": datetime(2023, 11, 14, tzinfo=timezone.utc) + timedelta(hours=source.randrange(48)),
    }
    return Label(source.randrange(60), at, {k: None if source.random() < 0.15 else v for k, v in values.items()})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("derived")
    source = random.Random(SEED)
    events = make_events(SEED, 4000, 50)
    labels = [make_label(source, START + source.randrange(4 * DAY)) for _ in range(ROWS)]
    broker = kafka(folder, "purchases", 2)
    repo = folder / "repo"
    repo.mkdir()
    definitions = REPOSITORY.replace("TOPIC", broker.topic).rsplit("feature_services:", 1)[0] + SERVICE
    (repo / "feature_store.yaml").write_text(definitions)
    (repo / "checkout.yaml").write_text(CHECKOUT)
    server = None
    try:
        broker.produce(folder, broker.topic, "customer_id", [event.json() for event in events])
        server = Server(folder, repo, broker.bootstrap)
        started = server
        wait_for("all events", lambda: started.events() >= len(events))
        yield World(folder, server, events, labels)
    finally:
        if server is not None:
            server.stop()
        broker.stop()


def finite(number: float) -> tuple[object, str]:
    return (number + 0.0, "PRESENT") if math.isfinite(number) else (None, "OVERFLOW")


def expected(stored: dict, request: dict, found: bool) -> dict[str, tuple[object, str]]:
    """Every derived feature with its status, by obvious Python."""
    amount, n, note, vip, since = (request[name] for name in ("amount", "n", "note", "vip", "since"))
    total, mean, count = stored["amount_sum_1d"], stored["amount_mean_1d"], stored["count_lifetime"]
    known = count > 50 or vip
    values: dict[str, object] = {
        "share": None if not total or stored["amount_sum_1h"] is None else stored["amount_sum_1h"] / total,
        "is_unusual": None if amount is None or mean is None else amount > 3 * mean,
        "spread": 0.0,
        "big": None if n is None else n * (2**63 - 1),
        "noted": None if note is None else f"{note} ({count})",
        "trusted": True if known else None if vip is None else False,
        "hour_known": None if since is None else since.hour,
        "units": None if n is None else (stored["quantity_sum_1d"] or 0) + n,
    }
    if stored["count_1d"] > 1:
        low, high = stored["amount_min_1d"], stored["amount_max_1d"]
        values["spread"] = None if low is None else high - low
    cells = {name: (value, "NULL_VALUE" if value is None else "PRESENT") for name, value in values.items()}
    if isinstance(values["big"], int) and not -(2**63) <= values["big"] < 2**63:
        cells["big"] = (None, "OVERFLOW")
    if not found:
        with_features = [name for name in NAMES if name not in ("big", "hour_known")]
        cells.update({name: (cells[name][0], "NOT_FOUND") for name in with_features})
    return cells


def bits(value: object) -> object:
    """Equal only for equal types and equal bits."""
    return struct.pack("<d", value) if isinstance(value, float) else (type(value).__name__, value)


def rows_of(world: World) -> strandline.FeatureResult:
    with strandline.connect(world.server.address) as client:
        customers = {"customer_id": [label.customer for label in world.labels]}
        times = [label.at for label in world.labels]
        return client.get_historical_rows("model", customers, times, request=[label.request for label in world.labels])


def test_rows_agree_with_the_oracle(world: World) -> None:
    result = rows_of(world)
    seen: set[str] = set()
    for row, label in enumerate(world.labels):
        events = [event for event in world.events if event.customer == label.customer]
        stored = oracle(events, label.at)
        cells = expected(stored, label.request, any(event.at < label.at for event in events))
        for name in NAMES:
            value, status = result.features[f"checkout:{name}"][row], result.statuses[f"checkout:{name}"][row]
            wanted, wanted_status = cells[name]
            place = f"{name} of row {row}: {label} (seed {SEED})"
            assert bits(value) == bits(wanted), place
            assert status == wanted_status, place
            seen.add(status)
    assert seen == {"PRESENT", "NULL_VALUE", "NOT_FOUND", "OVERFLOW"}


def test_lookups_have_the_bits_of_rows(world: World) -> None:
    result = rows_of(world)
    with strandline.connect(world.server.address) as client:
        for row in range(0, ROWS, 7):
            label = world.labels[row]
            single = client.get_features(
                "model", {"customer_id": label.customer}, label.at, result.known_at, request=label.request
            )
            for name, column in result.features.items():
                assert bits(single.features[name][0]) == bits(column[row]), name
                assert single.statuses[name][0] == result.statuses[name][row], name
        same_time = [label.request for label in world.labels]
        entities = [{"customer_id": label.customer} for label in world.labels]
        many = client.get_features("model", entities, world.labels[0].at, result.known_at, request=same_time)
        assert bits(many.features["checkout:share"][0]) == bits(result.features["checkout:share"][0])


def labels_table(world: World) -> pa.Table:
    columns = {
        "customer_id": pa.array([label.customer for label in world.labels], pa.int64()),
        "event_timestamp": pa.array([label.at for label in world.labels], pa.timestamp("us", tz="UTC")),
    }
    kinds = {"amount": pa.float64(), "n": pa.int64(), "note": pa.string(), "vip": pa.bool_()}
    for name, kind in {**kinds, "since": pa.timestamp("us", tz="UTC")}.items():
        columns[name] = pa.array([label.request[name] for label in world.labels], kind)
    return pa.table(columns)


def training_set(world: World, labels: Path, out: str, *more: str) -> Path:
    path = world.folder / out
    run(
        "training-set", "--labels", str(labels), "--service", "model", "--out", str(path), "--status-columns",
        "--address", world.server.address, *more,
    )  # fmt: skip
    return path


def test_training_sets_hold_the_same_bits(world: World) -> None:
    result = rows_of(world)
    labels = labels_table(world)
    pa.parquet.write_table(labels, world.folder / "labels.parquet")
    table = pa.parquet.read_table(training_set(world, world.folder / "labels.parquet", "train.parquet"))
    assert table.select(labels.column_names).equals(labels), "request values stay in the output as they came"
    for reference, column in result.features.items():
        name = reference.split(":")[1]
        cells = table[name].to_pylist()
        assert [bits(cell) for cell in cells] == [bits(cell) for cell in column], name
        assert table[f"{name}__status"].to_pylist() == result.statuses[reference], name
    assert table.schema.field("noted").type == pa.string() and table.schema.field("trusted").type == pa.bool_()

    # From text, with columns that go by other names.
    with (world.folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "event_timestamp", "price", "n", "note", "vip", "since", "amount"])
        for label in world.labels:
            at = (datetime(1970, 1, 1) + timedelta(microseconds=label.at)).isoformat()
            r = label.request
            flag = "" if r["vip"] is None else str(r["vip"]).lower()
            since = "" if r["since"] is None else r["since"].isoformat()
            writer.writerow([label.customer, at, r["amount"], r["n"], r["note"], flag, since, "not a number"])
    path = training_set(world, world.folder / "labels.csv", "train.csv", "--request-columns", "amount=price")
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    for row, cells in enumerate(read):
        share = result.features["checkout:share"][row]
        assert cells["share"] == "" if share is None else float(cells["share"]) == share
        assert cells["amount"] == "not a number" and cells["noted"] == (result.features["checkout:noted"][row] or "")
        assert cells["units__status"] == result.statuses["checkout:units"][row]


def test_duckdb_computes_the_same_from_the_inputs(world: World) -> None:
    pa.parquet.write_table(labels_table(world), world.folder / "labels.parquet")
    path = training_set(world, world.folder / "labels.parquet", "duck.parquet")
    table = pa.parquet.read_table(path)
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'; set error_on_division_by_zero = false; set ieee_floating_point_ops = false")
    database.register("t", table.append_column("row", pa.array(range(ROWS))))
    compared = 0
    for name, expression in DUCK.items():
        theirs = [value for (value,) in database.execute(f"select {expression} from t order by row").fetchall()]
        ours = table[name].to_pylist()
        for row, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert bits(mine) == bits(other), f"{name} of row {row}: {table.slice(row, 1).to_pylist()}"
            compared += mine is not None
    print(f"{compared} cells with a value agree with DuckDB")
    assert compared > ROWS * 4


def get(world: World, *arguments: str) -> str:
    return run("get", *arguments, "--address", world.server.address).stdout


def test_get(world: World) -> None:
    result = rows_of(world)
    row = next(row for row, label in enumerate(world.labels) if None not in label.request.values())
    label = world.labels[row]
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=label.at)
    request = [f"{k}={str(v).lower() if k == 'vip' else v.isoformat() if k == 'since' else v}" for k, v in label.request.items()]
    asked = [f"customer_id={label.customer}", "--service", "model", "--as-of", at.isoformat(), "--output", "json"]
    features = json.loads(get(world, *asked, "--request", *request))["features"]
    for reference, cell in features.items():
        assert bits(cell["value"]) == bits(result.features[reference][row]), reference
        assert cell["status"] == result.statuses[reference][row]
    nulls = json.loads(get(world, *asked, "--request", *[f"{name}=null" for name in label.request]))["features"]
    assert nulls["checkout:noted"]["value"] is None and nulls["checkout:big"]["status"] == "NULL_VALUE"
    noted = ["--features", "checkout:noted", "--output", "json"]
    quoted = json.loads(get(world, "customer_id=-1", *noted, "--request", "note='null'"))["features"]
    assert quoted["checkout:noted"] == {"value": "null (0)", "status": "NOT_FOUND", "event_time": None}
    # Nothing but request values: there is no entity to name.
    hour = get(world, "--features", "checkout:hour_known", "--request", "since=2023-11-14T05:06:07Z", "--output", "json")
    assert json.loads(hour)["features"]["checkout:hour_known"]["value"] == 5


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "request value 'amount' (float64) is missing; give --request amount=..., or amount=null"),
        (["--request", "amount=x"], "request value 'amount': 'x' is not a number"),
        (["--request", "amount=nan"], "request value 'amount': 'nan' is not a number"),
        (["--request", "amuont=1"], "no request value 'amuont' in these features; did you mean 'amount'?"),
        (["--request", "amount"], "--request: 'amount' is not name=value, for example amount=12.5"),
        (["--request", "amount=1", "amount=2"], "request value 'amount' is given twice"),
    ],
)
def test_get_names_what_is_wrong(world: World, arguments: list[str], message: str) -> None:
    done = run(
        "get", "customer_id=1", "--features", "checkout:is_unusual", *arguments, "--address", world.server.address,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"strandline: {message}"), done.stderr


@pytest.mark.parametrize(
    "header, row, more, message",
    [
        ("", "", [], "no column 'amount' for the request value 'amount' (float64)"),
        ("amount,n,note,vip,since", "x,1,a,true,2023-11-14", [], "line 2: column 'amount' holds 'x', which is not a number"),
        ("amount,n,note,vip,since", "1,1.5,a,true,2023-11-14", [], "column 'n' holds '1.5', which is not a whole number"),
        ("amount,n,note,vip,since", "1,1,a,yes,2023-11-14", [], "column 'vip' holds 'yes', which is not true or false"),
        ("amount,n,note,vip,since", "1,1,a,true,now", [], "column 'since' holds 'now', which is not a time"),
        ("amount,n,note,vip,since", "1,1,a,true,", ["--request-columns", "x=n"], "--request-columns: no request value 'x'"),
        ("amount,n,note,vip,since", "1,1,a,true,", ["--request-columns", "n=m"], "no column 'm' for the request value 'n'"),
        ("amount,n,note,vip,since", "1,1,a,true,", ["--request-columns", "n"], "'n' is not name=column"),
    ],
)
def test_labels_that_do_not_fit(world: World, header: str, row: str, more: list[str], message: str) -> None:
    labels = world.folder / "wrong.csv"
    labels.write_text(f"customer_id,event_timestamp,{header}\n1,2023-11-15,{row}\n")
    done = run(
        "training-set", "--labels", str(labels), "--service", "model", "--out", str(world.folder / "no.csv"),
        "--address", world.server.address, *more, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert not (world.folder / "no.csv").exists()


def test_features_shows_them(world: World) -> None:
    table = run("features", "--address", world.server.address).stdout
    assert "checkout:is_unusual" in table and "request.amount > 3 * amount_mean_1d" in table
    assert "request values amount float64, n int64, note string, vip bool, since timestamp" in table
    described = json.loads(run("features", "--address", world.server.address, "--output", "json").stdout)
    share = next(feature for feature in described["features"] if feature["reference"] == "checkout:share")
    assert share == {
        "reference": "checkout:share", "type": "float64", "entity": "customer",
        "expression": "amount_sum_1h / nullif(amount_sum_1d, 0)", "inputs": ["p:amount_sum_1h", "p:amount_sum_1d"],
    }  # fmt: skip
