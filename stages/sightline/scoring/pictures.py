"""The pictures of the stage, by file name."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sightline.scoring.figures import draw_mistakes, draw_reliability, select_mistakes
from sightline.scoring.label_issues import CONFLICT
from sightline.scoring.matrix import draw_confusion
from sightline.scoring.scored import Scored
from sightline.scoring.tables import DIAGRAMS


def draw_pictures(
    test: Scored, reliability: pd.DataFrame, pixels: np.ndarray, names: list[str], bins: int, mistakes: int
) -> dict[str, Figure]:
    """Draw confusion, reliability (from its table), and up to `mistakes` confident mistakes, of test images."""
    diagrams = {name: reliability[reliability["curve"] == name] for name in DIAGRAMS}
    shown, heading = select_mistakes(test.decided, mistakes)
    return {
        "confusion": draw_confusion(test.labels, test.predicted, names),
        "reliability": draw_reliability(diagrams, bins),
        "mistakes": draw_mistakes(shown, pixels[shown["row"].to_numpy()], names, heading),
    }


def draw_issues(issues: pd.DataFrame, pixels: np.ndarray, names: list[str], most: int) -> Figure:
    """Draw the first labels of `sightline.scoring.label_issues.tabulate_issues`, at most `most`."""
    shown = issues.head(most).rename(columns={"suggested": "predicted"})
    remarks = [_remark(issue) for issue in shown.itertuples()]
    which = "" if len(shown) == len(issues) else f", the first {len(shown)}"
    heading = f"Labels that may be wrong: {len(issues)}{which}" if len(issues) else "No label looks wrong"
    rows = shown["row"].to_numpy(dtype=int)
    return draw_mistakes(shown.assign(remark=remarks), pixels[rows], names, heading, "given label → suggested label")


def _remark(issue: tuple) -> str:
    if issue.reason == CONFLICT:
        return "equal pixels"
    return f"{100 * issue.own_probability:.1f} % → {100 * issue.probability:.1f} %"
