"""Expressions against DuckDB: random typed expressions over random rows, by `strandline evaluate` and by DuckDB.

Values must agree exactly, doubles bit for bit; where ours says overflow DuckDB must raise or go through a number that
is not finite. DuckDB runs with `error_on_division_by_zero = false` and `ieee_floating_point_ops = false`, so that a
division by zero is null, and without its optimizer, which may move arithmetic to where it no longer overflows.
"""

from __future__ import annotations

import json
import math
import os
import random
import struct
import subprocess
from pathlib import Path

import duckdb
import pytest

from random_expressions import COLUMNS, DUCK, Generator, Node, value

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("STRANDLINE_BINARY", ROOT / ".build" / "release" / "strandline"))

OVERFLOW = "overflow"
ROWS = 60
SCHEMA = ",".join(f"{name}={kind}" for name, kind in COLUMNS.items())


def seeds() -> list[int]:
    if "STRANDLINE_SEED" in os.environ:
        return [int(os.environ["STRANDLINE_SEED"])]
    return list(range(1, 41 if "STRANDLINE_LONG_TESTS" in os.environ else 5))


class ConstantOverflow(Exception):
    """A mistake here, before any row is read."""


def strandline(expression: str, rows: str | None, schema: str = SCHEMA) -> list:
    command = [BINARY, "evaluate", "--schema", schema, *(["--rows", "-"] if rows is not None else []), "--", expression]
    done = subprocess.run(command, input=rows or "", capture_output=True, text=True, timeout=60)
    if done.returncode == 2 and "this constant overflows" in done.stderr:
        raise ConstantOverflow
    assert done.returncode == 0, f"{expression}\n{done.stderr}"
    # Not `splitlines`: JSON text may hold other line ends than ours.
    lines = done.stdout.removesuffix("\n").split("\n")
    if rows is None:
        return lines
    results = [json.loads(line) for line in lines]
    return [OVERFLOW if isinstance(result, dict) else result for result in results]


class Duck:
    def __init__(self, rows: list[dict]) -> None:
        self.database = duckdb.connect()
        self.database.execute("set error_on_division_by_zero = false; set ieee_floating_point_ops = false")
        self.database.execute("pragma disable_optimizer; set threads = 1; create type float64 as double")
        columns = ", ".join(f"{name} {DUCK[kind]}" for name, kind in COLUMNS.items())
        self.database.execute(f"create table r (n bigint, {columns})")
        places = ", ".join("make_timestamp(?)" if kind == "timestamp" else "?" for kind in COLUMNS.values())
        values = [[n, *(row[name] for name in COLUMNS)] for n, row in enumerate(rows)]
        self.database.executemany(f"insert into r values (?, {places})", values)
        self.count = len(rows)

    def column(self, expression: str, kind: str) -> list:
        """One value a row; OVERFLOW where DuckDB raises."""
        text = f"epoch_us({expression})" if kind == "timestamp" else expression
        try:
            return [row[0] for row in self.database.execute(f"select {text} from r order by n").fetchall()]
        except duckdb.Error:
            return [self.cell(text, row) for row in range(self.count)]

    def cell(self, text: str, row: int) -> object:
        try:
            return self.database.execute(f"select {text} from r where n = {row}").fetchone()[0]
        except duckdb.ParserException as error:
            raise AssertionError(f"{text}: {error}") from error
        except duckdb.Error as error:
            is_binding = isinstance(error, (duckdb.BinderException, duckdb.CatalogException))
            assert not is_binding, f"{text}: {error}"
            return OVERFLOW


def comparable(value: object, kind: str) -> object:
    if value is None or value == OVERFLOW and kind != "string":
        return value
    if kind == "float64":
        return struct.pack(">d", float(value) + 0.0).hex()
    if kind == "timestamp" and isinstance(value, str):
        return value[:-2] if value.endswith("us") else timestamp(value)
    return (type(value).__name__, value)


def timestamp(text: str) -> object:
    return ("int", duckdb.execute("select epoch_us(cast(? as timestamp))", [text.removesuffix("Z")]).fetchone()[0])


