"""A server on a free port whose answers are written by the test."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import golden

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


class FakeServer:
    def __init__(self, script: Script = golden_script) -> None:
        self.script = script
        self.received: list[tuple[int, MessageType, bytes]] = []
        self.sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Closes the connections that there are."""
        for accepted in self.sockets:
            try:
                accepted.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            accepted.close()

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
            with accepted.makefile("rb") as stream:
                while header := stream.read(12):
                    size, kind, _, _, request_id = struct.unpack("<IBBHI", header)
                    body = stream.read(size - 8)
                    self.received.append((number, MessageType(kind), body))
                    reply = self.script(number, MessageType(kind), request_id, body)
                    if reply is None:
                        accepted.shutdown(socket.SHUT_RDWR)
                        return
                    accepted.sendall(reply)
        except (OSError, ValueError):
            return
