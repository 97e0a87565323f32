"""One side of a connection, without a connection: frames cut anyhow, ids, and servers that do not keep the rules."""

from __future__ import annotations

import struct

import golden
import pytest
from fake_server import error
from hypothesis import given, settings
from hypothesis import strategies as st

import strandline
from strandline import wire
from strandline.wire import FrameDecoder, MessageType, Session

PONG = (MessageType.PING, b"", MessageType.PONG)


def greeted(checksums: bool = False) -> Session[str]:
    session: Session[str] = Session(None, "test", checksums)
    session.hello("hello")
    welcome = golden.body("welcome") + (b"\1" if checksums else b"")
    answered = session.receive(wire.frame(MessageType.WELCOME, 1, welcome))
    assert answered == [("hello", welcome)] and session.failure is None
    return session


@given(
    st.lists(st.tuples(st.sampled_from(MessageType), st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=8),
    st.lists(st.integers(1, 30), max_size=60),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_frames_come_out_however_they_are_cut(
    frames: list[tuple[MessageType, int, bytes]], cuts: list[int], checksums: bool
) -> None:
    stream = b"".join(wire.frame(*each, checksum=checksums) for each in frames)
    decoder = FrameDecoder()
    decoder.has_checksums = checksums
    found = []
    while stream:
        count = cuts.pop() if cuts else len(stream)
        part, stream = stream[:count], stream[count:]
        decoder.feed(part)
        while (each := decoder.next()) is not None:
            found.append(each)
    assert found == frames


@pytest.mark.parametrize(
    "size, fits", [(7, False), (8, True), (4095, True), (4096, True), (4097, False), (2**32 - 1, False)]
)
def test_sizes_are_checked_before_anything_is_made(size: int, fits: bool) -> None:
    decoder = FrameDecoder()
    decoder.feed(struct.pack("<I", size))
    if fits:
        assert decoder.next() is None and decoder.missing == size
    else:
        with pytest.raises(strandline.ProtocolError):
            decoder.next()


@pytest.mark.parametrize("place, value", [(5, 1), (5, 0x80), (6, 1), (7, 1), (4, 0x7F)])
def test_header_bytes_that_mean_nothing(place: int, value: int) -> None:
    frame = bytearray(wire.frame(MessageType.PONG, 1, b""))
    frame[place] = value
    decoder = FrameDecoder()
    decoder.feed(bytes(frame))
    with pytest.raises(strandline.ProtocolError):
        decoder.next()


def test_replies_overtake() -> None:
    session = greeted()
    ids = [session.request(*PONG, sink)[0] for sink in ("a", "b", "c")]
    assert len(set(ids)) == 3 and 0 not in ids and session.in_flight == 3
    data = b"".join(wire.frame(MessageType.PONG, ids[place], b"") for place in (2, 0, 1))
    assert session.receive(data) == [("c", b""), ("a", b""), ("b", b"")] and session.in_flight == 0


def test_ids_wrap_and_skip_what_is_in_flight() -> None:
    session = greeted()
    first = session.request(*PONG, "first")[0]
    session._last_id = 2**32 - 2
    assert [session.request(*PONG, "x")[0] for _ in range(3)] == [2**32 - 1, 1, first + 1]


def test_a_reply_that_nobody_waits_for_any_more_is_dropped() -> None:
    session = greeted()
    number, _ = session.request(*PONG, "gone")
    session.abandon(number)
    assert session.receive(wire.frame(MessageType.PONG, number, b"")) == [] and session.failure is None
    # Once: its id is free now, and a second reply is one to nothing.
    session.receive(wire.frame(MessageType.PONG, number, b""))
    assert isinstance(session.failure, strandline.ProtocolError)


@pytest.mark.parametrize(
    "data",
    [
        wire.frame(MessageType.PONG, 77, b""),
        wire.frame(MessageType.VALUES, 2, b""),
        wire.frame(MessageType.WELCOME, 2, golden.body("welcome")),
        error(77, 10),
        wire.frame(MessageType.ERROR, 2, b"\1"),
        b"\xff" * 12,
    ],
)
def test_what_is_no_reply_ends_the_session(data: bytes) -> None:
    session = greeted()
    assert session.request(*PONG, "a")[0] == 2
    ((sink, outcome),) = session.receive(data)
    assert sink == "a" and isinstance(outcome, strandline.ProtocolError)
    with pytest.raises(strandline.ConnectionLost):
        session.request(*PONG, "b")
    assert session.receive(wire.frame(MessageType.PONG, 3, b"")) == []


def test_errors_that_close_answer_everybody() -> None:
    session = greeted()
    session.request(*PONG, "a")
    session.request(*PONG, "b")
    (first, refused), (second, lost) = session.receive(error(2, 1))
    assert (first, second) == ("a", "b")
    assert isinstance(refused, strandline.MalformedFrame) and isinstance(lost, strandline.ConnectionLost)
    session = greeted()
    session.request(*PONG, "a")
    session.request(*PONG, "b")
    outcomes = [outcome for _, outcome in session.receive(error(0, 21, True))]
    assert all(isinstance(outcome, strandline.NotReady) for outcome in outcomes) and outcomes[0] is not outcomes[1]


def test_errors_that_do_not_close_answer_one() -> None:
    session = greeted()
    session.request(*PONG, "a")
    session.request(*PONG, "b")
    ((sink, _),) = session.receive(error(3, 10))
    assert sink == "b" and session.failure is None and session.in_flight == 1


def test_limits_are_those_of_the_welcome() -> None:
    session: Session[str] = Session(None, "test")
    session.hello("hello")
    with pytest.raises(strandline.ConnectionLost):
        session.welcome  # noqa: B018  (reading it is what raises)
    with pytest.raises(strandline.TooMany):
        session.request(MessageType.ADMIN, b"x" * 4089, MessageType.ADMIN_REPLY, "a")
    session.request(MessageType.ADMIN, b"x" * 4088, MessageType.ADMIN_REPLY, "a")
    session = greeted()
    largest = session.welcome.frame_size_max - 8
    session.request(MessageType.ADMIN, b"x" * largest, MessageType.ADMIN_REPLY, "a")
    with pytest.raises(strandline.TooMany):
        session.request(MessageType.ADMIN, b"x" * (largest + 1), MessageType.ADMIN_REPLY, "a")


def test_another_version_is_refused() -> None:
    session: Session[str] = Session(None, "test")
    session.hello("hello")
    body = struct.pack("<H", 2) + golden.body("welcome")[2:]
    ((sink, outcome),) = session.receive(wire.frame(MessageType.WELCOME, 1, body))
    assert sink == "hello" and isinstance(outcome, strandline.ProtocolError)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_bytes_answer_everybody_or_nobody(parts: list[bytes], checksums: bool) -> None:
    session = greeted(checksums)
    sinks = {session.request(*PONG, str(number)) and str(number) for number in range(5)}
    answered = [sink for part in parts for sink, _ in session.receive(part)]
    assert len(answered) == len(set(answered)) and set(answered) <= sinks
    assert session.failure is None or set(answered) == sinks
