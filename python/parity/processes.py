"""The broker and the server, as processes of the built binary on loopback, each stopped by its own id."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("STRANDLINE_BINARY", ROOT / ".build" / "release" / "strandline"))
SECONDS_MAX = 120.0


class HarnessError(Exception):
    """The harness could not do its work: no statement about parity follows."""


def wait_for(what: str, condition: Callable[[], bool], seconds: float = SECONDS_MAX) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise HarnessError(f"{what} did not come about within {seconds:.0f} s")
        time.sleep(0.01)


def _environment() -> dict[str, str]:
    """Ours, without what would point the commands at some other server or broker of this machine."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("STRANDLINE_", "KAFKA_"))}


def run(*arguments: str) -> str:
    """A command of the CLI, to its end; gives what it printed."""
    done = subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=SECONDS_MAX, check=False, env=_environment(),
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise HarnessError(f"strandline {arguments[0]} left with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Process:
    """One long-running verb. Its first output tells where it listens."""

    def __init__(self, folder: Path, name: str, *arguments: str, wanted: str) -> None:
        self._name = name
        self._output = folder / f"{name}.out"
        self._errors = folder / f"{name}.err"
        if not BINARY.exists():
            raise HarnessError(f"{BINARY} is not there; make build")
        with self._output.open("w") as out, self._errors.open("a") as err:
            self._process = subprocess.Popen(
                [BINARY, *arguments], stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=_environment()
            )
        try:
            wait_for(f"{name} printing '{wanted}'", lambda: bool(self._printed(wanted)))
        except BaseException:
            self.kill()
            raise
        self.address = self._printed(wanted)

    def _printed(self, prefix: str) -> str:
        # The line is there when its end is: half a port is a port too.
        for line in self._output.read_text().splitlines(keepends=True):
            if line.startswith(prefix) and line.endswith("\n"):
                return line.removeprefix(prefix).strip()
        if self._process.poll() is not None:
            errors = self._errors.read_text()[-2000:]
            raise HarnessError(f"{self._name} left with {self._process.returncode}: {errors}")
        return ""

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=SECONDS_MAX)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()


class Broker(Process):
    def __init__(self, folder: Path, topic: str, partitions: int) -> None:
        arguments = ("dev-broker", "--topic", f"{topic}:{partitions}")
        super().__init__(folder, "broker", *arguments, wanted="kafka bootstrap=")


class Server(Process):
    def __init__(self, folder: Path, repo: Path, bootstrap: str) -> None:
        arguments = (
            "serve", "--repo", str(repo), "--data-dir", str(folder / "data"), "--listen", "127.0.0.1:0",
            "--http-listen", "off", "--kafka", f"bootstrap.servers={bootstrap}",
        )
        super().__init__(folder, "server", *arguments, wanted="listening on ")
