"""Lookups and historical rows: what was asked for, and its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

from .entities import Entities, EntityColumns, as_list, is_column, table_columns
from .errors import InvalidArgument
from .steps import Deadline, Message
from .times import Time, all_microseconds, microseconds
from .wire import (
    DEADLINE_MAX,
    MessageType,
    Prepared,
    Values,
    Welcome,
    check_request,
    decode_columns,
    decode_values,
    encode_keys,
    encode_lookup,
    encode_request_values,
    encode_rows,
)
from .wire.session import target_of

#: A `known_at` of historical rows: each row is known at its own T.
ROW_TIME = "row-time"
#: Values that derived features take: a dict for one entity, dicts for several, columns, or a table.
RequestValues = Union[Mapping[str, Any], Sequence[Mapping[str, Any]], Any]
_FRAME_REST = 64
_STRING_BYTES_GUESSED = 64


def is_inclusive(boundary: str) -> bool:
    """Whether a window has the event at T. Example: ``is_inclusive("inclusive")``"""
    if boundary not in ("strict", "inclusive"):
        raise InvalidArgument(f"boundary is 'strict' or 'inclusive', not {boundary!r}")
    return boundary == "inclusive"


def optional_microseconds(time: Time | None) -> int | None:
    """The microseconds of a time that may be left out. Example: ``optional_microseconds(None) is None``"""
    return None if time is None else microseconds(time)


def request_rows(request: RequestValues | None) -> Sequence[Mapping[str, Any]] | None:
    """Request values as a dict a row, however they were given."""
    if request is None:
        return None
    if isinstance(request, Mapping):
        if not any(map(is_column, request.values())):
            return [request]
        columns: Mapping[str, Any] | None = {name: as_list(column) for name, column in request.items()}
    else:
        columns = None if isinstance(request, (list, tuple)) else table_columns(request)
    if columns is None:
        return list(request)
    if len({len(column) for column in columns.values()}) > 1:
        raise InvalidArgument("columns of request values have different lengths")
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


class _Rows:
    """What both questions have: entities, request values, and where they are to fit."""

    reply_cell_bytes = 9

    def __init__(
        self,
        service_or_refs: str | Sequence[str],
        entities: EntityColumns,
        boundary: str,
        request: RequestValues | None,
        deadline: Deadline | None,
    ) -> None:
        self.target = target_of(service_or_refs)
        self.entities = entities
        self.count = entities.count
        self.inclusive = is_inclusive(boundary)
        self._request = request_rows(request)
        self._deadline = deadline
        self._keys: list[bytes] = []
        #: The join keys' columns, once the lookup is prepared.
        self.join_keys: list[Sequence[Any]] = []
        self._values: list[bytes] = []
        self._prepared: Prepared | None = None

    @property
    def prepared(self) -> Prepared:
        if self._prepared is None:
            raise InvalidArgument("the lookup is not prepared")
        return self._prepared

    def encode(self, prepared: Prepared, frame_size_max: int) -> int:
        """Encodes the rows; how many of them fit a frame both ways, strings, lists and maps of the reply guessed."""
        if self._request is not None and len(self._request) != self.count:
            raise InvalidArgument(f"{len(self._request)} rows of request values for {self.count} entities")
        self._prepared = prepared
        self.join_keys = self.entities.join_keys(prepared.join_keys)
        self._keys = encode_keys(self.join_keys, prepared.join_keys)
        self._values = encode_request_values(check_request(self._request, prepared.request), prepared.request)
        reply = len(prepared.features) * self.reply_cell_bytes + prepared.unbounded * _STRING_BYTES_GUESSED
        request = max(map(len, self._keys)) + 8 + max(map(len, self._values), default=0)
        return (frame_size_max - _FRAME_REST) // max(reply, request)

    def part(self, start: int, end: int) -> tuple[list[bytes], bytes]:
        """The keys and the request values of some rows."""
        keys = self._keys if end - start == self.count else self._keys[start:end]
        return keys, b"".join(self._values[start:end])

    def microseconds_left(self) -> int | None:
        """The deadline as it travels; None where none was asked for."""
        if self._deadline is None:
            return None
        left = int(self._deadline.left() * 1e6)
        # What is over ends on this side, and what is longer than the field holds is as good as none.
        return None if left > DEADLINE_MAX else max(1, left)


class Lookup(_Rows):
    """Features of entities at one T and one K. Example: ``ask(Lookup("fraud", {"customer_id": 42}))``"""

    def __init__(
        self,
        service_or_refs: str | Sequence[str],
        entities: Entities,
        as_of: Time | None = None,
        known_at: Time | None = None,
        boundary: str = "strict",
        request: RequestValues | None = None,
        event_times: bool = False,
        deadline: Deadline | None = None,
    ) -> None:
        super().__init__(service_or_refs, EntityColumns.of(entities), boundary, request, deadline)
        if known_at == ROW_TIME:
            raise InvalidArgument(f"known_at={ROW_TIME!r} is for historical rows; a lookup has one T: give that")
        self._asked = (optional_microseconds(as_of), optional_microseconds(known_at))
        self._pinned = self._asked
        self._event_times = event_times
        self.reply_cell_bytes = 17 if event_times else 9

    def start(self, prepared: Prepared, welcome: Welcome) -> int:
        self._pinned = self._asked
        return min(welcome.entities_max, self.encode(prepared, welcome.frame_size_max))

    def message(self, start: int, end: int) -> Message:
        keys, values = self.part(start, end)
        as_of, known_at = self._pinned
        body = encode_lookup(
            self.prepared.lookup_id, keys, as_of, known_at, self.inclusive, self._event_times, values,
            self.microseconds_left(),
        )  # fmt: skip
        return Message(MessageType.LOOKUP, body, MessageType.VALUES)

    def pin(self, values: Values) -> None:
        self._pinned = (values.as_of, values.known_at)

    def decode(self, body: bytes) -> Values:
        return decode_values(body, self.prepared.types, self.prepared.layouts)


class HistoricalRows(_Rows):
    """Features of entities, each at its own T. Example: ``ask(HistoricalRows("fraud", entities, times))``"""

    def __init__(
        self,
        service_or_refs: str | Sequence[str],
        entities: Entities,
        times: Sequence[Time] | str,
        known_at: Time | None = None,
        boundary: str = "strict",
        known_at_most: Time | None = None,
        request: RequestValues | None = None,
        deadline: Deadline | None = None,
        event_times: bool = False,
    ) -> None:
        columns = EntityColumns.of(entities)
        if isinstance(times, str):
            listed, columns = columns.column(times), columns.without(times)
        else:
            listed = as_list(times)
        super().__init__(service_or_refs, columns, boundary, request, deadline)
        self.times = all_microseconds(listed)
        if len(self.times) != self.count:
            raise InvalidArgument(f"{len(self.times)} times for {self.count} entities")
        self._event_times = event_times
        self.reply_cell_bytes = 17 if event_times else 9
        self._row_time = known_at == ROW_TIME
        if known_at_most is not None and not self._row_time:
            raise InvalidArgument(f"known_at_most goes with known_at={ROW_TIME!r}")
        self._asked = optional_microseconds(known_at_most if self._row_time else known_at)
        self._pinned = self._asked

    def start(self, prepared: Prepared, welcome: Welcome) -> int:
        self._pinned = self._asked
        return min(welcome.rows_max, self.encode(prepared, welcome.frame_size_max))

    def message(self, start: int, end: int) -> Message:
        keys, values = self.part(start, end)
        body = encode_rows(
            self.prepared.lookup_id, keys, self.times[start:end], self._pinned, self.inclusive, self._row_time, values,
            self.microseconds_left(), self._event_times,
        )  # fmt: skip
        return Message(MessageType.ROWS, body, MessageType.COLUMNS)

    def pin(self, values: Values) -> None:
        self._pinned = values.known_at

    def decode(self, body: bytes) -> Values:
        return decode_columns(body, self.prepared.types, self._event_times)
