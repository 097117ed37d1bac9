"""The progress bar of a search: how many trials, the best value so far, and a line for each trial that ended."""

from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from sightline.tuning.loop import EPOCHS, REASON
from sightline.tuning.results import find_winner
from sightline.tuning.settings import TuneParams
from sightline.tuning.study import EXCESS, count_taken, values_of

WORDS = {TrialState.COMPLETE: "", TrialState.PRUNED: "given up  ", TrialState.FAIL: "failed  "}


class Bar:
    """Shows on the terminal what becomes of the trials; in a file there are the lines alone."""

    def __init__(self, study: Study, settings: TuneParams):
        self._study = study
        self._settings = settings
        self._bar = tqdm(total=settings.trials, desc=settings.study, unit="trial", disable=None)
        self._show()

    def tell(self, trial: FrozenTrial) -> None:
        """Print how a trial ended, and move on."""
        tqdm.write(describe_trial(trial, self._settings))
        self._show()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _show(self) -> None:
        winner = find_winner(self._study, self._settings)
        if winner is not None:
            self._bar.set_postfix_str(f"best {say_values(winner, self._settings)} ({winner.number})", refresh=False)
        self._bar.n = min(count_taken(self._study), self._settings.trials)
        self._bar.refresh()


def describe_trial(trial: FrozenTrial, settings: TuneParams) -> str:
    """Return a line about a trial that has ended."""
    name = f"{settings.study}-{trial.number}"
    if trial.state == TrialState.FAIL or EXCESS in trial.user_attrs:
        return f"{name}  {WORDS[trial.state]}{trial.user_attrs.get(REASON, '')}"
    values = "  ".join(f"{key} {_short(value)}" for key, value in values_of(trial).items())
    epochs = f"  after {trial.user_attrs[EPOCHS]} epochs" if EPOCHS in trial.user_attrs else ""
    return f"{name}  {WORDS[trial.state]}{say_values(trial, settings)}{epochs}  {values}"


def say_values(trial: FrozenTrial, settings: TuneParams) -> str:
    """Return a trial's objectives in words; one that diverged in its first epoch has none."""
    return "  ".join(
        f"{name} {_short(value)}" for name, value in zip(settings.objectives, trial.values or [], strict=False)
    )


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
