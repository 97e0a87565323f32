"""The client for asyncio: the same names as the client for threads, to be awaited.

Example::

    import strandline.aio

    async with strandline.aio.connect("127.0.0.1:6567") as store:
        result = await store.get_features("fraud", {"customer_id": 42})
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from . import calls
from .aio_connection import Connection
from .aio_pool import Pool
from .embargoes import Duration
from .endpoint import CONNECTIONS_DEFAULT, TIMEOUT_DEFAULT, Endpoint, Tls
from .entities import Entities
from .errors import StrandlineError
from .labels import LabelSource
from .questions import HistoricalRows, Lookup, RequestValues
from .results import FeatureResult
from .steps import Call, Connect, Deadline, Pause, Prepare
from .times import Time
from .training import Rules, training_set
from .training_set import TrainingSet

__all__ = ["Client", "connect"]

T = TypeVar("T")


def connect(
    address: str = "127.0.0.1:6567",
    token: str | None = None,
    tls: Tls = None,
    timeout: float = TIMEOUT_DEFAULT,
    connections: int = CONNECTIONS_DEFAULT,
    checksum: bool = False,
) -> Connecting:
    """Connects to a server; to be awaited, or entered with ``async with``. The arguments are those of `strandline.connect`.

    Example: ``store = await strandline.aio.connect("127.0.0.1:6567")``
    """
    return Connecting(Client(address, token, tls, timeout, connections, checksum))


class Connecting:
    """What `connect` gives: a client that is still to connect. Example: ``async with connect() as store: ...``"""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __await__(self) -> Generator[Any, None, Client]:
        return self._connected().__await__()

    async def __aenter__(self) -> Client:
        return await self._connected()

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _connected(self) -> Client:
        try:
            await self._client._run(calls.ping(is_patient=False))
        except BaseException:
            await self._client.close()
            raise
        return self._client


class Client:
    """A server, over connections that are made when they are needed, and again when they were lost.

    Tasks of one event loop share a client: their requests travel together, several in flight on one connection. For the
    rest see `strandline.Client`.

    Example: ``async with strandline.aio.connect() as store: await store.status()``
    """

    def __init__(
        self,
        address: str = "127.0.0.1:6567",
        token: str | None = None,
        tls: Tls = None,
        timeout: float = TIMEOUT_DEFAULT,
        connections: int = CONNECTIONS_DEFAULT,
        checksum: bool = False,
    ) -> None:
        Deadline(timeout)
        self._endpoint = Endpoint.of(address, token, tls, checksum)
        self._timeout = timeout
        self._pool = Pool(self._endpoint, connections)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"aio.Client({self._endpoint.address!r}{', closed' if self._pool.is_closed else ''})"

    async def close(self) -> None:
        """Closes all connections; requests of other tasks fail with ConnectionLost. Closing twice is fine.

        Example: ``await store.close()``
        """
        self._pool.close()
        # One turn of the event loop, in which the sockets are closed.
        await asyncio.sleep(0)

    async def get_features(
        self,
        service_or_refs: str | Sequence[str],
        entities: Entities,
        as_of: Time | None = None,
        known_at: Time | None = None,
        *,
        boundary: str = "strict",
        request: RequestValues | None = None,
        event_times: bool = False,
        timeout: float | None = None,
    ) -> FeatureResult:
        """Features of one entity or of several, all at one T and one K; see `strandline.Client.get_features`.

        Example: ``await store.get_features("fraud", {"customer_id": 42}, as_of="2026-11-24T00:00:00Z")``
        """
        deadline = self._deadline(timeout)
        asked = Lookup(
            service_or_refs, entities, as_of, known_at, boundary, request, event_times, None if timeout is None else deadline
        )
        prepared, parts = await self._run(calls.ask(asked), deadline)
        return FeatureResult(prepared, parts, asked.join_keys)

    async def get_historical_rows(
        self,
        service_or_refs: str | Sequence[str],
        entities: Entities,
        times: Sequence[Time] | str,
        known_at: Time | None = None,
        *,
        boundary: str = "strict",
        known_at_most: Time | None = None,
        request: RequestValues | None = None,
        timeout: float | None = None,
    ) -> FeatureResult:
        """Features of entities that each have their own T; see `strandline.Client.get_historical_rows`.

        Example: ``await store.get_historical_rows("fraud", labels, "event_timestamp")``
        """
        deadline = self._deadline(timeout)
        asked = HistoricalRows(
            service_or_refs, entities, times, known_at, boundary, known_at_most, request,
            None if timeout is None else deadline,
        )  # fmt: skip
        prepared, parts = await self._run(calls.ask(asked), deadline)
        return FeatureResult(prepared, parts, asked.join_keys, asked.times)

    async def training_set(
        self,
        labels: LabelSource,
        service: str,
        *,
        known_at: Time | None = None,
        known_at_most: Time | None = None,
        boundary: str = "strict",
        embargo: Duration | None = None,
        view_embargo: Mapping[str, Duration] | None = None,
        timestamp_column: str | None = None,
        timestamp_zone: str | None = None,
        request_columns: Mapping[str, str] | None = None,
        statuses: bool = False,
        event_times: bool = False,
        timeout: float | None = None,
    ) -> TrainingSet:
        """Every feature of a service for label rows, each as of its own time; see `strandline.Client.training_set`. Reading
        the labels and putting the table together keep the event loop busy.

        Example: ``(await store.training_set(labels, "churn", embargo="1h")).to_parquet("train.parquet")``
        """
        rules = Rules(
            known_at, known_at_most, boundary, embargo, view_embargo, timestamp_column, timestamp_zone, request_columns,
            statuses, event_times,
        )  # fmt: skip
        deadline = Deadline(Deadline.LONGEST if timeout is None else timeout)
        return await self._run(training_set(labels, service, rules, None if timeout is None else deadline), deadline)

    async def admin(
        self, verb: str, body: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a control verb with a JSON body; gives the JSON of the reply. It is never sent twice by itself.

        Example: ``await store.admin("dead_letters", {"after": 0, "limit": 100})``
        """
        reply = await self._run(calls.admin(verb, json.dumps(body or {})), self._deadline(timeout))
        answer: dict[str, Any] = json.loads(reply)
        return answer

    async def status(self) -> dict[str, Any]:
        """The server's status.

        Example: ``(await store.status())["ingest"]["state"]``
        """
        return await self.admin("status")

    async def ping(self, timeout: float | None = None) -> None:
        """Returns when the server has answered.

        Example: ``await store.ping(timeout=1)``
        """
        await self._run(calls.ping(), self._deadline(timeout))

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self._timeout if timeout is None else timeout)

    async def _run(self, call: Call[T], deadline: Deadline | None = None) -> T:
        """Carries out a call's steps in this task."""
        deadline = deadline or Deadline(self._timeout)
        connection: Connection | None = None
        try:
            step = next(call)
            while True:
                try:
                    if isinstance(step, Connect):
                        if connection is not None:
                            self._pool.give_back(connection)
                            connection = None
                        connection = await self._pool.take(deadline, step.since)
                        outcome: Any = connection
                    elif isinstance(step, Pause):
                        outcome = step.seconds < deadline.left()
                        if outcome:
                            await asyncio.sleep(step.seconds)
                    elif connection is None:
                        raise RuntimeError("a call that has not connected")
                    elif isinstance(step, Prepare):
                        outcome = await connection.prepare(step.target, deadline)
                    else:
                        outcome = await connection.exchange(step.messages, deadline)
                except StrandlineError as error:
                    step = call.throw(error)
                else:
                    step = call.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            call.close()
            if connection is not None:
                self._pool.give_back(connection)
