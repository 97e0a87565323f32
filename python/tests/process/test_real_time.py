"""`serve --real-time`: lookups before every usual thread of the machine, for those who may."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_world import World, our_environment, world
from commands import OK, USAGE, strandline
from processes import BINARY, Process

__all__ = ["our_environment", "world"]  # fixtures, found by their names

PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
RESET_ON_FORK = 0x40000000


def may_be_real_time(before: Callable[[], None] | None = None) -> bool:
    command = [sys.executable, "-c", "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"]
    return subprocess.run(command, preexec_fn=before, capture_output=True, check=False).returncode == 0


def policies(process: int) -> dict[str, list[int]]:
    """The scheduling policies of a process's threads, by the threads' names."""
    found: dict[str, list[int]] = {}
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended by now
            name = (thread / "comm").read_text().strip()
            found.setdefault(name, []).append(os.sched_getscheduler(int(thread.name)))
    return found


def give_up_the_right() -> None:
    """Of this process and what it starts: no CAP_SYS_NICE after the next exec, no priority by limit."""
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)


@pytest.mark.skipif(not may_be_real_time(), reason="needs CAP_SYS_NICE or an RLIMIT_RTPRIO")
def test_lookups_run_in_real_time_and_nothing_else(world: World, tmp_path: Path) -> None:
    server = Process(
        tmp_path, "server", "serve", "--repo", str(world.repo), "--data-dir", str(tmp_path / "data"), "--real-time",
        "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--threads", "2", wanted="listening on ",
    )
    try:
        address = server.printed("listening on ")
        got = strandline("get", "customer_id=42", "--service", "churn", "--address", address)
        found = policies(server.process.pid)
    finally:
        server.stop()
    assert got.status == OK and server.process.returncode == OK
    real_time = [(name, each) for name, all in found.items() for each in all if each & ~RESET_ON_FORK == os.SCHED_RR]
    # Two event loops; threads that they make do not take after them.
    assert len(real_time) == 2, found
    assert all(name.startswith("NIO") and policy & RESET_ON_FORK for name, policy in real_time), found


def test_real_time_without_the_right(world: World, tmp_path: Path) -> None:
    if may_be_real_time(give_up_the_right):
        pytest.skip("this user keeps the right whatever it gives up")
    command = [str(BINARY), "serve", "--real-time", "--repo", str(world.repo), "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(
        [*command, "--listen", "127.0.0.1:0", "--http-listen", "off"],
        preexec_fn=give_up_the_right, capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == USAGE, done.stderr
    assert done.stderr.startswith("strandline: --real-time is not permitted: give the process CAP_SYS_NICE or ")
    assert not (tmp_path / "data").exists()
