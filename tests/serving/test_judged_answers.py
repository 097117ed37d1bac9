import numpy as np
import pytest

from sightline.serving.answers import answer, judge
from sightline.serving.model import Conformal, DecisionRule, ExportedModel

CLASSES = ["red", "green", "blue", "grey"]


def model(rule):
    return ExportedModel(session=None, classes=CLASSES, preprocessing=None, rule=rule, sha256="")


def test_an_answer_worked_out_by_hand():
    rule = DecisionRule(0.5, Conformal("lac", 0.9, 0.75))  # a set of all classes of 0.25 or more
    judged = judge(rule, np.array([[0.1, 0.25, 0.4, 0.25], [0.9, 0.1, 0, 0]], np.float32))
    assert judged["order"].tolist() == [[2, 1, 3, 0], [0, 1, 2, 3]]  # of equal ones the first comes first
    assert answer(model(rule), judged[0], 2) == {
        "class": "blue",
        "probability": 0.4,
        "decided": False,
        "top": [{"class": "blue", "probability": 0.4}, {"class": "green", "probability": 0.25}],
        "set": ["blue", "green", "grey"],
        "set_coverage": 0.9,
    }
    assert answer(model(rule), judged[1], 9)["decided"]
    told = answer(model(DecisionRule()), judge(DecisionRule(), judged["probabilities"])[1], 9)
    assert (told["set"], told["set_coverage"], len(told["top"])) == (None, None, 4)


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_an_image_is_judged_alike_alone_and_among_others(method):
    rule = DecisionRule(0.5, Conformal(method, 0.9, 0.8))
    probabilities = np.random.default_rng(0).dirichlet(np.full(37, 0.1), 200).astype(np.float32)
    alone = np.concatenate([judge(rule, row[None]) for row in probabilities])
    assert (judge(rule, probabilities) == alone).all()
    assert 200 < alone["inside"].sum() < alone["inside"].size
