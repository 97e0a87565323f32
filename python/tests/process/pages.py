"""The fenced blocks of the project's pages, and a reader who types them into a terminal.

The reader has a folder, and two commands on the `PATH`:

  strandline   the built binary; notes each start with its process id, and lets `serve` listen at the reader's own ports
  until-ready  takes the place of a page's pauses, see `without_pauses`
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from commands import SECONDS_MAX, environment
from processes import BINARY, ROOT, wait_for

# A block in one of these languages is something to do, and so is one without a language that begins a line like this.
LANGUAGES = {"bash", "sh", "shell", "console", "python", "json", "yaml"}
COMMAND = re.compile(r"^(\$ )?(strandline|make|docker|swift|python3?|pip|curl|cat|echo|export|kcat)\b", re.MULTILINE)


@dataclass(frozen=True)
class Key:
    """A block's place: the n-th fenced block, from 1, of a section of a page."""

    page: str
    section: str
    number: int

    def __str__(self) -> str:
        return f"{self.page} '{self.section}' block {self.number}"


@dataclass(frozen=True)
class Block:
    key: Key
    language: str
    text: str

    @property
    def is_to_do(self) -> bool:
        return self.language in LANGUAGES or (self.language == "" and COMMAND.search(self.text) is not None)


def pages() -> list[str]:
    folders = [ROOT, ROOT / "docker", ROOT / "feature_repo"]
    found = [path for folder in folders for path in folder.glob("*.md")]
    for folder in ("docs", "python", "Benchmarks"):
        found += (ROOT / folder).rglob("*.md")
    return sorted(str(path.relative_to(ROOT)) for path in found if "/." not in str(path.relative_to(ROOT)))


def blocks_of(page: str, text: str) -> list[Block]:
    blocks: list[Block] = []
    section, number = "", 0
    lines: list[str] | None = None
    language = ""
    for line in text.splitlines():
        if lines is not None:
            if line.strip() == "```":
                blocks.append(Block(Key(page, section, number), language, "\n".join(lines) + "\n"))
                lines = None
            else:
                lines.append(line)
        elif line.startswith("```"):
            lines, language, number = [], line[3:].strip(), number + 1
        elif line.startswith("#"):
            section, number = line.lstrip("#").strip().strip("`"), 0
    assert lines is None, f"{page}: a block is opened and never closed"
    return blocks


def all_blocks() -> dict[Key, Block]:
    found = [block for page in pages() for block in blocks_of(page, (ROOT / page).read_text())]
    by_key = {block.key: block for block in found}
    assert len(by_key) == len(found), "two sections of one page have the same title"
    return by_key


def free_port() -> int:
    """A port that nobody has. Below the range from which the system takes ports for outgoing connections by itself."""
    for _ in range(100):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("100 ports were tried, and none is free")


STRANDLINE = """#!/bin/sh
echo "$$ $1" >> "$READER_STARTED"
if [ "$1" = serve ]; then set -- "$@" --listen "$STRANDLINE_ADDRESS" --http-listen "$READER_HTTP"; fi
exec "$READER_BINARY" "$@"
"""

UNTIL = """#!/bin/sh
ready() {
    case "$1" in
    dev-broker) grep -qs "^kafka bootstrap=." *.txt ;;
    serve) "$READER_BINARY" status ;;
    produce) "$READER_BINARY" status --output json | grep '"events":[1-9]' ;;
    esac > /dev/null 2>&1
}
tries=0
while [ $tries -lt 400 ]; do
    if ready "$1"; then exit 0; fi
    tries=$((tries + 1))
    sleep 0.05
done
echo "$1: what the page pauses for did not come about" >&2
exit 1
"""


def without_pauses(text: str) -> str:
    """A block whose `sleep` lines wait for what the command before them starts, however slow this machine is."""
    verb = ""
    lines = []
    for line in text.splitlines():
        verb = found[0] if (found := re.findall(r"\bstrandline ([a-z-]+)", line)) else verb
        lines.append(f"until-ready {verb}" if re.fullmatch(r"sleep \d+", line) else line)
    return "\n".join(lines) + "\n"


class Reader:
    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        tools = folder / "reader"
        tools.mkdir(parents=True)
        self._started = tools / "started"
        for name, text in (("strandline", STRANDLINE), ("until-ready", UNTIL)):
            path = tools / name
            path.write_text(text)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.address = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.environment = environment(
            PATH=f"{tools}{os.pathsep}{os.environ['PATH']}", STRANDLINE_ADDRESS=self.address, READER_HTTP=self.http,
            READER_BINARY=str(BINARY), READER_STARTED=str(self._started), PYTHONPATH=str(ROOT / "python" / "src"), **variables,
        )
        self._tools = tools
        self._count = 0
        self._terminals: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str | Path) -> Terminal:
        """Runs a program in a terminal of its own. Its output goes to files: what it leaves running holds them open."""
        self._count += 1
        out, err = (self._tools / f"{self._count}.{name}" for name in ("out", "err"))
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                arguments, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=to_out, stderr=to_err
            )
        self._terminals.append(process)
        return Terminal(process, out, err)

    def open_shell(self, text: str) -> Terminal:
        return self.start("bash", "-euo", "pipefail", "-c", without_pauses(text))

    def type(self, text: str) -> str:
        """Runs a block to its end; what it printed. What it sent to the background goes on."""
        return self.open_shell(text).finish()

    def copy(self, path: str) -> None:
        """A folder of the project, without what a server of somebody's may have written there."""
        shutil.copytree(ROOT / path, self.folder / path, ignore=shutil.ignore_patterns("data"))

    def stop(self, verb: str = "") -> None:
        """Ends the long-running verbs that were started here, by their ids."""
        lines = self._started.read_text().splitlines() if self._started.exists() else []
        ids = [int(number) for number, name in map(str.split, lines) if verb in ("", name) and is_ours(int(number))]
        for number in ids:
            os.kill(number, signal.SIGTERM)
        try:
            wait_for("the end of what was started", lambda: not any(is_ours(number) for number in ids), seconds=20)
        finally:
            for number in filter(is_ours, ids):
                os.kill(number, signal.SIGKILL)
            for process in self._terminals if verb == "" else []:
                # A shell ends with what it waited for; should it not, then it is one of ours all the same.
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(timeout=10)


@dataclass(frozen=True)
class Terminal:
    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def __str__(self) -> str:
        return f"status {self.process.returncode}\nout: {self.out.read_text()}\nerr: {self.err.read_text()}"

    def finish(self) -> str:
        self.process.wait(timeout=SECONDS_MAX)
        assert self.process.returncode == 0, str(self)
        return self.out.read_text()

    def wait_until_printed(self, text: str) -> str:
        def is_there() -> bool:
            assert self.process.poll() is None, f"ended before it printed {text!r}: {self}"
            return text in self.out.read_text()

        wait_for(f"the text {text!r}", is_there)
        return self.out.read_text()


def is_ours(number: int) -> bool:
    """Whether the process runs, and is our binary still: ids are used again."""
    try:
        return os.path.samefile(f"/proc/{number}/exe", BINARY)
    except OSError:
        return False
