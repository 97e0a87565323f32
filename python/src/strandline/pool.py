"""The connections of a client: few, shared by threads, opened when they are needed."""

from __future__ import annotations

import math
import threading

from .connection import Connection
from .endpoint import ATTEMPT_SECONDS_MAX, Endpoint
from .errors import ConnectionLost, InvalidArgument, RequestTimedOut
from .forking import forget_after_fork
from .pooling import Choice, choose
from .steps import Deadline


class Pool:
    """At most `most` connections. Safe for use by many threads; a forked child begins with none.

    Example: ``connection = pool.take(Deadline(1))``, and later ``pool.give_back(connection)``
    """

    def __init__(self, endpoint: Endpoint, most: int) -> None:
        if most < 1:
            raise InvalidArgument("connections must be at least 1")
        self._endpoint = endpoint
        self._most = most
        self._is_closed = False
        self.forget_connections()
        forget_after_fork(self)

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def forget_connections(self) -> None:
        """Gives up all connections without a word to the server, and locks that a thread of the parent may hold."""
        for connection in getattr(self, "_connections", []):
            connection.forget_socket()
        self._changed = threading.Condition(threading.Lock())
        self._connections: list[Connection] = []
        # The thread that opens a connection, by its number.
        self._opener: int | None = None

    def take(self, deadline: Deadline, since: float = -math.inf) -> Connection:
        """A share of a connection, of one opened after `since` where there can be one.

        Raises RequestTimedOut when all are busy, or what opening one raises.
        """
        try:
            connection = self._taken(deadline, since)
            # Without the lock: others go on with the connections that there are.
            return connection if connection is not None else self._opened(deadline)
        finally:
            if self._opener == threading.get_ident():
                with self._changed:
                    self._opener = None
                    self._changed.notify_all()

    def _taken(self, deadline: Deadline, since: float) -> Connection | None:
        """A share of a connection that there is; None when this thread is to open one."""
        changed = self._changed
        with changed:
            while True:
                self._check_open()
                usable = [each for each in self._connections if not each.has_ended]
                if len(usable) < len(self._connections):
                    self._drop_ended(usable)
                picked = choose(usable, since, self._opener is not None, self._most)
                if picked is Choice.OPEN:
                    self._opener = threading.get_ident()
                    return None
                if picked is Choice.WAIT:
                    if not changed.wait(max(0.0, deadline.left())):
                        raise RequestTimedOut(f"all connections were busy for {deadline.seconds} s")
                elif picked.calls > 0 or picked.is_alive():
                    picked.calls += 1
                    return picked

    def give_back(self, connection: Connection) -> None:
        """Ends a share. Example: ``pool.give_back(connection)``"""
        with self._changed:
            connection.calls -= 1
            if connection.calls == 0 and (self._is_closed or connection.has_ended):
                connection.close()
            self._changed.notify_all()

    def close(self) -> None:
        """Closes all connections; requests in flight fail. Twice is fine."""
        with self._changed:
            self._is_closed = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._changed.notify_all()

    def _opened(self, deadline: Deadline) -> Connection:
        try:
            connection = Connection(self._endpoint, deadline.within(ATTEMPT_SECONDS_MAX))
        except RequestTimedOut as error:
            if deadline.left() <= 0:
                raise
            raise ConnectionLost(str(error)) from None
        with self._changed:
            if self._is_closed:
                connection.close()
            self._check_open()
            connection.calls = 1
            self._connections.append(connection)
            return connection

    def _drop_ended(self, usable: list[Connection]) -> None:
        for connection in self._connections:
            if connection.has_ended and connection.calls == 0:
                connection.close()
        self._connections = usable

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidArgument("the client is closed")
