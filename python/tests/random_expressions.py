"""Random typed expressions and values, each expression in the dialect of Strandline and in that of DuckDB."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass, field

#: The columns of the rows that expressions read.
COLUMNS = {
    "i": "int64",
    "j": "int64",
    "k": "int64",
    "x": "float64",
    "y": "float64",
    "s": "string",
    "t": "string",
    "p": "bool",
    "q": "bool",
    "u": "timestamp",
    "v": "timestamp",
}
DUCK = {"int64": "bigint", "float64": "double", "string": "varchar", "bool": "boolean", "timestamp": "timestamp"}


@dataclass
class Node:
    kind: str
    ours: str
    duck: str
    #: As `duck`, but what ours does not look at is not looked at: DuckDB computes both sides of `and` and `or`.
    lazy: str
    children: list[Node] = field(default_factory=list)

    def all(self) -> list[Node]:
        return [self, *(node for child in self.children for node in child.all())]


def same(kind: str, template: str, *children: Node, duck: str | None = None, lazy: str | None = None) -> Node:
    duck = duck or template
    return Node(
        kind,
        template.format(*(child.ours for child in children)),
        duck.format(*(child.duck for child in children)),
        (lazy or duck).format(*(child.lazy for child in children)),
        list(children),
    )


def literal(kind: str, value: object) -> Node:
    if value is None:
        return Node(kind, f"cast(null as {kind})", *[f"cast(null as {DUCK[kind]})"] * 2)
    if kind == "string":
        text = "'" + str(value).replace("'", "''") + "'"
        return Node(kind, text, *[f"cast({text} as varchar)"] * 2)
    if kind == "bool":
        return Node(kind, *[str(value).lower()] * 3)
    if kind == "timestamp":
        return Node(kind, f"timestamp '{value}'", *[f"cast('{value}' as timestamp)"] * 2)
    text = repr(value)
    return Node(kind, f"({text})", *[f"cast('{text}' as {DUCK[kind]})"] * 2)


WORDS = [
    "",
    "a",
    "A",
    "ab",
    "abc",
    "Straße",
    "ÄÖÜ",
    "e\u0301",
    "\u00e9",
    "日本語",
    "🏖️ x",
    "a%b",
    "_",
    "it's",
    "Ǆǆ",
    "z" * 20,
]
PATTERNS = [
    "",
    "%",
    "_",
    "a%",
    "%b",
    "%a%",
    "_b%",
    "%__",
    "A_",
    "%é",
    "日%",
    "%本_",
    "a%b",
    "%%",
    "a_%_c",
    "\\%",
    "%🏖%",
]
UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
PARTS = [
    "year",
    "quarter",
    "month",
    "dayofmonth",
    "dayofyear",
    "dayofweek",
    "isodow",
    "hour",
    "minute",
    "second",
    "epoch_us",
]
TIMES = ["1970-01-01 00:00:00", "2024-02-29 23:59:59.999999", "0001-01-01 00:00:00", "1899-12-31 12:00:00"]


def value(source: random.Random, kind: str) -> object:
    if kind == "int64":
        edges = [0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1, -(2**53) - 1, 2**32, -(2**32) - 1]
        return source.choice([source.choice(edges), source.randrange(-9, 10), source.randrange(-(2**63), 2**63)])
    if kind == "float64":
        edges = [0.0, 1.0, -1.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e308, 0.1, 2.0**53]
        wild = struct.unpack(">d", source.randbytes(8))[0]
        near = source.randrange(-2000, 2000) / source.choice([1, 2, 4, 8, 10, 100, 1000])
        number = source.choice([source.choice(edges), near, near, wild if math.isfinite(wild) else 2.5])
        return number + 0.0
    if kind == "string":
        return source.choice([source.choice(WORDS), "".join(source.choices("abAB%_é日🏖' ", k=source.randrange(6)))])
    if kind == "bool":
        return source.random() < 0.5
    return source.choice(
        [0, -1, 951_782_400_000_000, source.randrange(-62_135_596_800_000_000, 253_402_300_800_000_000)]
    )


class Generator:
    def __init__(self, source: random.Random) -> None:
        self.source = source

    def leaf(self, kind: str) -> Node:
        if self.source.random() < 0.75:
            name = self.source.choice([name for name, type in COLUMNS.items() if type == kind])
            return Node(kind, name, name, name)
        if self.source.random() < 0.1:
            return literal(kind, None)
        return literal(kind, self.source.choice(TIMES) if kind == "timestamp" else value(self.source, kind))

    def number(self, depth: int) -> Node:
        return self.make(self.source.choice(["int64", "float64"]), depth)

    def pair(self, depth: int) -> tuple[Node, Node]:
        """Two values that can be compared."""
        kind = self.source.choice([*DUCK, "number"])
        if kind == "number":
            return self.number(depth), self.number(depth)
        return self.make(kind, depth), self.make(kind, depth)

    def like_kind(self, kind: str, depth: int) -> Node:
        """A value that fits where `kind` is the common type."""
        return self.number(depth) if kind == "float64" else self.make(kind, depth)

    def make(self, kind: str, depth: int) -> Node:
        if depth <= 0:
            return self.leaf(kind)
        if self.source.random() < 0.25:
            return self.any(kind, depth - 1)
        return getattr(self, kind)(depth - 1)

    def any(self, kind: str, depth: int) -> Node:
        """What gives every type."""
        choice = self.source.randrange(5)
        if choice == 0:
            # One argument of the type itself, or two int64 would make another type.
            nodes = [self.make(kind, depth), *(self.like_kind(kind, depth) for _ in range(self.source.randrange(3)))]
            self.source.shuffle(nodes)
            name = self.source.choice(["coalesce", "greatest", "least"])
            return same(kind, name + "(" + ", ".join("{}" for _ in nodes) + ")", *nodes)
        if choice == 1:
            other = self.number(depth) if kind in ("int64", "float64") else self.make(kind, depth)
            return same(kind, "nullif({}, {})", self.make(kind, depth), other)
        if choice == 2:
            condition, one, other = self.make("bool", depth), self.make(kind, depth), self.like_kind(kind, depth)
            return same(kind, "case when {} then {} else {} end", condition, one, other)
        if choice == 3:
            left, right = self.pair(depth)
            other, result = self.pair_like(left, depth), self.make(kind, depth)
            form = "case {} when {} then {} when {} then {}" + self.source.choice([" end", " else null end"])
            return same(kind, form, left, right, result, other, self.like_kind(kind, depth))
        return same(kind, "cast({} as " + kind + ")", self.make(kind, depth), duck="cast({} as " + DUCK[kind] + ")")

    def pair_like(self, node: Node, depth: int) -> Node:
        return self.number(depth) if node.kind in ("int64", "float64") else self.make(node.kind, depth)

    def int64(self, depth: int) -> Node:
        choice = self.source.randrange(8)
        if choice <= 2:
            sign = self.source.choice(["+", "-", "*", "//", "%"])
            return same("int64", "({} " + sign + " {})", self.make("int64", depth), self.make("int64", depth))
        if choice == 3:
            form = self.source.choice(["(- {})", "abs({})", "round({})", "trunc({})"])
            return same("int64", form, self.make("int64", depth))
        if choice == 4:
            return same("int64", "sign({})", self.number(depth), duck="cast(sign({}) as bigint)")
        if choice == 5:
            return same("int64", "length({})", self.make("string", depth))
        if choice == 6:
            return same("int64", self.source.choice(PARTS) + "({})", self.make("timestamp", depth))
        return same("int64", "cast({} as bigint)", self.make(self.source.choice(["float64", "bool"]), depth))

    def float64(self, depth: int) -> Node:
        choice = self.source.randrange(7)
        if choice <= 2:
            sign = self.source.choice(["+", "-", "*", "/", "%"])
            return same("float64", "({} " + sign + " {})", self.make("float64", depth), self.number(depth))
        if choice == 3:
            return same("float64", "({} / {})", self.make("int64", depth), self.make("int64", depth))
        if choice == 4:
            form = self.source.choice(["(- {})", "abs({})", "round({})", "trunc({})", "round({}, 0)", "round({}, 2)"])
            return same("float64", form.replace("0)", f"{self.source.randrange(16)})"), self.make("float64", depth))
        if choice == 5:
            return same("float64", self.source.choice(["floor", "ceil", "sqrt"]) + "({})", self.number(depth))
        return same("float64", "cast({} as double)", self.make(self.source.choice(["int64", "bool"]), depth))

    def string(self, depth: int) -> Node:
        choice = self.source.randrange(5)
        if choice <= 1:
            return same("string", "({} || {})", self.make("string", depth), self.make("string", depth))
        if choice == 2:
            return same("string", self.source.choice(["lower", "upper"]) + "({})", self.make("string", depth))
        if choice == 3:
            start = self.source.choice([Node("int64", "k", "k", "k"), self.make("int64", depth)])
            if self.source.random() < 0.5:
                return same("string", "substr({}, {})", self.make("string", depth), start)
            length = literal("int64", self.source.randrange(-6, 7))
            return same("string", "substr({}, {}, {})", self.make("string", depth), start, length)
        return same("string", "cast({} as varchar)", self.make(self.source.choice(["int64", "bool"]), depth))

    def timestamp(self, depth: int) -> Node:
        return same("timestamp", f"date_trunc('{self.source.choice(UNITS)}', {{}})", self.make("timestamp", depth))

    def bool(self, depth: int) -> Node:
        choice = self.source.randrange(9)
        if choice <= 1:
            left, right = self.make("bool", depth), self.make("bool", depth)
            if self.source.random() < 0.5:
                lazy = "(case when {0} = false then false else {0} and {1} end)"
                return same("bool", "({0} and {1})", left, right, lazy=lazy)
            return same("bool", "({0} or {1})", left, right, lazy="(case when {0} then true else {0} or {1} end)")
        if choice == 2:
            return same("bool", "(not {})", self.make("bool", depth))
        if choice == 3:
            kind = self.source.choice(list(DUCK))
            return same("bool", "({} is " + self.source.choice(["", "not "]) + "null)", self.make(kind, depth))
        if choice <= 5:
            signs = ["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"]
            return same("bool", "({} " + self.source.choice(signs) + " {})", *self.pair(depth))
        negation = self.source.choice(["", "not "])
        if choice == 6:
            left, low = self.pair(depth)
            nodes = [left, low, self.pair_like(left, depth)]
            a, b, c = in_one_type(nodes)
            lazy = f"({negation}(case when {b} <= {a} = false then false else {b} <= {a} and {a} <= {c} end))"
            lazy = lazy.replace(f"{b} <= {a} = false", f"({b} <= {a}) = false")
            return same("bool", "({} " + negation + "between {} and {})", *nodes, lazy=lazy)
        if choice == 7:
            left, first = self.pair(depth)
            nodes = [left, first, *(self.pair_like(left, depth) for _ in range(self.source.randrange(3)))]
            if self.source.random() < 0.5:
                constants = [literal(node.kind, self.constant(node.kind)) for node in nodes[1:]]
                nodes = [left, *constants]
            a, *items = in_one_type(nodes)
            lazy = f"({a} = {items[-1]})"
            for item in reversed(items[:-1]):
                lazy = f"(case when {a} = {item} then true else ({a} = {item}) or {lazy} end)"
            form = "({} " + negation + "in (" + ", ".join("{}" for _ in nodes[1:]) + "))"
            return same("bool", form, *nodes, lazy=f"({negation}{lazy})")
        text = self.make("string", depth)
        if self.source.random() < 0.5:
            pattern = literal("string", self.source.choice(PATTERNS))
            return same("bool", "({} " + negation + "like {})", text, pattern)
        name = self.source.choice(["starts_with", "ends_with", "contains"])
        return same("bool", name + "({}, {})", text, self.make("string", depth))

    def constant(self, kind: str) -> object:
        if self.source.random() < 0.1:
            return None
        return self.source.choice(TIMES) if kind == "timestamp" else value(self.source, kind)


def in_one_type(nodes: list[Node]) -> list[str]:
    """Placeholders for the children, cast to double when int64 and double meet."""
    kinds = {node.kind for node in nodes}
    form = "cast({%d} as double)" if len(kinds) > 1 else "{%d}"
    return [form % place for place in range(len(nodes))]