class World:
    def __init__(self, source: random.Random) -> None:
        def cell(name: str, kind: str) -> object:
            if source.random() < 0.12:
                return None
            return source.randrange(-7, 8) if name == "k" else value(source, kind)

        self.rows = [{name: cell(name, kind) for name, kind in COLUMNS.items()} for _ in range(ROWS)]
        self.lines = "\n".join(json.dumps(row) for row in self.rows) + "\n"
        self.duck = Duck(self.rows)

    def agree(self, node: Node, about: str) -> tuple[int, int]:
        """Compares every row; the number of values and of overflows."""
        try:
            ours = strandline(node.ours, self.lines)
        except ConstantOverflow:
            assert any(self.goes_beyond(node, row, None) for row in range(ROWS)), f"{about}: {node.ours}"
            return 0, ROWS
        theirs = self.duck.column(node.duck, node.kind)
        assert len(ours) == len(theirs) == ROWS
        values = overflows = 0
        for row, (mine, other) in enumerate(zip(ours, theirs)):
            place = f"{about}, row {row}: {self.rows[row]}\n{node.ours}\n{node.duck}"
            if mine == OVERFLOW and node.kind != "string" or isinstance(mine, str) and mine == OVERFLOW:
                overflows += 1
                assert self.goes_beyond(node, row, other), f"{place}\noverflow here, {other!r} in DuckDB"
                continue
            if other == OVERFLOW:
                text = f"epoch_us({node.lazy})" if node.kind == "timestamp" else node.lazy
                other = self.duck.cell(text, row)
            assert comparable(mine, node.kind) == comparable(other, node.kind), (
                f"{place}\n{mine!r} here, {other!r} in DuckDB"
            )
            values += mine is not None
        return values, overflows

    def goes_beyond(self, node: Node, row: int, result: object) -> bool:
        """Whether something in the expression raises in DuckDB, or is a number that is not finite."""
        if result == OVERFLOW:
            return True
        parts = [self.duck.cell(part.duck, row) for part in node.all()]
        return any(part == OVERFLOW or isinstance(part, float) and not math.isfinite(part) for part in parts)


@pytest.fixture(scope="module")
def world() -> World:
    return World(random.Random(1))


@pytest.mark.parametrize("seed", seeds())
def test_random_expressions_agree(seed: int) -> None:
    source = random.Random(seed)
    world = World(source)
    generator = Generator(source)
    values = overflows = 0
    for number in range(60):
        kind = list(DUCK)[number % len(DUCK)]
        node = generator.make(kind, source.choice([1, 2, 2, 3, 4]))
        found = world.agree(node, f"rerun with STRANDLINE_SEED={seed}")
        values, overflows = values + found[0], overflows + found[1]
    print(f"seed {seed}: {values} values, {overflows} overflows of {60 * ROWS} cells")
    assert values > 1000 and overflows > 0


@pytest.mark.parametrize("seed", seeds())
def test_canonical_text_means_the_same_in_duckdb(seed: int) -> None:
    """Canonical text has brackets only where the grouping needs them: both grammars must group alike."""
    source = random.Random(seed + 1000)
    world = World(source)
    generator = Generator(source)
    # Literals of numbers have other types in DuckDB; without them the text runs there as it is.
    generator.leaf = lambda kind: Node(kind, *[source.choice([n for n, k in COLUMNS.items() if k == kind])] * 3)
    compared = 0
    while compared < 25:
        node = generator.make(source.choice(["bool", "int64", "float64", "string"]), source.choice([2, 3, 4]))
        if any(
            part.ours.startswith(("(", "cast('")) and not part.children or "sign(" in part.ours for part in node.all()
        ):
            continue
        kind, canonical = strandline(node.ours, None)
        text = canonical.removeprefix("canonical=")
        assert kind == f"type={node.kind}"
        assert strandline(text, None) == [kind, canonical]
        ours, theirs = strandline(text, world.lines), world.duck.column(text, node.kind)
        for row, (mine, other) in enumerate(zip(ours, theirs)):
            place = f"rerun with STRANDLINE_SEED={seed}, row {row}: {world.rows[row]}\n{text}"
            if mine == OVERFLOW:
                assert world.goes_beyond(node, row, other), place
            elif other != OVERFLOW:
                assert comparable(mine, node.kind) == comparable(other, node.kind), place
        compared += 1


