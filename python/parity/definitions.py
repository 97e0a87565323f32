"""What a feature is, to the harness: a function over a column and a window, and its line of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

ENTITY = "entity_id"
TIME = "at"
SOURCE = "events"
SERVICE = "everything"
FIRST_VIEW = "first_view"
LATE_VIEW = "late_view"

# The types by column. `spare` belongs to the view that is applied halfway, all others to the first one.
COLUMNS = {
    "amount": "float64",
    "wild": "float64",
    "quantity": "int64",
    "big": "int64",
    "category": "string",
    "session": "string",
    "paid": "bool",
    "seen": "timestamp",
    "note": "string",
    "spare": "float64",
}
LATE_COLUMNS = frozenset({"spare"})

# Times are whole microseconds here, never datetimes: those end at the year 9999 and have zones.
Single: TypeAlias = int | float | str | bool
Value: TypeAlias = Single | list[Single] | dict[Single, int] | None

COUNTERS = frozenset({"count", "count_distinct", "approx_count_distinct", "decayed_count"})
_LISTS = frozenset({"first_n", "last_n", "first_distinct_n", "last_distinct_n", "top_k"})
_OF_THE_COLUMN = frozenset({"sum", "min", "max", "first", "last"})
_INTEGERS = frozenset({"count", "count_distinct", "approx_count_distinct"})


@dataclass(frozen=True)
class FeatureType:
    """`element` alone, a list of it, or with `key` a map to it."""

    element: str
    is_list: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Window:
    """A length (None: lifetime) and how long before T it ends; `text` is its part of a feature's name."""

    text: str
    length: int | None
    offset: int = 0


@dataclass(frozen=True)
class Feature:
    """One feature. Parameters that a function does not take are None; so is a default that is not given."""

    function: str
    column: str | None
    window: Window
    n: int | None = None
    percentile: float | None = None
    accuracy: float | None = None
    precision: int | None = None
    half_life: int | None = None
    max_distinct: int | None = None
    default: Single | None = None

    @property
    def view(self) -> str:
        return LATE_VIEW if self.column in LATE_COLUMNS else FIRST_VIEW

    @property
    def name(self) -> str:
        """Every parameter is in it, so that no two features of the catalogue have one name."""
        parameters = {
            "n": self.n, "p": self.percentile, "acc": self.accuracy, "prec": self.precision,
            "hl": None if self.half_life is None else self.half_life // SECOND, "most": self.max_distinct,
            "or": None if self.default is None else "default",
        }
        parts = [self.function, self.column or "events"]
        parts += [f"{key}{value}".replace(".", "_") for key, value in parameters.items() if value is not None]
        return "_".join([*parts, self.window.text])

    @property
    def reference(self) -> str:
        return f"{self.view}:{self.name}"

    @property
    def type(self) -> FeatureType:
        if self.function in _INTEGERS:
            return FeatureType("int64")
        column = "" if self.column is None else COLUMNS[self.column]
        if self.function in _OF_THE_COLUMN:
            return FeatureType(column)
        if self.function in _LISTS:
            return FeatureType(column, is_list=True)
        if self.function == "histogram":
            return FeatureType("int64", key=column)
        return FeatureType("float64")

    def yaml(self) -> str:
        length = "lifetime" if self.window.length is None else _duration(self.window.length)
        fields = {
            "name": self.name, "function": self.function, "column": self.column, "time_window": length,
            "offset": _duration(self.window.offset) if self.window.offset else None, "n": self.n,
            "percentile": self.percentile, "accuracy": self.accuracy, "precision": self.precision,
            "half_life": None if self.half_life is None else _duration(self.half_life),
            "max_distinct": self.max_distinct, "default": self.default,
        }
        return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value is not None) + "}"


def _duration(microseconds: int) -> str:
    return f"{microseconds // SECOND}s"


def repository(features: list[Feature], memory_budget: str) -> str:
    """feature_store.yaml with these features; views that have none are left out."""
    lines = [
        "project: parity",
        f"server: {{commit_interval: 5ms, memory_budget: {memory_budget}}}",
        'kafka: {bootstrap.servers: "127.0.0.1:1"}',
        f"entities: [{{name: entity, join_keys: {{{ENTITY}: int64}}}}]",
        "sources:",
        f"  - name: {SOURCE}",
        f"    timestamp_field: {TIME}",
        "    timestamp_format: epoch_us",
        "    dead_letter_topic: none",
        f"    schema: {{{ENTITY}: int64, " + ", ".join(f"{name}: {kind}" for name, kind in COLUMNS.items()) + "}",
        "feature_views:",
    ]
    views = sorted({feature.view for feature in features})
    for view in views:
        lines += [f"  - name: {view}", "    entity: entity", f"    source: {SOURCE}", "    aggregations:"]
        lines += [f"      - {feature.yaml()}" for feature in features if feature.view == view]
    references = ", ".join(f'"{view}:*"' for view in views)
    lines.append(f"feature_services: [{{name: {SERVICE}, features: [{references}]}}]")
    return "\n".join(lines) + "\n"
