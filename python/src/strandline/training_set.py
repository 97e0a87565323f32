"""A training set in memory: the labels with their features, what it was made of, and the proof that nothing leaked."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import manifests, notebook, tables
from .columns import STATUS_NAMES
from .embargoes import Embargo, text_of
from .errors import InvalidArgument, StrandlineError
from .feature_types import FeatureType, ValueType
from .labels import Labels
from .leakage import LeakageReport, leakage_of
from .mlflow_dataset import dataset_of
from .wire import NO_EVENT_TIME, Prepared

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

_TIME = FeatureType(ValueType.TIMESTAMP)
_TEXT = FeatureType(ValueType.STRING)


@dataclass(frozen=True)
class TrainingColumn:
    """A feature's cells as they came; times are microseconds."""

    reference: str
    kind: FeatureType
    embargo: int
    slots: Sequence[Any]
    marks: bytes
    event_times: Sequence[int]

    @property
    def statuses(self) -> list[str]:
        names = STATUS_NAMES
        return [names[mark] for mark in self.marks]

    @property
    def times(self) -> list[int | None]:
        """The newest event that counted; None where none did."""
        return [None if time == NO_EVENT_TIME else time for time in self.event_times]


def names_of(references: Sequence[str]) -> list[str]:
    """The features' names, or ``view__feature`` where two views share one. Example: ``names_of(["v:n"]) == ["n"]``"""
    short = [reference.partition(":")[2] or reference for reference in references]
    counts = Counter(short)
    return [name if counts[name] == 1 else ref.replace(":", "__") for name, ref in zip(short, references)]


class TrainingSet:
    """Labels with their features, in the labels' own order, with all of their columns.

    Whatever reads an Arrow stream reads it: ``polars.DataFrame(training)``, ``duckdb.sql("from training")``.

    Attributes:
        manifest: what it was made of and by which rules; what `to_parquet` writes beside the file. See
            docs/format/manifest.md.
        report: the leakage report: how old the newest event of each feature was at the label's time.

    Example: ``store.training_set(labels, "churn").to_pandas()``
    """

    def __init__(
        self,
        labels: Labels,
        columns: Sequence[TrainingColumn],
        snapshot: Mapping[str, Any],
        boundary: str,
        known_at: int,
        row_time: bool,
        embargo: Embargo,
        prepared: Prepared,
        request_columns: Mapping[str, str],
        statuses: bool,
        event_times: bool,
    ) -> None:
        names = names_of([column.reference for column in columns])
        self.report: LeakageReport = leakage_of(names, columns, labels.times, boundary == "inclusive")
        if self.report.leaks:
            raise StrandlineError(f"a defect in the server: cells count events at or after their time\n{self.report}")
        described: list[dict[str, Any]] = []
        added: list[tables.TableColumn] = []
        for name, column, found in zip(names, columns, self.report.features):
            added.append((name, column.kind, column.slots))
            entry: dict[str, Any] = {
                "name": name, "feature": column.reference, "type": column.kind.name, "embargo": text_of(column.embargo),
                "nulls": sum(slot is None for slot in column.slots), "statuses": dict(sorted(Counter(column.statuses).items())),
                "leaks": found.leaks,
            }  # fmt: skip
            if found.newest_event is not None:
                entry["newest_event"] = manifests.time_text(found.newest_event)
            if found.least_age is not None:
                entry["least_age"] = found.least_age
            if statuses:
                entry["status_column"] = f"{name}__status"
                added.append((entry["status_column"], _TEXT, column.statuses))
            if event_times:
                entry["event_time_column"] = f"{name}__event_time"
                added.append((entry["event_time_column"], _TIME, column.times))
            described.append(entry)
        self.manifest: dict[str, Any] = manifests.manifest_of(
            labels, described, snapshot, boundary, known_at, row_time, embargo, prepared, request_columns
        )
        self._table = _joined(labels, added).replace_schema_metadata(manifests.metadata_of(self.manifest))

    def __len__(self) -> int:
        count: int = self._table.num_rows
        return count

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table with the types of the file. Example: ``training.to_arrow().schema``"""
        return self._table

    def to_pandas(self) -> pandas.DataFrame:
        """A DataFrame: integers and bools with nulls stay what they are, as Int64 and boolean.

        Example: ``training.to_pandas().dtypes``
        """
        pd, pa = tables.imported("pandas", "pandas"), tables.imported("pyarrow", "arrow")
        kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}
        frame: pandas.DataFrame = self._table.replace_schema_metadata(None).to_pandas(types_mapper=kinds.get)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """A Polars DataFrame. Example: ``training.to_polars().describe()``"""
        frame: polars.DataFrame = tables.imported("polars", "polars").from_arrow(self._table)
        return frame

    def to_parquet(self, path: str | os.PathLike[str]) -> str:
        """Writes the file, and its manifest beside it; gives the manifest's path. Each appears whole or not at all.

        `strandline verify` checks both against the store.

        Example: ``training.to_parquet("train.parquet")``
        """
        parquet = tables.imported("pyarrow.parquet", "arrow")
        name = os.fspath(path)

        def write(file: Any) -> None:
            parquet.write_table(self._table, file, compression="zstd", row_group_size=128 * 1024)

        return manifests.write_both(name, write, self.manifest)

    def to_mlflow(self, source: str | None = None, targets: str | None = None) -> Any:
        """A dataset that MLflow logs: its schema, where it is from, and a digest of ten characters.

        `source` is where the data lies, such as the path of `to_parquet`, without it the store; `targets` is the column that
        is to be predicted.
        Needs the extra ``mlflow``.

        Example: ``mlflow.log_input(training.to_mlflow("train.parquet", targets="label"), context="training")``
        """
        return dataset_of(self._table, self.manifest, self.digest, source, targets)

    @cached_property
    def digest(self) -> str:
        """Ten hexadecimal digits that equal training sets share: of the table's values, types and rules."""
        ipc = tables.imported("pyarrow.ipc", "arrow")
        sink = tables.imported("pyarrow", "arrow").BufferOutputStream()
        with ipc.new_stream(sink, self._table.schema) as writer:
            writer.write_table(self._table.combine_chunks())
        return hashlib.sha256(sink.getvalue()).hexdigest()[:10]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For whoever reads Arrow streams. Example: ``polars.DataFrame(training)``"""
        return self._table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        rows, features = len(self), len(self.manifest["columns"])
        known = self.manifest["time_rules"]["known_at"]
        return (
            f"TrainingSet({rows} row{'s' * (rows != 1)} x {features} feature{'s' * (features != 1)} of "
            f"{self.manifest['service']}, known_at={known}, leaks={self.report.leaks})"
        )

    def __str__(self) -> str:
        return f"{self!r}\n{notebook.text_table(self._first(), {})}"

    def _repr_html_(self) -> str:
        """The first rows and the leakage report, for notebooks."""
        return f"{notebook.html_table(self._first(), {}, repr(self))}{self.report._repr_html_()}"

    def _first(self) -> dict[str, list[Any]]:
        """Enough rows to see what there is; the rest is only counted."""
        shown = self._table.slice(0, notebook.ROWS_SHOWN).to_pydict()
        return {name: ["" if value is None else value for value in column] for name, column in shown.items()}


def _joined(labels: Labels, added: Sequence[tables.TableColumn]) -> Any:
    taken = [name for name, _, _ in added if name in labels.table.column_names]
    if taken:
        raise InvalidArgument(f"{labels.name}: cannot add column '{taken[0]}': the labels have a column of that name already")
    table = labels.table
    for field, column in zip((made := tables.to_arrow(added, {})).schema, made.columns):
        table = table.append_column(field, column)
    return table
