"""The package as others get it: its types, and its wheel in an environment that has nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import strandline

PYTHON = Path(__file__).resolve().parents[1]
SECONDS_MAX = 240

ALONE = """
import sys, strandline, strandline.aio, strandline.wire
print(strandline.__version__, strandline.__file__)
assert not {"numpy", "pandas", "polars", "pyarrow"} & set(sys.modules)
for name in strandline.__all__:
    getattr(strandline, name)
try:
    strandline.connect("127.0.0.1:1", timeout=5)
except strandline.ConnectionLost as error:
    print("lost:", error)
"""


def run(*arguments: str | Path, folder: Path | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        arguments, cwd=folder, env=clean, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_types_hold() -> None:
    assert "Success: no issues found" in run(sys.executable, "-m", "mypy", folder=PYTHON)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` builds it, from a copy: building writes beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "python"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PYTHON / name, copy / name)
    shutil.copytree(PYTHON / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, copy)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_says_what_it_is(wheel: Path) -> None:
    assert wheel.name == f"strandline-{strandline.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        metadata = opened.read(f"strandline-{strandline.__version__}.dist-info/METADATA").decode()
    sources = {str(path.relative_to(PYTHON / "src")) for path in (PYTHON / "src").rglob("*.py")}
    assert len(sources) > 30 and sources | {"strandline/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert required and all("extra ==" in line for line in required), "the core needs nothing"
    for line in ("Requires-Python: >=3.10", "License-Expression: Apache-2.0", "Provides-Extra: arrow"):
        assert line in metadata


def test_the_wheel_works_where_nothing_else_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", wheel)
    said = run(python, "-I", "-c", ALONE, folder=tmp_path).splitlines()
    assert said[0].startswith(f"{strandline.__version__} {tmp_path}") and said[1].startswith("lost: 127.0.0.1:1")
