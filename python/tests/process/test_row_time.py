"""K = T per row: late events that arrive after T, and before or after K; training sets, rows and lookups on one server.

    first order      T            late order      K           later order
    ----|------------|----------------|-----------|----------------|--------->  arrival
    both late orders happened before T: row time at T knows the first one only, K the first two, the newest commit all
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pyarrow.parquet
import pytest

import strandline
from cli_world import STORE, VIEWS, our_environment, write_labels, write_repo
from commands import OK, USAGE
from commands import strandline as cli
from processes import Broker, Server, wait_for

__all__ = ["our_environment"]

CUSTOMER = {"customer_id": 42}
FAR = "2100-01-01T00:00:00Z"


def now() -> int:
    return time.time_ns() // 1000


def iso(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc).replace(
        microsecond=microseconds % 1_000_000
    ).isoformat()  # fmt: skip


@dataclass(frozen=True)
class Tide:
    """The server with all three orders in it, and the instants between their arrivals."""

    server: Server
    client: strandline.Client
    before: int
    """Before anything arrived, and after all three happened."""
    t: int
    late: int
    """T after the late order's arrival."""
    k: int

    def sums(self, as_of: list[int | str], **known: object) -> list[float | None]:
        rows = self.client.get_historical_rows("churn", [CUSTOMER] * len(as_of), as_of, **known)  # type: ignore[arg-type]
        return rows.features["spending:amount_sum_30d"]

    def lookup(self, as_of: int | str, known_at: int | str | None = None) -> float | None:
        return self.client.get_features("churn", CUSTOMER, as_of, known_at).features["spending:amount_sum_30d"][0]

    def training_set(self, folder: Path, as_of: list[int | str], *options: str) -> tuple[list[float | None], dict[str, str]]:
        rows = [f"42,{at if isinstance(at, str) else iso(at)},x" for at in as_of]
        labels = write_labels(folder / "labels.csv", rows)
        done = cli(
            "training-set", "--labels", str(labels), "--service", "churn", "--out", str(folder / "out.parquet"), *options,
            "--address", self.server.address,
        )  # fmt: skip
        assert done.status == OK, str(done)
        table = pyarrow.parquet.read_table(folder / "out.parquet")
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        assert all(f"{key.removeprefix('strandline.')}={value}" in done.out for key, value in metadata.items() if "known_at" in key)
        return table["amount_sum_30d"].to_pylist(), metadata


@pytest.fixture(scope="module")
def tide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tide]:
    folder = tmp_path_factory.mktemp("row_time")
    repo = write_repo(folder / "repo", STORE, VIEWS)
    broker = Broker(folder, "orders", 1)
    server = client = None
    try:
        started = server = Server(folder, repo, broker.bootstrap)
        client = strandline.connect(server.address)
        happened = now() - 60_000_000

        def arrive(number: int, amount: float) -> int:
            record = {"customer_id": 42, "at": iso(happened - number), "amount": amount}
            broker.produce(folder, "orders", "customer_id", [json.dumps(record)])
            wait_for("the order", lambda: started.events() == number)
            return now()

        before = now()
        t = arrive(1, 1.0)
        late = arrive(2, 10.0)
        k = now()
        arrive(3, 100.0)
        yield Tide(server, client, before, t, late, k)
    finally:
        if client is not None:
            client.close()
        if server is not None:
            server.stop()
        broker.stop()


def test_one_k_and_row_time(tide: Tide) -> None:
    times = [tide.before, tide.t, tide.late, FAR]
    assert tide.sums(times) == [111.0, 111.0, 111.0, None], "30 days before 2100 nothing happened"
    assert tide.sums(times, known_at=tide.k) == [11.0, 11.0, 11.0, None]
    assert tide.sums(times, known_at="row-time") == [None, 1.0, 11.0, None]
    # No row is known beyond a K that is given; a row before it is known as ever.
    assert tide.sums(times, known_at="row-time", known_at_most=tide.t) == [None, 1.0, 1.0, None]
    assert tide.sums(times, known_at="row-time", known_at_most=FAR) == [None, 1.0, 11.0, None]


def test_row_time_is_what_a_lookup_could_have_answered(tide: Tide) -> None:
    for at in (tide.before, tide.t, tide.late, tide.k):
        assert tide.sums([at], known_at="row-time") == [tide.lookup(at, at)]
        assert tide.sums([at], known_at=tide.k) == [tide.lookup(at, tide.k)]
        assert tide.sums([at]) == [tide.lookup(at)]


def test_the_reply_names_the_latest_k(tide: Tide) -> None:
    newest = tide.client.get_features("churn", CUSTOMER).known_at
    for options in ({"known_at": "row-time"}, {"known_at": "row-time", "known_at_most": FAR}):
        assert tide.client.get_historical_rows("churn", [CUSTOMER], [tide.t], **options).known_at == newest  # type: ignore[arg-type]
    rows = tide.client.get_historical_rows("churn", [CUSTOMER], [FAR], known_at="row-time", known_at_most=tide.k)
    assert rows.known_at == datetime.fromisoformat(iso(tide.k))
    # A T beyond the newest commit is known at that.
    lifetime = {"as_of": FAR, "known_at": newest}
    rows = tide.client.get_historical_rows("churn", [CUSTOMER], [FAR], known_at="row-time")
    assert rows.features == tide.client.get_features("churn", CUSTOMER, **lifetime).features  # type: ignore[arg-type]


def test_training_sets(tide: Tide, tmp_path: Path) -> None:
    times: list[int | str] = [tide.late, tide.before, FAR, tide.t]
    newest = tide.client.get_features("churn", CUSTOMER).known_at
    found, metadata = tide.training_set(tmp_path, times)
    assert found == [111.0, 111.0, None, 111.0]
    found, metadata = tide.training_set(tmp_path, times, "--known-at", iso(tide.k))
    assert found == [11.0, 11.0, None, 11.0]
    assert datetime.fromisoformat(metadata["strandline.known_at"]) == datetime.fromisoformat(iso(tide.k))
    found, metadata = tide.training_set(tmp_path, times, "--known-at", "row-time")
    assert found == [11.0, None, None, 1.0]
    assert metadata["strandline.known_at"] == "row-time"
    assert datetime.fromisoformat(metadata["strandline.known_at_most"]) == newest
    found, metadata = tide.training_set(tmp_path, times, "--known-at", "row-time", "--known-at-most", iso(tide.t))
    assert found == [1.0, None, None, 1.0]


def test_where_it_makes_no_sense(tide: Tide, tmp_path: Path) -> None:
    get = cli("get", "customer_id=42", "--service", "churn", "--known-at", "row-time", "--address", tide.server.address)
    assert get.status == USAGE and "row-time is for training sets" in get.err
    labels = write_labels(tmp_path / "labels.csv", [f"42,{FAR},x"])
    words = ("training-set", "--labels", str(labels), "--service", "churn", "--out", str(tmp_path / "out.csv"))
    most = cli(*words, "--known-at-most", FAR, "--address", tide.server.address)
    assert most.status == USAGE and "--known-at-most goes with --known-at row-time" in most.err
    wrong = cli(*words, "--known-at", "row-tim", "--address", tide.server.address)
    assert wrong.status == USAGE and "'row-tim' is not an ISO 8601 time" in wrong.err and "row-time" in wrong.err
