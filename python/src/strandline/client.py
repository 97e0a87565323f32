"""The client: feature lookups, historical rows and the control plane."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Union

from . import wire
from .connection import Connection, parse_address
from .errors import DefinitionsChanged, InvalidArgument, ProtocolError, TooMany, UnknownLookup
from .feature_types import FeatureType
from .request_values import RequestRow, check_request, encode_request_values
from .results import FeatureResult
from .times import Time, microseconds, to_datetime
from .wire import MessageType, Prepared, Values, ValueType

Entity = Mapping[str, object]
Entities = Union[Entity, Sequence[Entity]]
_STRING_BYTES_GUESSED = 64
_Send = Callable[[Connection, Prepared, int, int], Values]


def connect(address: str = "127.0.0.1:6567", token: str | None = None, timeout: float = 30.0) -> Client:
    """Connects to a server.

    `timeout` is in seconds and bounds connecting and every request. Raises ConnectionLost when there is no server.

    Example: ``client = strandline.connect("127.0.0.1:6567")``
    """
    client = Client(address, token, timeout)
    client.ping()
    return client


class Client:
    """A connection that is made when it is needed, and again when it was lost before a request was sent.

    Threads may share a client; their calls take turns. A request that was sent is never repeated by itself when the
    connection is lost: ConnectionLost is raised, and the caller decides.

    Example: ``with strandline.connect() as client: client.status()``
    """

    def __init__(self, address: str = "127.0.0.1:6567", token: str | None = None, timeout: float = 30.0) -> None:
        parse_address(address)
        if not timeout > 0:
            raise InvalidArgument("timeout must be a positive number of seconds")
        self._address = address
        self._token = token
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_closed = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._address!r}{', closed' if self._is_closed else ''})"

    def close(self) -> None:
        """Closes the connection; closing twice is fine.

        Example: ``client.close()``
        """
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()

    def get_features(
        self,
        service_or_refs: str | Sequence[str],
        entities: Entities,
        as_of: Time | None = None,
        known_at: Time | None = None,
        boundary: str = "strict",
        event_times: bool = False,
        request: RequestRow | Sequence[RequestRow] | None = None,
    ) -> FeatureResult:
        """Features of one entity (a dict) or of several (a list of dicts), all at one T and one K.

        `service_or_refs` is a service (``"fraud"``, ``"fraud@2"``) or a list of references ``view:feature``. `as_of`
        and `known_at` take a datetime (naive means UTC), ISO 8601 text or whole microseconds; without them the server
        takes its now and its newest commit. `boundary` is ``"strict"`` (events before T) or ``"inclusive"`` (up to
        and with T). `request` holds the values that derived features take from a request: a dict for one entity, a list
        of dicts for several, None for null. More entities than a request may have are asked for in parts, with the same T and K.

        Example: ``client.get_features("fraud", {"customer_id": 42}, as_of="2026-11-24T00:00:00Z")``
        """
        asked: list[Entity] = [entities] if isinstance(entities, Mapping) else list(entities)
        brought = [request] if isinstance(request, Mapping) else request
        inclusive = _is_inclusive(boundary)
        if known_at == ROW_TIME:
            raise InvalidArgument(f"known_at={ROW_TIME!r} is for historical rows; a lookup has one T: give that")
        at = None if as_of is None else microseconds(as_of)
        known = None if known_at is None else microseconds(known_at)

        def run() -> tuple[Prepared, list[Values]]:
            pair: tuple[int | None, int | None] = (at, known)

            def send(connection: Connection, prepared: Prepared, start: int, end: int) -> Values:
                nonlocal pair
                keys = [wire.encode_key(entity, prepared.join_keys) for entity in asked[start:end]]
                values_sent = _request_bytes(brought, prepared, len(asked), start, end)
                message = wire.encode_lookup(prepared.lookup_id, keys, *pair, inclusive, event_times, values_sent)
                body = connection.request(MessageType.LOOKUP, message, MessageType.VALUES)
                values = connection.decoded(lambda: wire.decode_values(body, _types(prepared)))
                pair = (values.as_of, values.known_at)
                return values

            return self._in_parts(
                service_or_refs, len(asked), lambda c: c.welcome.entities_max, (17 if event_times else 9), send
            )

        prepared, parts = self._while_definitions_change(service_or_refs, run)
        as_of_used = parts[0].as_of
        return _result(
            prepared, asked, parts, as_of=None if as_of_used is None else to_datetime(as_of_used), row_times=None
        )

    def get_historical_rows(
        self,
        service: str | Sequence[str],
        rows: Sequence[tuple[Entity, Time]],
        known_at: Time | None = None,
        boundary: str = "strict",
        known_at_most: Time | None = None,
        request: Sequence[RequestRow] | None = None,
    ) -> FeatureResult:
        """Features of rows that each have their own T, as a training set has them; all rows see one commit.

        With `known_at` ``"row-time"`` each row is known at its own T: what a lookup at that instant could have answered.
        No row is then known beyond `known_at_most`, by default the newest commit; it is the result's `known_at`, and
        asking again with it gives the same bits. `request` holds for each row the values that derived features take from a
        request. Rows may stand in any order; rows of one entity that stand together are cheaper.

        Example: ``client.get_historical_rows("fraud", [({"customer_id": 42}, "2026-11-01"), ...])``
        """
        asked = [entity for entity, _ in rows]
        times = [microseconds(time) for _, time in rows]
        inclusive = _is_inclusive(boundary)
        row_time = known_at == ROW_TIME
        if known_at_most is not None and not row_time:
            raise InvalidArgument(f"known_at_most goes with known_at={ROW_TIME!r}")
        latest = known_at_most if row_time else known_at
        known = None if latest is None else microseconds(latest)

        def run() -> tuple[Prepared, list[Values]]:
            known_used = known

            def send(connection: Connection, prepared: Prepared, start: int, end: int) -> Values:
                nonlocal known_used
                keys = [wire.encode_key(entity, prepared.join_keys) for entity in asked[start:end]]
                values_sent = _request_bytes(request, prepared, len(asked), start, end)
                message = wire.encode_rows(
                    prepared.lookup_id, keys, times[start:end], known_used, inclusive, row_time, values_sent
                )
                body = connection.request(MessageType.ROWS, message, MessageType.COLUMNS)
                values = connection.decoded(lambda: wire.decode_columns(body, _types(prepared)))
                known_used = values.known_at
                return values

            return self._in_parts(service, len(asked), lambda c: c.welcome.rows_max, 9, send)

        prepared, parts = self._while_definitions_change(service, run)
        return _result(prepared, asked, parts, as_of=None, row_times=[to_datetime(time) for time in times])

    def admin(self, verb: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Sends a control verb with a JSON body; gives the JSON of the reply.

        Example: ``client.admin("dead_letters", {"after": 0, "limit": 100})``
        """
        request = wire.encode_admin(verb, json.dumps(body or {}))
        with self._lock:
            connection = self._usable()
            reply = connection.request(MessageType.ADMIN, request, MessageType.ADMIN_REPLY)
            text = connection.decoded(lambda: wire.decode_admin_reply(reply))
        answer: dict[str, Any] = json.loads(text)
        return answer

    def status(self) -> dict[str, Any]:
        """The server's status.

        Example: ``client.status()["ingest"]["state"]``
        """
        return self.admin("status")

    def ping(self) -> None:
        """Returns when the server has answered.

        Example: ``client.ping()``
        """
        with self._lock:
            self._usable().request(MessageType.PING, b"", MessageType.PONG)

    def _usable(self) -> Connection:
        """The connection, made anew when it was lost. The lock is held."""
        if self._is_closed:
            raise InvalidArgument("the client is closed")
        if self._connection is None or not self._connection.is_usable():
            self._connection = Connection(self._address, self._token, self._timeout)
        return self._connection

    def _prepared(self, target: str | Sequence[str]) -> tuple[Connection, Prepared]:
        connection = self._usable()
        if not connection.has_prepared(target) and not connection.has_room_to_prepare:
            connection.close()
            connection = self._usable()
        return connection, connection.prepare(target)

    def _in_parts(
        self,
        target: str | Sequence[str],
        count: int,
        count_max: Callable[[Connection], int],
        cell_bytes: int,
        send: _Send,
    ) -> tuple[Prepared, list[Values]]:
        """Sends `count` rows in parts that fit the limits, in order, each answered by the same definitions."""
        if count == 0:
            raise InvalidArgument("no entities")
        first: Prepared | None = None
        parts: list[Values] = []
        size = 0
        start = 0
        while start < count:
            with self._lock:
                connection, prepared = self._prepared(target)
                if first is None:
                    first = prepared
                    size = max(1, min(count_max(connection), _rows_that_fit(connection, prepared, cell_bytes)))
                elif prepared.definition_hash != first.definition_hash:
                    raise DefinitionsChanged("the definitions changed between two parts of a request")
                end = min(count, start + size)
                try:
                    part = send(connection, prepared, start, end)
                except TooMany:
                    if end - start == 1:
                        raise
                    size = (end - start) // 2
                    continue
                if part.count != end - start:
                    connection.close()
                    raise ProtocolError(f"{part.count} rows in the reply to {end - start}")
            parts.append(part)
            start = end
        if first is None:
            raise InvalidArgument("no entities")
        return first, parts

    def _while_definitions_change(
        self, target: str | Sequence[str], run: Callable[[], tuple[Prepared, list[Values]]]
    ) -> tuple[Prepared, list[Values]]:
        """Runs a lookup; prepares and runs it once more when its definitions went away meanwhile."""
        try:
            return run()
        except (DefinitionsChanged, UnknownLookup):
            with self._lock:
                if self._connection is not None:
                    self._connection.forget(target)
            return run()


