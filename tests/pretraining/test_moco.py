"""MoCo's loss and queue against numbers by hand and by lightly 1.6.0.

The expected numbers are what `NTXentLoss(temperature, memory_bank_size=(8, 3))` of lightly gave for three batches of
keys, after its bank was set to `rows(8, 3, 0.9)`, of which it replaces the first four at first.
"""

import math

import pytest
import torch
from torch.nn import functional

from sightline.pretraining.methods.moco import MoCo, enqueue, info_nce
from small_learners import Flat, images, read_settings, rows


@pytest.mark.parametrize(
    ("temperature", "lightly"),
    [
        (0.1, [0.35484278202056885, 0.6769850254058838, 2.468928813934326]),
        (0.5, [1.2940250635147095, 1.2804912328720093, 1.6677950620651245]),
    ],
)
def test_loss_and_queue_are_those_of_lightly(temperature, lightly):
    queue = functional.normalize(rows(8, 3, 0.9), dim=1).roll(4, dims=0)
    for start, expected in zip((0.4, 0.2, 0.6), lightly, strict=True):
        keys = functional.normalize(rows(4, 3, start), dim=1)
        assert info_nce(rows(4, 3, 0.0), keys, queue, temperature).item() == pytest.approx(expected, rel=1e-6)
        queue = enqueue(keys, queue)


def test_an_image_among_two_others_by_hand():
    own, others = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0], [-3.0, 0.0]])
    expected = math.log(math.e + 1 + 1 / math.e) - 1  # its key at cosine 1, the others at 0 and -1
    assert info_nce(own, own, others, 1.0).item() == pytest.approx(expected)


def test_the_newest_keys_replace_the_oldest():
    queue = torch.arange(5.0).view(5, 1)
    assert enqueue(torch.tensor([[8.0], [9.0]]), queue).flatten().tolist() == [8, 9, 0, 1, 2]
    assert enqueue(10 + queue.repeat(2, 1), queue).flatten().tolist() == [10, 11, 12, 13, 14]


def test_a_step_puts_what_the_teacher_saw_into_the_queue(workspace):
    torch.manual_seed(0)
    learner = MoCo(Flat(), read_settings())
    expected = functional.normalize(learner.teacher(images(0.1)), dim=1)
    learner(images(0.0), images(0.1))
    assert torch.allclose(learner.queue[:6], expected)
    assert learner.queue.shape == (1024, 8)
