"""Brings the store about: the log in chunks, one K after each, with kills, restarts and an apply in between."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import strandline

from .definitions import ENTITY, LATE_VIEW, PLACE, PLACE_VIEW, SOURCE, Feature, repository
from .generator import PARTITIONS, ROUTE, LogWriter, Record, Size, make_chunks
from .oracle import LateColumns
from .points import Arrivals
from .processes import Broker, HarnessError, Server, run, wait_for
from .values import microseconds

# The least that the server takes, so that it folds, and reads cold entities.
MEMORY_BUDGET = "64MiB"


@dataclass(frozen=True)
class World:
    """A running server with all chunks in it."""

    address: str
    log: Path
    arrivals: Arrivals
    before_all: int
    late: LateColumns | None
    restarts: int
    kills: int
    unfolded: int
    """Events that the server holds in its journal only; the others it has folded."""
    resident: int
    """Entities in memory; the others are read from the disk."""


def _now() -> int:
    return time.time_ns() // 1000


class Loading:
    """Owns the processes; `stop` ends them."""

    def __init__(self, folder: Path, seed: int, size: Size, start: int, features: list[Feature]) -> None:
        self._folder = folder
        self._features = features
        self._size = size
        self._source = random.Random(f"restarts {seed}")
        self._chunks = make_chunks(seed, size, start)
        self._repo = folder / "repo"
        self._repo.mkdir()
        self._broker = Broker(folder, SOURCE, PARTITIONS)
        self._server: Server | None = None
        self._client: strandline.Client | None = None
        self._restarts = 0
        self._kills = 0

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            self._server.stop()
        self._broker.stop()

    def run(self, progress: Callable[[int], None]) -> World:
        before_all = _now()
        first = [feature for feature in self._features if feature.view != LATE_VIEW]
        self._write_repository(first)
        self._start()
        log = LogWriter(self._folder / "log.jsonl")
        known: list[int] = []
        started: list[int] = []
        late: LateColumns | None = None
        # The late view comes at a third of the log; kills and stops come in turn, two chunks of five.
        late_chunk = self._size.chunks // 3 if len(first) < len(self._features) else None
        for chunk, records in enumerate(self._chunks):
            if chunk == late_chunk:
                late = self._apply_late_view(chunk)
            log.append(chunk, records)
            started.append(_now())
            self._produce(records)
            if chunk % 5 == 1:
                # In the middle of this chunk's ingest, or while the one before is folded.
                time.sleep(self._source.uniform(0, 0.1))
                self._restart(is_kill=True)
            self._wait(log)
            known.append(self._newest_commit())
            if chunk % 5 == 3:
                self._restart(is_kill=False)
            progress(chunk + 1)
        self._restart(is_kill=True)
        self._wait(log)
        self._check_offsets(log)
        log.close()
        if self._newest_commit() != known[-1]:
            raise HarnessError("the newest commit moved without an event")
        store = self._connected().status()["store"]
        return World(
            address=self._address(), log=self._folder / "log.jsonl", arrivals=Arrivals(tuple(started), tuple(known)),
            before_all=before_all, late=late, restarts=self._restarts, kills=self._kills,
            unfolded=store["unfolded_events"], resident=store["resident_entities"],
        )

    def _write_repository(self, features: list[Feature]) -> None:
        (self._repo / "feature_store.yaml").write_text(repository(features, MEMORY_BUDGET), encoding="utf-8")

    def _start(self) -> None:
        self._server = Server(self._folder, self._repo, self._broker.address)
        self._client = strandline.connect(self._server.address, timeout=60)

    def _restart(self, is_kill: bool) -> None:
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            if is_kill:
                self._server.kill()
            else:
                self._server.stop()
        self._restarts += 1
        self._kills += is_kill
        self._start()

    def _address(self) -> str:
        if self._server is None:
            raise HarnessError("no server")
        return self._server.address

    def _connected(self) -> strandline.Client:
        if self._client is None:
            raise HarnessError("no server")
        return self._client

    def _apply_late_view(self, chunk: int) -> LateColumns:
        self._write_repository(self._features)
        before = _now()
        run("apply", "--repo", str(self._repo), "--address", self._address())
        return LateColumns(first_chunk=chunk, earliest=before, latest=_now())

    def _produce(self, records: list[Record]) -> None:
        path = self._folder / "chunk.jsonl"
        path.write_text("\n".join(record.text for record in records) + "\n", encoding="utf-8")
        run("produce", "--bootstrap", self._broker.address, "--topic", SOURCE, "--key", ROUTE, str(path))

    def _wait(self, log: LogWriter) -> None:
        """Until everything that was produced is counted. More than that would be an event applied twice."""

        def is_counted() -> bool:
            ingest = self._connected().status().get("ingest", {})
            if ingest.get("state") == "halted":
                raise HarnessError(f"ingest halted: {ingest.get('problem')}")
            events, letters = ingest.get("events", 0), ingest.get("dead_letters", 0)
            if events > log.events or letters > len(log.refused):
                raise HarnessError(f"{events} events of {log.events}, {letters} dead letters of {len(log.refused)}")
            return bool(events == log.events and letters == len(log.refused))

        wait_for("the chunk in the server's status", is_counted)

    def _newest_commit(self) -> int:
        """K of a read that names none."""
        features = [self._features[0].reference]
        key = {PLACE: ""} if self._features[0].view == PLACE_VIEW else {ENTITY: 0}
        return microseconds(self._connected().get_features(features, key).known_at)

    def _check_offsets(self, log: LogWriter) -> None:
        """The positions that the log assumes, against those that the server met: ties hang on them."""
        letters = self._connected().admin("dead_letters", {"after": 0, "limit": 10_000})["letters"]
        found = {(letter["partition"], letter["offset"]): json.loads(letter["sample"]) for letter in letters}
        wanted = {place: json.loads(text) for place, text in log.refused.items()}
        if found != wanted:
            raise HarnessError("dead letters stand at other partitions and offsets than the log says")
