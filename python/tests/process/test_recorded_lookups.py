"""Promise P5 over time: what lookups answered while events came in, late ones too, a training set as known at their K says again.

    lookups, each with its (T, K)       --->  written down
         ^ beside ^
    batches of events, half of them late
    all rows of one K                   --->  a training set with `known_at` = K
    rows looked up while nothing came   --->  one training set with `known_at` = `row-time`

Values are compared bit for bit, with their statuses and the newest event's time. K of a reply is the newest commit then; T is
later than that. While nothing is sent no commit can come between the two, so a row as known at its own T is the reply's.
"""

from __future__ import annotations

import random
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet
import pytest

import strandline
from cli_world import our_environment
from events import DAY, Event
from training_world import World, iso, training_world

__all__ = ["our_environment"]

SEED = 7
CUSTOMERS = 12
ROUNDS, BATCH, PART = 8, 300, 60
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
PRICE = 3.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("recorded")) as world:
        yield world


def bits(value: Any) -> object:
    """Equal for equal bits only: 0.0 is not -0.0, and 1 is not 1.0."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, dict):
        return [bits(pair) for pair in value.items()]
    return [bits(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def microseconds(moment: datetime) -> int:
    age = moment - EPOCH
    return (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds


@dataclass(frozen=True)
class Said:
    """One customer's row of a reply."""

    customer: int
    t: int
    k: int
    cells: dict[str, tuple[object, str, int | None]]


def rows_of(result: strandline.FeatureResult, customers: list[int]) -> list[Said]:
    assert result.as_of is not None and result.known_at is not None and result.event_times is not None
    t, k = microseconds(result.as_of), microseconds(result.known_at)
    return [
        Said(customer, t, k, {
            reference.partition(":")[2]: (
                bits(values[row]), result.statuses[reference][row],
                None if (newest := result.event_times[reference][row]) is None else microseconds(newest),
            )
            for reference, values in result.features.items()
        })
        for row, customer in enumerate(customers)
    ]  # fmt: skip


@dataclass(frozen=True)
class Recording:
    meanwhile: list[Said]
    still: list[Said]


@pytest.fixture(scope="module")
def recording(world: World) -> Recording:
    source = random.Random(SEED)
    meanwhile: list[Said] = []
    still: list[Said] = []
    customers = list(range(1000, 1000 + CUSTOMERS)) + [999_999]
    now = time.time_ns() // 1000

    def happened() -> int:
        """Half of them within the last hour, half of them within two days: in every window, and in no order."""
        return now - source.choice([source.randrange(1, 3_600_000_000), source.randrange(1, 2 * DAY)])

    with strandline.connect(world.server.address, timeout=60) as client:

        def look(as_of: int | None, into: list[Said]) -> None:
            entities = {"customer_id": customers}
            for service in ("all", "model"):
                request = {"price": [PRICE] * len(customers)} if service == "model" else None
                found = client.get_features(service, entities, as_of, request=request, event_times=True)
                into += rows_of(found, customers)

        for _ in range(ROUNDS):
            batch = [
                Event(source.choice(customers[:-1]), happened(), round(source.uniform(-5, 500), 2), source.randrange(10))
                for _ in range(BATCH)
            ]
            # In a few commits, and looked at all the while.
            sending = threading.Thread(
                target=lambda: [world.send(batch[start : start + PART]) for start in range(0, BATCH, PART)]
            )
            sending.start()
            while sending.is_alive():
                look(None, meanwhile)
                look(now - source.randrange(2 * DAY), meanwhile)
                time.sleep(0.02)
            sending.join()
            look(None, still)
    return Recording(meanwhile, still)


def by_service(said: list[Said]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for row in said:
        found["model" if "share" in row.cells else "all"].append(row)
    return found


def label_table(said: list[Said]) -> pyarrow.Table:
    return pyarrow.table({
        "customer_id": [row.customer for row in said],
        "event_timestamp": pyarrow.array([row.t for row in said], pyarrow.timestamp("us", "UTC")),
        "price": [PRICE] * len(said),
    })  # fmt: skip


def differing(said: list[Said], table: pyarrow.Table) -> list[str]:
    """Each cell that is not the reply's; and all features of the service must be there."""
    columns = {
        name: table[name].cast(pyarrow.int64()).to_pylist() if name.endswith("__event_time") else table[name].to_pylist()
        for name in table.column_names
    }
    added = len(columns) - 3
    wrong = []
    for number, row in enumerate(said):
        assert added == 3 * len(row.cells), sorted(columns)
        for name, (value, status, newest) in row.cells.items():
            found = (bits(columns[name][number]), columns[f"{name}__status"][number], columns[f"{name}__event_time"][number])
            if found != (value, status, newest):
                point = f"{name} of {row.customer} as of {iso(row.t)} known at {iso(row.k)}"
                wrong.append(f"{point}: {found}, the lookup said {value, status, newest}")
    return wrong


def test_as_known_at_each_k(world: World, recording: Recording) -> None:
    groups: dict[int, list[Said]] = defaultdict(list)
    for row in recording.meanwhile + recording.still:
        groups[row.k].append(row)
    assert len(groups) > ROUNDS, f"only {len(groups)} commits were seen"
    assert all(row.t > row.k for row in recording.still)
    with strandline.connect(world.server.address, timeout=60) as client:
        for k, said in groups.items():
            for service, rows in by_service(said).items():
                table = client.training_set(label_table(rows), service, known_at=k, statuses=True, event_times=True).to_arrow()
                assert differing(rows, table) == [], f"seed {SEED}"
        for service, rows in by_service(recording.meanwhile).items():
            now = client.training_set(label_table(rows), service, statuses=True, event_times=True).to_arrow()
            later = len(differing(rows, now))
            assert later > 1000, f"only {later} cells have changed since: nothing came late, and the test shows little"


def test_the_command_too(world: World, recording: Recording, tmp_path: Path) -> None:
    source = random.Random(SEED)
    rows = [row for row in recording.meanwhile if "share" not in row.cells]
    for k in source.sample(sorted({row.k for row in rows}), 6):
        said = [row for row in rows if row.k == k]
        parquet.write_table(label_table(said), tmp_path / "labels.parquet")
        out = tmp_path / "out.parquet"
        world.build(tmp_path / "labels.parquet", out, "--known-at", iso(k), "--status-columns", "--event-time-columns")
        assert differing(said, parquet.read_table(out)) == []


def test_row_time_is_what_was_answered_then(world: World, recording: Recording, tmp_path: Path) -> None:
    """One set over all rounds: each row with the K of its own moment."""
    for service, said in by_service(recording.still).items():
        assert len({row.k for row in said}) == ROUNDS
        source = random.Random(SEED)
        said = source.sample(said, len(said))
        with strandline.connect(world.server.address, timeout=60) as client:
            labels = label_table(said)
            table = client.training_set(labels, service, known_at="row-time", statuses=True, event_times=True).to_arrow()
            assert differing(said, table) == [], f"seed {SEED}"
            now = client.training_set(labels, service, statuses=True, event_times=True).to_arrow()
            assert len(differing(said, now)) > 100, "nothing came late"
        parquet.write_table(labels, tmp_path / "labels.parquet")
        out = tmp_path / "out.parquet"
        world.build(
            tmp_path / "labels.parquet", out, "--known-at", "row-time", "--status-columns", "--event-time-columns", service=service
        )
        assert differing(said, parquet.read_table(out)) == []
