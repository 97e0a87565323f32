"""Bad clients of a Strandline server, for as long as this runs: they ask and do not read, write a byte at a time, say half a word,
lie about lengths, send noise. A round each twentieth of a second, so that they take little of the machine themselves.

    abuse.py HOST PORT
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import sys
import time

MAGIC, PER_KIND = b"STRD", 25
HELLO, PREPARE, LOOKUP, ADMIN = 0x01, 0x10, 0x12, 0x20


def frame(kind: int, body: bytes) -> bytes:
    return struct.pack("<IBBHI", len(body) + 8, kind, 0, 0, 1) + body


def text(value: str) -> bytes:
    return struct.pack("<H", len(value)) + value.encode()


GREETING = frame(HELLO, MAGIC + struct.pack("<HHB", 1, 1, 0) + text("") + text("abuse"))
KEY = struct.pack("<HB", 9, 1) + struct.pack(">Q", 7 + (1 << 63))
# A thousand rows of ten values a request: 100 kB of reply to 11 kB.
MANY = frame(LOOKUP, struct.pack("<IBqqI", 1, 0, 0, 0, 1000) + KEY * 1000)
ENDLESS = struct.pack("<IBBHI", 16 << 20, ADMIN, 0, 0, 1)


class Bad:
    """One connection of a kind, made again when the server has ended it."""

    def __init__(self, kind: str, address: tuple[str, int]) -> None:
        self.kind, self.address = kind, address
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(self.address, timeout=5)
        self.socket.setblocking(False)
        self.send(GREETING)
        if self.kind == "reader":
            self.send(frame(PREPARE, b"\x01" + text("ten")))
        if self.kind == "writer":
            self.send(ENDLESS)
        if self.kind == "half":
            self.send(MANY[:7])

    def send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            self.socket.send(data)

    def act(self) -> None:
        try:
            if self.kind == "reader":
                self.send(MANY)
            elif self.kind == "writer":
                self.send(b" ")
            elif self.kind == "liar":
                self.send(struct.pack("<I", 0xFFFFFFFF))
            elif self.kind == "noise":
                self.send(random.randbytes(200))
            if self.kind != "reader":
                with contextlib.suppress(BlockingIOError):
                    if not self.socket.recv(4096):
                        raise ConnectionResetError
        except OSError:
            self.socket.close()
            self.connect()


def main() -> None:
    address = (sys.argv[1], int(sys.argv[2]))
    clients = [Bad(kind, address) for kind in ("reader", "writer", "half", "liar", "noise") for _ in range(PER_KIND)]
    print("at work", flush=True)
    while True:
        # Some of them at a time.
        for client in random.sample(clients, 12):
            client.act()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
