import math

import pytest
import torch

from sightline.training.recipe.losses import LOSSES, Loss, as_soft
from sightline.training.recipe.wrong_labels.robust_losses import (
    ROBUST,
    choose_loss,
    generalized_cross_entropy,
    symmetric_cross_entropy,
)

LN4 = math.log(4)
LOGITS = torch.tensor([[0.0, math.log(3)], [math.log(3), 0.0]])  # probabilities (1/4, 3/4) and (3/4, 1/4)
LABELS = torch.tensor([0, 1])  # whose probability is 1/4 both times
OWN, OTHER = (1 - (1 / 4) ** 0.7) / 0.7, (1 - (3 / 4) ** 0.7) / 0.7


def build(per_image, smoothing=0.0, weights=None) -> Loss:
    return Loss(per_image, smoothing, 0.0, weights, None)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (build(generalized_cross_entropy), OWN),
        (build(generalized_cross_entropy, weights=torch.tensor([3.0, 1.0])), (3 + 1) / 2 * OWN),
        (build(generalized_cross_entropy, smoothing=0.2), 0.9 * OWN + 0.1 * OTHER),
        (build(symmetric_cross_entropy), 0.1 * LN4 + 4 * 3 / 4),
        (build(symmetric_cross_entropy, weights=torch.tensor([3.0, 1.0])), (3 + 1) / 2 * (0.1 * LN4 + 4 * 3 / 4)),
    ],
)
def test_losses_worked_out_by_hand(loss, expected):
    assert loss(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("per_image", ROBUST.values())
def test_a_label_counts_as_its_one_hot_target_and_a_wrong_one_has_a_bounded_gradient(per_image):
    loss = build(per_image)
    torch.testing.assert_close(loss(LOGITS, LABELS), loss(LOGITS, as_soft(LABELS, 2)))
    logits = torch.tensor([[0.0, 30.0]], requires_grad=True)
    value = loss(logits, LABELS[:1])
    value.backward()
    assert value < 10 and torch.isfinite(logits.grad).all()


def test_a_wrong_label_pulls_less_than_by_cross_entropy():
    """The gradient of (1 - p^q) / q is p^q times that of -log p."""
    pulls = []
    for per_image in (generalized_cross_entropy, LOSSES["cross_entropy"]):
        logits = LOGITS.clone().requires_grad_()
        build(per_image)(logits, LABELS).backward()
        pulls.append(logits.grad[0, 0].item())
    assert pulls[0] == pytest.approx(pulls[1] * (1 / 4) ** 0.7, rel=1e-5)


def test_noise_takes_the_place_of_the_loss_where_it_names_one():
    assert choose_loss("gce", "cross_entropy") is generalized_cross_entropy
    assert choose_loss("prune", "focal") is LOSSES["focal"]
