import numpy as np
import pytest
import torch

from sightline.explaining.explainer import Case, Explainer
from sightline.explaining.quality.measure import RANDOM, measure_quality
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import SETTINGS, Weighted, subject

WEIGHTS = [[6.0, 0], [0, 2.0]]  # of half-white pixels: 0.75 of the probability is the upper left's
GOOD, BAD = np.array([[1.0, 0.2], [0.1, 0.5]]), np.array([[0.0, 0.5], [0.6, 0.0]])


def explainer(network=None, size: int = 2, methods=("occlusion", "lime")) -> Explainer:
    model = subject(network or Weighted(WEIGHTS), size)
    return Explainer([model], np.zeros((1, size, size, 3), np.uint8), list(methods), SETTINGS)


def case(box=None) -> Case:
    return Case(0, torch.full((1, 3, 2, 2), 0.5), 0, {"occlusion": GOOD, "lime": BAD}, box)


def test_areas_by_hand():
    quality = measure_quality(explainer(), [case()], steps=4)
    found = quality.metrics
    # deleted best first: 1, 0.25, 0, 0, 0; the mean of neighbours, added up over 4 steps
    assert found["occlusion"]["deletion_auc"] == pytest.approx((0.625 + 0.125) / 4)
    # worst first, the two blank corners in either order: 1, 1, 1, then 0.25 or 0.75, then 0
    assert found["lime"]["deletion_auc"] in (pytest.approx((1 + 1 + 0.625 + 0.125) / 4), pytest.approx(3.25 / 4))
    assert set(found) == {"occlusion", "lime", RANDOM}
    assert len(quality.curves) == 3 * 2 * 5
    assert quality.notes == ["no shuffled_rank_correlation: here has no weights to shuffle"]


def test_random_order_does_not_depend_on_the_other_methods():
    both = measure_quality(explainer(), [case()], steps=4).metrics
    alone = Case(0, case().image, 0, {"lime": BAD}, None)
    assert measure_quality(explainer(methods=["lime"]), [alone], steps=4).metrics[RANDOM] == both[RANDOM]


def test_pointing_counts_boxes():
    inside, outside = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 2.0, 2.0])
    found = measure_quality(explainer(), [case(inside), case(outside), case()], steps=2).metrics
    assert found["occlusion"]["pointing"] == 0.5
    assert found["lime"]["pointing"] == 0
    assert "pointing" not in measure_quality(explainer(), [case()], steps=2).metrics["lime"]


def test_nothing_to_measure():
    for nothing in ((explainer(), []), (explainer(methods=[]), [case()])):
        quality = measure_quality(*nothing, steps=2)
        assert (quality.metrics, len(quality.curves), quality.notes) == ({}, 0, [])
        assert list(quality.curves.columns) == ["method", "measure", "share", "probability"]


def test_maps_that_ignore_the_weights_are_noted(monkeypatch):
    torch.manual_seed(0)
    image = torch.rand(1, 3, 16, 16)
    heat = np.random.default_rng(0).random((16, 16))
    monkeypatch.setattr("sightline.explaining.quality.measure.explain_each", lambda *_: [heat])
    cases = [Case(0, image, 0, {"gradcam": heat}, None)]
    quality = measure_quality(explainer(SimpleCNN(4, 0.0), 16, ["gradcam"]), cases, steps=1)
    assert quality.metrics["gradcam"]["shuffled_rank_correlation"] == pytest.approx(1)
    assert len(quality.notes) == 1
    assert quality.notes[0].startswith(
        "gradcam: maps keep much of their order when the weights are shuffled (rank correlation"
    )
