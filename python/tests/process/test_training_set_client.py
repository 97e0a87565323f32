"""`store.training_set` beside the command: the same cells and the same bytes' worth of rules, from every kind of labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.parquet as parquet
import pytest

import strandline
import strandline.aio
from cli_world import our_environment
from commands import MISMATCHES, OK
from events import Event
from training_world import HOUR, START, World, iso, manifest_of, training_world

__all__ = ["our_environment"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("training_client")) as world:
        yield world


@pytest.fixture(scope="module")
def store(world: World) -> Iterator[strandline.Client]:
    with strandline.connect(world.server.address, timeout=60) as store:
        yield store


def features(table: pyarrow.Table) -> dict[str, list[Any]]:
    return table.drop_columns(["label", "customer_id", "event_timestamp", "price"]).to_pydict()


RULES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"embargo": "1h", "view_embargo": {"q": timedelta(hours=3)}}, ["--embargo", "1h", "q=3h"]),
    ({"known_at": "row-time"}, ["--known-at", "row-time"]),
    ({"boundary": "inclusive", "embargo": timedelta(minutes=90)}, ["--boundary", "inclusive", "--embargo", "90m"]),
    ({"statuses": True, "event_times": True}, ["--status-columns", "--event-time-columns"]),
]


@pytest.mark.parametrize("rules,options", RULES)
@pytest.mark.parametrize("service", ["all", "model"])
def test_as_the_command_does_it(
    world: World, store: strandline.Client, tmp_path: Path, service: str, rules: dict[str, Any], options: list[str]
) -> None:
    labels, rows = world.labels(tmp_path)
    world.build(labels, tmp_path / "cli.parquet", *options, service=service)
    training = store.training_set(labels, service, **rules)
    assert len(training) == len(rows) and training.report.leaks == 0
    written = parquet.read_table(tmp_path / "cli.parquet")
    assert features(training.to_arrow()) == features(written)
    for field in training.to_arrow().schema:
        if field.name not in ("label", "customer_id", "event_timestamp", "price"):
            assert field.type == written.schema.field(field.name).type, field
    assert training.to_parquet(tmp_path / "python.parquet") == str(tmp_path / "python.parquet.manifest.json")
    ours, theirs = manifest_of(tmp_path / "python.parquet"), manifest_of(tmp_path / "cli.parquet")
    for manifest in (ours, theirs):
        for key in ("file", "manifest_sha256"):
            del manifest[key]
        for column in manifest["columns"]:
            if "newest_event" in column:
                column["newest_event"] = datetime.fromisoformat(column["newest_event"])
        for part, key in (("time_rules", "known_at"), ("time_rules", "known_at_most"), ("snapshot", "commit")):
            if manifest[part].get(key, "row-time") != "row-time":
                manifest[part][key] = datetime.fromisoformat(manifest[part][key])
    assert ours == theirs
    done = world.cli("verify", tmp_path / "python.parquet.manifest.json", "--all")
    assert done.status == OK and done.out.startswith("verify=verified "), str(done)


def test_every_kind_of_labels(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    table = pyarrow.csv.read_csv(labels)
    wanted = features(store.training_set(labels, "all").to_arrow())
    parquet.write_table(table, tmp_path / "labels.parquet")
    frame = table.to_pandas()
    indexed = frame.set_index(pandas.Index(range(7, 7 + len(frame))))
    texts = polars.read_csv(labels)
    assert texts.schema["event_timestamp"] == polars.String
    for given in (
        str(labels), tmp_path / "labels.parquet", table, frame, indexed, polars.from_arrow(table), texts,
        table.to_pydict(), table.to_pylist(), frame.assign(event_timestamp=frame["event_timestamp"].dt.tz_convert("Asia/Tokyo")),
    ):  # fmt: skip
        training = store.training_set(given, "all")
        assert features(training.to_arrow()) == wanted, type(given)
        assert ("sha256" in training.manifest["labels"]) == isinstance(given, (str, Path))
    # As many clocks as there are: naive times are of the zone that is given.
    local = frame.assign(event_timestamp=frame["event_timestamp"].dt.tz_convert("America/New_York").dt.tz_localize(None))
    for given in (local, polars.from_pandas(local), local.assign(event_timestamp=local["event_timestamp"].astype(str))):
        training = store.training_set(given, "all", timestamp_zone="America/New_York")
        assert features(training.to_arrow()) == wanted and training.manifest["labels"]["times_without_zone"] == len(frame)


def test_what_it_becomes(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, rows = world.labels(tmp_path)
    training = store.training_set(labels, "all", statuses=True, event_times=True)
    table = training.to_arrow()
    frame = training.to_pandas()
    assert str(frame["quantity_sum_1d"].dtype) == "Int64" and frame["quantity_sum_1d"].isna().sum() > 0
    assert frame["label"].tolist() == list(range(len(rows)))
    assert training.to_polars()["quantity_sum_1d"].to_list() == table["quantity_sum_1d"].to_pylist()
    assert polars.DataFrame(training).shape == (len(rows), table.num_columns)
    assert pyarrow.table(training).equals(table)
    page = training._repr_html_()
    assert "<th>least_age</th>" in page and "p:count_1h" in page and page.count("<tr>") > 10
    assert "leaks=0" in repr(training) and "0 of" in str(training.report)
    report = {feature.feature: feature for feature in training.report.features}
    inside = [
        (at, event.at)
        for customer, at in rows
        for event in world.by_customer.get(customer, [])
        if at - HOUR <= event.at < at
    ]
    assert report["p:count_1h"].newest_event == max(event for _, event in inside)
    assert report["p:count_1h"].least_age == min(at - event for at, event in inside)
    assert len(training.digest) == 10 and training.digest == store.training_set(labels, "all", statuses=True, event_times=True).digest
    assert training.digest != store.training_set(labels, "all", embargo="1h").digest
    assert {"strandline.service", "strandline.known_at"} <= {key.decode() for key in table.schema.metadata}


def test_event_times_are_those_of_lookups(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, rows = world.labels(tmp_path)
    for service, request in ("all", None), ("model", {"price": 1.0}):
        table = store.training_set(labels, service, event_times=True, embargo="1h").to_arrow()
        known = store.training_set(labels, service).manifest["time_rules"]["known_at"]
        for row in range(0, len(rows), 29):
            customer, at = rows[row]
            found = store.get_features(
                service, {"customer_id": customer}, at - HOUR, known, request=request, event_times=True
            )
            assert found.event_times is not None
            for reference, times in found.event_times.items():
                name = reference.partition(":")[2]
                assert table[f"{name}__event_time"][row].as_py() == times[0], f"{reference} in row {row}"


def test_mlflow(store: strandline.Client) -> None:
    """Where MLflow is installed a dataset with all that it logs, and else the name of the extra."""
    training = store.training_set([row()], "all")
    if find_spec("mlflow") is None:
        with pytest.raises(strandline.MissingExtra, match=r"strandline\[mlflow\]"):
            training.to_mlflow()
        return
    dataset = training.to_mlflow(targets="price")
    told = json.loads(dataset.to_json())
    assert told["name"] == "all@1" and told["digest"] == training.digest and "targets" in told["schema"]
    assert json.loads(told["profile"])["num_rows"] == 1


def test_for_asyncio(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)

    async def work() -> list[strandline.TrainingSet]:
        async with strandline.aio.connect(world.server.address, timeout=60) as client:
            return await asyncio.gather(*(client.training_set(labels, service, embargo="2h") for service in ("all", "model")))

    for service, training in zip(("all", "model"), asyncio.run(work())):
        assert training.to_arrow().equals(store.training_set(labels, service, embargo="2h").to_arrow())


def test_a_file_that_changes_is_found(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    out = tmp_path / "out.parquet"
    store.training_set(labels, "all").to_parquet(out)
    manifest = json.loads(Path(f"{out}.manifest.json").read_text())
    manifest["time_rules"]["embargo"] = "1h"
    Path(f"{out}.manifest.json").write_text(json.dumps(manifest))
    done = world.cli("verify", f"{out}.manifest.json")
    assert done.status == MISMATCHES and "its own checksum does not fit" in done.out, str(done)


def test_later_events_do_not_matter(world: World, store: strandline.Client, tmp_path: Path) -> None:
    labels, _ = world.labels(tmp_path)
    before = store.training_set(labels, "all")
    before.to_parquet(tmp_path / "before.parquet")
    world.send([Event(customer, START + hour * HOUR + 2, 77.0, 1) for customer in range(40) for hour in range(0, 72, 5)])
    assert not store.training_set(labels, "all").to_arrow().equals(before.to_arrow())
    again = store.training_set(labels, "all", known_at=before.manifest["time_rules"]["known_at"])
    assert features(again.to_arrow()) == features(before.to_arrow())
    assert world.cli("verify", tmp_path / "before.parquet.manifest.json", "--all").status == OK


def row(**more: Any) -> dict[str, Any]:
    return {"customer_id": 1, "event_timestamp": iso(START), "price": 1.0, **more}


@pytest.mark.parametrize(
    "labels,options,text",
    [
        ([row()], {"timestamp_column": "when"}, "no column 'when'"),
        ([{"customer_id": 1}], {}, "no column event_timestamp or timestamp"),
        ([{"event_timestamp": iso(START)}], {}, "customer_id"),
        ([row(customer_id="x")], {}, "customer_id"),
        ([row(event_timestamp="soon")], {}, "row 1: column 'event_timestamp': 'soon' is not an ISO 8601 time"),
        ([row(event_timestamp=5)], {}, "does not hold times"),
        ([row(), row(event_timestamp=None)], {}, "row 2: column 'event_timestamp' is empty"),
        ([row()], {"service": "model", "request_columns": {"prize": "price"}}, "no request value 'prize'"),
        ([row()], {"service": "model", "request_columns": {"price": "cost"}}, "no column 'cost'"),
        ([row(count_1h=1)], {}, "cannot add column 'count_1h'"),
        ([row()], {"embargo": "soon"}, "'soon' is not a duration"),
        ([row()], {"view_embargo": {"r": "1h"}}, "no feature of the service is of a view 'r'"),
        ([row()], {"known_at_most": 5}, "known_at_most goes with known_at='row-time'"),
        ([row()], {"timestamp_zone": "Mars/Olympus"}, "there is no zone 'Mars/Olympus'"),
        ([row(event_timestamp="2024-03-31T02:30")], {"timestamp_zone": "Europe/Berlin"}, "put forward over it"),
        ([row(event_timestamp="2024-10-27T02:30")], {"timestamp_zone": "Europe/Berlin"}, "put back to it"),
        ("labels.xls", {}, "labels are a table, or a .csv"),
        ("none.csv", {}, "none.csv"),
        (5, {}, "labels are a pandas, Polars or Arrow table"),
        (pyarrow.table({"customer_id": [], "event_timestamp": []}), {}, "no label rows"),
    ],
)  # fmt: skip
def test_labels_that_are_wrong(store: strandline.Client, labels: Any, options: dict[str, Any], text: str) -> None:
    service = options.pop("service", "all")
    with pytest.raises(strandline.InvalidArgument, match="(?s)" + text.replace("(", r"\(").replace(".", r"\.")):
        store.training_set(labels, service, **options)


def test_a_service_that_is_not_there(store: strandline.Client) -> None:
    with pytest.raises(strandline.UnknownService, match="did you mean 'model'"):
        store.training_set([row()], "modle")
