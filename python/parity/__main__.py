"""`python -m parity`: what `make parity` runs. Exit status: 0 parity, 1 mismatches or too few, 2 the harness failed."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .catalogue import FUNCTIONS
from .processes import HarnessError
from .run import CANARIES, FULL, SLICE, Outcome, Plan, execute


def _say(text: str) -> None:
    print(text, flush=True)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="parity", description="A live server against a naive one, bit for bit.")
    parser.add_argument("--seed", type=int, help="of events, restarts and questions; default: another one every time")
    parser.add_argument("--start", type=int, help="the log's first instant, as an earlier run printed it")
    parser.add_argument("--cells", type=int, default=1_000_000, help="cells to compare, each by two ways or three")
    parser.add_argument("--processes", type=int, default=2, help="that ask and compute")
    parser.add_argument("--functions", default=",".join(FUNCTIONS), help="names with commas between; default: all")
    parser.add_argument("--size", choices=("full", "slice"), default="full", help="of the log")
    parser.add_argument("--canary", choices=CANARIES, help="run only this one: an oracle that is wrong must be noticed")
    return parser.parse_args(words)


def _plan(arguments: argparse.Namespace) -> Plan:
    functions = [name for name in str(arguments.functions).split(",") if name]
    unknown = [name for name in functions if name not in FUNCTIONS]
    if unknown:
        raise HarnessError(f"no function {', '.join(unknown)}; there are {', '.join(FUNCTIONS)}")
    is_full = arguments.size == "full"
    return Plan(
        seed=random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed,
        start=arguments.start,
        functions=functions,
        size=FULL if is_full else SLICE,
        cells=arguments.cells,
        rows_each_job=25,
        file_every=4,
        processes=max(1, arguments.processes),
        canary_rows=150 if is_full else 50,
        canaries=CANARIES if arguments.canary is None else (arguments.canary,),
        has_main_run=arguments.canary is None,
        # Smaller runs are for looking, and promise less.
        cells_each_function_min=10_000 if arguments.cells >= 1_000_000 else 1,
        nonempty_min=0.70 if is_full else 0.50,
    )


def _report(outcome: Outcome, has_main_run: bool) -> int:
    for mismatch in outcome.tally.shown:
        _say(str(mismatch))
    for complaint in outcome.complaints:
        _say(f"complaint: {complaint}")
    if has_main_run:
        _say(f"parity compared={outcome.tally.compared.total()} mismatches={outcome.tally.mismatches}")
    return 1 if outcome.tally.mismatches or outcome.complaints else 0


def main(words: Sequence[str] | None = None) -> int:
    # So that broker and server are stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        plan = _plan(_arguments(words))
        with TemporaryDirectory(prefix="strandline-parity-") as folder:
            return _report(execute(plan, Path(folder), _say), plan.has_main_run)
    except HarnessError as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
