"""The client's side of one connection, without the connection: bytes in, answers out. No socket, no clock, no lock.

Requests go out with ids of their own; replies come back in any order. Whoever asked is a `sink`, of whatever type the
caller likes: a session hands it back together with what became of its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Generic, TypeVar, Union

from ..errors import ConnectionLost, ProtocolError, StrandlineError, TooMany, request_error
from .frames import FrameDecoder, MessageType, frame
from .greeting import VERSION, Welcome, decode_welcome, encode_hello
from .messages import PREPARED_MAX, Prepared, decode_error, decode_prepared

Sink = TypeVar("Sink")
Target = Union[str, tuple[str, ...]]
#: A reply's body, or why there is none.
Outcome = Union[bytes, StrandlineError]
#: After ERROR with a code up to this one the server closes the connection.
_CLOSING_CODE_MAX = 7


def target_of(service_or_refs: str | Sequence[str]) -> Target:
    """What PREPARE names: a service, or references. Example: ``target_of(["v:count_1h"]) == ("v:count_1h",)``"""
    return service_or_refs if isinstance(service_or_refs, str) else tuple(service_or_refs)


class Session(Generic[Sink]):
    """Attributes:
        failure: why the connection takes no more requests; None while it does.
        received: how many times bytes came.
        prepares: how many lookups were prepared; the server keeps them all.

    Example: ``socket.sendall(session.hello(sink))``, then ``session.receive(data)`` for all that comes
    """

    def __init__(self, token: str | None, client_name: str, wants_checksums: bool = False) -> None:
        self._token = token
        self._client_name = client_name
        self._wants_checksums = wants_checksums
        self._decoder = FrameDecoder()
        self._pending: dict[int, tuple[MessageType, Sink]] = {}
        # Nobody waits for these any more, and their ids are not free before the replies have come.
        self._abandoned: set[int] = set()
        self._last_id = 0
        self._prepared: dict[Target, Prepared] = {}
        self._welcome: Welcome | None = None
        self.failure: StrandlineError | None = None
        self.received = 0
        self.prepares = 0

    @property
    def welcome(self) -> Welcome:
        """What the server said to HELLO. It must have come."""
        if self._welcome is None:
            raise ConnectionLost("the server has not greeted")
        return self._welcome

    @property
    def in_flight(self) -> int:
        """How many requests somebody waits for."""
        return len(self._pending)

    @property
    def missing(self) -> int:
        """How many bytes the reply that is coming in still lacks, as far as is known."""
        return self._decoder.missing

    def hello(self, sink: Sink) -> bytes:
        """The first bytes to send; `sink` gets WELCOME's body. Example: ``session.hello(sink)``"""
        body = encode_hello(self._token, self._client_name, checksums=self._wants_checksums)
        return self.request(MessageType.HELLO, body, MessageType.WELCOME, sink)[1]

    def request(self, kind: MessageType, body: bytes, reply: MessageType, sink: Sink) -> tuple[int, bytes]:
        """The id and the bytes of a request. Raises TooMany where the server would not take so large a frame,
        ConnectionLost after the end.

        Example: ``request_id, data = session.request(MessageType.PING, b"", MessageType.PONG, sink)``
        """
        if self.failure is not None:
            raise ConnectionLost(f"the connection had ended: {self.failure}")
        request_id = self._free_id()
        data = frame(kind, request_id, body, self._decoder.has_checksums)
        if len(data) - 4 > self._decoder.frame_size_max:
            raise TooMany(
                f"the request has {len(data)} bytes, beyond the frame limit of {self._decoder.frame_size_max}"
            )
        self._pending[request_id] = (reply, sink)
        return request_id, data

    def receive(self, data: bytes) -> list[tuple[Sink, Outcome]]:
        """What some bytes from the server answer. Bytes that are no reply end the session, see `failure`.

        Example: ``for sink, outcome in session.receive(data): ...``
        """
        if self.failure is not None:
            return []
        answered: list[tuple[Sink, Outcome]] = []
        self.received += 1
        self._decoder.feed(data)
        try:
            while self.failure is None and (found := self._decoder.next()) is not None:
                answered += self._take(*found)
        except StrandlineError as error:
            answered += self.fail(error)
        return answered

    def fail(self, error: StrandlineError) -> list[tuple[Sink, Outcome]]:
        """Ends the session: everything in flight is answered by `error`. Example: ``session.fail(ConnectionLost("..."))``"""
        if self.failure is None:
            self.failure = error
        # A copy for each: they are raised in threads and tasks of their own.
        failed: list[tuple[Sink, Outcome]] = [(sink, copy(error)) for _, sink in self._pending.values()]
        self._pending.clear()
        return failed

    def abandon(self, request_id: int) -> None:
        """Nobody waits for this request any more; its reply will be dropped. Example: ``session.abandon(request_id)``"""
        if self._pending.pop(request_id, None) is not None:
            self._abandoned.add(request_id)

    def prepared(self, target: Target) -> Prepared | None:
        """The prepared lookup of a target, when there is one. Example: ``session.prepared("fraud")``"""
        return self._prepared.get(target)

    def remember(self, target: Target, body: bytes) -> Prepared:
        """Keeps what PREPARED says of a target. Raises ProtocolError. Example: ``session.remember("fraud", body)``"""
        prepared = self._prepared[target] = decode_prepared(body)
        self.prepares += 1
        return prepared

    def forget(self, target: Target) -> None:
        """Drops a prepared lookup that the server does not know any more. Example: ``session.forget("fraud")``"""
        self._prepared.pop(target, None)

    @property
    def has_room_to_prepare(self) -> bool:
        """False when the connection has prepared as many lookups as the protocol allows."""
        return self.prepares < PREPARED_MAX

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % 0xFFFF_FFFF + 1
            if self._last_id not in self._pending and self._last_id not in self._abandoned:
                return self._last_id

    def _take(self, kind: MessageType, request_id: int, body: bytes) -> list[tuple[Sink, Outcome]]:
        if request_id in self._abandoned:
            self._abandoned.discard(request_id)
            return []
        if kind is MessageType.ERROR:
            return self._refused(request_id, body)
        expected = self._pending.get(request_id)
        if expected is None or kind is not expected[0]:
            wanted = "no reply" if expected is None else expected[0].name
            raise ProtocolError(f"{kind.name} for request {request_id}, where {wanted} was to come")
        if kind is MessageType.WELCOME:
            self._greeted(decode_welcome(body))
        del self._pending[request_id]
        return [(expected[1], body)]

    def _refused(self, request_id: int, body: bytes) -> list[tuple[Sink, Outcome]]:
        code, retriable, message = decode_error(body)
        error = request_error(code, message, retriable)
        if request_id == 0:
            return self.fail(error)
        if request_id not in self._pending:
            raise ProtocolError(f"ERROR for request {request_id}, where no reply was to come")
        answered: list[tuple[Sink, Outcome]] = [(self._pending.pop(request_id)[1], error)]
        if code <= _CLOSING_CODE_MAX:
            answered += self.fail(ConnectionLost(f"the server closed the connection after {error}"))
        return answered

    def _greeted(self, welcome: Welcome) -> None:
        """Takes over what was agreed on, for every later frame."""
        if welcome.version != VERSION:
            raise ProtocolError(f"the server speaks version {welcome.version}")
        if welcome.has_checksums != self._wants_checksums:
            state = "has checksums that nobody asked for" if welcome.has_checksums else "does not agree to checksums"
            raise ProtocolError(f"the server {state}")
        self._welcome = welcome
        self._decoder.frame_size_max = welcome.frame_size_max
        self._decoder.has_checksums = welcome.has_checksums
