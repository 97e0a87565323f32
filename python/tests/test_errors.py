from __future__ import annotations

import pickle
import re
import struct
from pathlib import Path

import pytest
from fake_server import REPLIES, FakeServer, golden_script

import strandline
from strandline import errors, wire
from strandline.wire import MessageType

PAGE = Path(__file__).resolve().parents[2] / "docs" / "format" / "wire-protocol.md"


def test_every_code_of_the_format_page_has_its_class() -> None:
    page: dict[str, str] = dict(re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    known = {str(code): kind.name for code, kind in errors.BY_CODE.items()}
    assert len(page) > 15 and page.items() <= known.items()
    assert known.keys() - page.keys() <= {"7", "24"}, "what this client knows before the server says it"
    for kind in errors.BY_CODE.values():
        assert kind.__name__.upper().removesuffix("ERROR") == kind.name.replace("_", "")
        assert kind.__name__ in strandline.__all__


def test_unknown_codes() -> None:
    error = errors.request_error(999, "new", True)
    assert type(error) is errors.RequestError
    assert (error.code, error.name, error.retriable, str(error)) == (999, "CODE_999", True, "CODE_999: new")


def test_errors_come_back_from_other_processes() -> None:
    for code, kind in errors.BY_CODE.items():
        error = pickle.loads(pickle.dumps(errors.request_error(code, "because", True)))
        assert (type(error), error.code, error.retriable, error.message) == (kind, code, True, "because")
    assert str(pickle.loads(pickle.dumps(errors.ConnectionLost("gone")))) == "gone"


def test_what_is_too_late_is_a_timeout() -> None:
    for error in (errors.request_error(24, "too late", False), errors.RequestTimedOut("too late")):
        assert isinstance(error, TimeoutError) and isinstance(error, strandline.RequestTimedOut)


@pytest.mark.parametrize("code", [code for code in errors.BY_CODE if code not in (20, 21)])
def test_codes_over_a_socket(code: int) -> None:
    def script(number: int, kind: MessageType, request_id: int, body: bytes) -> bytes | None:
        if kind in (MessageType.HELLO, MessageType.PING):
            return golden_script(number, kind, request_id, body)
        text = b"because"
        return wire.frame(MessageType.ERROR, request_id, struct.pack("<HBI", code, 0, len(text)) + text)

    with FakeServer(script) as server, strandline.connect(server.address) as client:
        with pytest.raises(errors.BY_CODE[code], match="because") as caught:
            client.status()
        assert not caught.value.retriable
        client.ping()
        assert server.kinds().count("HELLO") == (2 if code <= 7 else 1)
    assert MessageType.ADMIN in REPLIES
