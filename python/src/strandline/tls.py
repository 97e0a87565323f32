"""TLS over bytes in memory: one lock guards it beside the protocol, and the socket stays a plain one that threads share."""

from __future__ import annotations

import ssl

_RECORD = 1 << 16


class TlsBytes:
    """The client's side of a TLS stream. Not safe for use by several threads at once.

    Example: ``sock.sendall(tls.encrypt(data))``; ``session.receive(tls.decrypt(sock.recv(65536)))``
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self) -> bool:
        """Goes on with the handshake, as far as bytes are there; True when it is done. Raises ssl.SSLError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def take(self, data: bytes) -> None:
        """What came from the other side."""
        self._incoming.write(data)

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for some data."""
        view = memoryview(data)
        while view:
            view = view[self._object.write(view) :]
        return self.to_send()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """What the bytes hold, and whether the other side has ended the stream. Raises ssl.SSLError."""
        self._incoming.write(data)
        parts = []
        try:
            while part := self._object.read(_RECORD):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(parts), True

    def to_send(self) -> bytes:
        """What TLS itself has to send by now."""
        return self._outgoing.read()
