"""The connections of an asyncio client: few, shared by tasks, opened when they are needed."""

from __future__ import annotations

import asyncio
import math
from collections import deque

from .aio_connection import Connection
from .endpoint import ATTEMPT_SECONDS_MAX, Endpoint
from .errors import ConnectionLost, InvalidArgument, RequestTimedOut
from .forking import forget_after_fork
from .pooling import Choice, choose
from .steps import Deadline


class Pool:
    """At most `most` connections. For tasks of one event loop; a forked child begins with none, and a loop of its own.

    Example: ``connection = await pool.take(Deadline(1))``, and later ``pool.give_back(connection)``
    """

    def __init__(self, endpoint: Endpoint, most: int) -> None:
        if most < 1:
            raise InvalidArgument("connections must be at least 1")
        self._endpoint = endpoint
        self._most = most
        self.is_closed = False
        self.forget_connections()
        forget_after_fork(self)

    def forget_connections(self) -> None:
        """Gives up all connections without a word to the server.

        Nothing is closed: a transport would take its socket out of the event loop's selector, which the parent shares.
        """
        self._forgotten = getattr(self, "_connections", [])
        self._connections: list[Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_opening = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def take(self, deadline: Deadline, since: float = -math.inf) -> Connection:
        """A share of a connection, of one opened after `since` where there can be one.

        Raises RequestTimedOut when all are busy, or what opening one raises.
        """
        self._check_loop()
        while True:
            if self.is_closed:
                raise InvalidArgument("the client is closed")
            usable = [each for each in self._connections if not each.has_ended]
            if len(usable) < len(self._connections):
                self._drop_ended(usable)
            picked = choose(usable, since, self._is_opening, self._most)
            if picked is Choice.OPEN:
                return await self._open(deadline)
            if picked is Choice.WAIT:
                await self._wait(deadline)
                continue
            picked.calls += 1
            return picked

    def give_back(self, connection: Connection) -> None:
        """Ends a share. Example: ``pool.give_back(connection)``"""
        connection.calls -= 1
        if connection.calls == 0 and (self.is_closed or connection.has_ended):
            connection.close()
        self._wake(1)

    def close(self) -> None:
        """Closes all connections; requests in flight fail. Twice is fine."""
        self.is_closed = True
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._wake(len(self._waiting))

    async def _open(self, deadline: Deadline) -> Connection:
        self._is_opening = True
        try:
            connection = await Connection.open(self._endpoint, deadline.within(ATTEMPT_SECONDS_MAX))
            connection.calls = 1
            self._connections.append(connection)
        except RequestTimedOut as error:
            if deadline.left() <= 0:
                raise
            raise ConnectionLost(str(error)) from None
        finally:
            self._is_opening = False
            self._wake(len(self._waiting))
        if self.is_closed:
            connection.close()
            raise InvalidArgument("the client is closed")
        return connection

    async def _wait(self, deadline: Deadline) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait_for(future, max(0.0, deadline.left()))
        except asyncio.TimeoutError:
            raise RequestTimedOut(f"all connections were busy for {deadline.seconds} s") from None

    def _wake(self, count: int) -> None:
        while count > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                count -= 1

    def _drop_ended(self, usable: list[Connection]) -> None:
        for connection in self._connections:
            if connection.has_ended and connection.calls == 0:
                connection.close()
        self._connections = usable

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise InvalidArgument("an asyncio client belongs to one event loop; make one for each")
