from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from strandline import InvalidArgument
from strandline.times import all_microseconds, microseconds, to_datetime

MARCH = 951_868_800_000_000  # 2000-03-01T00:00:00Z


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2000-03-01", MARCH),
        ("2000-03-01T00:00Z", MARCH),
        ("2000-03-01 00:00:00", MARCH),
        ("2000-03-01t00:00:00.000001z", MARCH + 1),
        ("2000-03-01T00:00:00.123456000Z", MARCH + 123_456),
        ("2000-03-01T02:00:00+02:00", MARCH),
        ("2000-03-01T02:00:00+0200", MARCH),
        ("2000-02-29T19:00:00-05", MARCH),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00+00:01", -62_135_596_860_000_000),
    ],
)
def test_iso(text: str, expected: int) -> None:
    assert microseconds(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2000-3-1", "2001-02-29", "2000-03-01T24:00", "2000-03-01T00:00:60Z", "2000-03-01T00:00:00.1234567Z",
     "2000-03-01T", "2000-03-01T00:00:00+24:00", "0000-01-01", "2000-03-01T00:00:00Z ", "２０００-03-01"],
)  # fmt: skip
def test_text_that_is_no_time(text: str) -> None:
    with pytest.raises(InvalidArgument):
        microseconds(text)


def test_datetimes() -> None:
    assert microseconds(datetime(2000, 3, 1)) == MARCH
    assert microseconds(datetime(2000, 3, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == MARCH
    assert microseconds(datetime(9999, 12, 31, 23, 59, 59, 999_999)) == 253_402_300_799_999_999
    assert to_datetime(MARCH) == datetime(2000, 3, 1, tzinfo=timezone.utc)
    assert microseconds(to_datetime(-1)) == -1
    assert to_datetime(2**63 - 1).year == 9999 and to_datetime(-(2**63)).year == 1


def test_numbers() -> None:
    assert microseconds(5) == 5 and microseconds(-(2**63)) == -(2**63)
    for wrong in (True, 1.5, None, 2**63, b"2000-03-01"):
        with pytest.raises(InvalidArgument):
            microseconds(wrong)  # type: ignore[arg-type]


def test_many() -> None:
    assert all_microseconds([]) == []
    assert all_microseconds([5, -(2**63), 2**63 - 1]) == [5, -(2**63), 2**63 - 1]
    assert all_microseconds([5, "2000-03-01", datetime(2000, 3, 1)]) == [5, MARCH, MARCH]
    for wrong in ([5, True], [0, 2**63], [-(2**63) - 1], [1.5]):
        with pytest.raises(InvalidArgument):
            all_microseconds(wrong)  # type: ignore[arg-type]
