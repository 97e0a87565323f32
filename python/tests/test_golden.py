"""Each golden frame, both ways where the client speaks it, and every prefix and many mutations of it."""

from __future__ import annotations

import random
from typing import Any

import golden
import pytest

from strandline import ProtocolError, wire
from strandline.feature_types import FeatureType
from strandline.columns import STATUS_NAMES
from strandline.wire import MessageType, ValueType, Values

TIME = 1_700_000_000_123_456
KNOWN = TIME + 5
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TYPES = [FeatureType(kind) for kind in ValueType]
NESTED = [
    FeatureType(ValueType.INT64, is_list=True),
    FeatureType(ValueType.STRING, is_list=True),
    FeatureType(ValueType.INT64, key=ValueType.STRING),
    FeatureType(ValueType.FLOAT64, key=ValueType.INT64),
]
JOIN_KEYS = (("customer_id", ValueType.INT64), ("merchant", ValueType.STRING))
KEYS = wire.encode_keys([[42, -1], ["café", ""]], JOIN_KEYS)
SEEN = TIME - 1

REQUEST_FIELDS = tuple(zip(["n", "amount", "word", "new", "since"], ValueType))
REQUEST_ROWS = [
    {"n": -7, "amount": 0.1, "word": "Zürich", "new": True, "since": TIME - 1},
    {"n": None, "amount": -2.5, "word": "", "new": None, "since": None},
]
REQUEST_VALUES = b"".join(wire.encode_request_values(REQUEST_ROWS, REQUEST_FIELDS))

REQUESTS = {
    "hello": (MessageType.HELLO, 1, wire.encode_hello("s3cret", "golden/1", 1, 3)),
    "hello_anonymous": (MessageType.HELLO, 1, wire.encode_hello(None, "golden/1")),
    "prepare_service": (MessageType.PREPARE, 2, wire.encode_prepare("fraud@2")),
    "prepare_references": (
        MessageType.PREPARE, 3, wire.encode_prepare(["purchases:amount_sum_30d", "purchases:count_7d"]),
    ),
    "lookup": (MessageType.LOOKUP, 4, wire.encode_lookup(5, KEYS, TIME, KNOWN, inclusive=True, event_times=True)),
    "lookup_now": (MessageType.LOOKUP, 5, wire.encode_lookup(5, KEYS[:1])),
    "rows": (MessageType.ROWS, 6, wire.encode_rows(5, KEYS, [TIME, 0], KNOWN, inclusive=True)),
    "rows_row_time": (MessageType.ROWS, 6, wire.encode_rows(5, KEYS, [TIME, 0], KNOWN, row_time=True)),
    "rows_event_times": (MessageType.ROWS, 6, wire.encode_rows(5, KEYS, [TIME, 0], KNOWN, event_times=True)),
    "lookup_request": (MessageType.LOOKUP, 4, wire.encode_lookup(7, KEYS, request=REQUEST_VALUES)),
    "rows_request": (MessageType.ROWS, 6, wire.encode_rows(7, KEYS, [TIME, 0], KNOWN, request=REQUEST_VALUES)),
    "admin": (MessageType.ADMIN, 9, wire.encode_admin("dead_letters", '{"after": 0, "limit": 100}')),
    "ping": (MessageType.PING, 2**32 - 1, b""),
    "hello_options": (MessageType.HELLO, 1, wire.encode_hello("s3cret", "golden/1", 1, 3, checksums=True)),
    "lookup_deadline": (MessageType.LOOKUP, 5, wire.encode_lookup(5, KEYS[:1], deadline=2500)),
    "rows_request_deadline": (
        MessageType.ROWS, 6,
        wire.encode_rows(7, KEYS, [TIME, 0], KNOWN, request=REQUEST_VALUES, deadline=4_000_000_000),
    ),
}  # fmt: skip

DECODERS: dict[str, Any] = {
    "welcome": wire.decode_welcome,
    "error": wire.decode_error,
    "error_overloaded": wire.decode_error,
    "error_deadline": wire.decode_error,
    "welcome_options": wire.decode_welcome,
    "prepared": wire.decode_prepared,
    "prepared_request": wire.decode_prepared,
    "values": lambda body: wire.decode_values(body, TYPES),
    "values_event_times": lambda body: wire.decode_values(body, TYPES),
    "columns": lambda body: wire.decode_columns(body, TYPES),
    "columns_event_times": lambda body: wire.decode_columns(body, TYPES, event_times=True),
    "prepared_nested": wire.decode_prepared,
    "values_nested": lambda body: wire.decode_values(body, NESTED),
    "columns_nested": lambda body: wire.decode_columns(body, NESTED),
    "admin_reply": wire.decode_admin_reply,
}
#: Frames with their checksums.
CHECKED = {"lookup_now_checksum": "lookup_now", "ping_checksum": "ping"}
#: Those that this client does not speak: exports are the command line's.
OTHERS = ["history_page", "history_page_place", "history_page_reply", "history_page_reply_empty"]


def test_every_frame_is_covered() -> None:
    assert sorted([*REQUESTS, *DECODERS, *CHECKED, *OTHERS, "pong"]) == golden.NAMES


