"""DINO's loss and centre against numbers by hand and by lightly 1.6.0, and its local views.

The expected numbers are what `DINOLoss(output_dim=6, teacher_temp=0.04, student_temp=0.1)` of lightly gave, called
three times.
"""

import math

import pytest
import torch

from sightline.pretraining.methods.dino import DINO, next_center, self_distillation
from small_learners import Flat, images, read_settings, rows

LIGHTLY = {0.0: 2.598142623901367, 0.3: 3.185628890991211, 0.5: 2.9764347076416016}


def test_loss_and_centre_are_those_of_lightly():
    center = torch.zeros(6)
    for shift, expected in LIGHTLY.items():
        guesses = [rows(4, 6, start + shift) for start in (0.0, 0.4, 0.9, 1.3)]
        aims = [rows(4, 6, start + shift) for start in (0.2, 0.7)]
        assert self_distillation(guesses, aims, center, 0.1, 0.04).item() == pytest.approx(expected, rel=1e-6)
        center = next_center(center, aims)
    assert center[:2].tolist() == pytest.approx([0.043455757200717926, 0.06319840252399445])


def test_no_view_is_compared_with_itself_by_hand():
    sure = torch.tensor([[0.0, -1000.0]])  # all of the share to the first
    even = torch.zeros(1, 2)
    loss = self_distillation([sure, even, even], [sure, sure], torch.zeros(2), 1.0, 1.0)
    assert loss.item() == pytest.approx((3 * math.log(2) + 0) / 4)


def test_local_views_are_of_another_size_and_no_business_of_the_teacher(workspace):
    class Mean(Flat):
        features = 3

        def forward(self, pixels):
            return pixels.mean(dim=(2, 3))

    torch.manual_seed(0)
    learner = DINO(Mean(), read_settings())
    seen = []
    learner.teacher.register_forward_hook(lambda module, arguments, scores: seen.append(arguments[0].shape))
    loss, embeddings = learner(images(0.0), images(0.1), images(0.2)[..., :1, :1], images(0.3)[..., :1, :1])
    assert seen == [(12, 3, 2, 2)]
    assert embeddings.shape == (6, 8)
    assert torch.isfinite(loss)
    assert learner.center.abs().sum() > 0
