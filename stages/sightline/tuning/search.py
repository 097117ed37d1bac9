"""Which trial comes next, and which is given up: Optuna's samplers and pruners by their names in tune.yaml."""

import warnings
from collections.abc import Callable

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler

from sightline.tuning.settings import TuneParams

STARTUP = 5  # trials that end before others are compared with them

# in groups, since a key that is of use under a condition has no value in other trials
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "gp": lambda seed: GPSampler(seed=seed, warn_independent_sampling=False),
    "cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "random": lambda seed: RandomSampler(seed=seed),
    "grid": lambda seed: RandomSampler(seed=seed),  # its trials wait in the study from the beginning
}

# of the first epochs without pruning, and of all epochs
PRUNERS: dict[str, Callable[[int, int], BasePruner]] = {
    "median": lambda first, last: MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=first),
    "hyperband": lambda first, last: HyperbandPruner(min_resource=first, max_resource=max(first, last)),
    "wilcoxon": lambda first, last: WilcoxonPruner(n_startup_steps=first),
    "none": lambda first, last: NopPruner(),
}


def make_sampler(settings: TuneParams, begun: int, place: str) -> BaseSampler:
    """Return the sampler, which draws anew after a restart and on another machine.

    Parameters
    ----------
    settings : TuneParams
        The content of tune.yaml.
    begun : int
        Trials that the study has by now: with the same seed, a restart would draw the first ones again.
    place : str
        Empty, or what tells this machine from others that work at the same study.
    """
    words = [settings.seed, begun, *place.encode()]
    seed = int(np.random.SeedSequence(words).generate_state(1)[0])
    return SAMPLERS[settings.sampler](seed)


def make_pruner(settings: TuneParams, epochs: int) -> BasePruner:
    """Return the pruner; `epochs` are those of all members and seeds of a trial."""
    return PRUNERS[settings.pruner](settings.prune_after, epochs)


def quieten() -> None:
    """Keep Optuna from telling of each trial, and that parts of it may change: its version is pinned."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    warnings.filterwarnings("ignore", message="Some regimes for parameter")  # of importances, while trials are few
