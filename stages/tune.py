"""Search for better parameters: every trial is an experiment of DVC that can be applied, compared and pushed.

Run    make tune                     what tune.yaml asks for; once more: it goes on where it was
       make tune-apply [TRIAL=7]     put the winner, or another trial, into the workspace
Reads  tune.yaml                     study, objectives, search space, sampler, pruner, how many
       params.yaml                   what the search changes; as it stands it is the first trial
Writes experiments <study>-<trial>   in Git, with their results in DVC's cache: `dvc exp show`
       tuning/<study>/               trials.csv, winner.json, history.png, parallel.png, importances.csv and .png,
                                     logs of trials that failed, and the journal that keeps the study

It is no stage: a stage would hold DVC's lock for as long as it runs.
"""

from sightline.common.process import require

if __name__ == "__main__":
    require("optuna", "requirements-tune.txt")

# isort: split
import argparse
from collections.abc import Callable
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial

from sightline.common.files import write_table
from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.tuning_charts import draw_history, draw_importances, draw_parallel
from sightline.experiments.orphans import wait_for_starts
from sightline.images.store import read_dataset
from sightline.training.interrupt import StopRequest
from sightline.tuning.bar import Bar, say_values
from sightline.tuning.limits import find_excess
from sightline.tuning.loop import Search, search
from sightline.tuning.objectives import direction
from sightline.tuning.reports import count_members
from sightline.tuning.results import (
    IMPORTANCES,
    find_winner,
    rank_importances,
    read_winner,
    tabulate_trials,
    write_results,
)
from sightline.tuning.runs import DvcRunner
from sightline.tuning.search import quieten
from sightline.tuning.settings import FILE, TuneParams, load_settings
from sightline.tuning.sharing import ASIDE, apply_trial, has_changes, push_trials
from sightline.tuning.space import Parameter, Values, read_parameters
from sightline.tuning.storage import naming_storage, open_storage, working_alone
from sightline.tuning.study import open_study, read_question
from sightline.tuning.takeover import refuse_remains, take_over
from sightline.tuning.today import read_today, refuse_idle, refuse_space

ROOT = Path()


class Params(StageParams):
    """No key of params.yaml: `read_today` reads all of them."""


def main(params: Params) -> None:
    options = read_options()
    settings = load_settings(options.file)
    if options.apply:
        put_into_workspace(settings, options.trial)
        return
    quieten()
    today = read_today()
    parameters = read_parameters(settings.space)
    refuse_space(parameters, today)
    refuse_idle(parameters, settings.objectives)
    with working_alone(settings), naming_storage(settings.storage), StopRequest() as stop:
        epochs = today["epochs"] * count_members(today, settings.seeds)
        storage = open_storage(settings)
        refuse_remains(settings, storage, ROOT)
        study = open_study(settings, parameters, today, storage, epochs)
        tune(study, settings, parameters, today | read_question(study)["today"], stop)
        draw(study, settings, parameters)
        conclude(study, settings, stop)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Search for better parameters.")
    parser.add_argument("--file", default=FILE, help="what to search; default: %(default)s")
    parser.add_argument("--apply", action="store_true", help="put the winner into the workspace")
    parser.add_argument("--trial", type=int, help="with --apply: another trial than the winner")
    return parser.parse_args()


def put_into_workspace(settings: TuneParams, trial: int | None) -> None:
    """Apply a trial, or the winner."""
    number = read_winner(settings.folder)["trial"] if trial is None else trial
    name = f"{settings.study}-{number}"
    changed = has_changes(ROOT)
    whole = apply_trial(name, ROOT)
    print(f"{name} is in the workspace{'' if whole else ', but not all results are in the cache'}: `dvc repro` goes on")
    if changed:
        print(f"what was changed and not committed has been set aside: `git stash apply {ASIDE}` brings it back")


def tune(study: Study, settings: TuneParams, parameters: list[Parameter], today: Values, stop: StopRequest) -> None:
    """Go on with what a killed run has left, then run trials; what each came to is told, written and pushed at once."""
    bar = Bar(study, settings)
    pushed: set[str] = set()

    def tell(trial: FrozenTrial) -> None:
        write_results(study, settings)
        bar.tell(trial)
        push_trials(study, settings, ROOT, pushed)

    for trial in take_over(study, settings, parameters, today, ROOT):
        tell(trial)
    push_trials(study, settings, ROOT, pushed)
    runner = DvcRunner(settings, ROOT)
    excess = watch_limits(settings)
    try:
        search(Search(study, settings, parameters, today, runner, lambda: stop.noted, tell, excess=excess))
    finally:
        bar.close()


def watch_limits(settings: TuneParams) -> Callable[[Values], str | None]:
    """Return what tells which limit a trial's network misses."""
    if not settings.limits:
        return lambda values: None
    dataset = read_dataset()  # tells how many classes a network has
    return lambda values: find_excess(values, settings.limits, dataset)


def draw(study: Study, settings: TuneParams, parameters: list[Parameter]) -> None:
    """Draw the history and the values of the trials, and what mattered."""
    trials = tabulate_trials(study, settings)
    ended = trials[trials["state"] == "complete"] if len(trials) else trials
    if ended.empty:
        return
    folder, objective = settings.folder, settings.objectives[0]
    bigger = direction(objective) == "maximize"
    keys = list(dict.fromkeys(parameter.key for parameter in parameters))
    save_png(folder / "history.png", draw_history(trials, objective, bigger))
    save_png(folder / "parallel.png", draw_parallel(trials, objective, keys, bigger))
    importances = rank_importances(study)
    if len(importances):
        write_table(folder / IMPORTANCES, importances)
        save_png(folder / "importances.png", draw_importances(importances))


def conclude(study: Study, settings: TuneParams, stop: StopRequest) -> None:
    """Say what was found, and what to do with it."""
    if stop.noted:
        print(f"{settings.study}: stopped: `make tune` goes on where it was")
    winner = find_winner(study, settings)
    if winner is None:
        print(f"{settings.study}: no trial has come to its end yet")
        return
    print(f"best: {settings.study}-{winner.number}  {say_values(winner, settings)}; see {settings.folder}")
    print("`make tune-apply` puts it into the workspace")


if __name__ == "__main__":
    wait_for_starts(Path.cwd())
    run_stage(main, Params)
