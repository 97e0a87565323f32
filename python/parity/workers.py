"""Jobs over processes: each asks the server, computes the same cells itself, and compares."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import strandline

from .asking import Asker
from .catalogue import ROW_TIME
from .comparing import Expected, Tally, compare
from .definitions import Feature
from .log import Event
from .oracle import Oracle, Point, Undecided
from .points import Job, place_of
from .processes import HarnessError
from .world import World


@dataclass(frozen=True)
class Setup:
    """All that a worker needs. The oracle is given its events, and of the world only the late columns."""

    world: World
    entities: dict[int, list[Event]]
    features: Sequence[Feature]
    has_other_boundary: bool = False


class Worker:
    def __init__(self, setup: Setup) -> None:
        world = setup.world
        self._setup = setup
        self._asker = Asker(world.address, world.arrivals.known, world.before_all, setup.features)
        self._oracle = Oracle(setup.entities, world.late)

    def close(self) -> None:
        self._asker.close()

    def run(self, job: Job) -> Tally:
        try:
            return self._compared(job)
        except (strandline.StrandlineError, OSError) as error:
            # Said in words: errors with arguments of their own do not come back from another process.
            raise HarnessError(f"{type(error).__name__}: {error}") from None

    def _compared(self, job: Job) -> Tally:
        tally = Tally()
        features = self._setup.features
        expected: dict[tuple[int, int], Expected] = {}
        for entity, as_of in dict.fromkeys(job.rows):
            is_inclusive = job.is_inclusive != self._setup.has_other_boundary
            known = self._known(job, as_of)
            if known is None:
                tally.undecided += 1
                continue
            point = Point(entity, as_of, known, is_inclusive, place_of(entity, as_of))
            try:
                cells = self._oracle.cells(point, features)
            except Undecided:
                tally.undecided += 1
                continue
            tally.count(features, cells)
            if job.is_row_time:
                tally.kinds[ROW_TIME] += len(features)
            expected[entity, as_of] = Expected(features, cells)
        boundary = "inclusive" if job.is_inclusive else "strict"
        for answer in self._asker.answers(job):
            compare(answer, features, expected, self._asker.known_at(job), boundary, tally)
        return tally

    def _known(self, job: Job, as_of: int) -> int | None:
        """How many chunks count for a question; None where nobody can say."""
        if not job.is_row_time:
            return job.known
        known = self._setup.world.arrivals.known_by(as_of)
        return None if known is None else min(known, job.known)


_worker: Worker | None = None


def _start(setup: Setup) -> None:
    global _worker
    # The pool ends its processes by this signal; what the parent does then is not for them.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _worker = Worker(setup)


def _run(job: Job) -> Tally:
    if _worker is None:
        raise RuntimeError("a process without its worker")
    return _worker.run(job)


def run_jobs(setup: Setup, jobs: Sequence[Job], processes: int, progress: Callable[[int], None]) -> Tally:
    """The tally of all jobs. With one process nothing is forked."""
    total = Tally()
    if processes == 1:
        worker = Worker(setup)
        try:
            for done, job in enumerate(jobs, start=1):
                total.add(worker.run(job))
                progress(done)
        finally:
            worker.close()
        return total
    # Forked, so that the events are there without being copied; no thread and no connection is open here.
    with multiprocessing.get_context("fork").Pool(processes, _start, (setup,)) as pool:
        for done, tally in enumerate(pool.imap(_run, jobs), start=1):
            total.add(tally)
            progress(done)
    return total
