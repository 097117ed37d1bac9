"""The network that follows another one, by numbers worked out by hand."""

import pytest
import torch
from torch import nn

from sightline.pretraining.methods.teacher import Teacher, kept


@pytest.mark.parametrize(
    ("done", "updates", "expected"),
    [
        (1, 1000, 2 / 11),  # the warm-up
        (10_000, 40_000, 1 - 0.02 * (1 + 0.5**0.5) / 2),  # a quarter of the way
        (20_000, 40_000, 0.99),
        (40_000, 40_000, 40_001 / 40_010),
    ],
)
def test_the_average_keeps_more_and_more(done, updates, expected):
    assert kept(0.98, done, updates) == pytest.approx(expected, abs=1e-9)


def test_weights_and_statistics_follow_and_counters_stay():
    norm = nn.BatchNorm1d(2)
    teacher = Teacher(norm, 0.5)
    norm(torch.tensor([[0.0, 4.0], [2.0, 4.0]]))
    with torch.no_grad():
        norm.weight.fill_(3.0)
    teacher.follow(norm, done=8, updates=16)  # keeps 9 / 18
    assert teacher.network.weight.tolist() == [2.0, 2.0]
    assert teacher.network.running_mean.tolist() == pytest.approx([0.05, 0.2])  # half of a tenth of the batch's
    assert teacher.network.num_batches_tracked == 0


def test_it_never_looks_at_a_batch_as_a_whole():
    teacher = Teacher(nn.BatchNorm1d(2), 0.9).train()
    images = torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    assert torch.equal(teacher(images)[:1], teacher(images[:1]))
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
