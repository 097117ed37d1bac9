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
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field

from sightline.common.errors import SightlineError
from sightline.common.params import StageParams
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.experiments.orphans import end_orphan, wait_for_starts
from sightline.experiments.start import start
from sightline.parameters.paired import Intervals
from sightline.sweeping.agenda import Agenda, without_results
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.board.significance import Resampling, compare_leaders
from sightline.sweeping.board.write import write_board
from sightline.sweeping.file import SweepFile, read_sweep
from sightline.sweeping.journal import FOLDER, describe_seconds, estimate, read_runs
from sightline.sweeping.plan import Cell
from sightline.sweeping.registering import choose, describe_unmet, register
from sightline.sweeping.registry import read_registry, read_selection, write_files
from sightline.sweeping.results import Reader
from sightline.sweeping.runner import Outcome, Runner
from sightline.sweeping.studies import Asked
from sightline.training.interrupt import StopRequest

Choice = Callable[[Cell], bool]  # whether the command line asks for an experiment


class Params(StageParams):
    seed: int = Field(ge=0)
    evaluate: Intervals


def main(params: Params) -> None:
    options = read_options()
    root = Path.cwd()
    sweep = read_sweep()
    is_chosen = choose_cells(sweep, options)
    registry, selection = read_registry(root), read_selection(root)
    agenda = Agenda(sweep, root)
    if options.dry_run:
        print("\n".join(describe_plan(agenda, is_chosen, sweep.jobs, root)))
        return
    outcome = Outcome() if options.report_only else run(agenda, is_chosen, sweep.jobs, root)
    jobs, blocked = agenda.name_jobs()
    reader = Reader(root, read_runs(root), params.evaluate.confidence)
    results, complaints = reader.read_all(jobs)
    board = rank(results)
    leads = {data: compare_leaders(entries, resampling(params)) for data, entries in board.items()}
    registry = register(board, registry, reader.machine)
    selection = choose(board, registry, {data: sweep.limits.of(data) for data in board}, selection)
    write_board(board, leads, reader.machine, len(agenda.cells) - len(results))
    write_files(registry, selection, root)
    complaints += [why for why, cell in blocked.items() if is_chosen(cell)] + describe_unmet(board, selection)
    finish(outcome, complaints)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run every model of sweep.yaml on every data set.")
    parser.add_argument("--only", nargs="+", metavar="MODEL", help="some models; default: all")
    parser.add_argument("--data", nargs="+", metavar="SET", help="some data sets; default: all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="tell what would run, and how long it is likely to take")
    what.add_argument("--report-only", action="store_true", help="write the leaderboard and the registry alone")
    return parser.parse_args()


def choose_cells(sweep: SweepFile, options: argparse.Namespace) -> Choice:
    """Return what tells whether the command line asks for an experiment, after a look at its names."""
    for names, known, option in ((options.only, sweep.models, "--only"), (options.data, sweep.data, "--data")):
        for name in names or ():
            if name not in known:
                raise SightlineError(f"{option} {name}: sweep.yaml has no such name; there are {', '.join(known)}")
    models = options.only or sweep.models
    data = options.data or sweep.data
    return lambda cell: cell.model in models and cell.data in data


def describe_plan(agenda: Agenda, is_chosen: Choice, side_by_side: int, root: Path) -> list[str]:
    """Return what would run, each with an estimate, how long all of it is likely to take, and what cannot run."""
    runs = read_runs(root)
    jobs, blocked = agenda.name_jobs()
    chosen = [job for job in jobs if is_chosen(job.cell)]
    studies = unfinished(agenda, is_chosen, root)
    waiting = without_results(chosen, root)
    times = [estimate(job.cell, runs) for job in waiting]
    lines = [f"{asked.title}: {asked.trials} trials first, of which earlier runs tell nothing" for asked in studies]
    lines += [f"{job.cell.title}: {describe_time(time)}" for job, time in zip(waiting, times, strict=True)]
    after = f", and those of {len(studies)} studies after them" if studies else ""
    lines.append(f"{len(waiting)} of {len(chosen)} experiments would run{describe_total(times, side_by_side)}{after}")
    return [*lines, *(why for why, cell in blocked.items() if is_chosen(cell))]


def describe_total(times: list[float | None], side_by_side: int) -> str:
    """Return how long experiments are likely to take together, behind how many they are; nothing where none runs."""
    known = [time for time in times if time is not None]
    unknown = len(times) - len(known)
    total = max(sum(known) / side_by_side, max(known, default=0))
    parts = [f"about {describe_seconds(total)}"] if known else []
    parts += [f"{unknown} of which earlier runs tell nothing"] if unknown else []
    return f": {', and '.join(parts)}" if parts else ""


def describe_time(seconds: float | None) -> str:
    return "no estimate" if seconds is None else f"about {describe_seconds(seconds)}"


def unfinished(agenda: Agenda, is_chosen: Choice, root: Path) -> list[Asked]:
    """Return the chosen studies that have trials to run."""
    return [asked for asked in agenda.studies if is_chosen(asked.cell) and asked.read(root) is None]


def run(agenda: Agenda, is_chosen: Choice, side_by_side: int, root: Path) -> Outcome:
    """Tune what is to be tuned, then run what has no results; only one sweep at a time works here."""
    (root / FOLDER).mkdir(exist_ok=True)
    try:
        with FileLock(root / FOLDER / "lock", timeout=0), StopRequest() as stop:
            failed = tune(unfinished(agenda, is_chosen, root), agenda.params, side_by_side, root, stop)
            jobs = [job for job in agenda.name_jobs()[0] if is_chosen(job.cell)]
            for job in jobs:  # of a sweep that was killed
                end_orphan(job.name, root)
            outcome = Runner(root, side_by_side, start, print).run(without_results(jobs, root), stop)
            outcome.failed |= failed
            return outcome
    except Timeout:
        raise SightlineError(f"{FOLDER}/lock: another sweep works here: wait for it") from None


def tune(studies: list[Asked], params: dict, jobs: int, root: Path, stop: StopRequest) -> dict[str, str]:
    """Run the studies one after the other, and return those that failed, with the reason."""
    failed = {}
    for asked in studies:
        if stop.noted:
            break
        print(f"{asked.title}: {asked.trials} trials, tuning/{asked.name}")
        try:
            from sightline.sweeping.tuner import run_study  # with Optuna, which sweeps without tuning do not need

            run_study(asked, params, jobs, root, lambda: stop.noted)
        except ModuleNotFoundError as error:
            raise SightlineError(
                f"sweep.yaml: tune: needs {error.name}: pip install -r requirements-tune.txt"
            ) from None
        except SightlineError as error:
            failed[asked.title] = str(error)
    return failed


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
    wait_for_starts(Path.cwd())
    run_stage(main, Params)
