"""What holds for every method of pretraining: it learns, and goes on from its state with the same numbers."""

import copy

import pytest
import torch

from sightline.pretraining.learners import LEARNERS
from sightline.pretraining.methods.learner import cosines
from small_learners import Flat, images, read_settings, rows


@pytest.fixture(params=LEARNERS)
def build(request, workspace):
    """Return a function that builds a learner of one of the methods from a seed, with its optimizer."""

    def learner(seed):
        torch.manual_seed(seed)
        built = LEARNERS[request.param](Flat(), read_settings())
        return built, torch.optim.SGD(built.parameters(), lr=0.05, momentum=0.9)

    return learner


def learn(learner, optimizer, updates):
    """Make updates by the same two views; return each one's loss."""
    losses = []
    for done in updates:
        optimizer.zero_grad()
        loss, embeddings = learner(images(0.0), images(0.1))
        assert embeddings.shape == (6, 8)
        loss.backward()
        optimizer.step()
        learner.after_update(done + 1, 60)
        losses.append(loss.item())
    return losses


def test_it_learns_with_all_that_it_has(build):
    learner, optimizer = build(0)
    memory = {name: kept.clone() for name, kept in learner.named_buffers(recurse=False)}  # MoCo's queue
    first, *_ = learn(learner, optimizer, range(30))
    learner.load_state_dict(memory, strict=False)
    assert learner(images(0.0), images(0.1))[0].item() < first
    learning = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in learning)
    assert all(parameter.grad is None for parameter in learner.parameters() if not parameter.requires_grad)


def test_it_goes_on_from_its_state_with_the_same_numbers(build):
    learner, optimizer = build(0)
    learn(learner, optimizer, range(3))
    other, others_optimizer = build(1)
    other.load_state_dict(learner.state_dict())
    others_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert learn(other, others_optimizer, range(3, 9)) == learn(learner, optimizer, range(3, 9))


def test_its_loss_is_of_single_precision_where_the_network_is_of_half(build):
    learner, _ = build(0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, embeddings = learner(images(0.0), images(0.1))
    assert embeddings.dtype == torch.bfloat16
    assert loss.dtype == torch.float32


def test_cosines_are_never_of_half_precision():
    first, second = rows(4, 3, 0.0), rows(4, 3, 0.4)
    with torch.autocast("cpu", torch.bfloat16):
        within = cosines(first, second)
    assert torch.equal(within, cosines(first, second))
