"""SimSiam's loss against numbers by hand and by lightly 1.6.0's `NegativeCosineSimilarity`."""

import pytest
import torch

from sightline.pretraining.methods.simsiam import symmetric_cosine
from small_learners import rows


def test_the_loss_is_that_of_lightly():
    predictions, embeddings = [rows(5, 3, 0.0), rows(5, 3, 0.4)], [rows(5, 3, 0.9), rows(5, 3, 1.3)]
    assert symmetric_cosine(predictions, embeddings).item() == pytest.approx(-0.5593029260635376, rel=1e-6)


def test_each_prediction_meets_the_other_view_which_is_held_still():
    views = [torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 4.0]], requires_grad=True)]
    predictions = [torch.tensor([[0.0, 5.0]], requires_grad=True), torch.tensor([[1.0, 0.0]])]
    loss = symmetric_cosine(predictions, views)
    assert loss.item() == pytest.approx(-(0.8 + 1.0) / 2)
    loss.backward()
    assert views[1].grad is None
    assert predictions[0].grad is not None
