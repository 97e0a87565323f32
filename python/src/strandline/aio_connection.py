"""One connection that tasks of an event loop share."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Sequence
from typing import Any

from .endpoint import CLIENT_NAME, Endpoint
from .errors import ConnectionLost, ProtocolError, RequestTimedOut, StrandlineError
from .steps import Deadline, Message
from .wire import Prepared, Session, Welcome
from .wire.session import Outcome, Target

# Requests that time out while nothing at all comes in for so long show that nobody is there any more.
_SILENCE_MAX = 1.0


class Connection(asyncio.Protocol):
    """A greeted connection, made by `open_connection`. For tasks of one event loop.

    Attributes:
        calls: how many calls have it from the pool; the pool's.
        opened_at, lost_at: when, on the monotonic clock.
        is_retired: whether no further call gets it.

    Example: ``await connection.exchange([message], Deadline(1))``
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.calls = 0
        self.opened_at = time.monotonic()
        self.lost_at = math.inf
        self.is_retired = False
        self._session: Session[asyncio.Future[Outcome]] = Session(endpoint.token, CLIENT_NAME, endpoint.checksum)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._preparing: dict[Target, asyncio.Lock] = {}
        self._to_send: list[bytes] = []
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._silent_seconds = 0.0

    @classmethod
    async def open(cls, endpoint: Endpoint, deadline: Deadline) -> Connection:
        """Connects and greets. Raises ConnectionLost, RequestTimedOut, ProtocolError, or what the server refuses."""
        loop = asyncio.get_running_loop()
        connection = cls(endpoint)
        try:
            opening = loop.create_connection(lambda: connection, endpoint.host, endpoint.port, ssl=endpoint.tls)
            await asyncio.wait_for(opening, max(deadline.left(), 0.001))
            await connection._greet(deadline)
            connection.opened_at = time.monotonic()
        except asyncio.TimeoutError as error:
            connection.close()
            if isinstance(error, RequestTimedOut):
                raise
            raise RequestTimedOut(f"{endpoint.address}: no answer in {deadline.seconds} s") from None
        except ssl.SSLError as error:
            connection.close()
            raise ProtocolError(f"{endpoint.address}: the TLS handshake failed: {error}") from error
        except OSError as error:
            connection.close()
            raise ConnectionLost(f"{endpoint.address}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def welcome(self) -> Welcome:
        """The server's limits."""
        return self._session.welcome

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more calls."""
        return self.is_retired or self._session.failure is not None

    def forget(self, target: Target) -> None:
        """Drops a prepared lookup that the server does not know any more."""
        self._session.forget(target)
        if not self._session.has_room_to_prepare:
            self.is_retired = True

    def fail(self, error: StrandlineError) -> None:
        """Ends the connection: everything in flight is answered by `error`."""
        self.lost_at = min(self.lost_at, time.monotonic())
        self._finish(self._session.fail(error))
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Ends the connection; twice is fine."""
        self.fail(ConnectionLost("the client was closed"))

    async def prepare(self, target: Target, deadline: Deadline) -> Prepared:
        """The prepared lookup of a target, asked for once however many tasks want it."""
        found = self._session.prepared(target)
        if found is not None:
            return found
        lock = self._preparing.setdefault(target, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), max(0.0, deadline.left()))
        except asyncio.TimeoutError:
            raise RequestTimedOut(f"no reply in {deadline.seconds} s") from None
        try:
            found = self._session.prepared(target)
            return found if found is not None else await self._prepare_now(target, deadline)
        finally:
            lock.release()

    async def exchange(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """Sends the messages together and gives what became of each. Raises RequestTimedOut."""
        waiting: list[tuple[int, asyncio.Future[Outcome]]] = []
        for message in messages:
            future: asyncio.Future[Outcome] = self._loop.create_future()
            request_id = 0
            try:
                request_id, data = self._session.request(message.kind, message.body, message.reply, future)
                self._write(data)
            except StrandlineError as error:
                future.set_result(error)
            waiting.append((request_id, future))
        received = self._session.received
        timer = self._loop.call_later(max(0.0, deadline.left()), self._expire, waiting, deadline, received)
        try:
            # A server that takes no more requests is waited for, so that they do not pile up here.
            if not self._can_write.is_set():
                await self._drained(waiting)
            outcomes = [await future for _, future in waiting]
        finally:
            timer.cancel()
            for request_id, future in waiting:
                if not future.done() or future.cancelled():
                    self._session.abandon(request_id)
        for outcome in outcomes:
            if isinstance(outcome, _Expired):
                raise RequestTimedOut(str(outcome))
        return outcomes

    async def _prepare_now(self, target: Target, deadline: Deadline) -> Prepared:
        if not self._session.has_room_to_prepare:
            self.is_retired = True
            raise ConnectionLost("the connection has prepared as many lookups as it may")
        (outcome,) = await self.exchange([Message.preparing(target)], deadline)
        if isinstance(outcome, StrandlineError):
            raise outcome
        try:
            return self._session.remember(target, outcome)
        except ProtocolError as error:
            self.fail(error)
            raise

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._finish(self._session.receive(data))
        failure = self._session.failure
        if failure is not None and self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "the server closed the connection" if exc is None else f"the connection was lost: {exc}"
        self.lost_at = min(self.lost_at, time.monotonic())
        self._finish(self._session.fail(ConnectionLost(reason)))
        self._can_write.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    # Inside

    async def _greet(self, deadline: Deadline) -> None:
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._write(self._session.hello(future))
        outcome = await asyncio.wait_for(future, max(deadline.left(), 0.001))
        if isinstance(outcome, StrandlineError):
            raise outcome

    def _write(self, data: bytes) -> None:
        """Puts bytes in line; what one turn of the event loop asks for goes out in one write."""
        if not self._to_send:
            self._loop.call_soon(self._flush)
        self._to_send.append(data)

    def _flush(self) -> None:
        if self._to_send and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._to_send))
            self._to_send.clear()

    async def _drained(self, waiting: Sequence[tuple[int, asyncio.Future[Outcome]]]) -> None:
        """Until the socket takes bytes again, or a request of ours is answered or expires."""
        can_write = self._loop.create_task(self._can_write.wait())
        try:
            any_of: list[asyncio.Future[Any]] = [can_write, *(future for _, future in waiting)]
            await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
        finally:
            can_write.cancel()

    def _expire(self, waiting: Sequence[tuple[int, asyncio.Future[Outcome]]], deadline: Deadline, received: int) -> None:
        is_silent = received == self._session.received
        self._silent_seconds = self._silent_seconds + deadline.seconds if is_silent else 0.0
        if self._silent_seconds >= _SILENCE_MAX:
            # Those that wait may go on; the next call had better not wait on the same connection.
            self.is_retired = True
        for request_id, future in waiting:
            if not future.done():
                self._session.abandon(request_id)
                future.set_result(_Expired(f"no reply in {deadline.seconds} s"))

    @staticmethod
    def _finish(answered: Sequence[tuple[asyncio.Future[Outcome], Outcome]]) -> None:
        for future, outcome in answered:
            if not future.done():
                future.set_result(outcome)


class _Expired(StrandlineError):
    """Stands for a reply that did not come in time."""
