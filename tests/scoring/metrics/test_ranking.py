import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from sightline.scoring.metrics.ranking import GRIDS, curve_table, rank_classes


def case(images=200):
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 3, images)
    probabilities = stream.dirichlet(np.ones(4), images).round(2)  # with ties; nobody is of class 3
    return labels, probabilities


def test_areas_are_scikit_learns_also_with_ties():
    labels, probabilities = case()
    found = rank_classes(labels, probabilities).classes
    for code in range(3):
        truth, scores = labels == code, probabilities[:, code]
        assert found["roc_auc"][code] == pytest.approx(roc_auc_score(truth, scores))
        assert found["pr_auc"][code] == pytest.approx(average_precision_score(truth, scores))
    assert found.loc[3].isna().all()


def test_a_curve_by_hand():
    scores = np.array([0.9, 0.8, 0.7])
    ranking = rank_classes(np.array([1, 0, 1]), np.stack([1 - scores, scores], axis=1))
    assert ranking.defined.tolist() == [0, 1]
    recall, precision = ranking.curves["roc"][1], ranking.curves["pr"][1]
    assert set(recall[GRIDS["roc"] < 1]) == {0.5}  # one of two above the only wrong image
    assert recall[-1] == 1
    assert set(precision[GRIDS["pr"] <= 0.5]) == {1.0}
    assert precision[GRIDS["pr"] > 0.5] == pytest.approx(2 / 3)
    assert ranking.classes.loc[1].tolist() == pytest.approx([0.5, 0.5 * 1 + 0.5 * 2 / 3])


def test_drawn_curves_are_the_mean_and_the_worst_classes():
    labels, probabilities = case()
    ranking = rank_classes(labels, probabilities)
    table = curve_table(ranking, "roc", ["a", "b", "c", "d"], most=1)
    worst = "abc"[int(ranking.classes["pr_auc"][:3].argmin())]
    assert list(table["curve"].unique()) == ["mean of the classes", worst]
    mean = table[table["curve"] == "mean of the classes"]
    assert np.trapezoid(mean["recall"], mean["false_positive_rate"]) == pytest.approx(
        ranking.classes["roc_auc"].mean(), abs=0.01
    )
    assert len(mean) == len(GRIDS["roc"])
    assert list(curve_table(ranking, "pr", list("abcd"), 0)) == ["recall", "precision", "curve"]


def test_one_class_alone_has_no_curve():
    ranking = rank_classes(np.zeros(3, dtype=int), np.full((3, 2), 0.5))
    assert ranking.classes.isna().all(axis=None)
    assert curve_table(ranking, "pr", ["a", "b"], 5).empty
