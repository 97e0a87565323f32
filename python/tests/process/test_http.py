"""The HTTP side of a server as a process: what it tells beside the command line, and clients that mean no good."""

from __future__ import annotations

import json
import re
import select
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli_world import World, our_environment, world
from processes import wait_for

__all__ = ["our_environment", "world"]  # fixtures, found by their names

BODY = {"feature_service": "churn", "entities": {"customer_id": [42, 43]}}
MIB = 1 << 20


def get(world: World, path: str) -> str:
    with urllib.request.urlopen(f"http://{world.server.http}{path}", timeout=10) as answer:
        return answer.read().decode()


def look_up(world: World) -> dict:
    request = urllib.request.Request(f"http://{world.server.http}/get-online-features", json.dumps(BODY).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def metrics(world: World) -> dict[str, float]:
    lines = [line for line in get(world, "/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_tell_what_the_status_tells(world: World) -> None:
    status = world.server.status()
    told = metrics(world)
    assert told['strandline_ingest_records_total{source="orders",result="ok"}'] == status["ingest"]["events"] == 1
    assert told['strandline_dead_letters_total{source="orders",reason="bad_timestamp"}'] == 1
    assert told['strandline_ingest_state{state="consuming"}'] == 1
    assert told["strandline_store_commits_total"] == status["store"]["commits"]
    for partition in status["ingest"]["partitions"]:
        labels = f'source="orders",topic="orders",partition="{partition["partition"]}"'
        assert told[f"strandline_kafka_consumer_lag{{{labels}}}"] == partition["lag"]
        assert told[f'strandline_kafka_offset{{{labels},kind="stored"}}'] == partition["next"]
    pid = world.server.process.pid
    assert told["process_open_fds"] == pytest.approx(len(list(Path(f"/proc/{pid}/fd").iterdir())), abs=8)
    assert told["process_resident_memory_bytes"] == pytest.approx(resident_bytes(pid), rel=0.2)
    assert 0 < told["process_cpu_seconds_total"] < 60
    assert "[+]ingest consuming" in get(world, "/readyz?verbose")


def test_stats_count_lookups_of_both_protocols(world: World) -> None:
    name = 'strandline_lookup_duration_seconds_count{protocol="%s",service="churn@1"}'
    before = metrics(world)
    for _ in range(3):
        look_up(world)
    assert world("get", "customer_id=42", "--service", "churn").status == 0
    after = metrics(world)
    for protocol, count in (("http", 3), ("tcp", 1)):
        assert after[name % protocol] - before.get(name % protocol, 0) == count
        line = next(line for line in world("stats").out.splitlines() if line.startswith(f"churn@1  {protocol} "))
        figures = [float(word) for word in line.split()[2:]]
        assert figures[0] == after[name % protocol] and figures[1] >= figures[0]
        assert figures[3:] == sorted(figures[3:]), "p50 up to max"


def resident_bytes(pid: int) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(world: World, crowd: ExitStack) -> socket.socket:
    host, _, port = world.server.http.rpartition(":")
    return crowd.enter_context(socket.create_connection((host, int(port)), timeout=10))


def test_bodies_that_do_not_end(world: World, crowd: ExitStack) -> None:
    """200 clients send most of a body of 2 MiB and wait. What they may hold together is bounded: the rest is turned away at once,
    and so are others, with a 503 that their clients repeat; when they are gone, everybody is answered."""
    before = resident_bytes(world.server.process.pid)
    head = f"POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * MIB}\r\n\r\n".encode()
    clients = [connect(world, crowd) for _ in range(200)]
    for client in clients:
        client.sendall(head + b" " * (2 * MIB - 1))
    waiting = set(clients)

    def most_are_turned_away() -> bool:
        answered, _, _ = select.select(list(waiting), [], [], 0.1)
        for client in answered:
            assert client.recv(100).startswith(b"HTTP/1.1 503 ")
            waiting.remove(client)
        return len(waiting) <= 32

    wait_for("most of them being turned away: 64 MiB have room for 32", most_are_turned_away)
    assert resident_bytes(world.server.process.pid) - before < 256 * MIB, "all of them would be 400 MiB"
    assert get(world, "/livez") == "ok\n"
    crowd.close()
    for _ in range(200):
        try:
            answer = look_up(world)
            break
        except urllib.error.HTTPError as error:
            assert error.code == 503 and error.headers["Retry-After"] == "1"
    assert answer["results"][0]["values"] == [42, 43]


def test_bytes_that_are_no_http(world: World, crowd: ExitStack) -> None:
    for bytes_sent in (b"\x00" * 1000, b"GET\r\n\r\n", b"POST /get-online-features HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        client = connect(world, crowd)
        client.sendall(bytes_sent)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    assert look_up(world)["metadata"]["feature_names"][0] == "customer_id"
