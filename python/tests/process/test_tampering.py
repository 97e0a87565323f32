"""`strandline verify` on files that somebody rewrote: each kind of change is named and ends with 3.

Twice each: as a careless hand leaves it, with the old manifest beside the new file; and as one who makes both checksums anew,
and the row count too. What the second leaves unsaid is said by the store; only a label's value is nobody's to check but the
checksum's (docs/training-sets.md says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as parquet
import pytest

from cli_world import our_environment
from commands import MISMATCHES, OK
from training_world import World, manifest_of, renewed, training_world

__all__ = ["our_environment"]

Table = Any
ENDS = ["parquet", "csv", "arrow"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("tampering")) as world:
        yield world


def read(path: Path) -> Table:
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    if path.suffix == ".arrow":
        with pyarrow.OSFile(str(path)) as file:
            return pyarrow.ipc.open_file(file).read_all()
    text = pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in path.read_text().split("\n", 1)[0].split(",")})
    return pyarrow.csv.read_csv(path, convert_options=text)


def write(table: Table, path: Path) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    elif path.suffix == ".arrow":
        with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))


def changed(table: Table, name: str, change: Callable[[list[Any]], list[Any]]) -> Table:
    place, field = table.column_names.index(name), table.schema.field(name)
    return table.set_column(place, field, pyarrow.array(change(table[name].to_pylist()), field.type))


def other(value: Any) -> Any:
    """Another value of its kind; text is that of a number."""
    return str(int(value) + 1) if isinstance(value, str) else value + 1


def first_changed(values: list[Any]) -> list[Any]:
    return [other(values[0]), *values[1:]]


def swapped(table: Table, a: str, b: str) -> Table:
    """Each of the two columns under the other's name."""
    names = {a: b, b: a}
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def moved(table: Table) -> Table:
    """Two rows of cells change places beside their labels."""
    return changed(table, "customer_id", lambda values: [values[1], values[0], *values[2:]])


# And what `verify` says of the careful hand's file; None: nothing.
TAMPERINGS: dict[str, tuple[Callable[[Table], Table], str | None]] = {
    "a cell": (lambda table: changed(table, "count_1h", first_changed), "differs: row 1, count_1h: the file has "),
    "a label": (lambda table: changed(table, "label", first_changed), None),
    "an entity": (moved, "differs: row "),
    "a row dropped": (lambda table: table.slice(1), "tampered: the manifest says "),
    "a row added": (lambda table: pyarrow.concat_tables([table, table.slice(0, 1)]), "tampered: the manifest says "),
    "columns swapped": (lambda table: swapped(table, "count_1h", "count_2d"), "differs: row "),
    "a column dropped": (lambda table: table.drop_columns(["count_1h"]), "tampered: "),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("what", TAMPERINGS)
def test_is_named(world: World, tmp_path: Path, what: str, end: str) -> None:
    labels, rows = world.labels(tmp_path)
    out = tmp_path / f"out.{end}"
    world.build(labels, out, service="model")
    tamper, named = TAMPERINGS[what]
    manifest, table = manifest_of(out), read(out)
    # Written as it was, by somebody else's hand: the bytes differ, the cells do not.
    write(table, out)
    done = world.cli("verify", f"{out}.manifest.json", "--all")
    if done.status != OK:  # a small CSV may come out as it was, byte for byte
        assert done.status == MISMATCHES and "tampered: " in done.out and "SHA-256" in done.out, str(done)
    renewed(manifest, out)
    done = world.cli("verify", f"{out}.manifest.json", "--all")
    assert done.status == OK and done.out.startswith("verify=verified "), str(done)

    write(tampered := tamper(table), out)
    assert not tampered.equals(table)
    careless = world.cli("verify", f"{out}.manifest.json", "--all")
    assert careless.status == MISMATCHES and "tampered: " in careless.out and "SHA-256" in careless.out, str(careless)
    manifest["file"]["rows"] = manifest["file"]["rows"] if named and named.startswith("tampered: the manifest") else tampered.num_rows
    renewed(manifest, out)
    careful = world.cli("verify", f"{out}.manifest.json", "--all")
    if named is None:
        assert careful.status == OK, str(careful)
    else:
        assert careful.status == MISMATCHES and "\n" + named in "\n" + careful.out, str(careful)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("what", ["a row dropped", "a row added"])
def test_rows_and_their_count(world: World, tmp_path: Path, what: str, end: str) -> None:
    """With the count made anew as well: the statuses of each column are still those of other rows."""
    labels, rows = world.labels(tmp_path)
    out = tmp_path / f"out.{end}"
    world.build(labels, out, service="model")
    manifest, table = manifest_of(out), TAMPERINGS[what][0](read(out))
    write(table, out)
    manifest["file"]["rows"] = table.num_rows
    renewed(manifest, out)
    for options in (["--all"], ["--sample", "5"]):
        done = world.cli("verify", f"{out}.manifest.json", *options)
        assert done.status == MISMATCHES, str(done)
        told = f"tampered: the manifest has statuses of {len(rows)} rows in count_1h, and the file {table.num_rows} rows"
        assert told in done.out, str(done)