def _rows_that_fit(connection: Connection, prepared: Prepared, cell_bytes: int) -> int:
    """How many rows fit one frame both ways, with keys at their longest and strings, lists and maps guessed."""
    unbounded = sum(kind.element is ValueType.STRING or not kind.is_single for _, kind in prepared.features)
    reply = len(prepared.features) * cell_bytes + unbounded * _STRING_BYTES_GUESSED
    key_strings = sum(kind is ValueType.STRING for _, kind in prepared.join_keys)
    key = 2 + 9 * len(prepared.join_keys) + key_strings * _STRING_BYTES_GUESSED
    return (connection.welcome.frame_size_max - 64) // max(reply, key + 8)


def _request_bytes(
    rows: Sequence[RequestRow] | None, prepared: Prepared, count: int, start: int, end: int
) -> bytes:
    if rows is not None and len(rows) != count:
        raise InvalidArgument(f"{len(rows)} rows of request values for {count} entities")
    part = None if rows is None else rows[start:end]
    return encode_request_values(check_request(part, prepared.request), prepared.request)


def _types(prepared: Prepared) -> list[FeatureType]:
    return [kind for _, kind in prepared.features]


#: A `known_at` of historical rows: each row is known at its own T.
ROW_TIME = "row-time"


def _is_inclusive(boundary: str) -> bool:
    if boundary not in ("strict", "inclusive"):
        raise InvalidArgument(f"boundary is 'strict' or 'inclusive', not {boundary!r}")
    return boundary == "inclusive"


def _result(
    prepared: Prepared,
    asked: Sequence[Entity],
    parts: Sequence[Values],
    as_of: datetime | None,
    row_times: list[datetime] | None,
) -> FeatureResult:
    names = [name for name, _ in prepared.features]

    def joined(columns: Callable[[Values], list[list[Any]]]) -> dict[str, list[Any]]:
        return {name: list(chain.from_iterable(columns(part)[at] for part in parts)) for at, name in enumerate(names)}

    def times(part: Values) -> list[list[Any]]:
        return part.event_times or []

    return FeatureResult(
        entities={name: [entity[name] for entity in asked] for name, _ in prepared.join_keys},
        features=joined(lambda part: part.columns),
        statuses=joined(lambda part: part.statuses),
        as_of=as_of,
        known_at=to_datetime(parts[0].known_at),
        event_times=None if parts[0].event_times is None else joined(times),
        row_times=row_times,
        count=len(asked),
        types=dict(prepared.features),
    )