@pytest.mark.parametrize(
    "text",
    # fmt: off
    [
        "not p = q",
        "not p is null",
        "p or q and p",
        "not p and q",
        "p = q is null",
        "not p is distinct from q",
        "s is distinct from t is null",
        "s || t like 'a%'",
        "s like 'a' || '%' or p",
        "k + k between k and k * k",
        "p = (k in (k, k))",
        "p = k in (k, k)",
        "k between k and k and p",
        "k not between k and k or p",
        "-k + k",
        "- k * k",
        "-k % k",
        "k - k - k",
        "k - (k - k)",
        "k // k * k",
        "k * k // k",
        "k % k * k",
        "-k::double",
        "x / y / x",
        "x - y + x",
        "k is null is null",
        "s = t is true",
        "p = q is not false",
        "k between k and k is true",
        "case when p then k end + k",
        "s || cast(k as varchar) || t",
        "p is true",
        "p is not false",
        "k in (k, null)",
        "k not in (k, null)",
        "not k in (k)",
        "k == k",
        "k != k",
        "- (- k)",
        "s is not distinct from t and p",
        "len(s)",
        "prefix(s, t)",
        "suffix(s, t)",
        "substring(s, k)",
        "ceiling(x)",
        "day(u)",
        "weekday(u)",
        "datetrunc('day', u)",
        "x::bigint",
        "p::bigint::double",
        "k::varchar || s",
    ],
    # fmt: on
)
def test_both_grammars_group_alike(world: World, text: str) -> None:
    kind = strandline(text, None)[0].removeprefix("type=")
    ours, theirs = strandline(text, world.lines), world.duck.column(text, kind)
    for row, (mine, other) in enumerate(zip(ours, theirs)):
        if OVERFLOW in (mine, other):
            # A number that is not finite is a value in DuckDB.
            assert mine == OVERFLOW and (other == OVERFLOW or not math.isfinite(other)), f"{text}, row {row}"
        elif isinstance(other, float) and not math.isfinite(other):
            assert mine == OVERFLOW, f"{text}, row {row}"
        else:
            assert comparable(mine, kind) == comparable(other, kind), f"{text}, row {row}: {world.rows[row]}"


def test_every_code_point_changes_case_as_in_duckdb() -> None:
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
    texts = ["".join(map(chr, points[start : start + 1000])) for start in range(0, len(points), 1000)]
    rows = "\n".join(json.dumps({"s": text}) for text in texts) + "\n"
    for function in ("lower", "upper"):
        ours = strandline(f"{function}(s)", rows, schema="s=string")
        theirs = [duckdb.execute(f"select {function}(?)", [text]).fetchone()[0] for text in texts]
        for start, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert mine == other, f"{function} of the code points from {points[start * 1000]:#x} on"


def test_substr_takes_the_same_code_points() -> None:
    database = duckdb.connect()
    ends = [-4294967296, -4294967295, 4294967294, 4294967295]
    numbers = [*range(-8, 9), *ends]
    cells = [(text, start, length) for text in ["", "a", "héllo", "日本"] for start in numbers for length in numbers]
    rows = "\n".join(json.dumps({"s": s, "a": a, "b": b}) for s, a, b in cells) + "\n"
    for expression, count in (("substr(s, a, b)", 3), ("substr(s, a)", 2)):
        ours = strandline(expression, rows, schema="s=string,a=int64,b=int64")
        question = "select substr(" + ", ".join(["?::varchar", "?::bigint", "?::bigint"][:count]) + ")"
        for cell, mine in zip(cells, ours, strict=True):
            assert mine == database.execute(question, list(cell[:count])).fetchone()[0], f"{expression} of {cell}"
    limits = ((4294967296, 1), (-4294967297, 1), (1, 4294967296))
    beyond = "\n".join(json.dumps({"s": "a", "a": start, "b": length}) for start, length in limits)
    assert strandline("substr(s, a, b)", beyond, schema="s=string,a=int64,b=int64") == [OVERFLOW] * 3
    for start, length in limits:
        with pytest.raises(duckdb.OutOfRangeException):
            database.execute(f"select substr('a', {start}, {length})")


@pytest.mark.parametrize(
    "expression", ["1 < 2 < 3", "1 = 1 = true", "'a' like 'a' like 'a'", "1 +", "(1", "case end", "1 2"]
)
def test_what_duckdb_refuses_is_refused(expression: str) -> None:
    with pytest.raises(duckdb.ParserException):
        duckdb.execute(f"select {expression}")
    done = subprocess.run([BINARY, "evaluate", expression], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stdout
    assert done.stderr.splitlines()[-1].strip() == "^"
