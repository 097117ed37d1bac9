"""Which images of a pool to label next, by the name of a strategy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sightline.common.errors import SightlineError
from sightline.labelling.mix import mix
from sightline.labelling.seen import Seen
from sightline.labelling.spread import Choice, badge, k_centre
from sightline.labelling.uncertainty import entropy, least_confidence, margin

NEED_EMBEDDINGS = ("mix", "badge", "k_centre")


@dataclass(frozen=True)
class Question:
    """What a strategy chooses from: the pool as the model sees it, how many images, and what it draws with.

    `look_at_known` gives the same of the images that the model learnt from; few strategies ask.
    """

    pool: Seen
    look_at_known: Callable[[], Seen]
    count: int
    random: np.random.Generator


def choose(strategy: str, question: Question) -> Choice:
    """Return rows of the pool in the order in which they are asked for, and the strategy's score of each.

    Parameters
    ----------
    strategy : str
        A key of `STRATEGIES`.

    Raises
    ------
    SightlineError
        The strategy needs embeddings, and the model offers none.
    """
    if strategy in NEED_EMBEDDINGS and not question.pool.embeddings.shape[1]:
        raise SightlineError(f"label: the model has no embeddings, which {strategy} needs: use --strategy margin")
    return STRATEGIES[strategy](question)


def _most(measure: Callable[[np.ndarray], np.ndarray], question: Question) -> Choice:
    """Choose the highest values of a measure; of equal ones the first in the pool."""
    values = measure(question.pool.probabilities)
    rows = np.argsort(-values, kind="stable")[: question.count]
    return Choice(rows, values[rows])


def _at_random(question: Question) -> Choice:
    rows = question.random.permutation(len(question.pool.probabilities))[: question.count]
    return Choice(rows, np.zeros(len(rows)))


STRATEGIES = {
    "mix": lambda question: mix(question.pool, question.count, question.random),
    "margin": lambda question: _most(margin, question),
    "entropy": lambda question: _most(entropy, question),
    "least_confidence": lambda question: _most(least_confidence, question),
    "badge": lambda question: badge(
        question.pool.probabilities, question.pool.embeddings, question.count, question.random
    ),
    "k_centre": lambda question: k_centre(
        question.pool.embeddings, question.look_at_known().embeddings, question.count
    ),
    "random": _at_random,
}
