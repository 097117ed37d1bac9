"""DINO's loss and centre against numbers by hand and by lightly 1.6.0.

The expected numbers are what `DINOLoss(output_dim=6, teacher_temp=0.04, student_temp=0.1)` of lightly gave, called
three times, and its `center` thereafter.
"""

import math

import pytest
import torch

from sightline.pretraining.methods.dino import DINO, self_distillation
from small_learners import Flat, images, read_settings, rows

LIGHTLY = {0.0: 1.4288452863693237, 0.3: 2.3333258628845215, 0.5: 2.20635724067688}


def test_the_loss_is_that_of_lightly():
    center = torch.zeros(6)
    for shift, expected in LIGHTLY.items():
        guesses = torch.cat([rows(4, 6, start + shift) for start in (0.0, 0.4)])
        aims = torch.cat([rows(4, 6, start + shift) for start in (0.7, 0.2)])
        assert self_distillation(guesses, aims, center, 0.1, 0.04).item() == pytest.approx(expected, rel=1e-6)
        center = 0.9 * center + 0.1 * aims.mean(dim=0)


def test_shares_of_two_prototypes_by_hand():
    guess = torch.tensor([[math.log(3.0), 0.0]])  # 3/4 and 1/4 at a temperature of 1
    aim = torch.tensor([[2.0, 2.0 + math.log(4.0) / 2]])  # 1/5 and 4/5 at 1/2
    loss = self_distillation(guess, aim, torch.zeros(2), 1.0, 0.5)
    assert loss.item() == pytest.approx(-0.2 * math.log(3 / 4) - 0.8 * math.log(1 / 4))
    even = self_distillation(guess, aim, aim[0], 1.0, 0.5)  # all that the teacher says is its centre
    assert even.item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4)) / 2)


def test_a_step_moves_the_centre_by_a_tenth_to_what_the_teacher_says(workspace):
    torch.manual_seed(0)
    learner = DINO(Flat(), read_settings())
    _, scores = learner.teacher(torch.cat([images(0.0), images(0.1)]))
    learner(images(0.0), images(0.1))
    assert torch.allclose(learner.center, scores.mean(dim=0) / 10)
