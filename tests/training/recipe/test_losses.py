import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from timm.loss import BinaryCrossEntropy, SoftTargetCrossEntropy
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from sightline.training.recipe.losses import LOSSES, Loss, as_soft, class_weights, l1_norm, logit_offsets

LN3, LN4 = math.log(3), math.log(4)
COUNTS = np.array([60, 30, 10])


def build(name="cross_entropy", smoothing=0.0, gamma=2.0, weights=None, offsets=None) -> Loss:
    return Loss(LOSSES[name], smoothing, gamma, weights, offsets)


def random_case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits [16, 3], labels [16], soft targets [16, 3]."""
    stream = torch.Generator().manual_seed(1)
    logits = torch.randn((16, 3), generator=stream) * 2
    return (
        logits,
        torch.randint(3, (16,), generator=stream),
        torch.softmax(torch.randn((16, 3), generator=stream), dim=1),
    )


QUARTERS = torch.tensor([[0.0, LN3], [LN3, 0.0]])  # probabilities (1/4, 3/4) and (3/4, 1/4)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (build(), (LN4 + LN4) / 2),
        (build(smoothing=0.2), 0.9 * LN4 + 0.1 * (LN4 - LN3)),
        (build("focal"), 9 / 16 * LN4),
        (build("focal", gamma=0.5), math.sqrt(3) / 2 * LN4),
        (build("bce"), (math.log(2) + LN4) / 2),  # sigmoid(0) for the label, 1 - sigmoid(ln 3) for the other class
        (build(weights=torch.tensor([3.0, 1.0])), (3 + 1) / 2 * LN4),
        (build(offsets=torch.tensor([LN3, 0.0])), (math.log(2) + math.log(10)) / 2),  # (1/2, 1/2) and (9/10, 1/10)
    ],
)
def test_losses_worked_out_by_hand(loss, expected):
    assert loss(QUARTERS, torch.tensor([0, 1])).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 1.0, 2.0])])
def test_a_label_counts_as_its_one_hot_target_and_parts_average_to_the_whole(name, smoothing, weights):
    logits, labels, _ = random_case()
    loss = build(name, smoothing, weights=weights)
    whole = loss(logits, labels)
    torch.testing.assert_close(whole, loss(logits, as_soft(labels, 3)))
    torch.testing.assert_close(whole, (loss(logits[:8], labels[:8]) + loss(logits[8:], labels[8:])) / 2)


def test_cross_entropy_agrees_with_torch_and_timm():
    logits, labels, soft = random_case()
    weights = torch.tensor([0.5, 1.0, 2.0])
    reference = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(build(smoothing=0.1, weights=weights)(logits, labels), reference(logits, labels).mean())
    torch.testing.assert_close(
        build(smoothing=0.1)(logits, labels), nn.CrossEntropyLoss(label_smoothing=0.1)(logits, labels)
    )
    torch.testing.assert_close(build()(logits, soft), SoftTargetCrossEntropy()(logits, soft))


def test_binary_cross_entropy_agrees_with_timm():
    logits, labels, soft = random_case()
    torch.testing.assert_close(build("bce")(logits, soft), BinaryCrossEntropy(smoothing=0.0)(logits, soft))
    torch.testing.assert_close(build("bce", 0.1)(logits, labels), BinaryCrossEntropy(smoothing=0.1)(logits, labels))


def test_class_weight_of_binary_cross_entropy_is_that_of_the_image():
    logits, labels, _ = random_case()
    weights = torch.tensor([0.5, 1.0, 2.0])
    rows = [build("bce")(logits[i : i + 1], labels[i : i + 1]) * weights[labels[i]] for i in range(16)]
    torch.testing.assert_close(build("bce", weights=weights)(logits, labels), torch.stack(rows).mean())


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_focal_of_two_classes_is_torchvisions_sigmoid_focal(gamma):
    stream = torch.Generator().manual_seed(2)
    score, labels = torch.randn(32, generator=stream), torch.randint(2, (32,), generator=stream)
    logits = torch.stack([torch.zeros(32), score], dim=1)
    found = build("focal", gamma=gamma, weights=torch.tensor([0.75, 0.25]))(logits, labels)
    expected = sigmoid_focal_loss(score, labels.float(), alpha=0.25, gamma=gamma, reduction="mean")
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 1.0, 2.0])])
def test_focal_without_gamma_is_cross_entropy(weights):
    logits, _, soft = random_case()
    found = build("focal", 0.1, gamma=0.0, weights=weights)(logits, soft)
    torch.testing.assert_close(found, build(smoothing=0.1, weights=weights)(logits, soft))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_certain_predictions_right_and_wrong_have_finite_losses_and_gradients(name, gamma):
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    loss = build(name, gamma=gamma)(logits, torch.tensor([0, 0]))
    loss.backward()
    assert math.isfinite(loss.item()) and torch.isfinite(logits.grad).all()
    assert loss.item() > 90


def test_logits_of_low_precision_are_taken_as_float32():
    logits, labels, _ = random_case()
    found = build()(logits.bfloat16(), labels)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, build()(logits.bfloat16().float(), labels))


def test_balanced_weights_are_scikit_learns():
    labels = np.repeat([0, 1, 2], COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(class_weights("balanced", COUNTS, 0.9).numpy(), expected, rtol=1e-6)


def test_effective_numbers_worked_out_by_hand():
    # beta 0.5, counts 1 and 2: effective numbers 1 and 1.5, so weights 1 and 2/3, whose mean over the images is 7/9
    found = class_weights("effective_number", np.array([1, 2]), 0.5)
    assert found.tolist() == pytest.approx([9 / 7, 6 / 7])


def test_effective_number_runs_from_equal_to_balanced():
    assert class_weights("none", COUNTS, 0.9) is None
    assert class_weights("effective_number", COUNTS, 0.0).tolist() == pytest.approx([1, 1, 1])
    nearly = class_weights("effective_number", COUNTS, 1 - 1e-7)
    assert nearly.tolist() == pytest.approx(class_weights("balanced", COUNTS, 0).tolist(), rel=1e-4)


@pytest.mark.parametrize("name", ["balanced", "effective_number"])
def test_weights_average_to_one_over_the_images_even_where_a_class_has_none(name):
    counts = np.array([50, 0, 3])
    weights = class_weights(name, counts, 0.99).numpy()
    assert np.isfinite(weights).all() and (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights[1] == weights.max()


def test_logit_offsets_are_the_logarithms_of_the_shares():
    found = logit_offsets(0.5, COUNTS)
    assert found.tolist() == pytest.approx([0.5 * math.log(share) for share in (0.6, 0.3, 0.1)])
    assert logit_offsets(0.0, COUNTS) is None
    assert torch.isfinite(logit_offsets(1.0, np.array([5, 0]))).all()


def test_logit_adjustment_of_constant_logits_has_its_optimum_at_equal_scores():
    """With equal logits the adjusted softmax is the prior, where the gradient over the training images is zero."""
    logits = torch.zeros((100, 3), requires_grad=True)
    labels = torch.from_numpy(np.repeat([0, 1, 2], COUNTS))
    build(offsets=logit_offsets(1.0, COUNTS))(logits, labels).backward()
    torch.testing.assert_close(logits.grad.sum(dim=0), torch.zeros(3), atol=1e-6, rtol=0)


def test_l1_counts_trained_weights_but_no_norms_and_biases():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    nn.init.constant_(network[0].weight, -0.5)
    nn.init.constant_(network[2].weight, 3.0)
    assert l1_norm(network).item() == pytest.approx(4 * 0.5 + 2 * 3)
    network[2].weight.requires_grad_(False)
    norm = l1_norm(network)
    norm.backward()
    assert norm.item() == pytest.approx(2) and network[0].weight.grad.tolist() == [[-1, -1], [-1, -1]]
