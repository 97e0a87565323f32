"""One connection that threads share, without a thread of its own.

Whoever waits for a reply and finds nobody reading reads for all: it hands replies to those who wait for them, and when its
own has come it wakes one of the others to go on reading. So a lone caller writes and reads by itself, and many callers have
as many requests in flight as there are of them.

Sending is alike: one thread at a time sends what is in line, whoever put it there.

Both roles are taken and given up under the lock, and by the thread's number, so that an interrupt (Ctrl-C in a notebook)
between any two steps leaves neither of them taken.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence

from .endpoint import CLIENT_NAME, Endpoint
from .errors import ConnectionLost, ProtocolError, RequestTimedOut, StrandlineError
from .opening import open_socket
from .readiness import Readiness
from .steps import Deadline, Message
from .wire import Prepared, Session, Welcome
from .wire.session import Outcome, Target

_PART = 1 << 16
_PART_MAX = 1 << 20
# While another thread reads, a blocked writer looks this often whether it has to read itself.
_LOOK_AGAIN = 0.01
# Requests that time out while nothing at all comes in for so long show that nobody is there any more.
_SILENCE_MAX = 1.0


class _Waiter:
    """A request's place in the connection."""

    __slots__ = ("outcome", "request_id", "wake")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.request_id = 0
        self.wake: threading.Lock | None = None


