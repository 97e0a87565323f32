"""Every function and status of the oracle, with values worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from parity.catalogue import FUNCTIONS, catalogue
from parity.definitions import FILTERED_VIEW, HOUR, PLACE_VIEW, SECOND, Feature, Window
from parity.derived import MARK, completed
from parity.functions import FUNCTIONS as DEFINED
from parity.log import Event
from parity.oracle import Cell, LateColumns, Oracle, Point, Undecided

T = 1_000 * HOUR
LENGTH = 10 * SECOND


def event(seconds: float, chunk: int = 0, partition: int = 0, offset: int = 0, **values: Any) -> Event:
    """An event that lies so many seconds before T."""
    return Event(T - int(seconds * SECOND), partition, offset, chunk, values)


def cell(
    function: str,
    column: str | None,
    events: list[Event],
    length: int | None = LENGTH,
    offset: int = 0,
    known: int = 1,
    inclusive: bool = False,
    late: LateColumns | None = None,
    **parameters: Any,
) -> Cell:
    feature = Feature(function, column, Window("w", length, offset), **parameters)
    ordered = sorted(events, key=lambda e: e[:3])
    return Oracle({1: ordered}, late).cells(Point(1, T, known, inclusive), [feature])[0]


def value(function: str, column: str | None, values: list[Any], **parameters: Any) -> Any:
    """Of values one second apart, the last of them a second before T."""
    count = len(values)
    events = [event(count - n, offset=n, **{str(column): v}) for n, v in enumerate(values)]
    return cell(function, column, events, **parameters).value


WORDS = ["b", "a", "b", None, "c", "a", "b"]


@pytest.mark.parametrize("function, column, values, parameters, wanted", [
    ("count", "category", WORDS, {}, 6),
    ("count", None, WORDS, {}, 7),
    ("sum", "quantity", [1, None, 2], {}, 3),
    ("mean", "quantity", [1, 2], {}, 1.5),
    ("min", "amount", [2.5, -1.5], {}, -1.5),
    ("max", "seen", [7, 9, 8], {}, 9),
    ("first", "category", [None, "x", "y"], {}, "x"),
    ("last", "paid", [True, False, None], {}, False),
    ("first_n", "category", WORDS, {"n": 3}, ["b", "a", "b"]),
    ("last_n", "category", WORDS, {"n": 3}, ["c", "a", "b"]),
    ("last_n", "category", WORDS, {"n": 100}, ["b", "a", "b", "c", "a", "b"]),
    ("first_distinct_n", "category", WORDS, {"n": 2}, ["b", "a"]),
    ("first_distinct_n", "category", WORDS, {"n": 9}, ["b", "a", "c"]),
    ("last_distinct_n", "category", WORDS, {"n": 2}, ["a", "b"]),
    ("last_distinct_n", "category", WORDS, {"n": 9}, ["c", "a", "b"]),
    ("count_distinct", "category", WORDS, {}, 3),
    # The same to a reader, two values to a store.
    ("count_distinct", "category", ["\u00e9", "e\u0301"], {}, 2),
    ("approx_count_distinct", "category", WORDS, {}, 3),
    ("approx_percentile", "quantity", [1, 2, 3], {"percentile": 0.5}, 2 + 1 / 64),
    ("var_pop", "quantity", [1, 2, 3, 4], {}, 1.25),
    ("var_samp", "quantity", [1, 2, 3], {}, 1.0),
    ("var_samp", "quantity", [5], {}, None),
    ("stddev_pop", "quantity", [1, 3], {}, 1.0),
    ("stddev_samp", "quantity", [1, 2, 3], {}, 1.0),
    ("stddev_samp", "quantity", [5], {"default": -1.0}, -1.0),
    ("top_k", "category", WORDS, {"n": 2}, ["b", "a"]),
    ("top_k", "quantity", [3, 1, 2, 3], {"n": 3}, [3, 1, 2]),
    # By UTF-8 bytes: U+FF5E before U+1F600, which UTF-16 has the other way round.
    ("top_k", "category", ["\U0001f600", "\uff5e"], {"n": 2}, ["\uff5e", "\U0001f600"]),
    ("histogram", "paid", [True, False, True], {}, {False: 1, True: 2}),
    ("decayed_count", None, [0, 0], {"half_life": SECOND}, 0.75),
    ("decayed_sum", "quantity", [4, 8], {"half_life": SECOND}, 5.0),
    ("time_since_last", None, [1, 1, 1], {}, 1.0),
    ("time_since_first", "category", [None, "x", "y"], {}, 2.0),
])
def test_by_hand(function: str, column: str | None, values: list[Any], parameters: dict[str, Any], wanted: Any) -> None:
    found = value(function, column, values, **parameters)
    assert found == wanted and type(found) is type(wanted)


def test_every_function_is_defined_and_asked_for() -> None:
    assert set(DEFINED) == set(FUNCTIONS) == {feature.function for feature in catalogue()}
    names = [feature.name for feature in catalogue()]
    assert len(set(names)) == len(names) <= 1000


def test_a_histogram_ascends() -> None:
    assert list(value("histogram", "quantity", [3, -1, 3, 2])) == [-1, 2, 3]


@pytest.mark.parametrize("function", ["count_distinct", "top_k", "histogram"])
def test_too_many_distinct_values_overflow(function: str) -> None:
    parameters = {"n": 1} if function == "top_k" else {}
    events = [event(1, offset=n, quantity=n) for n in range(5)]
    assert cell(function, "quantity", events, max_distinct=5, **parameters).status == "PRESENT"
    overflown = cell(function, "quantity", events, max_distinct=4, default=7, **parameters)
    assert overflown == Cell(None, "OVERFLOW", T - SECOND)


def of(feature: Feature, events: list[Event], inclusive: bool = False, place: str = "") -> Cell:
    events = sorted(events, key=lambda e: e[:3])
    return Oracle({1: events}, None).cells(Point(1, T, 1, inclusive, place), [feature])[0]


def test_categories_by_hand() -> None:
    rows = [("b", 1), ("a", 2), ("b", 4), (None, 8), ("c", None), ("c", None), ("d", 16)]
    events = [event(7 - n, offset=n, category=c, quantity=q) for n, (c, q) in enumerate(rows)]

    def by_category(function: str, column: str | None = "quantity", **more: Any) -> Cell:
        return of(Feature(function, column, Window("w", LENGTH), group_by="category", **more), events)

    assert by_category("sum") == Cell({"a": 2, "b": 5, "c": None, "d": 16}, "PRESENT", T - SECOND)
    assert by_category("count").value == {"a": 1, "b": 2, "c": 0, "d": 1}
    assert by_category("count", None).value == {"a": 1, "b": 2, "c": 2, "d": 1}
    # b and c have two events each: by number of events, ties in the order of the categories.
    assert by_category("sum", max_groups=1).value == {"b": 5}
    assert list(by_category("sum", max_groups=3).value) == ["a", "b", "c"]  # type: ignore[arg-type]
    assert by_category("sum", max_distinct=3) == Cell(None, "OVERFLOW", T - SECOND)
    assert by_category("count_distinct", max_distinct=4, max_groups=1).value == {"b": 2}
    events.append(event(0.5, offset=9, category="b", quantity=3))
    assert by_category("count_distinct", max_distinct=4).status == "OVERFLOW"
    events = [event(1, category=None, quantity=1)]
    assert by_category("count", None) == Cell(None, "NULL_VALUE", None)


def test_the_newest_events_by_hand() -> None:
    events = [event(5 - n, offset=n, quantity=q) for n, q in enumerate([1, 2, None, 8])]
    two = Window("2events", None, newest=2)
    # A null is one of the two.
    assert of(Feature("sum", "quantity", two), events) == Cell(8, "PRESENT", T - 2 * SECOND)
    assert of(Feature("count", None, Window("9events", None, newest=9)), events).value == 4
    before = Window("2events_before", None, 3 * SECOND, newest=2)
    assert of(Feature("sum", "quantity", before), events).value == 3
    assert of(Feature("sum", "quantity", before), [event(1, quantity=1)]) == Cell(None, "NULL_VALUE", None)


def test_a_series_by_hand() -> None:
    events = [event(3, quantity=1), event(2.5, quantity=2), event(0.5, quantity=4)]
    three = Window("3x1s", SECOND, series=3)
    assert of(Feature("sum", "quantity", three), events) == Cell([3, None, 4], "PRESENT", T - SECOND // 2)
    assert of(Feature("sum", "quantity", three, default=0), events).value == [3, 0, 4]
    assert of(Feature("count", None, three), events, inclusive=True).value == [1, 0, 1]
    # From T, whichever window the event is in.
    assert of(Feature("time_since_last", None, three), events).value == [2.5, None, 0.5]
    assert of(Feature("count", None, Window("w", SECOND, SECOND, series=2)), events).value == [2, 0]
    huge = [event(2.5, wild=1e308), event(2.4, wild=1e308), event(0.5, wild=1.0)]
    assert of(Feature("sum", "wild", three, default=0.5), huge) == Cell(None, "OVERFLOW", T - SECOND // 2)


def test_filters_and_derived_columns_by_hand() -> None:
    assert [completed({"paid": None, "quantity": 2})[MARK], completed({"paid": None, "quantity": 1})[MARK]] == [True, None]
    for paid in (True, False, None):
        assert completed({"paid": paid, "quantity": None})[MARK] is (True if paid else None)
    found = completed({"amount": 2.0, "quantity": 3})
    assert (found["net"], found["units"], found["size"]) == (0.0, 10, "large")
    assert completed({"quantity": 0})["size"] == "small" and completed({"quantity": -1})["size"] == "none"
    assert completed({})["size"] == "none" and completed({})["units"] is None and completed({})["net"] is None
    rows = [{"paid": True, "amount": 4.0}, {"paid": False, "amount": 8.0}, {"quantity": 2, "amount": 16.0}]
    events = [event(3 - n, offset=n, **completed(row)) for n, row in enumerate(rows)]
    assert of(Feature("sum", "amount", Window("w", LENGTH), home=FILTERED_VIEW), events).value == 20.0
    newest = Window("1events", None, newest=1)
    assert of(Feature("last", "amount", newest, home=FILTERED_VIEW), events[:2]).value == 4.0
    # What does not pass makes the entity known.
    assert of(Feature("count", None, newest, home=FILTERED_VIEW), events[1:2]) == Cell(0, "PRESENT", None)


def test_places_are_entities_of_their_own() -> None:
    events = [event(3, place="a", quantity=1), event(2, offset=1, place="b", quantity=2)]
    total = Feature("sum", "quantity", Window("w", LENGTH), home=PLACE_VIEW)
    assert [of(total, events, place=place).value for place in ("a", "b", "c")] == [1, 2, None]
    assert of(total, events, place="c").status == "NOT_FOUND"


def test_windows_are_half_open_and_strictly_before() -> None:
    events = [event(0), event(0.000001), event(10), event(10.000001)]
    assert cell("count", None, events).value == 2
    assert cell("count", None, events, inclusive=True).value == 2
    assert cell("time_since_last", None, events).value == 0.000001
    assert cell("time_since_last", None, events, inclusive=True).value == 0.0
    assert cell("time_since_first", None, events).value == 10.0
    assert cell("time_since_first", None, events, inclusive=True).value == 0.000001
    shifted = [event(2), event(2.000001), event(12), event(12.000001)]
    assert cell("count", None, shifted, offset=2 * SECOND).value == 2
    assert cell("time_since_last", None, shifted, offset=2 * SECOND).value == 2.000001


def test_a_decayed_sum_is_as_of_the_windows_end() -> None:
    events = [event(3, quantity=8)]
    assert cell("decayed_sum", "quantity", events, offset=2 * SECOND, half_life=SECOND).value == 4.0
    # The inclusive rule moves the window and not its end.
    assert cell("decayed_sum", "quantity", events, offset=3 * SECOND, half_life=SECOND, inclusive=True).value == 8.0


def test_ties_go_by_partition_and_offset() -> None:
    events = [
        event(1, partition=1, offset=0, category="c"), event(1, partition=0, offset=9, category="b"),
        event(1, partition=0, offset=2, category="a"), event(1, partition=2, offset=5, category=None),
    ]
    assert cell("first", "category", events).value == "a"
    assert cell("last", "category", events).value == "c"
    assert cell("last_n", "category", events, n=2).value == ["b", "c"]


def test_what_arrived_after_k_does_not_count() -> None:
    events = [event(3, chunk=0, quantity=1), event(2, chunk=1, quantity=2), event(1, chunk=2, quantity=4)]
    assert [cell("sum", "quantity", events, known=known).value for known in range(4)] == [None, 1, 3, 7]
    assert cell("sum", "quantity", events, known=0).status == "NOT_FOUND"


def test_statuses_in_their_order() -> None:
    old = [event(100, quantity=5)]
    assert cell("count", None, []) == Cell(0, "NOT_FOUND", None)
    assert cell("decayed_count", None, [], half_life=SECOND) == Cell(0.0, "NOT_FOUND", None)
    assert cell("sum", "quantity", []) == Cell(None, "NOT_FOUND", None)
    assert cell("sum", "quantity", [], default=7) == Cell(7, "NOT_FOUND", None)
    assert cell("count", None, old) == Cell(0, "PRESENT", None)
    assert cell("sum", "quantity", old) == Cell(None, "NULL_VALUE", None)
    assert cell("sum", "quantity", old, default=7) == Cell(7, "PRESENT", None)
    # The label's own event is not there yet, by the strict rule.
    assert cell("count", None, [event(0)]).status == "NOT_FOUND"
    assert cell("count", None, [event(0)], inclusive=True) == Cell(1, "PRESENT", T)
    assert cell("count", None, [event(0)], offset=SECOND, inclusive=True) == Cell(0, "PRESENT", None)
    huge = [event(2, wild=1e308), event(1, wild=1e308)]
    assert cell("sum", "wild", huge, default=0.5) == Cell(None, "OVERFLOW", T - SECOND)
    assert cell("mean", "wild", huge).status == "OVERFLOW"


def test_late_columns_are_partial_until_their_windows_begin_after_them() -> None:
    events = [event(3, chunk=0, spare=1.0), event(2, chunk=1, spare=2.0)]
    after, before = T + HOUR, T - HOUR

    def spare(known: int, complete_from: int, length: int | None = LENGTH, **more: Any) -> Cell:
        late = LateColumns(1, complete_from, complete_from)
        return cell("sum", "spare", events, length=length, known=known, late=late, **more)

    assert spare(2, after) == Cell(2.0, "PARTIAL", T - 2 * SECOND), "the first chunk came before the column"
    assert spare(1, after) == Cell(None, "PARTIAL", None)
    assert spare(1, after, default=0.5) == Cell(0.5, "PARTIAL", None)
    assert spare(2, before).status == "PRESENT"
    assert spare(2, T - LENGTH).status == "PRESENT", "a window that starts at the instant is complete"
    assert spare(2, T - LENGTH + 1).status == "PARTIAL"
    assert spare(2, before, length=None).status == "PARTIAL", "a lifetime starts at the beginning of time"
    assert spare(0, after).status == "NOT_FOUND"
    with pytest.raises(Undecided):
        cell("sum", "spare", events, late=LateColumns(1, T - LENGTH - 1, T))
