"""The connections of a client: few, shared by threads, opened when they are needed."""

from __future__ import annotations

import math
import threading

from .connection import Connection
from .endpoint import Endpoint
from .errors import InvalidArgument, RequestTimedOut
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
        self._is_opening = False

    def take(self, deadline: Deadline, since: float = -math.inf) -> Connection:
        """A share of a connection, of one opened after `since` where there can be one. Raises RequestTimedOut when all are busy, or what opening one raises."""
        changed = self._changed
        with changed:
            while True:
                self._check_open()
                usable = [each for each in self._connections if not each.has_ended]
                if len(usable) < len(self._connections):
                    self._drop_ended(usable)
                picked = choose(usable, since, self._is_opening, self._most)
                if picked is Choice.OPEN:
                    self._is_opening = True
                    break
                if picked is Choice.WAIT:
                    if not changed.wait(max(0.0, deadline.left())):
                        raise RequestTimedOut(f"all connections were busy for {deadline.seconds} s")
                    continue
                if picked.calls == 0 and not picked.is_alive():
                    continue
                picked.calls += 1
                return picked
        return self._open(deadline)

    def give_back(self, connection: Connection) -> None:
        """Ends a share. Example: ``pool.give_back(connection)``"""
        with self._changed:
            connection.calls -= 1
            if connection.calls == 0 and (self._is_closed or connection.has_ended):
                connection.close()
            self._changed.notify()

    def close(self) -> None:
        """Closes all connections; requests in flight fail. Twice is fine."""
        with self._changed:
            self._is_closed = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._changed.notify_all()

    def _open(self, deadline: Deadline) -> Connection:
        connection = None
        try:
            # Without the lock: others go on with the connections that there are.
            connection = Connection(self._endpoint, deadline)
            connection.calls = 1
        finally:
            with self._changed:
                self._is_opening = False
                if connection is not None and not self._is_closed:
                    self._connections.append(connection)
                self._changed.notify_all()
        if self._is_closed:
            connection.close()
        self._check_open()
        return connection

    def _drop_ended(self, usable: list[Connection]) -> None:
        for connection in self._connections:
            if connection.has_ended and connection.calls == 0:
                connection.close()
        self._connections = usable

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidArgument("the client is closed")
