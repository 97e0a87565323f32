"""The client for threads: feature lookups, historical rows and the control plane."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from . import calls
from .connection import Connection
from .embargoes import Duration
from .endpoint import CONNECTIONS_DEFAULT, TIMEOUT_DEFAULT, Endpoint, Tls
from .entities import Entities
from .errors import StrandlineError
from .labels import LabelSource
from .pool import Pool
from .questions import HistoricalRows, Lookup, RequestValues
from .results import FeatureResult
from .steps import Call, Connect, Deadline, Pause, Prepare
from .times import Time
from .training import Rules, training_set
from .training_set import TrainingSet

T = TypeVar("T")


def connect(
    address: str = "127.0.0.1:6567",
    token: str | None = None,
    tls: Tls = None,
    timeout: float = TIMEOUT_DEFAULT,
    connections: int = CONNECTIONS_DEFAULT,
    checksum: bool = False,
) -> Client:
    """Connects to a server.

    `timeout` is in seconds and bounds connecting and every request that has none of its own. `tls` is True for TLS with
    the system's authorities, or an `ssl.SSLContext`. At most `connections` are open, however many threads ask. With
    `checksum` every frame carries one. Raises ConnectionLost when there is no server, Unauthenticated without the token
    that it wants.

    Example: ``store = strandline.connect("127.0.0.1:6567")``
    """
    client = Client(address, token, tls, timeout, connections, checksum)
    try:
        client._run(calls.ping(is_patient=False))
    except BaseException:
        client.close()
        raise
    return client


class Client:
    """A server, over connections that are made when they are needed, and again when they were lost.

    Threads may share a client: their requests travel together, several in flight on one connection. A forked child may
    use it too; it opens connections of its own. Lookups are asked once more when a connection breaks, and wait for a
    server that is starting or overloaded, within their timeout.

    Example: ``with strandline.connect() as store: store.status()``
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
        self._arguments = (address, token, tls, timeout, connections, checksum)
        self._endpoint = Endpoint.of(address, token, tls, checksum)
        self._timeout = timeout
        self._pool = Pool(self._endpoint, connections)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._endpoint.address!r}{', closed' if self._pool.is_closed else ''})"

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process a client is one to the same server; with an `ssl.SSLContext` it cannot be sent there."""
        return type(self), self._arguments

    def close(self) -> None:
        """Closes all connections; requests of other threads fail with ConnectionLost. Closing twice is fine.

        Example: ``store.close()``
        """
        self._pool.close()

    def get_features(
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
        """Features of one entity (a dict) or of several, all at one T and one K.

        `service_or_refs` is a service (``"fraud"``, ``"fraud@2"``) or a list of references ``view:feature``. `entities`
        are dicts of join keys, a dict of columns, or a pandas, Polars or Arrow table, whose further columns are left
        alone. `as_of` and `known_at` take a datetime (naive means UTC), ISO 8601 text or whole microseconds; without them
        the server takes its now and its newest commit. `boundary` is ``"strict"`` (events before T) or ``"inclusive"``
        (up to and with T). `request` holds the values that derived features take from a request, in the same forms as
        the entities, None for null. `timeout` bounds this call, and the server drops the request when it is over. More
        entities than a request may have are asked for in parts, with the same T and K.

        Example: ``store.get_features("fraud", {"customer_id": 42}, as_of="2026-11-24T00:00:00Z")``
        """
        deadline = Deadline(self._timeout if timeout is None else timeout)
        asked = Lookup(
            service_or_refs, entities, as_of, known_at, boundary, request, event_times, None if timeout is None else deadline
        )
        prepared, parts = self._run(calls.ask(asked), deadline)
        return FeatureResult(prepared, parts, asked.join_keys)

    def get_historical_rows(
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
        """Features of entities that each have their own T, as a training set has them; all rows see one commit.

        `times` has a T for each entity, or names the column of `entities` that has them. With `known_at` ``"row-time"``
        each row is known at its own T: what a lookup at that instant could have answered. No row is then known beyond
        `known_at_most`, by default the newest commit; it is the result's `known_at`, and asking again with it gives the
        same bits. Rows may stand in any order; rows of one entity that stand together are cheaper. The rest is as in
        `get_features`.

        Example: ``store.get_historical_rows("fraud", labels, "event_timestamp")``
        """
        deadline = Deadline(self._timeout if timeout is None else timeout)
        asked = HistoricalRows(
            service_or_refs, entities, times, known_at, boundary, known_at_most, request,
            None if timeout is None else deadline,
        )  # fmt: skip
        prepared, parts = self._run(calls.ask(asked), deadline)
        return FeatureResult(prepared, parts, asked.join_keys, asked.times)

    def training_set(
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
        """Every feature of a service for label rows, each as of its own time, with a manifest and a leakage report.

        `labels` is a pandas, Polars or Arrow table, or the path of a CSV, Parquet or Arrow file; it holds the join keys and a
        time column, `timestamp_column` or ``event_timestamp`` or ``timestamp``. Its order, duplicates and other columns are
        kept. Times without a zone are of `timestamp_zone`, by default UTC. `known_at` is one K, or ``"row-time"``, which
        `known_at_most` bounds; without it, the newest commit. With an `embargo` (``"1h"``, or a timedelta) each row is read
        that much earlier than its time; `view_embargo` has others for single views. Derived features take
        ``request.amount`` from the column ``amount``, or from the one that `request_columns` gives. `statuses` and
        `event_times` add the columns ``<feature>__status`` and ``<feature>__event_time``. `timeout` bounds the whole;
        without it there is no bound but a day. Needs pyarrow.

        Example: ``store.training_set(labels, "churn", embargo="1h").to_parquet("train.parquet")``
        """
        rules = Rules(
            known_at, known_at_most, boundary, embargo, view_embargo, timestamp_column, timestamp_zone, request_columns,
            statuses, event_times,
        )  # fmt: skip
        deadline = Deadline(Deadline.LONGEST if timeout is None else timeout)
        return self._run(training_set(labels, service, rules, None if timeout is None else deadline), deadline)

    def admin(self, verb: str, body: Mapping[str, Any] | None = None, timeout: float | None = None) -> dict[str, Any]:
        """Sends a control verb with a JSON body; gives the JSON of the reply. It is never sent twice by itself.

        Example: ``store.admin("dead_letters", {"after": 0, "limit": 100})``
        """
        answer: dict[str, Any] = json.loads(self._run(calls.admin(verb, json.dumps(body or {})), self._deadline(timeout)))
        return answer

    def status(self) -> dict[str, Any]:
        """The server's status.

        Example: ``store.status()["ingest"]["state"]``
        """
        return self.admin("status")

    def ping(self, timeout: float | None = None) -> None:
        """Returns when the server has answered.

        Example: ``store.ping(timeout=1)``
        """
        self._run(calls.ping(), self._deadline(timeout))

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self._timeout if timeout is None else timeout)

    def _run(self, call: Call[T], deadline: Deadline | None = None) -> T:
        """Carries out a call's steps in this thread."""
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
                        connection = self._pool.take(deadline, step.since)
                        outcome: Any = connection
                    elif isinstance(step, Pause):
                        outcome = step.seconds < deadline.left()
                        if outcome:
                            time.sleep(step.seconds)
                    elif connection is None:
                        raise RuntimeError("a call that has not connected")
                    elif isinstance(step, Prepare):
                        outcome = connection.prepare(step.target, deadline)
                    else:
                        outcome = connection.exchange(step.messages, deadline)
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
