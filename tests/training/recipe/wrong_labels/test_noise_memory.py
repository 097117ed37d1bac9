import math

import pytest
import torch
from torch.nn import functional

from sightline.training.recipe.losses import LOSSES, Loss
from sightline.training.recipe.wrong_labels.memory import MEMORIES, EarlyLearning, SelfAdaptive

LABELS = torch.tensor([0, 1, 1], dtype=torch.int32)
LOGITS = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])  # probabilities (3/4, 1/4) and (1/2, 1/2)
ROWS = torch.tensor([2, 0])


def build(kind, epochs=10):
    return kind(Loss(LOSSES["cross_entropy"], 0.0, 0.0, None, None), LABELS, 2, epochs)


def test_early_learning_worked_out_by_hand():
    """The first average is 0.3 of the prediction, the second 0.7 of that and 0.3 of a new one, (1/4, 3/4)."""
    memory = build(EarlyLearning)
    targets = LABELS[ROWS].long()
    own = (math.log(4) + math.log(2)) / 2
    agreement = 0.3 * (9 / 16 + 1 / 16), 0.3 * (1 / 4 + 1 / 4)
    reward = 3 * (math.log(1 - agreement[0]) + math.log(1 - agreement[1])) / 2
    assert memory(LOGITS, targets, ROWS, 0).item() == pytest.approx(own + reward, rel=1e-5)
    memory(-LOGITS, targets, ROWS, 0)
    expected = [[0.255, 0.255], [0, 0], [0.7 * 0.3 * 0.75 + 0.3 * 0.25, 0.7 * 0.3 * 0.25 + 0.3 * 0.75]]
    torch.testing.assert_close(memory.said, torch.tensor(expected))


def test_early_learning_pulls_towards_what_was_said_by_the_gradient_of_the_paper():
    """It is p - y + 3 g / (1 - <p, t>), with g of class c: p_c (<p, t> - t_c)."""
    memory = build(EarlyLearning)
    memory.said[:] = torch.tensor([0.1, 0.6])
    logits = LOGITS.clone().requires_grad_()
    memory(logits, LABELS[ROWS].long(), ROWS, 0).backward()
    predicted = functional.softmax(LOGITS, dim=1)
    said = memory.said[ROWS]
    agreement = (predicted * said).sum(dim=1, keepdim=True)
    pull = predicted * (agreement - said) / (1 - agreement)
    expected = (predicted - functional.one_hot(LABELS[ROWS].long(), 2) + 3 * pull) / 2
    torch.testing.assert_close(logits.grad, expected)


def test_self_adaptive_targets_worked_out_by_hand():
    """After two of ten epochs the targets are 0.9 of the label and 0.1 of the prediction, and weigh their maximum."""
    memory = build(SelfAdaptive)
    targets = LABELS[ROWS].long()
    assert memory(LOGITS, targets, ROWS, 1).item() == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-5)
    assert memory.said.tolist() == [[1, 0], [0, 1], [0, 1]]
    losses = 0.075 * math.log(4 / 3) + 0.925 * math.log(4), math.log(2)
    expected = (0.925 * losses[0] + 0.95 * losses[1]) / (0.925 + 0.95)
    assert memory(LOGITS, targets, ROWS, 2).item() == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(memory.said, torch.tensor([[0.95, 0.05], [0, 1], [0.075, 0.925]]))


@pytest.mark.parametrize("kind", MEMORIES.values())
def test_what_was_said_is_given_back_and_no_gradient_goes_into_it(kind):
    first, second = build(kind), build(kind)
    logits = LOGITS.clone().requires_grad_()
    first(logits, LABELS[ROWS].long(), ROWS, 9)
    assert not first.said.requires_grad
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(LOGITS, LABELS[ROWS].long(), ROWS, 9), first(LOGITS, LABELS[ROWS].long(), ROWS, 9))
