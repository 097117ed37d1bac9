import numpy as np
import pandas as pd
import pytest

from sightline.gating.worse import Baseline, Decisions, judge_worse
from sightline.reporting.revision import StoredPredictions

CLASSES = ["ant", "bee"]


def decide(wrong, images=20, first=0):
    """Return the decisions on `images` test images, all ants, of which the rows in `wrong` are taken for bees."""
    predicted = np.isin(np.arange(images), wrong).astype(int)
    ids = [f"{number}.png" for number in range(first, first + images)]
    table = pd.DataFrame({"id": ids, "row": range(images), "subset": "test", "label": 0})
    return Decisions(CLASSES, StoredPredictions(table, np.eye(2, dtype=np.float32)[predicted]))


def judge(before, after, level=0.05):
    return judge_worse(Baseline("main", before), after, level)


@pytest.mark.parametrize(
    ("lost", "level", "passed"),
    [
        (5, 0.05, True),  # two-sided: 2 / 2 ** 5 = 0.0625
        (6, 0.05, False),  # 2 / 2 ** 6 = 0.03125
        (6, 0.03, True),
    ],
)
def test_a_model_is_worse_when_chance_would_not_lose_so_many_images(lost, level, passed):
    verdict = judge(decide([]), decide(range(lost)), level)
    assert verdict.passed is passed
    p = 2 / 2**lost
    assert verdict.measured == f"test accuracy {1 - lost / 20:.6g}, of main 1, p = {p:.2g} on 20 images"


def test_a_better_model_is_not_worse():
    assert judge(decide(range(9)), decide([])).passed


def test_images_that_only_one_of_them_has_are_left_out():
    verdict = judge(decide([]), decide(range(10), first=10))
    assert (verdict.passed, verdict.measured[-12:]) == (False, "on 10 images")


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (decide([], first=11), "of 20 test images of main only 9 are still such"),
        (Decisions(["ant", "cat"], decide([]).predictions), "main has other classes, hence no comparison"),
    ],
)
def test_what_cannot_be_compared_does_not_pass(after, words):
    verdict = judge(decide([]), after)
    assert (verdict.passed, verdict.measured) == (False, words)


def test_without_test_images_nothing_passes():
    assert not judge(decide([], images=0), decide([])).passed
