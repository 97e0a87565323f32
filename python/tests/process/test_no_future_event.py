"""Promise P4 on whole training sets: what happens at or after a row's T less its embargo changes no byte of the file.

    own events        limit = T - embargo          events that come later
    ----x---x-----x---|----------------T----------->
                       ^ from here on: nothing may show; a microsecond before it: everything must

Each row has a customer of its own, so that every event after its limit is in nobody's windows. Files are CSV: equal bytes
are equal bits there, lists, maps, statuses and event times included. That a single event right before the limit shows in
every row keeps the test from passing for a store that answers nothing.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli_world import our_environment
from events import Event
from training_world import DAY, HOUR, START, World, iso, training_world

__all__ = ["our_environment"]

ROWS = 1200
SEEDS = [1, 2]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("future")) as world:
        yield world


@dataclass(frozen=True)
class Rules:
    """How a set is built, and the first instant that none of its rows may see, as a distance from T."""

    first_customer: int
    options: tuple[str, ...] = ()
    service: str = "all"
    embargo: int = 0
    also: int = 0

    def limit(self, at: int) -> int:
        return at - self.embargo + self.also


RULES = {
    "strict": Rules(10_000),
    "inclusive": Rules(20_000, ("--boundary", "inclusive"), also=1),
    "embargo": Rules(30_000, ("--embargo", "90m"), embargo=90 * HOUR // 60),
    "inclusive with an embargo": Rules(40_000, ("--boundary", "inclusive", "--embargo", "1d"), embargo=DAY, also=1),
    "derived": Rules(50_000, ("--embargo", "1h"), service="model", embargo=HOUR),
}


def event(source: random.Random, customer: int, at: int) -> Event:
    amount = None if source.random() < 0.05 else round(source.uniform(-50, 500), 2)
    return Event(customer, at, amount, None if source.random() < 0.05 else source.randrange(10))


def label_file(path: Path, rows: list[tuple[int, int]]) -> Path:
    lines = [f"{customer},{iso(at)},{customer % 7}.5" for customer, at in rows]
    path.write_text("\n".join(["customer_id,event_timestamp,price", *lines]) + "\n")
    return path


def built(world: World, labels: Path, rules: Rules, options: tuple[str, ...] = ()) -> list[dict[str, str]]:
    out = labels.with_suffix(".out.csv")
    world.build(labels, out, *rules.options, *options, "--status-columns", "--event-time-columns", service=rules.service)
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RULES)
def test_nothing_from_the_limit_on_shows(world: World, tmp_path: Path, name: str, seed: int) -> None:
    rules, source = RULES[name], random.Random(f"{name} {seed}")
    first = rules.first_customer + seed * 100_000
    rows = [(first + number, START + source.randrange(DAY, 3 * DAY)) for number in range(ROWS)]
    world.send([
        event(source, customer, rules.limit(at) - 1 - source.choice([0, source.randrange(HOUR), source.randrange(2 * DAY)]))
        for customer, at in rows for _ in range(source.randrange(5))
    ])  # fmt: skip
    labels = label_file(tmp_path / "labels.csv", rows)
    before = built(world, labels, rules)
    assert sum(row["count_1h"] != "0" for row in before) > ROWS // 4, "the windows are empty: nothing would be shown"

    def later(at: int) -> int:
        """At the limit itself every other time; else up to T, or long after it."""
        return rules.limit(at) + source.choice([0, 0, source.randrange(rules.embargo + 2), source.randrange(2 * DAY)])

    future = [event(source, customer, later(at)) for customer, at in rows for _ in range(source.randrange(1, 4))]
    source.shuffle(future)
    world.send(future)
    after = built(world, labels, rules)
    for number, (was, is_now) in enumerate(zip(before, after, strict=True)):
        assert is_now == was, f"row {number}, customer and T {rows[number]} (seed {seed})"

    # The last instant that counts.
    world.send([event(source, customer, rules.limit(at) - 1) for customer, at in rows])
    for number, (was, is_now) in enumerate(zip(before, built(world, labels, rules), strict=True)):
        assert int(is_now["count_1h"]) == int(was["count_1h"]) + 1, f"row {number}, {rows[number]} (seed {seed})"


def test_each_view_has_its_own_limit(world: World, tmp_path: Path) -> None:
    """Events between two views' limits are in the windows of one of them, and of no feature that reads the other."""
    rules, source = Rules(60_000, ("--embargo", "1h", "q=2h"), service="model"), random.Random(5)
    rows = [(rules.first_customer + number, START + source.randrange(DAY, 3 * DAY)) for number in range(ROWS)]
    world.send([event(source, customer, at - 2 * HOUR - 1 - source.randrange(DAY)) for customer, at in rows for _ in range(3)])
    labels = label_file(tmp_path / "labels.csv", rows)
    before = built(world, labels, rules)
    world.send([event(source, customer, at - 2 * HOUR + source.choice([0, source.randrange(HOUR)])) for customer, at in rows])
    after = built(world, labels, rules)
    of_q = [column for column in before[0] if column.startswith(("count_2d", "share", "both"))]
    assert len(of_q) == 9
    for number, (was, is_now) in enumerate(zip(before, after, strict=True)):
        assert {column: is_now[column] for column in of_q} == {column: was[column] for column in of_q}, f"row {number}, {rows[number]}"
        assert is_now["amount_sum_1d__event_time"] != was["amount_sum_1d__event_time"] or is_now["count_1h"] != was["count_1h"]


def test_labels_do_not_see_each_other(world: World, tmp_path: Path) -> None:
    """What a row's cells are does not depend on which other rows the file has, nor on their order."""
    source = random.Random(6)
    labels, rows = world.labels(tmp_path)
    whole = built(world, labels, RULES["strict"])
    lines = labels.read_text().splitlines()
    chosen = source.sample(range(len(rows)), 60)
    some = tmp_path / "some.csv"
    some.write_text("\n".join([lines[0], *(lines[1 + row] for row in chosen)]) + "\n")
    assert built(world, some, RULES["strict"]) == [whole[row] for row in chosen]
