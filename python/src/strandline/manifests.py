"""The manifest of a training set: docs/format/manifest.md is the specification."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .embargoes import Embargo, text_of
from .times import to_datetime

if TYPE_CHECKING:
    from .labels import Labels
    from .wire import Prepared

FORMAT = 1
_NO_DIGEST = "0" * 64


def time_text(microseconds: int) -> str:
    """A time as the server writes it. Example: ``time_text(0) == "1970-01-01T00:00:00Z"``"""
    return to_datetime(microseconds).isoformat().replace("+00:00", "Z")


def manifest_of(
    labels: Labels,
    columns: Sequence[Mapping[str, Any]],
    snapshot: Mapping[str, Any],
    boundary: str,
    known_at: int,
    row_time: bool,
    embargo: Embargo,
    prepared: Prepared,
    request_columns: Mapping[str, str],
) -> dict[str, Any]:
    """All that is known before there is a file. Example: ``training.manifest["time_rules"]``"""
    known = {"known_at": "row-time", "known_at_most": time_text(known_at)} if row_time else {"known_at": time_text(known_at)}
    described: dict[str, Any] = {
        "name": labels.name, "skipped_rows": 0, "join_keys": [name for name, _ in prepared.join_keys],
        "timestamp_column": labels.timestamp_column, "timestamp_zone": labels.zone,
        "times_without_zone": labels.without_zone, "request_columns": dict(request_columns),
    }  # fmt: skip
    if labels.sha256 is not None:
        described["sha256"] = labels.sha256
    commit = {"commit": snapshot["commit"]} if "commit" in snapshot else {}
    return {
        "format": FORMAT, "product_version": snapshot["version"], "project": snapshot["project"],
        "service": snapshot["service"], "service_hash": snapshot["service_hash"],
        "definition_hash": snapshot["definition_hash"], "labels": described,
        "time_rules": {
            "boundary": boundary, **known, "embargo": text_of(embargo.all),
            "view_embargo": {view: text_of(length) for view, length in sorted(embargo.views.items())},
        },
        "snapshot": {**commit, "partitions": snapshot["partitions"]}, "columns": list(columns),
        "file": {"rows": len(labels.times)},
    }  # fmt: skip


def metadata_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the file says too. Example: ``table.replace_schema_metadata(metadata_of(manifest))``"""
    rules = manifest["time_rules"]
    embargo = ",".join([rules["embargo"], *(f"{view}={length}" for view, length in rules["view_embargo"].items())])
    found = {
        "service": manifest["service"], "service_hash": manifest["service_hash"],
        "definition_hash": manifest["definition_hash"], "version": manifest["product_version"],
        "boundary": rules["boundary"], "known_at": rules["known_at"], "known_at_most": rules.get("known_at_most"),
        "embargo": embargo, "timestamp_zone": manifest["labels"]["timestamp_zone"],
        "snapshot_commit": manifest["snapshot"].get("commit"),
    }  # fmt: skip
    return {f"strandline.{key}": value for key, value in found.items() if value is not None}


def text_of_manifest(manifest: Mapping[str, Any]) -> str:
    """The bytes of its file, with their own checksum inside. Example: ``text_of_manifest(training.manifest)``"""
    blank = json.dumps({**manifest, "manifest_sha256": _NO_DIGEST}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return blank.replace(_NO_DIGEST, hashlib.sha256(blank.encode()).hexdigest())


def write_both(path: str, write: Callable[[Any], None], manifest: dict[str, Any]) -> str:
    """Writes the data by `write`, and the manifest; the manifest gets its name last, and never stands beside another file.

    The manifest gets the file's name, length and checksum. Gives the manifest's path.
    """
    beside = f"{path}.manifest.json"
    partial, partial_beside = (_partial(name) for name in (path, beside))
    try:
        with open(partial, "xb") as file:
            write(file)
            _sync(file)
        digest = hashlib.sha256()
        with open(partial, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        manifest["file"] = {
            "name": os.path.basename(path), "bytes": os.path.getsize(partial), "sha256": digest.hexdigest(),
            "rows": manifest["file"]["rows"],
        }  # fmt: skip
        with open(partial_beside, "xb") as file:
            file.write(text_of_manifest(manifest).encode())
            _sync(file)
        if os.path.exists(beside):
            os.unlink(beside)
        os.replace(partial, path)
        os.replace(partial_beside, beside)
    except BaseException:
        for name in (partial, partial_beside):
            if os.path.exists(name):
                os.unlink(name)
        raise
    return beside


def _partial(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
