"""What a pruner compares: the value after each epoch, or, with wilcoxon, the best one of each fold and seed."""

from collections.abc import Iterator

from sightline.tuning.objectives import direction
from sightline.tuning.settings import TuneParams
from sightline.tuning.space import Values

Curves = list[list[float]]


def list_steps(
    curves: Curves, settings: TuneParams, values: Values, today: Values, ended: bool
) -> Iterator[tuple[int, float]]:
    """Yield (step, value) of what is over.

    Parameters
    ----------
    curves : list of list of float
        Of each member of each seed, in order, the last one perhaps unfinished: the value after each epoch.
    settings : TuneParams
        The pruner and the objective.
    values, today : dict
        The trial's values and those of params.yaml; `epochs` of them tells how far apart members are.
    ended : bool
        The last member is finished too.

    Notes
    -----
    Steps count epochs from 1, over all members, as if each trained all its epochs: so the same step is the same member
    in all trials.
    """
    if settings.pruner == "wilcoxon":
        best = max if direction(settings.objectives[0]) == "maximize" else min
        finished = curves if ended else curves[:-1]
        yield from ((number, best(curve)) for number, curve in enumerate(finished) if curve)
        return
    length = (today | values)["epochs"]
    for number, curve in enumerate(curves):
        for epoch, value in enumerate(curve[:length], start=1):
            yield number * length + epoch, value


def count_members(today: Values, seeds: list[int]) -> int:
    """Return how many members all experiments of a trial train."""
    architectures = today["model"] if isinstance(today["model"], list) else [today["model"]]
    return len(architectures) * max(1, today["folds"]) * max(1, len(seeds))
