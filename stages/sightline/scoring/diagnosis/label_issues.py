"""Labels that may be wrong: equal pixels under two labels, then confident learning."""

import numpy as np
import pandas as pd

from sightline.training.recipe.noise.confident import find_label_issues

COLUMNS = ["id", "row", "subset", "label", "suggested", "own_probability", "probability", "reason"]
CONFLICT = "equal pixels, another label"
DOUBT = "confident learning"

LookedAt = tuple[pd.DataFrame, np.ndarray]  # images, and their probabilities


def tabulate_issues(looked_at: list[LookedAt], index: pd.DataFrame) -> pd.DataFrame:
    """Return one row a suspicious label: conflicts first, then what confident learning finds, the surest first.

    Parameters
    ----------
    looked_at : list of (pandas.DataFrame, ndarray)
        Images with id, row, subset, label, and their probabilities, float [images, classes], by networks or regressions
        that did not train on them; each pair has thresholds of its own.
    index : pandas.DataFrame
        All images that take part: id, row, subset, label, sha256.

    Returns
    -------
    pandas.DataFrame
        id, row, subset, label and suggested (int), the label's own_probability and that of the suggestion (NaN for
        conflicts), reason.
    """
    doubted = pd.concat([doubt(images, probabilities) for images, probabilities in looked_at], ignore_index=True)
    margin = (doubted["own_probability"] - doubted["probability"]).to_numpy()
    doubted = doubted.iloc[np.argsort(margin, kind="stable")]
    conflicts = find_conflicting(index)
    further = doubted[~doubted["id"].isin(conflicts["id"])]
    if conflicts.empty:
        return further.reset_index(drop=True)
    if further.empty:
        return conflicts.reset_index(drop=True)
    return pd.concat([conflicts, further], ignore_index=True)


def doubt(images: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Return the rows that confident learning finds, the surest first."""
    labels = images["label"].to_numpy()
    issues = find_label_issues(labels, probabilities)
    found = images.iloc[issues].assign(
        suggested=probabilities[issues].argmax(axis=1),
        own_probability=probabilities[issues, labels[issues]],
        probability=probabilities[issues].max(axis=1),
        reason=DOUBT,
    )
    return found[COLUMNS]


def find_conflicting(index: pd.DataFrame) -> pd.DataFrame:
    """Return the images whose pixels also stand under another label, copies side by side; that label is suggested."""
    several = index.groupby("sha256")["label"].transform("nunique") > 1
    copies = index[several].sort_values(["sha256", "row"], kind="stable")
    labels = copies.groupby("sha256")["label"]
    lowest = labels.transform("min")
    suggested = lowest.where(copies["label"] != lowest, labels.transform("max"))
    return copies.assign(suggested=suggested, own_probability=np.nan, probability=np.nan, reason=CONFLICT)[COLUMNS]


def summarize_issues(issues: pd.DataFrame, looked_at: list[LookedAt]) -> dict:
    """Count the issues by reason; the shares are those of confident learning among the images that it looked at.

    `doubted_of_train` is that of training images, where any were looked at.
    """
    doubted = issues[issues["reason"] == DOUBT]
    counts = {"conflicting_images": len(issues) - len(doubted), "doubted": len(doubted)}
    subsets = pd.concat([images["subset"] for images, _ in looked_at])
    shares = {"doubted_share": len(doubted) / len(subsets)} if len(subsets) else {}
    training = int((subsets == "train").sum())
    if training:
        shares["doubted_of_train"] = int((doubted["subset"] == "train").sum()) / training
    return {"label_issues": counts | shares}
