"""One socket: greeting, one request at a time, time limits."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import TypeVar, Union

from . import wire
from .errors import ConnectionLost, InvalidArgument, ProtocolError, RequestTimedOut, TooMany, request_error
from .wire import MessageType, Prepared

Target = Union[str, Sequence[str]]
Result = TypeVar("Result")


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``, ``host`` or ``[v6]:port``.

    Example: ``parse_address("[::1]:6567") == ("::1", 6567)``
    """
    host, port = address, str(wire.PORT_DEFAULT)
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        if rest:
            port = rest[1:] if rest.startswith(":") else ""
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65535:
        raise InvalidArgument(f"{address!r} is not host:port")
    return host, int(port)


class Connection:
    """A greeted connection with its prepared lookups. Not safe for use by several threads at once.

    Example: ``Connection("127.0.0.1:6567", None, 30.0).request(MessageType.PING, b"", MessageType.PONG)``
    """

    def __init__(self, address: str, token: str | None, timeout: float, client_name: str = "strandline-python") -> None:
        self._timeout = timeout
        self._last_id = 0
        self._frame_size_max = wire.FRAME_SIZE_MAX_BEFORE_WELCOME
        self._prepared: dict[str | tuple[str, ...], Prepared] = {}
        self.is_lost = False
        host, port = parse_address(address)
        try:
            self._socket = socket.create_connection((host, port), timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            raise RequestTimedOut(f"{address}: no answer in {timeout} s") from error
        except OSError as error:
            raise ConnectionLost(f"{address}: {error}") from error
        hello = wire.encode_hello(token, client_name)
        try:
            self.welcome = wire.decode_welcome(self.request(MessageType.HELLO, hello, MessageType.WELCOME))
            if self.welcome.version != wire.VERSION:
                raise ProtocolError(f"the server speaks version {self.welcome.version}")
        except BaseException:
            self.close()
            raise
        self._frame_size_max = self.welcome.frame_size_max

    def close(self) -> None:
        """Closes the socket; closing twice is fine."""
        self.is_lost = True
        self._socket.close()

    def is_usable(self) -> bool:
        """False when the connection was closed, here or by the server, since the last reply."""
        if self.is_lost:
            return False
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        # Nothing was asked, so whatever came is the end of the stream or an ERROR before it.
        self.close()
        return False

    def prepare(self, target: Target) -> Prepared:
        """The prepared lookup of a service or of references, from this connection's cache when it is there.

        Example: ``connection.prepare(["purchases:count_7d"])``
        """
        key = target if isinstance(target, str) else tuple(target)
        found = self._prepared.get(key)
        if found is None:
            body = self.request(MessageType.PREPARE, wire.encode_prepare(key), MessageType.PREPARED)
            found = self.decoded(lambda: wire.decode_prepared(body))
            self._prepared[key] = found
        return found

    @property
    def has_room_to_prepare(self) -> bool:
        """False when the connection holds as many prepared lookups as the protocol allows."""
        return len(self._prepared) < wire.PREPARED_MAX

    def has_prepared(self, target: Target) -> bool:
        """True when `prepare` needs no request. Example: ``connection.has_prepared("fraud")``"""
        return (target if isinstance(target, str) else tuple(target)) in self._prepared

    def forget(self, target: Target) -> None:
        """Drops a prepared lookup that no longer exists. Example: ``connection.forget("fraud")``"""
        self._prepared.pop(target if isinstance(target, str) else tuple(target), None)

    def request(self, kind: MessageType, body: bytes, reply: MessageType) -> bytes:
        """Sends one request and gives its reply's body.

        Raises RequestError for an ERROR reply, and ConnectionLost or ProtocolError, after which the connection is
        closed.

        Example: ``connection.request(MessageType.PING, b"", MessageType.PONG)``
        """
        if len(body) + 8 > self._frame_size_max:
            raise TooMany(f"the request has {len(body)} bytes, beyond the frame limit of {self._frame_size_max}")
        self._last_id = self._last_id % 0xFFFFFFFF + 1
        deadline = time.monotonic() + self._timeout
        try:
            self._wait(deadline)
            self._socket.sendall(wire.frame(kind, self._last_id, body))
            return self._receive(reply, deadline)
        except TimeoutError as error:
            self.close()
            raise RequestTimedOut(f"no reply in {self._timeout} s") from error
        except OSError as error:
            self.close()
            raise ConnectionLost(f"the connection was lost: {error}") from error
        except (ProtocolError, ConnectionLost, KeyboardInterrupt):
            # Whatever is still to come would be taken for the reply to the next request.
            self.close()
            raise

    def decoded(self, decode: Callable[[], Result]) -> Result:
        """Runs a decoder; a reply that it refuses ends the connection.

        Example: ``connection.decoded(lambda: wire.decode_prepared(body))``
        """
        try:
            return decode()
        except ProtocolError:
            self.close()
            raise

    def _receive(self, reply: MessageType, deadline: float) -> bytes:
        head = self._read(4, deadline)
        wire.check_size(wire.SIZE.unpack(head)[0], self._frame_size_max)
        kind, request_id, count = wire.decode_header(head + self._read(8, deadline), self._frame_size_max)
        body = self._read(count, deadline)
        if kind is MessageType.ERROR and request_id in (0, self._last_id):
            code, retriable, message = wire.decode_error(body)
            if code <= 6 or request_id == 0:
                self.close()
            raise request_error(code, message, retriable)
        if request_id != self._last_id or kind is not reply:
            raise ProtocolError(f"{kind.name} for request {request_id} instead of {reply.name} for {self._last_id}")
        return body

    def _read(self, count: int, deadline: float) -> bytes:
        # Grows with what arrives, so a large size alone makes no room.
        parts: list[bytes] = []
        while count > 0:
            self._wait(deadline)
            part = self._socket.recv(min(count, 1 << 18))
            if not part:
                raise ConnectionLost("the server closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
