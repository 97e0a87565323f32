"""Servers and brokers as processes of their own, stopped by their ids whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("STRANDLINE_BINARY", ROOT / ".build" / "release" / "strandline"))


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about within {seconds} s")


def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of the CLI, to its end."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)} left with {done.returncode}: {done.stderr}")
    return done


class Process:
    """One long-running verb; `lines` maps what it printed, `key value` or `key=value`."""

    def __init__(self, folder: Path, name: str, *arguments: str, wanted: str) -> None:
        self.output = folder / f"{name}.out"
        self.errors = folder / f"{name}.err"
        with self.output.open("w") as out, self.errors.open("w") as err:
            self.process = subprocess.Popen([BINARY, *arguments], stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        wait_for(f"{name} printing '{wanted}'", lambda: wanted in self.output.read_text() or self._has_ended())

    def _has_ended(self) -> bool:
        if self.process.poll() is None:
            return False
        raise AssertionError(f"left with {self.process.returncode}: {self.errors.read_text()}")

    def printed(self, prefix: str) -> str:
        for line in self.output.read_text().splitlines():
            if line.startswith(prefix):
                return line[len(prefix) :]
        raise AssertionError(f"no line '{prefix}' in {self.output}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


class Broker(Process):
    def __init__(self, folder: Path, topic: str, partitions: int) -> None:
        super().__init__(folder, "broker", "dev-broker", "--topic", f"{topic}:{partitions}", wanted="kafka bootstrap=")
        self.bootstrap = self.printed("kafka bootstrap=")
        self.topic = topic

    def produce(self, folder: Path, topic: str, key: str, lines: list[str]) -> None:
        _produce(self.bootstrap, folder, topic, key, lines)


class RealKafka:
    """The cluster at `KAFKA_BOOTSTRAP`: a topic of its own, which the cluster makes when it is first produced to."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = f"{topic}-{time.time_ns()}"

    def produce(self, folder: Path, topic: str, key: str, lines: list[str]) -> None:
        _produce(self.bootstrap, folder, topic, key, lines)

    def stop(self) -> None:
        """It is somebody else's."""


def kafka(folder: Path, topic: str, partitions: int) -> Broker | RealKafka:
    """A development broker, or the cluster that `KAFKA_BOOTSTRAP=host:port` names."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    return RealKafka(bootstrap, topic) if bootstrap else Broker(folder, topic, partitions)


def _produce(bootstrap: str, folder: Path, topic: str, key: str, lines: list[str]) -> None:
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n")
    run("produce", "--bootstrap", bootstrap, "--topic", topic, "--key", key, str(path))


class Server(Process):
    def __init__(self, folder: Path, repo: Path, bootstrap: str, listen: str = "127.0.0.1:0") -> None:
        super().__init__(
            folder, "server", "serve", "--repo", str(repo), "--data-dir", str(folder / "data"), "--listen", listen,
            "--http-listen", "127.0.0.1:0", "--kafka", f"bootstrap.servers={bootstrap}", wanted="listening on ",
        )
        self.address = self.printed("listening on ")
        self.http = self.printed("http on ")

    def status(self) -> dict:
        return json.loads(run("status", "--address", self.address, "--output", "json").stdout)

    def events(self) -> int:
        return self.status()["ingest"]["events"]


REPOSITORY = """
project: process_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: purchases
    topic: TOPIC
    timestamp_field: at
    timestamp_format: epoch_us
    schema: {customer_id: int64, amount: float64, quantity: int64}
feature_views:
  - name: p
    entity: customer
    source: purchases
    aggregations:
      - {function: count, time_window: [1h, 1d, lifetime]}
      - {column: amount, function: sum, time_window: [1h, 1d, lifetime]}
      - {column: amount, function: min, time_window: 1d}
      - {column: amount, function: max, time_window: 1d}
      - {column: amount, function: mean, time_window: 1d}
      - {column: quantity, function: sum, time_window: 1d}
      - {column: amount, function: first, time_window: 1d}
      - {column: amount, function: last, time_window: 1d}
feature_services: [{name: all, features: ["p:*"]}]
"""


def write_repository(folder: Path, topic: str) -> Path:
    repo = folder / "repo"
    repo.mkdir()
    (repo / "feature_store.yaml").write_text(REPOSITORY.replace("TOPIC", topic))
    return repo
