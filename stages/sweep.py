"""Run every model of sweep.yaml on every data set, and say which is best: a leaderboard, a registry, a selection.

Run    make sweep                                  what has no results yet; again, after a kill, it goes on
       python stages/sweep.py --only cnn --data digits fashion      some of it
       python stages/sweep.py --dry-run            what would run, and how long that is likely to take
       python stages/sweep.py --report-only        the leaderboard and the registry again, without running anything
Reads  sweep.yaml, params.yaml, recipes; the experiments of this repository, and DVC's cache for their files
Writes experiments of DVC, one a model, data set and seed; leaderboard/ (csv, md, html, png), registry/ (for Git);
       .sweep/: logs, times and latencies of this machine
It is no stage, so the pipeline never runs it, and its experiments may.
"""

import argparse
import sys
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field

from sightline.common.errors import SightlineError
from sightline.common.params import StageParams
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.experiments.orphans import end_orphan
from sightline.experiments.scores import find_experiment
from sightline.experiments.start import start
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.board.significance import Resampling, compare_leaders
from sightline.sweeping.board.write import write_board
from sightline.sweeping.file import SweepFile, read_sweep
from sightline.sweeping.identity import Identity
from sightline.sweeping.journal import FOLDER, describe_seconds, estimate, read_runs
from sightline.sweeping.plan import Cell, check_cells, plan_cells, read_params
from sightline.sweeping.registering import choose, describe_unmet, register
from sightline.sweeping.registry import read_registry, write_files
from sightline.sweeping.results import Reader
from sightline.sweeping.runner import Job, Outcome, Runner
from sightline.training.interrupt import StopRequest


class Intervals(BaseModel):  # not strict: evaluate has more keys
    bins: int = Field(ge=1)
    bootstrap: int = Field(ge=0)
    confidence: float = Field(gt=0, lt=1)


class Params(StageParams):
    seed: int = Field(ge=0)
    evaluate: Intervals


def main(params: Params) -> None:
    options = read_options()
    root = Path.cwd()
    sweep = read_sweep()
    registry = read_registry(root)
    jobs, blocked = name_jobs(sweep, options, root)
    chosen = [job for job in jobs if is_chosen(job.cell, options)]
    if options.dry_run:
        print("\n".join([*describe_plan(chosen, sweep.jobs, root), *blocked]))
        return
    outcome = Outcome() if options.report_only else run(chosen, sweep.jobs, root)
    reader = Reader(root, read_runs(root), params.evaluate.confidence)
    results = [reader.read(job.cell, job.name) for job in jobs]
    board = rank([result for result in results if result is not None])
    leads = {data: compare_leaders(entries, resampling(params)) for data, entries in board.items()}
    registry = register(board, registry, reader.machine)
    selection = choose(board, registry, {data: sweep.limits.of(data) for data in board})
    write_board(board, leads, reader.machine, results.count(None))
    write_files(registry, selection, root)
    finish(outcome, [*blocked, *describe_unmet(selection)])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run every model of sweep.yaml on every data set.")
    parser.add_argument("--only", nargs="+", metavar="MODEL", help="some models; default: all")
    parser.add_argument("--data", nargs="+", metavar="SET", help="some data sets; default: all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="tell what would run, and how long it is likely to take")
    what.add_argument("--report-only", action="store_true", help="write the leaderboard and the registry alone")
    return parser.parse_args()


def name_jobs(sweep: SweepFile, options: argparse.Namespace, root: Path) -> tuple[list[Job], list[str]]:
    """Return every experiment of the sweep by its name, and why some that are chosen cannot run.

    The parameters of all are checked before the first one runs.
    """
    for names, known, option in ((options.only, sweep.models, "--only"), (options.data, sweep.data, "--data")):
        for name in names or ():
            if name not in known:
                raise SightlineError(f"{option} {name}: sweep.yaml has no such name; there are {', '.join(known)}")
    params = read_params()
    cells = plan_cells(sweep)
    check_cells(cells, params)
    identity = Identity(root, params)
    jobs = []
    blocked = {}
    for cell in cells:
        try:
            jobs.append(Job(identity.name(cell), cell))
        except SightlineError as error:
            if is_chosen(cell, options):
                blocked[f"cannot run: {error}"] = cell
    return jobs, list(blocked)


def is_chosen(cell: Cell, options: argparse.Namespace) -> bool:
    """Tell whether the command line asks for an experiment."""
    return cell.model in (options.only or [cell.model]) and cell.data in (options.data or [cell.data])


def without_results(jobs: list[Job], root: Path) -> list[Job]:
    """Return the experiments that have still to run."""
    return [job for job in jobs if find_experiment(job.name, root) is None]


def describe_plan(chosen: list[Job], side_by_side: int, root: Path) -> list[str]:
    """Return what would run, each with an estimate, and how long all of it is likely to take."""
    runs = read_runs(root)
    waiting = without_results(chosen, root)
    times = {job.name: estimate(job.cell, runs) for job in waiting}
    lines = [f"{job.cell.title}: {describe_time(times[job.name])}" for job in waiting]
    known = [seconds for seconds in times.values() if seconds is not None]
    unknown = len(times) - len(known)
    total = describe_seconds(sum(known) / min(side_by_side, max(1, len(waiting))))
    rest = f", and {unknown} of which earlier runs tell nothing" if unknown else ""
    return [*lines, f"{len(waiting)} of {len(chosen)} experiments would run: about {total}{rest}"]


def describe_time(seconds: float | None) -> str:
    return "no estimate" if seconds is None else f"about {describe_seconds(seconds)}"


def run(chosen: list[Job], side_by_side: int, root: Path) -> Outcome:
    """Run what has no results; only one sweep at a time works here."""
    (root / FOLDER).mkdir(exist_ok=True)
    try:
        with FileLock(root / FOLDER / "lock", timeout=0), StopRequest() as stop:
            for job in chosen:  # of a sweep that was killed
                end_orphan(job.name, root)
            return Runner(root, side_by_side, start, print).run(without_results(chosen, root), stop)
    except Timeout:
        raise SightlineError(f"{FOLDER}/lock: another sweep works here: wait for it") from None


def resampling(params: Params) -> Resampling:
    options = params.evaluate
    return Resampling(options.bins, options.bootstrap, options.confidence, stream_seed(params.seed, "report"))


def finish(outcome: Outcome, further: list[str]) -> None:
    """Say what did not go well, and end with status 1 where there is any of it."""
    lines = [f"failed: {title}: {reason}" for title, reason in outcome.failed.items()]
    lines += [f"not tried: other models on {data}: it {reason}" for data, reason in outcome.skipped.items()]
    lines += further
    if outcome.stopped:
        lines.append(f"stopped: {outcome.stopped}: `make sweep` goes on")
    if lines:
        sys.exit("\n".join(lines))


if __name__ == "__main__":
    run_stage(main, Params)
