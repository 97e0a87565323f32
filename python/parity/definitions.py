"""What a feature is, to the harness: a function over a column and a window, and its line of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

ENTITY = "entity_id"
PLACE = "place"
TIME = "at"
SOURCE = "events"
SERVICE = "everything"
FIRST_VIEW = "first_view"
LATE_VIEW = "late_view"
FILTERED_VIEW = "filtered_view"
PLACE_VIEW = "place_view"

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

# What the filtered view says, in SQL; `derived.py` says the same in Python.
FILTER = "paid or quantity > 1"
DERIVED = {
    "net": ("float64", "amount * 0.75 - 1.5"),
    "units": ("int64", "quantity * 3 + 1"),
    "size": ("string", "case when quantity > 2 then 'large' when quantity >= 0 then 'small' else 'none' end"),
}

# Times are whole microseconds here, never datetimes: those end at the year 9999 and have zones.
Single: TypeAlias = int | float | str | bool
Value: TypeAlias = Single | list[Single] | list[Single | None] | dict[Single, Single | None] | None

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
    """A length (None: lifetime) and how long before T it ends; `text` is its part of a feature's name.

    Instead of a length, `newest` so many events; with `series`, so many windows of the length one after the other.
    """

    text: str
    length: int | None
    offset: int = 0
    newest: int | None = None
    series: int | None = None

    @property
    def reach(self) -> int:
        """From T to the far edge, where there is one."""
        return (self.length or 0) * (self.series or 1) + self.offset

    @property
    def written(self) -> str:
        if self.newest is not None:
            return f"{self.newest}events"
        length = "lifetime" if self.length is None else _duration(self.length)
        return length if self.series is None else f"{self.series}x{length}"


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
    group_by: str | None = None
    max_groups: int | None = None
    home: str | None = None
    """A view; None: the late one for late columns, else the first."""

    @property
    def view(self) -> str:
        if self.home is not None:
            return self.home
        return LATE_VIEW if self.column in LATE_COLUMNS else FIRST_VIEW

    @property
    def kinds(self) -> list[str]:
        """What is special about it, for the run's totals."""
        kinds = {
            "group_by": self.group_by is not None, "filter": self.view == FILTERED_VIEW,
            "derived_column": self.column in DERIVED or self.group_by in DERIVED,
            "event_window": self.window.newest is not None, "series": self.window.series is not None,
            "string_key": self.view == PLACE_VIEW,
        }
        return [name for name, has in kinds.items() if has]

    @property
    def name(self) -> str:
        """Every parameter is in it, so that no two features of the catalogue have one name."""
        parameters = {
            "n": self.n, "p": self.percentile, "acc": self.accuracy, "prec": self.precision,
            "hl": None if self.half_life is None else self.half_life // SECOND, "most": self.max_distinct,
            "or": None if self.default is None else "default", "groups": self.max_groups,
        }
        parts = [self.function, self.column or "events"] + ([f"by_{self.group_by}"] if self.group_by else [])
        parts += [] if self.home is None else [self.home.removesuffix("_view")]
        parts += [f"{key}{value}".replace(".", "_") for key, value in parameters.items() if value is not None]
        return "_".join([*parts, self.window.text])

    @property
    def reference(self) -> str:
        return f"{self.view}:{self.name}"

    @property
    def type(self) -> FeatureType:
        kind = self._type_of_one
        if self.group_by is not None:
            return FeatureType(kind.element, key=column_type(self.group_by))
        return kind if self.window.series is None else FeatureType(kind.element, is_list=True)

    @property
    def _type_of_one(self) -> FeatureType:
        """Of one window and one category."""
        if self.function in _INTEGERS:
            return FeatureType("int64")
        column = "" if self.column is None else column_type(self.column)
        if self.function in _OF_THE_COLUMN:
            return FeatureType(column)
        if self.function in _LISTS:
            return FeatureType(column, is_list=True)
        if self.function == "histogram":
            return FeatureType("int64", key=column)
        return FeatureType("float64")

    def yaml(self) -> str:
        fields = {
            "name": self.name, "function": self.function, "column": self.column, "group_by": self.group_by,
            "time_window": self.window.written,
            "offset": _duration(self.window.offset) if self.window.offset else None, "n": self.n,
            "percentile": self.percentile, "accuracy": self.accuracy, "precision": self.precision,
            "half_life": None if self.half_life is None else _duration(self.half_life),
            "max_distinct": self.max_distinct, "max_groups": self.max_groups, "default": self.default,
        }
        return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value is not None) + "}"


def column_type(name: str) -> str:
    return DERIVED[name][0] if name in DERIVED else COLUMNS[name]


def _duration(microseconds: int) -> str:
    return f"{microseconds // SECOND}s"


def repository(features: list[Feature], memory_budget: str) -> str:
    """feature_store.yaml with these features; views that have none are left out."""
    lines = [
        "project: parity",
        f"server: {{commit_interval: 5ms, memory_budget: {memory_budget}}}",
        'kafka: {bootstrap.servers: "127.0.0.1:1"}',
        "entities:",
        f"  - {{name: entity, join_keys: {{{ENTITY}: int64}}}}",
        f"  - {{name: place, join_keys: {{{PLACE}: string}}}}",
        "sources:",
        f"  - name: {SOURCE}",
        f"    timestamp_field: {TIME}",
        "    timestamp_format: epoch_us",
        "    dead_letter_topic: none",
        f"    schema: {{{ENTITY}: int64, {PLACE}: string, " + ", ".join(f"{name}: {kind}" for name, kind in COLUMNS.items()) + "}",
        "feature_views:",
    ]
    views = sorted({feature.view for feature in features})
    for view in views:
        lines += [f"  - name: {view}", f"    entity: {'place' if view == PLACE_VIEW else 'entity'}"]
        lines += [f"    source: {SOURCE}"]
        if view == FILTERED_VIEW:
            lines += [f"    filter: {FILTER}", "    columns:"]
            lines += [f"      {name}: {text}" for name, (_, text) in DERIVED.items()]
        lines += ["    aggregations:"]
        lines += [f"      - {feature.yaml()}" for feature in features if feature.view == view]
    references = ", ".join(f'"{view}:*"' for view in views)
    lines.append(f"feature_services: [{{name: {SERVICE}, features: [{references}]}}]")
    return "\n".join(lines) + "\n"
