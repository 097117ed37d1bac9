"""What outcomes say of two models: how often each was right, their difference with its interval, and the decision."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.files import read_json
from sightline.monitoring.arms.betting import mean_interval
from sightline.monitoring.arms.outcomes import Outcome, choose_block, differences
from sightline.monitoring.feedback import Rate
from sightline.scoring.metrics.intervals import wilson_interval

ARMS = ("current", "candidate")
LOOKS = 40  # in the chart
LEVEL = 0.95  # of each arm's own interval


class Look(NamedTuple):
    """The interval when there were so many comparisons."""

    comparisons: int
    low: float
    high: float


class Verdict(NamedTuple):
    """What may be said now; `looks` end with it."""

    decision: str  # better, worse, undecided: the candidate
    difference: float | None
    looks: list[Look]
    rates: list[Rate]
    pairs: int
    block: tuple[int, int]
    alpha: float


def judge(outcomes: list[Outcome], block: tuple[int, int] | None, alpha: float) -> Verdict:
    """Judge all outcomes that there are; `block` is that of earlier judgements, None before the first."""
    block = block or choose_block(outcomes)
    found = differences(outcomes, block)
    ends = sorted({round(len(found) * (look + 1) / LOOKS) for look in range(LOOKS)})
    looks = [Look(end, *(round(edge, 4) for edge in mean_interval(found[:end], alpha))) for end in ends]
    low, high = looks[-1][1:]
    decision = "better" if low > 0 else "worse" if high < 0 else "undecided"
    rates = [_rate(arm, [getattr(outcome, arm) for outcome in outcomes]) for arm in ARMS]
    pairs = sum(min(outcome.current, outcome.candidate) >= 0 for outcome in outcomes)
    difference = round(float(found.mean()), 4) if len(found) else None
    return Verdict(decision, difference, looks, rates, pairs, block, alpha)


def describe(verdict: Verdict) -> list[str]:
    """Return lines for the terminal and the page."""
    lines = [
        f"{rate.name}: right on {rate.accuracy:.1%} of {rate.images} labels (95 %: {rate.low:.1%} to {rate.high:.1%})"
        for rate in verdict.rates
        if rate.images
    ]
    if verdict.difference is None:
        return [*lines, "no comparison yet: labels of both models are needed, by --feedback"]
    look = verdict.looks[-1]
    said = {
        "better": "the candidate is more often right",
        "worse": "the candidate is less often right",
        "undecided": "undecided",
    }
    return [
        *lines,
        f"difference: {100 * verdict.difference:+.1f} points in {look.comparisons} comparisons, and with probability "
        f"{1 - verdict.alpha:.6g}, at all looks together, {100 * look.low:+.1f} to {100 * look.high:+.1f}",
        said[verdict.decision],
    ]


def summarize(verdict: Verdict, models: dict[str, str]) -> dict[str, Any]:
    """Return the content of ab.json."""
    return {
        **models,
        "block": verdict.block,
        "alpha": verdict.alpha,
        "decision": verdict.decision,
        "difference": verdict.difference,
        "low": verdict.looks[-1].low,
        "high": verdict.looks[-1].high,
        "comparisons": verdict.looks[-1].comparisons,
        "pairs": verdict.pairs,
        "rates": {rate.name: rate._asdict() for rate in verdict.rates},
    }


def read_block(path: Path, models: dict[str, str]) -> tuple[int, int] | None:
    """Return the block of earlier judgements of these models, so that a comparison once made stays; None before.

    Raises
    ------
    SightlineError
        The file is damaged, or of other models.
    """
    if not path.exists():
        return None
    content = read_json(path)
    try:
        if {arm: content[arm] for arm in models} != models:
            raise SightlineError(
                f"{path}: of models {content['current'][:16]} and {content['candidate'][:16]}: name another folder by "
                f"--out, or delete it"
            )
        current, candidate = content["block"]
        return (current, candidate) if content["comparisons"] else None
    except (KeyError, TypeError, ValueError):
        raise SightlineError(f"{path}: not what `make ab` writes: delete the folder") from None


def _rate(arm: str, outcomes: list[int]) -> Rate:
    right = np.array([outcome for outcome in outcomes if outcome >= 0])
    if not len(right):
        return Rate(arm, 0, 0.0, 0.0, 1.0)
    low, high = wilson_interval(np.array(right.sum()), len(right), LEVEL)
    return Rate(arm, len(right), *(round(float(number), 4) for number in (right.mean(), low, high)))
