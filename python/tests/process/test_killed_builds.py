"""SIGKILL while a build replaces the files of an earlier one: each is the old one or the new one, whole, and the pair is honest.

    old file, old manifest  -->  old file, none  -->  new file, none  -->  new file, new manifest

No manifest ever stands beside a file that it does not describe. The moments between the names are microseconds long, so the
kill waits for the first change of the folder; others come at random in the time before, which must leave everything as it was.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_world import our_environment
from commands import MISMATCHES, NOT_FOUND, OK
from processes import BINARY
from training_world import HOUR, SEED, START, World, iso, training_world

__all__ = ["our_environment"]

NAMES = ("out.parquet", "out.parquet.manifest.json")
ROWS = 20_000
ATTEMPTS = 24


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with training_world(tmp_path_factory.mktemp("killed")) as world:
        yield world


def write_many(path: Path, seed: int) -> Path:
    source = random.Random(seed)
    lines = [f"{source.randrange(40)},{iso(START + source.randrange(3 * 24 * HOUR))}" for _ in range(ROWS)]
    path.write_text("\n".join(["customer_id,event_timestamp", *lines]) + "\n")
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def identity(folder: Path) -> list[tuple[str, int]]:
    """What changes with every step: which names there are, and which files have them."""
    found = []
    for name in sorted(NAMES):
        try:
            found.append((name, (folder / name).stat().st_ino))
        except FileNotFoundError:
            continue
    return found


def test_what_is_replaced_is_old_or_new(world: World, tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    for seed in (SEED, SEED + 1):
        folder = tmp_path / f"whole{seed}"
        folder.mkdir()
        # The manifest holds the name of the label file: the same for both.
        (tmp_path / str(seed)).mkdir()
        world.build(write_many(tmp_path / str(seed) / "labels.csv", seed), folder / NAMES[0])
        made.append(content(folder))
    old, new = made
    assert old.keys() == new.keys() == set(NAMES) and all(old[name] != new[name] for name in NAMES)
    file, manifest = NAMES
    states = {
        "old": old,
        "old file": {file: old[file]},
        "new file": {file: new[file]},
        "new": new,
    }
    folder = tmp_path / "out"
    folder.mkdir()
    arguments = [
        str(BINARY), "training-set", "--labels", str(tmp_path / str(SEED + 1) / "labels.csv"), "--service", "all",
        "--out", str(folder / file), "--address", world.server.address,
    ]  # fmt: skip
    source = random.Random(SEED)
    reached: Counter[str] = Counter()
    killed = 0
    whole = 1.0
    for attempt in range(ATTEMPTS):
        for path in folder.iterdir():
            path.unlink()
        for name, data in old.items():
            (folder / name).write_bytes(data)
        before = identity(folder)
        begun = time.monotonic()
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        early = attempt % 4 == 3
        end = begun + (source.uniform(0, whole) if early else 60)
        while process.poll() is None and time.monotonic() < end and identity(folder) == before:
            pass
        # From at once to some thousand microseconds later: over all steps that follow.
        pause = source.choice([0, 0, source.uniform(0, 3e-3)])
        waited = time.monotonic() + pause
        while time.monotonic() < waited:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        if not early:
            whole = min(whole, time.monotonic() - begun)
        killed += process.returncode == -signal.SIGKILL
        assert process.returncode in (0, -signal.SIGKILL)
        left = content(folder)
        # Between link and rename the new file has a second name that begins with a dot; it is whole, and nobody reads it.
        hidden = {name: left.pop(name) for name in list(left) if name.startswith(".")}
        assert all(name.endswith(".partial") and data in new.values() for name, data in hidden.items()), sorted(hidden)
        (state,) = [name for name, wanted in states.items() if left == wanted] or [None]
        assert state is not None, f"attempt {attempt} left {({name: len(data) for name, data in left.items()})} (seed {SEED})"
        reached[state] += 1
        verified = world.cli("verify", folder / manifest)
        assert verified.status == (OK if state in ("old", "new") else NOT_FOUND), f"{state}: {verified}"
    assert killed > ATTEMPTS // 2 and reached["old"] > 0, f"{killed} killed, {reached}"
    assert reached["old file"] + reached["new file"] > 0, f"no kill came between the names: {reached}"
    # And what the test means by noticed: a pair that no run leaves is told.
    (folder / file).write_bytes(new[file])
    (folder / manifest).write_bytes(old[manifest])
    assert world.cli("verify", folder / manifest).status == MISMATCHES