class Connection:
    """A greeted connection. Safe for use by many threads.

    Attributes:
        calls: how many calls have it from the pool; the pool's.
        opened_at, lost_at: when, on the monotonic clock.
        is_retired: whether no further call gets it.

    Example: ``Connection(endpoint, Deadline(1)).exchange([message], Deadline(1))``
    """

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self.calls = 0
        self.opened_at = time.monotonic()
        self.lost_at = math.inf
        self.is_retired = False
        self._session: Session[_Waiter] = Session(endpoint.token, CLIENT_NAME, endpoint.checksum)
        self._lock = threading.Lock()
        self._preparing = threading.RLock()
        self._to_send: list[bytes] = []
        # The threads that read and send, by their numbers.
        self._reader: int | None = None
        self._sender: int | None = None
        self._waiting: deque[_Waiter] = deque()
        self._is_closed = False
        self._silent_seconds = 0.0
        self._socket, self._tls = open_socket(endpoint, deadline)
        try:
            self._readiness = Readiness(self._socket)
            self._greet(deadline)
            self.opened_at = time.monotonic()
        except BaseException:
            self.close()
            raise

    @property
    def welcome(self) -> Welcome:
        """The server's limits."""
        return self._session.welcome

    def forget(self, target: Target) -> None:
        """Drops a prepared lookup that the server does not know any more."""
        with self._lock:
            self._session.forget(target)
        if not self._session.has_room_to_prepare:
            self.is_retired = True

    def fail(self, error: StrandlineError) -> None:
        """Ends the connection: everything in flight is answered by `error`."""
        with self._lock:
            self._finish(self._session.fail(error))
            if not self._is_closed:
                self._is_closed = True
                self.lost_at = time.monotonic()
                try:
                    # Wakes whoever waits for the socket.
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self._release_socket()

    def close(self) -> None:
        """Ends the connection; twice is fine."""
        self.fail(ConnectionLost("the client was closed"))

    def forget_socket(self) -> None:
        """Gives up the socket in a forked child; the parent's connection stays as it is."""
        self._socket.close()

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more calls."""
        return self.is_retired or self._session.failure is not None

    def is_alive(self) -> bool:
        """Whether an idle connection is still open at the other end."""
        try:
            if self._lead():
                while self._session.failure is None and self._readiness.readable(0):
                    self._read()
        finally:
            self._hand_over()
        return self._session.failure is None

    def prepare(self, target: Target, deadline: Deadline) -> Prepared:
        """The prepared lookup of a target, asked for once however many threads want it."""
        found = self._session.prepared(target)
        if found is not None:
            return found
        try:
            if not self._preparing.acquire(timeout=max(0.0, deadline.left())):
                raise RequestTimedOut(f"no reply in {deadline.seconds} s")
            found = self._session.prepared(target)
            return found if found is not None else self._prepare_now(target, deadline)
        finally:
            try:
                self._preparing.release()
            except RuntimeError:
                pass  # it is not ours: the time was over, or an interrupt came first

    def exchange(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """Sends the messages together and gives what became of each. Raises RequestTimedOut."""
        waiters = []
        frames = []
        with self._lock:
            for message in messages:
                waiter = _Waiter()
                waiters.append(waiter)
                try:
                    waiter.request_id, data = self._session.request(message.kind, message.body, message.reply, waiter)
                    frames.append(data)
                except StrandlineError as error:
                    waiter.outcome = error
            self._queue(b"".join(frames))
        received = self._session.received
        try:
            self._flush(deadline)
            return [self._outcome(waiter, deadline) for waiter in waiters]
        except BaseException as error:
            self._abandon(waiters)
            if isinstance(error, RequestTimedOut):
                self._note_silence(deadline.seconds if received == self._session.received else 0)
            raise

    def _prepare_now(self, target: Target, deadline: Deadline) -> Prepared:
        if not self._session.has_room_to_prepare:
            self.is_retired = True
            raise ConnectionLost("the connection has prepared as many lookups as it may")
        (outcome,) = self.exchange([Message.preparing(target)], deadline)
        if isinstance(outcome, StrandlineError):
            raise outcome
        try:
            return self._session.remember(target, outcome)
        except ProtocolError as error:
            self.fail(error)
            raise

    # Greeting

    def _greet(self, deadline: Deadline) -> None:
        waiter = _Waiter()
        with self._lock:
            self._queue(self._session.hello(waiter))
        self._flush(deadline)
        outcome = self._outcome(waiter, deadline)
        if isinstance(outcome, StrandlineError):
            raise outcome

    # Sending

    def _queue(self, data: bytes) -> None:
        """Puts bytes in line, in the order in which they are encrypted. The lock is held."""
        if data:
            try:
                self._to_send.append(data if self._tls is None else self._tls.encrypt(data))
            except ssl.SSLError as error:
                self._finish(self._session.fail(ConnectionLost(f"the connection was lost: {error}")))

    def _flush(self, deadline: Deadline) -> None:
        """Sends all that is in line, other threads' bytes too; nothing where another thread does. A failure is in the
        waiters' outcomes. Raises RequestTimedOut, and leaves the rest in line.
        """
        try:
            while data := self._next_to_send():
                self._send(data, deadline)
        except RequestTimedOut:
            raise
        except OSError as error:
            self.fail(ConnectionLost(f"the connection was lost: {error}"))
        except BaseException:
            self.fail(ConnectionLost("a request was interrupted while it was sent"))
            raise
        finally:
            if self._sender == threading.get_ident():
                with self._lock:
                    self._sender = None
                    if self._to_send:
                        # Somebody who waits goes on with the rest.
                        self._wake_one()
                    self._release_socket()

    def _next_to_send(self) -> bytes:
        """What this thread is to send now; nothing when all is sent, or another thread sends."""
        with self._lock:
            if self._sender not in (None, threading.get_ident()):
                return b""
            # Decided under the lock, so that what comes in line later is either seen here or sent by who put it there.
            self._sender = threading.get_ident() if self._to_send and self._session.failure is None else None
            if self._sender is None:
                self._release_socket()
                return b""
            data = b"".join(self._to_send)
            self._to_send.clear()
            return data

    def _send(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while True:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                pass
            if not view:
                return
            left = deadline.left()
            if left <= 0:
                with self._lock:
                    self._to_send.insert(0, bytes(view))
                raise RequestTimedOut(f"the server took no bytes for {deadline.seconds} s")
            # A server that waits for its replies to be read takes no further requests: somebody has to read.
            try:
                if self._lead():
                    self._readiness.writable(left, or_readable=True)
                    if self._readiness.readable(0):
                        self._read()
                else:
                    self._readiness.writable(min(left, _LOOK_AGAIN))
            finally:
                self._hand_over()

    # Receiving

    def _outcome(self, waiter: _Waiter, deadline: Deadline) -> Outcome:
        while waiter.outcome is None:
            if self._to_send:
                self._flush(deadline)
            try:
                if not self._lead():
                    self._wait(waiter, deadline)
                    continue
                while waiter.outcome is None and not (self._to_send and self._sender is None):
                    left = deadline.left()
                    if left <= 0:
                        raise RequestTimedOut(f"no reply in {deadline.seconds} s")
                    # A sender that gives up leaves the rest to others, and ours may be in it.
                    if self._readiness.readable(left if self._sender is None else min(left, _LOOK_AGAIN)):
                        self._read()
            finally:
                self._hand_over()
        return waiter.outcome

    def _lead(self) -> bool:
        """Whether this thread reads from now on, until `_hand_over`; that is called whatever happens, interrupts too."""
        with self._lock:
            if self._reader is not None:
                return False
            self._reader = threading.get_ident()
            return True

    def _hand_over(self) -> None:
        """Lets the next one read, if this thread does."""
        if self._reader != threading.get_ident():
            return
        with self._lock:
            self._reader = None
            self._wake_one()
            self._release_socket()

    def _wait(self, waiter: _Waiter, deadline: Deadline) -> None:
        """Until the outcome is there, or it is this thread's turn to read."""
        with self._lock:
            if waiter.outcome is not None or self._reader is None:
                return
            wake = waiter.wake = threading.Lock()
            wake.acquire()
            self._waiting.append(waiter)
        is_woken = wake.acquire(timeout=max(0.0, min(deadline.left(), threading.TIMEOUT_MAX)))
        if not is_woken and waiter.outcome is None:
            raise RequestTimedOut(f"no reply in {deadline.seconds} s")

    def _wake_one(self) -> None:
        """Wakes one that still waits, so that it reads. The lock is held."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if waiter.outcome is None and waiter.wake is not None:
                waiter.wake.release()
                waiter.wake = None
                return

    def _read(self) -> None:
        """Takes what the socket has. Called by the reader only."""
        try:
            data = self._socket.recv(min(max(_PART, self._session.missing), _PART_MAX))
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(ConnectionLost(f"the connection was lost: {error}"))
            return
        except BaseException:
            self.fail(ConnectionLost("a reply was interrupted while it was read"))
            raise
        is_over = not data
        with self._lock:
            if self._tls is not None and data:
                try:
                    data, is_over = self._tls.decrypt(data)
                except ssl.SSLError as error:
                    data = b""
                    self._finish(self._session.fail(ConnectionLost(f"the connection was lost: {error}")))
                # Now and then TLS itself has something to say; it goes out with the next request.
                if own := self._tls.to_send():
                    self._to_send.append(own)
            if data:
                self._finish(self._session.receive(data))
        if is_over:
            self.fail(ConnectionLost("the server closed the connection"))
        elif (failure := self._session.failure) is not None:
            self.fail(failure)

    def _finish(self, answered: list[tuple[_Waiter, Outcome]]) -> None:
        """Hands outcomes to those who wait. The lock is held."""
        for waiter, outcome in answered:
            waiter.outcome = outcome
            if waiter.wake is not None:
                waiter.wake.release()
                waiter.wake = None

    def _abandon(self, waiters: Sequence[_Waiter]) -> None:
        """Nobody waits for these any more; one that was just woken to read passes that on."""
        with self._lock:
            for waiter in waiters:
                if waiter.outcome is None:
                    self._session.abandon(waiter.request_id)
                    waiter.outcome = ConnectionLost("nobody waits for this reply any more")
                    waiter.wake = None
            if self._reader is None:
                self._wake_one()

    def _note_silence(self, seconds: float) -> None:
        self._silent_seconds = self._silent_seconds + seconds if seconds else 0.0
        if self._silent_seconds >= _SILENCE_MAX:
            # Those that wait may go on; the next call had better not wait on the same connection.
            self.is_retired = True

    def _release_socket(self) -> None:
        """Closes the socket of a connection that has ended, once nobody uses it. The lock is held."""
        if self._is_closed and self._reader is None and self._sender is None:
            self._socket.close()
