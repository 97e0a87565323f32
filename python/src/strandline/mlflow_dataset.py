"""A training set as MLflow logs it: name, digest, source, schema and profile. MLflow is imported when it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .tables import imported

if TYPE_CHECKING:
    import pyarrow


def dataset_of(
    table: pyarrow.Table, manifest: Mapping[str, Any], digest: str, source: str | None, targets: str | None
) -> Any:
    """The dataset. Without a `source` it is the store: what to ask it for the same rows again.

    Example: ``mlflow.log_input(dataset_of(table, manifest, digest, None, "label"))``
    """
    base = imported("mlflow.data.dataset", "mlflow").Dataset
    schema = _schema(table)

    class StrandlineDataset(base):  # type: ignore[misc, valid-type]
        def _compute_digest(self) -> str:
            return digest

        @property
        def schema(self) -> Any:
            return schema

        @property
        def profile(self) -> dict[str, Any]:
            rules = manifest["time_rules"]
            return {"num_rows": table.num_rows, "num_elements": table.num_rows * table.num_columns, **rules}

        def to_dict(self) -> dict[str, str]:
            described: dict[str, Any] = {"mlflow_colspec": schema.to_dict()}
            if targets is not None:
                described["targets"] = targets
            found: dict[str, str] = super().to_dict()
            return {**found, "schema": json.dumps(described), "profile": json.dumps(self.profile)}

    return StrandlineDataset(_source(source, manifest), name=manifest["service"], digest=digest)


def _source(source: str | None, manifest: Mapping[str, Any]) -> Any:
    if source is not None:
        return imported("mlflow.data.dataset_source_registry", "mlflow").resolve_dataset_source(source)
    rules = manifest["time_rules"]
    tags = {
        "strandline.project": manifest["project"], "strandline.service": manifest["service"],
        "strandline.service_hash": manifest["service_hash"], "strandline.known_at": rules["known_at"],
    }  # fmt: skip
    return imported("mlflow.data.code_dataset_source", "mlflow").CodeDatasetSource(tags=tags)


def _schema(table: pyarrow.Table) -> Any:
    types = imported("mlflow.types", "mlflow")
    shapes = imported("mlflow.types.schema", "mlflow")

    def single(kind: Any) -> Any:
        pa = imported("pyarrow", "arrow").types
        if pa.is_int64(kind) or pa.is_uint32(kind):
            return types.DataType.long
        if pa.is_integer(kind):
            return types.DataType.integer
        if pa.is_floating(kind):
            return types.DataType.double
        if pa.is_boolean(kind):
            return types.DataType.boolean
        return types.DataType.datetime if pa.is_temporal(kind) else types.DataType.string

    def shape(kind: Any) -> Any:
        pa = imported("pyarrow", "arrow").types
        if pa.is_map(kind):
            return shapes.Map(single(kind.item_type))
        return shapes.Array(single(kind.value_type)) if pa.is_list(kind) else single(kind)

    columns = [types.ColSpec(shape(field.type), field.name, required=False) for field in table.schema]
    return types.Schema(columns)
