"""The first model against the second, on the test images of both."""

import numpy as np
import pandas as pd
import pytest

from sightline.reporting.revision import StoredPredictions
from sightline.sweeping.board import significance
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.board.significance import Resampling, compare_leaders
from sweep_results import result

HOW = Resampling(bins=15, resamples=200, confidence=0.95, seed=0)


@pytest.fixture
def compare(monkeypatch):
    """Return a function that compares two models which decide images of class 1 as told, True: rightly."""

    def run(first, second, classes=(["a", "b"], ["a", "b"]), how=HOW):
        sides = {40 * "1": (first, classes[0]), 40 * "2": (second, classes[1])}

        class Stored:
            def __init__(self, commit):
                self.right, self.classes = sides[commit]

            def read_classes(self):
                return self.classes

            def read_predictions(self):
                if self.right is None:
                    return None
                count = len(self.right)
                table = pd.DataFrame({"id": [f"{n}" for n in range(count)], "row": range(count), "subset": "test"})
                chosen = np.array(self.right, dtype=float)
                wide = np.stack([1 - chosen, chosen], axis=1).astype(np.float32) * 0.8 + 0.1
                return StoredPredictions(table.assign(label=1), wide)

        monkeypatch.setattr(significance, "Revision", Stored)
        return compare_leaders(rank([result("one", 0.9, commit="1"), result("two", 0.8, commit="2")])["digits"], how)

    return run


def test_ten_images_won_and_none_lost_are_no_chance(compare):
    lead = compare([True] * 90 + [False] * 10, [True] * 80 + [False] * 20)
    assert (lead.first, lead.second, lead.images) == ("one", "two", 100)
    assert lead.p == pytest.approx(2 * 0.5**10)  # two-sided binomial of 10 of 10
    assert not lead.is_chance
    assert (lead.difference.before, lead.difference.after) == (pytest.approx(0.8), pytest.approx(0.9))
    assert 0 < lead.difference.low < 0.1 < lead.difference.high
    assert lead.describe().startswith(
        "one against two on the same 100 test images: accuracy 0.9000 against 0.8000, better by more than chance "
        "explains (McNemar's exact p = 0.002, 95% interval of the difference +0.0"
    )


def test_a_first_one_that_is_worse_on_test_is_called_so(compare):
    lead = compare([True] * 80 + [False] * 20, [True] * 90 + [False] * 10)
    assert "accuracy 0.8000 against 0.9000, worse by more than chance explains" in lead.describe()


def test_three_images_won_are_chance(compare):
    lead = compare([True] * 90 + [False] * 10, [True] * 87 + [False] * 13, how=Resampling(15, 0, 0.95, 0))
    assert lead.p == pytest.approx(0.25)
    assert lead.is_chance and lead.difference is None
    assert lead.describe() == (
        "one against two on the same 100 test images: accuracy 0.9000 against 0.8700, no further apart than chance "
        "explains (McNemar's exact p = 0.25)"
    )


def test_what_cannot_be_compared_is_said(compare):
    assert "not in DVC's cache" in compare([True], None)
    assert compare([True], [True], classes=(["a", "b"], ["b", "a"])) == "the first two have other classes"
    assert compare_leaders(rank([result("one", 0.9)])["digits"], HOW) == "only one model has results"
