import numpy as np
import pandas as pd

from sightline.scoring.diagnosis.label_issues import (
    CONFLICT,
    DOUBT,
    find_conflicting,
    summarize_issues,
    tabulate_issues,
)


def table(labels, sha256, subset="test") -> pd.DataFrame:
    rows = np.arange(len(labels))
    return pd.DataFrame(
        {"id": [f"{row}" for row in rows], "row": rows, "subset": subset, "label": labels, "sha256": sha256}
    )


def test_conflicts_come_first_and_only_once():
    labels = np.array([0, 0, 1, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.05, 0.95], [0.45, 0.55]])
    index = table(labels, ["a", "b", "c", "d", "e", "d"])  # image 5 was trained on, and shows what image 3 shows
    found = tabulate_issues([(index.iloc[:5], probabilities)], index)
    assert found["id"].tolist() == ["3", "5"]
    assert found["reason"].tolist() == [CONFLICT] * 2
    assert found["suggested"].tolist() == [1, 0]
    other = tabulate_issues([(index.iloc[:5], probabilities)], index.assign(sha256=list("abcdef")))
    assert (other["id"].tolist(), other["reason"].tolist()) == (["3"], [DOUBT])
    assert (other["own_probability"][0], other["probability"][0]) == (0.05, 0.95)
    assert summarize_issues(other, [(index.iloc[:5], probabilities)])["label_issues"] == {
        "conflicting_images": 0,
        "doubted": 1,
        "doubted_share": 0.2,
    }


def test_equal_pixels_under_one_label_are_no_conflict():
    assert find_conflicting(table([0, 0, 1], ["a", "a", "b"])).empty


def test_nothing_judged():
    empty = table(np.empty(0, dtype=int), [])
    assert tabulate_issues([(empty, np.empty((0, 3)))], empty).empty
