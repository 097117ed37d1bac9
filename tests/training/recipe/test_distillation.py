import math

import pytest
import torch
from torch.nn import functional

from sightline.training.recipe.distillation import Distillation, divergence


def test_the_divergence_is_zero_for_the_same_logits_however_shifted():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    assert divergence(logits, logits + 7, 4.0).item() == pytest.approx(0, abs=1e-6)


def test_the_divergence_by_hand():
    student, teacher = torch.zeros(1, 2), torch.log(torch.tensor([[0.8, 0.2]]))
    expected = 0.8 * torch.log(torch.tensor(0.8 / 0.5)) + 0.2 * torch.log(torch.tensor(0.2 / 0.5))
    assert divergence(student, teacher, 1.0).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_divergence_at_temperature_two_by_hand():
    """Logits 0 and ln 9 halved are 0 and ln 3: the teacher says 1/4 and 3/4, the student twice 1/2; times 2 squared."""
    student, teacher = torch.zeros(1, 2), torch.tensor([[0.0, math.log(9)]])
    expected = 4 * (0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    assert divergence(student, teacher, 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_gradients_keep_their_size_at_high_temperatures():
    """Towards infinity the gradient becomes (student - teacher) / classes for centred logits (Hinton, section 2.1)."""
    student = torch.tensor([[1.0, -1.0, 0.0]], requires_grad=True)
    teacher = torch.tensor([[2.0, 1.0, -3.0]])
    divergence(student, teacher, 1000.0).backward()
    assert student.grad.flatten().tolist() == pytest.approx([-1 / 3, -2 / 3, 1.0], abs=5e-3)


def test_weight_divides_the_loss_between_labels_and_teacher():
    images, logits, labels = torch.rand(2, 3, 4, 4), torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1])
    hard, taught = functional.cross_entropy(logits, labels), logits.flip(1)
    for weight in (0.0, 0.25, 1.0):
        loss = Distillation(lambda images: taught, 2.0, weight)(hard, logits, images)
        expected = (1 - weight) * hard + weight * divergence(logits, taught, 2.0)
        assert loss.item() == pytest.approx(expected.item())
