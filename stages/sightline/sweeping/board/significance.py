"""Is the first model of a data set better than the second by more than chance? The paired tests of `make report`."""

from dataclasses import dataclass

from sightline.reporting.paired import Difference, bootstrap_differences, mcnemar, pair_up
from sightline.reporting.revision import Revision
from sightline.sweeping.board.ranking import Entry

METRIC = "accuracy"


@dataclass(frozen=True)
class Resampling:
    """How often the test images are drawn again, and what that follows from."""

    bins: int
    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Lead:
    """The first model against the second, on the same test images.

    Parameters
    ----------
    first, second : str
        The models, in the order of validation.
    images : int
        Test images that both predicted.
    accuracies : tuple of float
        Of the first and of the second on these images.
    p : float
        McNemar's exact p-value.
    difference : Difference or None
        Accuracy of the second, of the first, and the interval of what lies between; None without resamples.
    confidence : float
        Of the interval; the p-value is held against 1 - confidence.
    """

    first: str
    second: str
    images: int
    accuracies: tuple[float, float]
    p: float
    difference: Difference | None
    confidence: float

    @property
    def is_chance(self) -> bool:
        """Whether chance explains the difference."""
        return self.p >= 1 - self.confidence

    def describe(self) -> str:
        """Return it as a sentence."""
        first, second = self.accuracies
        apart = f"{'better' if first > second else 'worse'} by more than chance explains"
        verdict = "no further apart than chance explains" if self.is_chance else apart
        interval = ""
        if self.difference:
            gap = self.difference
            interval = f", {self.confidence:.0%} interval of the difference {gap.low:+.4f} to {gap.high:+.4f}"
        return (
            f"{self.first} against {self.second} on the same {self.images:,} test images: accuracy {first:.4f} against "
            f"{second:.4f}, {verdict} (McNemar's exact p = {self.p:.2g}{interval})"
        )


def compare_leaders(entries: list[Entry], how: Resampling) -> Lead | str:
    """Return the comparison of the first two models, each by its best seed on validation, or why there is none."""
    if len(entries) < 2:
        return "only one model has results"
    first, second = (entry.best for entry in entries[:2])
    revisions = [Revision(result.commit) for result in (second, first)]
    predictions = [revision.read_predictions() for revision in revisions]
    if None in predictions:
        return "the predictions are not in DVC's cache: `dvc fetch --all-commits` brings them"
    if revisions[0].read_classes() != revisions[1].read_classes():
        return "the first two have other classes"
    pair = pair_up(*predictions)
    if not len(pair):
        return "the first two have no test image in common"
    difference = None
    right = pair.right()
    accuracies = (float(right[1].mean()), float(right[0].mean()))
    if how.resamples:
        difference = bootstrap_differences(pair, how.bins, how.resamples, how.confidence, how.seed)[METRIC]
    models = entries[0].model, entries[1].model
    return Lead(*models, len(pair), accuracies, mcnemar(*right), difference, how.confidence)
