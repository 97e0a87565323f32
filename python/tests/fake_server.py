"""A server on a free port whose answers are written by the test; with TLS and checksums where a test wants them."""

from __future__ import annotations

import random
import select
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable

import golden

from strandline import wire
from strandline.wire import MessageType

#: Takes (connection number, type, request id, body); gives the bytes to send, or None to close.
Script = Callable[[int, MessageType, int, bytes], "bytes | None"]

REPLIES = {
    MessageType.HELLO: "welcome",
    MessageType.PREPARE: "prepared",
    MessageType.LOOKUP: "values",
    MessageType.ROWS: "columns",
    MessageType.ADMIN: "admin_reply",
    MessageType.PING: "pong",
}


def golden_script(_: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
    name = REPLIES[kind]
    if kind is MessageType.LOOKUP and body[4] & 4:
        name = "values_event_times"
    return golden.answering(name, request_id)


def error(request_id: int, code: int, retriable: bool = False, message: bytes = b"") -> bytes:
    return wire.frame(MessageType.ERROR, request_id, struct.pack("<HBI", code, retriable, len(message)) + message)


def key_script(count_max: int = 3, reply_max: int | None = None) -> Script:
    """Gives each row's int64 key back as its feature `v:k`, at T 1000 and K 2000. With `reply_max` more rows are TOO_MANY."""

    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind is MessageType.HELLO:
            welcome = struct.pack("<HIIHIH", 1, 1 << 20, count_max, 100, count_max, 0)
            return wire.frame(MessageType.WELCOME, request_id, welcome)
        if kind is MessageType.PREPARE:
            reply = struct.pack("<IH", 1, 0) + b"\x01\x01\x00k\x01" + b"\x01\x00\x03\x00v:k\x01"
            return wire.frame(MessageType.PREPARED, request_id, reply)
        if kind is MessageType.LOOKUP:
            _, options, as_of, known_at, count = struct.unpack_from("<IBqqI", body)
            if reply_max is not None and count > reply_max:
                return error(request_id, 14)
            first = 25 + 4 * bool(options & 0x80)
            keys = [int.from_bytes(body[at + 3 : at + 11], "big") - 2**63 for at in range(first, len(body), 11)]
            rows = b"".join(b"\x81" + struct.pack("<q", key) for key in keys)
            reply = struct.pack("<qqIHB", as_of or 1000, known_at or 2000, count, 1, 0) + rows
            return wire.frame(MessageType.VALUES, request_id, reply)
        if kind is MessageType.ROWS:
            _, _, known_at, count = struct.unpack_from("<IBqI", body)
            times = body[17 : 17 + 8 * count]
            reply = struct.pack("<qIH", known_at or 2000, count, 1) + b"\x81" * count + times
            return wire.frame(MessageType.COLUMNS, request_id, reply)
        return golden_script(number, kind, request_id, body)

    return script


class _Stream:
    """What a client sends, and whether there is more of it by now."""

    def __init__(self, accepted: socket.socket) -> None:
        self._socket = accepted
        self._data = b""

    def read(self, count: int) -> bytes:
        """So many bytes; fewer at the end of the stream."""
        while len(self._data) < count and (part := self._socket.recv(1 << 16)):
            self._data += part
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def has_more(self) -> bool:
        return bool(self._data) or bool(select.select([self._socket], [], [], 0)[0])


class FakeServer:
    """`damages` changes the frames that it sends, after their checksums. With `shuffles` requests that came together are
    answered together, in any order, as a server does that computes them in parallel.
    """

    def __init__(
        self,
        script: Script = golden_script,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        damages: Callable[[bytes], bytes] = lambda frame: frame,
        shuffles: random.Random | None = None,
    ) -> None:
        self.script = script
        self.received: list[tuple[int, MessageType, bytes]] = []
        self.sockets: list[socket.socket] = []
        self.closed = threading.Semaphore(0)
        self._tls = tls
        self._damages = damages
        self._shuffles = shuffles
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it, and frees its port; twice is fine."""
        try:
            # A close alone does not wake the thread that accepts, and so would leave the port taken.
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Ends the connections that there are; their threads close them, so that no number of theirs is used again before."""
        for accepted in self.sockets:
            try:
                socket.socket.shutdown(accepted, socket.SHUT_RDWR)
            except OSError:
                pass

    def kinds(self) -> list[str]:
        return [kind.name for _, kind, _ in self.received]

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.sockets.append(accepted)
            number = len(self.sockets)
            threading.Thread(target=self._serve, args=(number, accepted), daemon=True).start()

    def _serve(self, number: int, accepted: socket.socket) -> None:
        try:
            if self._tls is not None:
                accepted = self._tls.wrap_socket(accepted, server_side=True)
                self.sockets[number - 1] = accepted
            self._answer(number, accepted, _Stream(accepted))
        except (OSError, ValueError):
            pass
        finally:
            # The test may have dropped it.
            accepted.close()
            self.closed.release()

    def _answer(self, number: int, accepted: socket.socket, stream: _Stream) -> None:
        has_checksums = False
        held: list[bytes] = []
        while header := stream.read(12):
            size, number_of_kind, flags, _, request_id = struct.unpack("<IBBHI", header)
            body = stream.read(size - 8)
            kind = MessageType(number_of_kind)
            assert flags == has_checksums, "a checksum that was not agreed on, or none where one was"
            if has_checksums:
                body, sent = body[:-4], struct.unpack("<I", body[-4:])[0]
                assert zlib.crc32(header[4:] + body) == sent
            self.received.append((number, kind, body))
            reply = self.script(number, kind, request_id, body)
            if reply is None:
                accepted.shutdown(socket.SHUT_RDWR)
                return
            held.append(b"".join(map(self._damages, with_checksums(reply))) if has_checksums else reply)
            if self._shuffles is None or not stream.has_more():
                if self._shuffles is not None:
                    self._shuffles.shuffle(held)
                accepted.sendall(b"".join(held))
                held.clear()
            has_checksums = has_checksums or asks_for_checksums(kind, body)


def asks_for_checksums(kind: MessageType, body: bytes) -> bool:
    """Whether a HELLO has the options byte behind its two strings."""
    if kind is not MessageType.HELLO:
        return False
    at = 9
    for _ in range(2):
        at += 2 + struct.unpack_from("<H", body, at)[0]
    assert len(body) in (at, at + 1)
    return body[at:] == b"\x01"


def with_checksums(frames: bytes) -> list[bytes]:
    """Whole frames, each with its checksum."""
    made = []
    while frames:
        size = 4 + struct.unpack_from("<I", frames)[0]
        frame, frames = frames[:size], frames[size:]
        counted = frame[4:5] + b"\x01" + frame[6:]
        made.append(struct.pack("<I", size) + counted + struct.pack("<I", zlib.crc32(counted)))
    return made
