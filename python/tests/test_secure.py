"""TLS and checksums, by the format page, against the fake server."""

from __future__ import annotations

import random
import ssl
import struct
import zlib
from pathlib import Path

import pytest
from both_clients import Connect, both
from fake_server import FakeServer, golden_script, key_script
from test_pipelining import run_threads

import strandline
from strandline import wire
from strandline.wire import MessageType

CERTIFICATES = Path(__file__).resolve().parent / "certificates"
KEYS = key_script(count_max=100)


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    return context


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATES / "server.pem"))


@both
def test_tls(connect: Connect) -> None:
    large = {"k": list(range(100))}
    with FakeServer(KEYS, tls=server_context()) as server:
        with connect(server.address, tls=trusting(), timeout=20) as store:
            for _ in range(20):
                assert store.get_features("s", large).features["v:k"] == large["k"]
            server.drop()
            assert store.get_features("s", large).features["v:k"] == large["k"]
        with pytest.raises(strandline.ProtocolError, match="TLS"), connect(server.address, tls=True):
            pass


@both
def test_tls_and_no_tls(connect: Connect) -> None:
    with FakeServer(KEYS, tls=server_context()) as server:
        with pytest.raises(strandline.StrandlineError), connect(server.address, timeout=2):
            pass
    # A server without TLS takes the greeting of TLS for the beginning of a long frame, and waits for its end.
    with FakeServer(KEYS) as server:
        with pytest.raises(strandline.StrandlineError), connect(server.address, tls=trusting(), timeout=0.5):
            pass


def test_threads_share_a_tls_connection() -> None:
    with FakeServer(KEYS, tls=server_context(), shuffles=random.Random(1)) as server:
        with strandline.connect(server.address, tls=trusting(), timeout=60, connections=1) as store:

            def work(thread: int) -> None:
                for number in range(20):
                    keys = [thread * 1000 + number, -number]
                    assert store.get_features("s", {"k": keys}).features["v:k"] == keys

            run_threads(16, work)


def with_options(options: bytes):  # type: ignore[no-untyped-def]
    """A server whose WELCOME ends with these options."""

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.HELLO:
            welcome = struct.pack("<HIIHIH", 1, 1 << 20, 100, 100, 100, 0)
            return wire.frame(MessageType.WELCOME, request_id, welcome + options)
        return KEYS(number, kind, request_id, body)

    return script


@both
def test_checksums(connect: Connect) -> None:
    with FakeServer(with_options(b"\1")) as server, connect(server.address, checksum=True) as store:
        assert store.get_features("s", {"k": [1, 2]}).features["v:k"] == [1, 2]
        assert server.received[0][2] == wire.encode_hello(None, "strandline-python") + b"\1"


@both
@pytest.mark.parametrize("checksum, options", [(True, b""), (True, b"\0"), (False, b"\1"), (True, b"\2"), (False, b"\2")])
def test_checksums_that_are_not_agreed_on(connect: Connect, checksum: bool, options: bytes) -> None:
    with FakeServer(with_options(options)) as server:
        with pytest.raises(strandline.ProtocolError), connect(server.address, checksum=checksum):
            pass


@both
def test_a_damaged_reply_is_asked_for_again(connect: Connect) -> None:
    damaged = 0

    def damages(frame: bytes) -> bytes:
        nonlocal damaged
        if frame[4] == MessageType.VALUES and damaged < 1:
            damaged += 1
            return frame[:30] + bytes([frame[30] ^ 4]) + frame[31:]
        return frame

    with FakeServer(with_options(b"\1"), damages=damages) as server, connect(server.address, checksum=True) as store:
        assert store.get_features("s", {"k": 5}).features["v:k"] == [5]
        assert damaged == 1 and server.kinds().count("HELLO") == 2


@both
def test_a_damaged_request_is_sent_again(connect: Connect) -> None:
    """What the server says of it: CHECKSUM_MISMATCH, and it closes."""
    seen = 0

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        nonlocal seen
        if kind is MessageType.LOOKUP:
            seen += 1
            if seen == 1:
                return wire.frame(MessageType.ERROR, request_id, struct.pack("<HBI", 7, 0, 0))
        return with_options(b"\1")(number, kind, request_id, body)

    with FakeServer(script) as server, connect(server.address, checksum=True) as store:
        assert store.get_features("s", {"k": 5}).features["v:k"] == [5]
        assert seen == 2 and server.kinds().count("HELLO") == 2


def test_the_checksum_is_over_everything_between_size_and_checksum() -> None:
    frame = wire.frame(MessageType.ADMIN, 9, b"abc", checksum=True)
    assert frame[:12] == bytes([15, 0, 0, 0, 0x20, 1, 0, 0, 9, 0, 0, 0]) and frame[12:15] == b"abc"
    assert frame[15:] == struct.pack("<I", zlib.crc32(frame[4:15]))


def test_every_flipped_bit_is_noticed() -> None:
    frame = wire.frame(MessageType.ADMIN_REPLY, 9, b"some text", checksum=True)
    for bit in range(len(frame) * 8):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        decoder = wire.FrameDecoder()
        decoder.has_checksums = True
        decoder.feed(bytes(damaged))
        try:
            found = decoder.next()
        except (strandline.ProtocolError, strandline.ConnectionLost):
            continue
        # A larger size: the rest is waited for.
        assert found is None and bit < 32


def test_unprotected_greetings_are_as_they_were() -> None:
    with FakeServer(golden_script) as server, strandline.connect(server.address, token="s3cret") as store:
        store.ping()
        assert server.received[0][2] == wire.encode_hello("s3cret", "strandline-python")
