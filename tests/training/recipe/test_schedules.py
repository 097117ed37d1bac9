import math

import pytest
import torch

from sightline.parameters.sections import ScheduleShape
from sightline.training.recipe.schedules import CURVES, RISING, build_schedule

SHAPE = ScheduleShape(cycles=1, milestones=[0.5, 0.75], gamma=0.1, power=2.0, floor=0.0, patience=5)


def rates(name, warmup, steps, shape=SHAPE):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = build_schedule(optimizer, name, shape, warmup, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def changed(**values):
    return SHAPE.model_copy(update=values)


def test_warm_up_is_linear_and_wastes_no_step():
    assert rates("constant", 4, 6) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine_falls_from_the_peak_and_restarts():
    expected = [(1 + math.cos(math.pi * part)) / 2 for part in (0, 0.25, 0.5, 0.75)]
    assert rates("cosine", 0, 4) == pytest.approx(expected)
    assert rates("cosine", 0, 8, changed(cycles=2)) == pytest.approx(expected * 2)


def test_step_and_multistep_lower_where_they_should():
    assert rates("step", 0, 6) == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert rates("multistep", 0, 8) == pytest.approx([1] * 4 + [0.1] * 2 + [0.01] * 2)


def test_exponential_polynomial_linear_and_cyclic_by_hand():
    assert rates("exponential", 0, 2, changed(gamma=0.25)) == pytest.approx([1, 0.5])
    assert rates("polynomial", 0, 4) == pytest.approx([1, 0.5625, 0.25, 0.0625])
    assert rates("linear", 0, 4) == pytest.approx([1, 0.75, 0.5, 0.25])
    assert rates("cyclic", 0, 8, changed(cycles=2)) == pytest.approx([0, 0.5, 1, 0.5] * 2)


def test_a_floor_is_never_undercut():
    for name in CURVES:
        assert min(rates(name, 0, 50, changed(floor=0.2))) >= 0.2
    assert rates("linear", 0, 2, changed(floor=0.2)) == pytest.approx([1, 0.6])


@pytest.mark.parametrize("name", RISING)
def test_curves_that_rise_by_themselves_need_no_warm_up(name):
    assert rates(name, 10, 40) == rates(name, 0, 40)
    assert rates("cosine", 10, 40) != rates("cosine", 0, 40)


def test_one_cycle_is_that_of_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=101, cycle_momentum=False)
    expected = []
    for _ in range(100):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates("one_cycle", 0, 100) == pytest.approx(expected, abs=0.03)
