"""Connections of a served process: what an idle one costs, who may enter, TLS, and how a server stops."""

from __future__ import annotations

import http.client as http_client
import resource
import signal
import socket
import ssl
import struct
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from commands import OK, strandline
from pages import Key, all_blocks
from processes import Process, wait_for, write_repository
from strandline import connect, wire
from strandline.wire import MessageType

# The goal; a connection has greeted, prepared a lookup and made one.
IDLE_BYTES_MAX = 20_000
IDLE_COUNT = 10_000


@contextmanager
def served(folder: Path, *options: str, budget: str = "1GiB") -> Iterator[Process]:
    repo = write_repository(folder, "unused")
    store = repo / "feature_store.yaml"
    store.write_text(store.read_text().replace("server: {", f"server: {{memory_budget: {budget}, "))
    server = Process(
        folder, "server", "serve", "--repo", str(repo), "--data-dir", str(folder / "data"), "--listen", "127.0.0.1:0",
        "--http-listen", "127.0.0.1:0", "--no-ingest", *options, wanted="listening on ",
    )
    try:
        yield server
    finally:
        server.stop()


def port(server: Process) -> int:
    return int(server.printed("listening on 127.0.0.1:"))


def read(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        assert part, "the connection ended"
        parts += part
    return parts


def read_frame(connection: socket.socket) -> tuple[MessageType, int, bytes]:
    size, kind, _, _, request_id = struct.unpack("<IBBHI", read(connection, 12))
    return MessageType(kind), request_id, read(connection, size - 8)


def customer_key(number: int) -> bytes:
    key = b"\x01" + struct.pack(">Q", number + (1 << 63))
    return struct.pack("<H", len(key)) + key


def greet(connection: socket.socket) -> None:
    connection.sendall(wire.frame(MessageType.HELLO, 1, wire.encode_hello(None, "raw")))
    assert read_frame(connection)[0] is MessageType.WELCOME


def resident_bytes(server: Process) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def test_idle_connections_are_cheap(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        count = min(IDLE_COUNT, hard - 512)
        with served(tmp_path) as server, ExitStack() as connections:
            key = customer_key(7)
            requests = b"".join([
                wire.frame(MessageType.HELLO, 1, wire.encode_hello(None, "idle")),
                wire.frame(MessageType.PREPARE, 2, wire.encode_prepare("all")),
                wire.frame(MessageType.LOOKUP, 3, wire.encode_lookup(1, [key])),
            ])
            address = ("127.0.0.1", port(server))

            def connect(number: int) -> None:
                for _ in range(number):
                    connection = connections.enter_context(socket.create_connection(address, timeout=20))
                    connection.sendall(requests)
                    kinds = [read_frame(connection)[0] for _ in range(3)]
                    assert kinds == [MessageType.WELCOME, MessageType.PREPARED, MessageType.VALUES]

            # What a server allocates once is there after these.
            connect(100)
            before = resident_bytes(server)
            connect(count - 100)
            count -= 100
            each = (resident_bytes(server) - before) / count
            print(f"rss_per_idle_connection_bytes={each:.0f} connections={count}")
            assert each <= IDLE_BYTES_MAX
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_bad_clients_take_no_memory(tmp_path: Path) -> None:
    """A hundred of each kind; good requests are answered all the while, and RSS grows by what the server may hold."""
    held = 64 << 20
    with served(tmp_path, budget="64MiB") as server, ExitStack() as connections:
        address = ("127.0.0.1", port(server))

        def connect() -> socket.socket:
            connection = connections.enter_context(socket.create_connection(address, timeout=20))
            greet(connection)
            return connection

        good = connect()
        good.sendall(wire.frame(MessageType.PREPARE, 1, wire.encode_prepare("all")))
        assert read_frame(good)[0] is MessageType.PREPARED
        key = customer_key(7)
        many = wire.frame(MessageType.LOOKUP, 3, wire.encode_lookup(1, [key] * 5000))
        before = resident_bytes(server)
        most = 0
        for number in range(100):
            # Asks for megabytes and reads nothing.
            reader = connect()
            reader.sendall(wire.frame(MessageType.PREPARE, 1, wire.encode_prepare(["p:count_1h"] * 200)))
            # Once memory is short that is refused already.
            if read_frame(reader)[0] is MessageType.PREPARED:
                reader.setblocking(False)
                try:
                    reader.sendall(many * 4)
                except BlockingIOError:
                    pass
            # A frame of many megabytes that never ends, and one that comes a few bytes at a time.
            writer = connect()
            writer.setblocking(False)
            try:
                writer.sendall(struct.pack("<IBBHI", 16 << 20, 0x20, 0, 0, 1) + bytes(2 << 20))
            except BlockingIOError:
                pass
            connect().sendall(struct.pack("<IBBHI", 16 << 20, 0x20, 0, 0, 1))
            # A length that lies, and a peer that says half a word.
            connect().sendall(b"\xff\xff\xff\x7f")
            connect().sendall(b"\x10\x00")
            for request in range(10):
                good.sendall(wire.frame(MessageType.LOOKUP, 100 + request, wire.encode_lookup(1, [key])))
                kind, request_id, _ = read_frame(good)
                assert (kind, request_id) == (MessageType.VALUES, 100 + request), number
            most = max(most, resident_bytes(server) - before)
        print(f"rss_growth_under_abuse_bytes={most}")
        # Two replies under way, each in a buffer that doubles, and what the allocator keeps.
        assert most <= held * 5 // 4 + (64 << 20)


def test_tokens_are_read_again(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("first\n")
    with served(tmp_path, "--token-file", str(tokens)) as server:
        address = f"127.0.0.1:{port(server)}"

        def enters(token: str) -> bool:
            return strandline("status", "--address", address, "--token", token).status == OK

        assert enters("first") and not enters("second")
        # A file that is no list of tokens changes nothing.
        tokens.write_text("# nothing yet\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("a word about it", lambda: "stay as they were" in server.errors.read_text())
        assert enters("first")
        tokens.write_text("second\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("the second token", lambda: enters("second"))
        assert not enters("first")
        # And without a signal.
        tokens.write_text("third token\n")
        wait_for("the third token", lambda: enters("third token"))
        assert not enters("second")


def test_tls(tmp_path: Path) -> None:
    """With the certificate that the page about it makes."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = all_blocks()[Key("docs/operations.md", "TLS", 1)].text
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True, capture_output=True)
    with served(tmp_path, "--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        address = f"127.0.0.1:{port(server)}"
        assert strandline("status", "--address", address, "--tls-ca", str(certificate)).status == OK
        untrusted = strandline("status", "--address", address, "--tls")
        assert untrusted.status != OK and "not trusted" in untrusted.err
        assert strandline("status", "--address", address).status != OK
        trust = ssl.create_default_context(cafile=str(certificate))
        # HTTP speaks it too, and nothing else.
        http = server.printed("http on ")
        with urllib.request.urlopen(f"https://{http}/health", context=trust) as reply:
            assert reply.status == 200
        with pytest.raises((urllib.error.URLError, ConnectionError, http_client.HTTPException)):
            urllib.request.urlopen(f"http://{http}/health", timeout=10)
        with connect(address, tls=trust, checksum=True) as store:
            assert store.status()["project"] == "process_tests"
    half = strandline("serve", "--repo", str(tmp_path / "repo"), "--tls-key", str(key), "--no-ingest")
    assert half.status == 2 and "TLS needs a certificate and its key" in half.err


def test_a_stopping_server_says_so(tmp_path: Path) -> None:
    with served(tmp_path) as server, socket.create_connection(("127.0.0.1", port(server)), timeout=20) as connection:
        greet(connection)
        server.process.terminate()
        kind, request_id, body = read_frame(connection)
        assert (kind, request_id) == (MessageType.ERROR, 0)
        assert struct.unpack_from("<H", body)[0] == 21
        assert connection.recv(1) == b""
        connection.close()
        assert server.process.wait(timeout=20) == 0


def test_the_limit_of_connections(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, "unused")
    store = repo / "feature_store.yaml"
    store.write_text(store.read_text().replace("server: {", "server: {connections_max: 2, "))
    server = Process(
        tmp_path, "server", "serve", "--repo", str(repo), "--data-dir", str(tmp_path / "data"),
        "--listen", "127.0.0.1:0", "--no-ingest", wanted="listening on ",
    )  # fmt: skip
    try:
        with ExitStack() as open_ones:
            for number in range(3):
                address = ("127.0.0.1", port(server))
                connection = open_ones.enter_context(socket.create_connection(address, timeout=20))
                if number < 2:
                    greet(connection)
                    continue
                kind, request_id, body = read_frame(connection)
                assert (kind, request_id) == (MessageType.ERROR, 0)
                assert struct.unpack_from("<HB", body) == (20, 1)
    finally:
        server.stop()
