"""One run: bring a store about, ask it, compare, and see that a wrong oracle would be noticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .catalogue import FUNCTIONS, KINDS, ROW_TIME, catalogue
from .comparing import Tally
from .definitions import DAY, ENTITY, HOUR, PLACE, PLACE_VIEW, Feature
from .generator import Size
from .log import Event, count, read_log, without
from .points import Job, PointMaker
from .processes import HarnessError
from .progress import ProgressBar
from .workers import Setup, run_jobs
from .world import Loading, World

BOUNDARY, WITHHOLD = "boundary", "withhold"
CANARIES = (BOUNDARY, WITHHOLD)

FULL = Size(
    heavy=(12_500, 9000, *(2500,) * 6), light_entities=900, light_events_max=260, days=45, chunks=10,
    note_bytes_max=2400,
)
SLICE = Size(heavy=(2500, 800), light_entities=60, light_events_max=120, days=40, chunks=5, note_bytes_max=40)


@dataclass(frozen=True)
class Plan:
    seed: int
    functions: Sequence[str]
    size: Size
    cells: int
    rows_each_job: int
    file_every: int
    processes: int
    canary_rows: int
    canaries: Sequence[str]
    """Those to run after the main run."""
    start: int | None = None
    """Of the log; None: so that it ends some hours before now, and windows at arrivals have events in them."""
    has_main_run: bool = True
    cells_each_function_min: int = 10_000
    nonempty_min: float = 0.70


@dataclass(frozen=True)
class Outcome:
    tally: Tally
    canaries: dict[str, int]
    complaints: list[str]
    """Why the run proves too little or too much; empty when all is well."""


def execute(plan: Plan, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Says `name=value` lines as they become known. The processes are gone afterwards, whatever happens."""
    began = time.monotonic()
    features = catalogue(plan.functions)
    if not features:
        raise HarnessError(f"no feature has a function of {', '.join(plan.functions)}")
    say(f"seed={plan.seed}")
    start = plan.start
    if start is None:
        start = (time.time_ns() // 1000 - plan.size.days * DAY) // HOUR * HOUR - 18 * HOUR
    say(f"start={start}")
    say(f"features={len(features)}")
    loading = Loading(folder, plan.seed, plan.size, start, features)
    try:
        world = loading.run(ProgressBar("loading", plan.size.chunks).update)
        entities = read_log(world.log)
        # By what an event is stored under: its entity and, where some feature asks for places, its place.
        keys = {ENTITY: len(entities)}
        if any(feature.view == PLACE_VIEW for feature in features):
            keys[PLACE] = len({event.values[PLACE] for events in entities.values() for event in events})
        for name, number in (
            ("entities", len(entities)), ("events", count(entities)), ("chunks", len(world.arrivals.known)),
            ("restarts", world.restarts), ("kills", world.kills),
            ("folded_events", count(entities) * len(keys) - world.unfolded),
            ("cold_entities", sum(keys.values()) - world.resident),
        ):
            say(f"{name}={number}")
        say(f"seconds_loading={time.monotonic() - began:.0f}")
        tally = _main_run(plan, Setup(world, entities, features), say) if plan.has_main_run else Tally()
        canaries = {canary: _canary(canary, plan, world, entities, features, say) for canary in plan.canaries}
    finally:
        loading.stop()
    say(f"seconds={time.monotonic() - began:.0f}")
    return Outcome(tally, canaries, _complaints(plan, tally, canaries))


def _main_run(plan: Plan, setup: Setup, say: Callable[[str], None]) -> Tally:
    maker = PointMaker(f"points {plan.seed}", setup.entities, setup.world.arrivals, setup.features)
    jobs = maker.jobs(-(-plan.cells // len(setup.features)), plan.rows_each_job, plan.file_every)
    tally = run_jobs(setup, jobs, plan.processes, ProgressBar("comparing", len(jobs)).update)
    for function in plan.functions:
        say(f"cells_{function}={tally.cells[function]}")
    for kind in (*KINDS, ROW_TIME):
        say(f"cells_with_{kind}={tally.kinds[kind]}")
    for status, number in sorted(tally.statuses.items()):
        say(f"status_{status}={number}")
    for via, number in sorted(tally.compared.items()):
        say(f"compared_{via}={number}")
    say(f"cells={tally.cells.total()}")
    say(f"undecided={tally.undecided}")
    say(f"nonempty={_share(tally):.3f}")
    return tally


def _share(tally: Tally) -> float:
    return tally.nonempty / max(1, tally.cells.total())


def _canary(
    canary: str,
    plan: Plan,
    world: World,
    entities: dict[int, list[Event]],
    features: Sequence[Feature],
    say: Callable[[str], None],
) -> int:
    """How many mismatches an oracle has that is wrong on purpose; with fewer questions."""
    maker = PointMaker(f"canary {canary} {plan.seed}", entities, world.arrivals, features, is_sharp=True)
    jobs = maker.jobs(plan.canary_rows, plan.rows_each_job, file_every=0)
    if canary == WITHHOLD:
        entity, event = late_event(entities, jobs)
        setup = Setup(world, without(entities, entity, event), features)
    else:
        setup = Setup(world, entities, features, has_other_boundary=True)
    mismatches = run_jobs(setup, jobs, 1, ProgressBar("canary", len(jobs)).update).mismatches
    say(f"canary_{'withheld' if canary == WITHHOLD else canary}_mismatches={mismatches}")
    return mismatches


def late_event(entities: dict[int, list[Event]], jobs: Sequence[Job]) -> tuple[int, Event]:
    """The first late event that some question must see: in a window up to its T, and arrived by its K."""
    chunks = 1 + max(event.chunk for events in entities.values() for event in events)
    newest = [-(2**63)] * (chunks + 1)
    for events in entities.values():
        for event in events:
            newest[event.chunk + 1] = max(newest[event.chunk + 1], event.time)
    for job in jobs:
        for entity, as_of in job.rows:
            for event in entities.get(entity, []):
                # Late: a whole chunk that arrived before it ends later than an hour after it.
                is_late = event.time < newest[event.chunk] - HOUR
                if is_late and event.chunk < job.known and event.time < as_of:
                    return entity, event
    raise HarnessError("no question would see a late event: ask for more cells")


def _complaints(plan: Plan, tally: Tally, canaries: dict[str, int]) -> list[str]:
    complaints = [f"the canary {name} found no mismatch" for name, found in canaries.items() if found == 0]
    if plan.has_main_run:
        few = [name for name in plan.functions if tally.cells[name] < plan.cells_each_function_min]
        if len(plan.functions) == len(FUNCTIONS):
            few += [kind for kind in (*KINDS, ROW_TIME) if tally.kinds[kind] < plan.cells_each_function_min]
        if few:
            complaints.append(f"fewer than {plan.cells_each_function_min} cells: {', '.join(few)}")
        if _share(tally) < plan.nonempty_min:
            complaints.append(f"only {_share(tally):.3f} of the cells are not empty; {plan.nonempty_min} are wanted")
    return complaints
