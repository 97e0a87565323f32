"""The harness itself: seeds, positions, bits, and that it sees what it is there to see."""

from __future__ import annotations

import json
import random
import zlib
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from parity.asking import LOOKUP, ROWS, Answer, Column
from parity.catalogue import catalogue
from parity.comparing import Expected, Tally, compare
from parity.definitions import FeatureType, repository
from parity.generator import PARTITIONS, ROUTES, LogWriter, make_chunks
from parity.log import count, read_log, without
from parity.oracle import Cell
from parity.points import Arrivals, PointMaker
from parity.run import SLICE, late_event
from parity.values import value_bits

START = 1_700_000_000_000_000
INT64, FLOAT64, BOOL = FeatureType("int64"), FeatureType("float64"), FeatureType("bool")
TIMESTAMP, STRING = FeatureType("timestamp"), FeatureType("string")


def write(path: Path, seed: int) -> LogWriter:
    log = LogWriter(path)
    for number, records in enumerate(make_chunks(seed, SLICE, START)):
        log.append(number, records)
    log.close()
    return log


def test_a_seed_is_a_log(tmp_path: Path) -> None:
    write(tmp_path / "a", 5)
    write(tmp_path / "b", 5)
    write(tmp_path / "c", 6)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_the_log_has_what_it_should(tmp_path: Path) -> None:
    log = write(tmp_path / "log", 1)
    entities = read_log(tmp_path / "log")
    events = [event for each in entities.values() for event in each]
    assert count(entities) == log.events == len({(e.partition, e.offset) for e in events})
    assert len(log.refused) == 2 * PARTITIONS * SLICE.chunks
    sizes = sorted(map(len, entities.values()))
    assert sizes[-1] >= max(SLICE.heavy) and sizes[len(sizes) // 2] < 50
    ties = sum(
        a.time == b.time and a.partition != b.partition for each in entities.values() for a, b in pairwise(each)
    )
    assert ties > len(events) // 20
    for name in ("amount", "wild", "quantity", "big", "category", "session", "paid", "seen", "spare", "note"):
        nulls = sum(e.values[name] is None for e in events)
        assert 0.02 < nulls / len(events) < 0.12
    amounts = {e.values["amount"] for e in events}
    assert {5e-324, 2.0**53} <= amounts and 2**53 + 1 not in {repr(a) for a in amounts}
    assert len({e.values["category"] for e in events}) > 10


def test_routes_are_librdkafkas_partitions() -> None:
    assert [zlib.crc32(route.encode()) % PARTITIONS for route in ROUTES] == list(range(PARTITIONS))


def test_the_repository_names_each_feature_once() -> None:
    features = catalogue()
    text = repository(features, "64MiB")
    for feature in features:
        assert text.count(f"name: {feature.name},") == 1


@pytest.mark.parametrize("one, other, kind", [
    (0.0, -0.0, FLOAT64), (1, 1.0, FLOAT64), (1, True, INT64), (1, True, BOOL), ("\u00e9", "e\u0301", STRING),
    ([1, 2], [2, 1], FeatureType("int64", is_list=True)), ([], None, FeatureType("int64", is_list=True)),
    ({1: 2, 3: 4}, {3: 4, 1: 2}, FeatureType("int64", key="int64")), (0, None, INT64),
    (["ab"], ["a", "b"], FeatureType("string", is_list=True)), ("1", 1, INT64), (0.1 + 0.2, 0.3, FLOAT64),
])
def test_bits_differ(one: Any, other: Any, kind: FeatureType) -> None:
    assert value_bits(one, kind) != value_bits(other, kind)


def test_bits_are_equal_whatever_the_clients_form() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=timezone.utc)
    assert value_bits(moment, TIMESTAMP) == value_bits(1_700_000_000_000_001, TIMESTAMP)
    counts = FeatureType("int64", key="string")
    assert value_bits({"a": 1, "b": 2}, counts) == value_bits([("a", 1), ("b", 2)], counts)
    times = FeatureType("timestamp", is_list=True)
    assert value_bits([moment.replace(tzinfo=None)], times) == value_bits([1_700_000_000_000_001], times)


def test_every_difference_is_a_mismatch() -> None:
    features = catalogue(["count"])[:1]
    expected = {(1, 50): Expected(features, [Cell(3, "PRESENT", 40)])}

    def found(value: Any, status: str, time: int | None, via: str = LOOKUP) -> Tally:
        tally = Tally()
        column = Column([value], [status], [time] if via == LOOKUP else None)
        compare(Answer(via, [(1, 50)], [column]), features, expected, 99, "strict", tally)
        return tally

    assert found(3, "PRESENT", 40).mismatches == 0
    assert found(3, "PRESENT", None, via=ROWS).mismatches == 0, "rows tell no event times"
    for wrong in (found(4, "PRESENT", 40), found(3.0, "PRESENT", 40), found(3, "PARTIAL", 40), found(3, "PRESENT", 41)):
        assert wrong.mismatches == 1 and wrong.compared[LOOKUP] == 1
    text = str(found(4, "PRESENT", 40).shown[0])
    for part in ("entity=1", "T=50", "K=99", features[0].reference, "found=4/", "expected=3/", "via=lookup"):
        assert part in text


def test_a_withheld_event_is_late_and_seen(tmp_path: Path) -> None:
    write(tmp_path / "log", 3)
    entities = read_log(tmp_path / "log")
    arrivals = Arrivals(tuple(range(0, 10 * SLICE.chunks, 10)), tuple(range(5, 10 * SLICE.chunks, 10)))
    jobs = PointMaker("p", entities, arrivals, catalogue(["count"]), is_sharp=True).jobs(100, 25, 2)
    entity, event = late_event(entities, jobs)
    rest = without(entities, entity, event)
    assert count(rest) == count(entities) - 1 and event not in rest[entity] and event in entities[entity]
    assert any(
        e == entity and as_of > event.time and job.known > event.chunk for job in jobs for e, as_of in job.rows
    )


def test_what_is_known_by_a_time() -> None:
    arrivals = Arrivals((100, 200), (150, 250))
    known = {99: 0, 100: 0, 101: None, 149: None, 150: 1, 200: 1, 201: None, 250: 2, 10**18: 2}
    assert {time: arrivals.known_by(time) for time in known} == known
    source = random.Random(1)
    assert all(arrivals.known_by(arrivals.quiet(source)) is not None for _ in range(200))


def test_a_log_is_read_as_it_is_stored(tmp_path: Path) -> None:
    record = '{"entity_id": 7, "at": 12, "amount": -0.0, "wild": 9007199254740993, "quantity": 4, "paid": false}'
    row = {"chunk": 2, "partition": 1, "offset": 30, "time": 12, "value": record}
    refused = {"chunk": 2, "partition": 1, "offset": 31, "time": None, "value": "{}"}
    (tmp_path / "log").write_text(json.dumps(row) + "\n" + json.dumps(refused) + "\n")
    (event,) = read_log(tmp_path / "log")[7]
    assert event[:4] == (12, 1, 30, 2)
    assert value_bits(event.values["amount"], FLOAT64) == value_bits(0.0, FLOAT64)
    assert value_bits(event.values["wild"], FLOAT64) == value_bits(2.0**53, FLOAT64)
    assert event.values["quantity"] == 4 and event.values["paid"] is False and event.values["seen"] is None
