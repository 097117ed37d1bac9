"""The report's sections about decisions on test images: is the change noise, what flipped, what is confused."""

import numpy as np
import pandas as pd

from sightline.drawing.markdown import table
from sightline.reporting.paired import BETTER_WHEN_LOWER, Difference, Pair, mcnemar
from sightline.reporting.values import format_gap

LISTED = 8  # flips of each kind, and changed confusions, in their tables
RIGHT = "became right"
WRONG = "became wrong"
MISSING = (
    "The predictions of `{}` are neither here nor in DVC's cache, so that decisions cannot be compared: run "
    "`dvc fetch --all-commits`, or `dvc repro` there."
)
OTHER_CLASSES = "The revisions have other classes, so that their decisions cannot be compared."


def describe_verdict(pair: Pair, confidence: float) -> str:
    """Return one sentence: what happened to the accuracy, and whether chance explains it."""
    before, after = pair.right()
    chance = mcnemar(before, after)
    gap = after.mean() - before.mean()
    direction = "stays at" if gap == 0 else f"{'rises' if gap > 0 else 'falls'} from {before.mean():.4f} to"
    size = "larger than chance explains" if chance < 1 - confidence else "no larger than chance explains"
    return (
        f"**On the same {len(pair):,} test images accuracy {direction} {after.mean():.4f}: {size}** (McNemar's exact "
        f"p = {chance:.2g}; {int((after & ~before).sum())} images became right, {int((before & ~after).sum())} wrong)."
    )


def describe_differences(differences: dict[str, Difference], confidence: float) -> list[str]:
    """Return a table of metrics with the interval of each difference and a plain word on it."""
    columns = ("metric", "before", "after", "change", f"{confidence:.0%} interval of the change", "so it is")
    rows = [
        (
            metric,
            difference.before,
            difference.after,
            format_gap(difference.before, difference.after),
            f"{difference.low:+.4f} to {difference.high:+.4f}",
            _word(metric, difference),
        )
        for metric, difference in differences.items()
    ]
    return table(columns, rows)


def describe_pair(pair: Pair, resamples: int) -> list[str]:
    """Return how the comparison was made, and what it leaves out."""
    lines = []
    if resamples:
        lines.append(f"Paired bootstrap, {resamples:,} resamples of the same test images, stratified by class.")
    if pair.unmatched:
        lines.append(f"{pair.unmatched:,} test images that only one revision has, or labels otherwise, are left out.")
    return [*lines, "Training again with another seed changes a model too, which these intervals do not show."]


def list_flips(pair: Pair, classes: list[str]) -> dict[str, pd.DataFrame]:
    """Return the images that became right and those that became wrong, the largest change of certainty first.

    Columns: id, row, actual, before, after (class names), sure_before, sure_after (probability of the actual class).
    """
    names = np.array(classes, dtype=object)
    order = np.arange(len(pair))
    images = pair.images[["id", "row"]].assign(
        actual=names[pair.labels],
        before=names[pair.before.argmax(axis=1)],
        after=names[pair.after.argmax(axis=1)],
        sure_before=pair.before[order, pair.labels],
        sure_after=pair.after[order, pair.labels],
    )
    gap = (images["sure_after"] - images["sure_before"]).abs()
    images = images.iloc[np.argsort(-gap.to_numpy(), kind="stable")]
    was_right = images["before"] == images["actual"]
    is_right = images["after"] == images["actual"]
    return {RIGHT: images[is_right & ~was_right], WRONG: images[was_right & ~is_right]}


def describe_flips(flips: dict[str, pd.DataFrame]) -> list[str]:
    """Return a table of the most telling flips of each kind."""
    rows = [
        (heading, flip.id, flip.actual, flip.before, flip.after, float(flip.sure_before), float(flip.sure_after))
        for heading, images in flips.items()
        for flip in images.head(LISTED).itertuples()
    ]
    if not rows:
        return ["No image became right or wrong."]
    hidden = sum(max(0, len(images) - LISTED) for images in flips.values())
    columns = ("", "image", "actual", "before", "after", "probability of actual, before", "after")
    return table(columns, rows) + ([f"\n{hidden} more are not shown."] if hidden else [])


def count_confusion_change(pair: Pair, classes: int) -> np.ndarray:
    """Return int [classes, classes], actual by predicted: after minus before."""
    counts = np.zeros((2, classes, classes), dtype=int)
    for matrix, probabilities in zip(counts, (pair.before, pair.after), strict=True):
        np.add.at(matrix, (pair.labels, probabilities.argmax(axis=1)), 1)
    return counts[1] - counts[0]


def describe_confusion_change(change: np.ndarray, classes: list[str]) -> list[str]:
    """Return a table of the mistakes whose number changed most."""
    mistakes = np.where(np.eye(len(classes), dtype=bool), 0, change)
    order = np.argsort(-np.abs(mistakes), axis=None, kind="stable")[:LISTED]
    places = [divmod(int(place), len(classes)) for place in order if mistakes.flat[place]]
    rows = [(classes[actual], classes[taken], f"{mistakes[actual, taken]:+d}") for actual, taken in places]
    return table(("actual", "taken for", "images more or fewer"), rows) if rows else ["No confusion changed."]


def _word(metric: str, difference: Difference) -> str:
    if difference.is_noise:
        return "within noise"
    better = (difference.low > 0) != (metric in BETTER_WHEN_LOWER)
    return "better" if better else "**worse**"
