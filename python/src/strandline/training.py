"""How a training set is asked for: labels and rules in, columns out, all at one K."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import calls
from .embargoes import Duration, Embargo
from .errors import InvalidArgument, StrandlineError
from .feature_types import FeatureType
from .labels import Labels, LabelSource
from .questions import ROW_TIME, HistoricalRows, is_inclusive, optional_microseconds
from .steps import Call, Deadline, Link, prepare
from .times import Time, microseconds
from .training_set import TrainingColumn, TrainingSet
from .wire import Prepared, Values


@dataclass(frozen=True)
class Rules:
    """What `Client.training_set` takes beside labels and service. Example: ``Rules(known_at="row-time")``"""

    known_at: Time | None = None
    known_at_most: Time | None = None
    boundary: str = "strict"
    embargo: Duration | None = None
    view_embargo: Mapping[str, Duration] | None = None
    timestamp_column: str | None = None
    timestamp_zone: str | None = None
    request_columns: Mapping[str, str] | None = None
    statuses: bool = False
    event_times: bool = False


def training_set(source: LabelSource, service: str, rules: Rules, deadline: Deadline | None) -> Call[TrainingSet]:
    """A whole training set. Example: ``client._run(training_set(labels, "churn", Rules(), None))``"""
    if not isinstance(service, str):
        raise InvalidArgument("a training set is of a service: 'name' for its newest version, or 'name@version'")
    is_inclusive(rules.boundary)
    embargo = Embargo(rules.embargo, rules.view_embargo)
    row_time = rules.known_at == ROW_TIME
    if rules.known_at_most is not None and not row_time:
        raise InvalidArgument(f"known_at_most goes with known_at={ROW_TIME!r}")
    wanted = optional_microseconds(rules.known_at_most if row_time else rules.known_at)
    prepared = yield from _prepared(service)
    labels = Labels(source, rules.timestamp_column, rules.timestamp_zone, prepared.join_keys)
    snapshot = yield from _snapshot(service)
    references = [feature["reference"] for feature in snapshot["features"]]
    if references != list(prepared.names):
        raise StrandlineError("the definitions changed while the training set was prepared; ask again")
    embargo.check([view for feature in snapshot["features"] for view in feature["views"]])
    lengths = [embargo.of(feature["views"]) for feature in snapshot["features"]]
    newest = microseconds(snapshot["commit"]) if "commit" in snapshot else 0
    known_at = newest if wanted is None else min(wanted, newest)

    found: dict[int, TrainingColumn] = {}
    for length in sorted(set(lengths)):
        places = [place for place, other in enumerate(lengths) if other == length]
        target = service if len(places) == len(lengths) else [references[place] for place in places]
        part = prepared if len(places) == len(lengths) else (yield from _prepared(target))
        asked = HistoricalRows(
            target, labels.columns([name for name, _ in part.join_keys]), [time - length for time in labels.times],
            ROW_TIME if row_time else known_at, rules.boundary, known_at if row_time else None,
            _request(labels, part, rules.request_columns), deadline, event_times=True,
        )  # fmt: skip
        _, parts = yield from calls.ask(asked)
        known_at = parts[0].known_at
        for place, (within, (name, kind)) in zip(places, enumerate(part.features)):
            found[place] = _column(name, kind, length, parts, within)
    after = yield from _snapshot(snapshot["service"])
    if after["service_hash"] != snapshot["service_hash"]:
        raise StrandlineError("the definitions changed while the training set was read; ask again")
    columns = [found[place] for place in range(len(lengths))]
    return TrainingSet(
        labels, columns, snapshot, rules.boundary, known_at, row_time, embargo, prepared,
        {field: _request_column(field, rules.request_columns) for field, _ in prepared.request},
        rules.statuses, rules.event_times,
    )  # fmt: skip


def _column(name: str, kind: FeatureType, embargo: int, parts: Sequence[Values], place: int) -> TrainingColumn:
    slots: list[Any] = [slot for part in parts for slot in part.columns[place]]
    marks = b"".join(part.marks(place) for part in parts)
    times = [time for part in parts for time in part.event_times(place) or ()]
    return TrainingColumn(name, kind, embargo, slots, marks, times)


def _request_column(field: str, columns: Mapping[str, str] | None) -> str:
    return (columns or {}).get(field, field)


def _request(labels: Labels, prepared: Prepared, columns: Mapping[str, str] | None) -> dict[str, list[Any]] | None:
    fields = [field for field, _ in prepared.request]
    for field in columns or {}:
        if field not in fields and fields:
            raise InvalidArgument(f"request_columns: no request value '{field}' in these features: {', '.join(fields)}")
    if not fields:
        return None
    return {field: labels.columns([column])[column] for field in fields for column in [_request_column(field, columns)]}


def _prepared(target: str | Sequence[str]) -> Call[Prepared]:
    """The shape of a lookup, from any connection."""
    wanted = target if isinstance(target, str) else tuple(target)

    def once(link: Link) -> Call[Prepared]:
        return (yield from prepare(wanted))

    return (yield from calls.retried(once, is_safe=True))


def _snapshot(service: str) -> Call[dict[str, Any]]:
    reply: dict[str, Any] = json.loads((yield from calls.admin("snapshot", json.dumps({"service": service}))))
    return reply