@pytest.mark.parametrize("name", [*CHECKED, "ping"])
def test_checksums(name: str) -> None:
    kind, request_id, body = REQUESTS[CHECKED.get(name, name)]
    assert wire.frame(kind, request_id, body, checksum=name in CHECKED) == golden.load(name)


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_encode_to_the_golden_bytes(name: str) -> None:
    assert wire.frame(*REQUESTS[name]) == golden.load(name)


@pytest.mark.parametrize("name", golden.NAMES)
def test_headers(name: str) -> None:
    frame = golden.load(name)
    decoder = wire.FrameDecoder()
    decoder.has_checksums = name in CHECKED
    decoder.feed(frame)
    found = decoder.next()
    assert found is not None and decoder.next() is None
    assert wire.frame(*found, checksum=name in CHECKED) == frame
    kind = found[0]
    assert kind.name.lower().startswith(name.split("_", maxsplit=1)[0])


def test_welcome() -> None:
    assert wire.decode_welcome(golden.body("welcome")) == wire.Welcome(
        1, 1 << 24, 10_000, 1000, 65_536, "strandline/0.1"
    )


def test_errors() -> None:
    assert wire.decode_error(golden.body("error")) == (10, False, "no service 'frau\u0308d'; did you mean 'fraud'?")
    assert wire.decode_error(golden.body("error_overloaded")) == (20, True, "retry later")


def test_prepared() -> None:
    features = zip(["v:n", "v:sum", "v:city", "v:ok", "v:seen"], TYPES)
    assert wire.decode_prepared(golden.body("prepared")) == wire.Prepared(5, HASH, JOIN_KEYS, tuple(features))
    nested = zip(["v:last_n", "v:cities", "v:by_city", "v:by_n"], NESTED)
    assert wire.decode_prepared(golden.body("prepared_nested")) == wire.Prepared(6, HASH, JOIN_KEYS, tuple(nested))


def test_prepared_with_request_fields() -> None:
    features = (("r:ratio", FeatureType(ValueType.FLOAT64)), ("r:unusual", FeatureType(ValueType.BOOL)))
    prepared = wire.decode_prepared(golden.body("prepared_request"))
    assert prepared == wire.Prepared(7, HASH, JOIN_KEYS, features, REQUEST_FIELDS)


def statuses(values: Values) -> list[list[str]]:
    return [[STATUS_NAMES[mark] for mark in values.marks(place)] for place in range(len(values.columns))]


def columns(values: Values) -> list[list[Any]]:
    return list(map(list, values.columns))


@pytest.mark.parametrize("name", ["values", "values_event_times"])
def test_values(name: str) -> None:
    values = wire.decode_values(golden.body(name), TYPES)
    assert (values.as_of, values.known_at, values.count) == (TIME, KNOWN, 2)
    assert columns(values) == [[-7, 0], [0.1, None], ["Zürich", None], [True, None], [SEEN, None]]
    assert [row for _, row in statuses(values)] == ["NOT_FOUND", "NOT_FOUND", "PARTIAL", "NULL_VALUE", "OVERFLOW"]
    times = [values.event_times(place) for place in range(5)]
    if name == "values":
        assert times == [None] * 5
    else:
        assert [column[1] for column in times if column] == [wire.NO_EVENT_TIME] * 5
        assert times[0] is not None and times[0][0] == SEEN


def test_columns() -> None:
    values = wire.decode_columns(golden.body("columns"), TYPES)
    assert columns(values) == [[-7, 0], [0.1, None], ["Zürich", None], [True, None], [SEEN, None]]
    assert statuses(values)[2] == ["PRESENT", "PARTIAL"]


@pytest.mark.parametrize("name", ["values_nested", "columns_nested"])
def test_lists_and_maps(name: str) -> None:
    decoded = DECODERS[name](golden.body(name))
    assert columns(decoded) == [
        [[-7, 0, None], None],
        [["Zürich", None, ""], []],
        [{"Bern": 3, "Zürich": 1}, {}],
        [{-7: 0.1, 42: None}, None],
    ]
    assert statuses(decoded)[3] == ["PARTIAL", "NULL_VALUE"] and statuses(decoded)[2] == ["PRESENT", "NOT_FOUND"]


@pytest.mark.parametrize("name", DECODERS)
def test_no_bytes_but_a_reply_are_taken(name: str) -> None:
    decode, body = DECODERS[name], golden.body(name)
    decode(body)
    for length in range(len(body)):
        # Without its 35 bytes of request fields a PREPARED is one that asks for nothing, a WELCOME without options has none.
        if (name, len(body) - length) in (("prepared_request", 35), ("welcome_options", 1)):
            continue
        with pytest.raises(ProtocolError):
            decode(body[:length])
    with pytest.raises(ProtocolError):
        decode(body + b"\2")


def test_mutated_replies_raise_nothing_else() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(20_000):
        name = chance.choice(list(DECODERS))
        body = bytearray(golden.body(name))
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        try:
            DECODERS[name](bytes(body))
        except ProtocolError:
            pass


@pytest.mark.parametrize(
    "size, fits", [(7, False), (8, True), (4095, True), (4096, True), (4097, False), (2**32 - 1, False)]
)
def test_sizes(size: int, fits: bool) -> None:
    if fits:
        wire.check_size(size, 4096)
    else:
        with pytest.raises(ProtocolError):
            wire.check_size(size, 4096)
