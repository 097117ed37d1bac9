import copy

import pytest
import torch
from timm.utils import ModelEmaV3
from torch import nn
from torch.optim.swa_utils import AveragedModel

from sightline.training.recipe.averaging import WeightAverage


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def drift(model):
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.add_(1)


def tensors(model):
    return [*model.parameters(), *model.buffers()]


def test_an_exponential_average_is_timms_once_its_warm_up_is_over():
    model = network()
    average, reference = WeightAverage(model, "ema", 0.9, 0), ModelEmaV3(model, decay=0.9)
    average.after_update(model)
    average.averaged = 1000
    for _ in range(3):
        drift(model)
        average.after_update(model)
        reference.update(model)
    for ours, theirs in zip(tensors(average.network), tensors(reference.module), strict=True):
        if ours.is_floating_point():
            assert torch.allclose(ours, theirs)


def test_the_first_updates_count_more():
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = WeightAverage(model, "ema", 0.999, 0)
    average.after_update(model)
    model.weight.data.fill_(1.0)
    average.after_update(model)
    assert average.network.weight.item() == pytest.approx(1 - 2 / 11)  # (1 + 1) / (10 + 1) of the old is left


def test_an_equal_average_is_torchs_from_its_first_epoch_on():
    model = network()
    average = WeightAverage(model, "swa", 0.0, start_epoch=1)
    average.after_update(model)  # not for it
    drift(model)
    average.after_epoch(model, 0)
    assert all(torch.equal(*pair) for pair in zip(tensors(average.network), tensors(model), strict=True))
    reference = None
    for epoch in (1, 2, 3):
        drift(model)
        average.after_epoch(model, epoch)
        reference = reference or AveragedModel(model)
        reference.update_parameters(model)
    for ours, theirs in zip(average.network.parameters(), reference.module.parameters(), strict=True):
        assert torch.allclose(ours, theirs)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_an_average_goes_on_from_its_state(kind):
    model = network()
    average = WeightAverage(model, kind, 0.9, 0)
    for epoch in range(3):
        drift(model)
        average.after_update(model)
        average.after_epoch(model, epoch)
    other = WeightAverage(network(), kind, 0.9, 0)
    other.load_state_dict(copy.deepcopy(average.state_dict()))
    drift(model)
    for one in (average, other):
        one.after_update(model)
        one.after_epoch(model, 3)
    assert all(torch.equal(*pair) for pair in zip(tensors(average.network), tensors(other.network), strict=True))
