import time

import pytest
import torch

from sightline.training.batches import balanced_order

LABELS = torch.tensor([0] * 80 + [1] * 16 + [2] * 4)


def order(power: float, seed: int = 0, labels: torch.Tensor = LABELS) -> torch.Tensor:
    return balanced_order(labels, power, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (1.0, [33, 34, 33]),  # thirds of 100
        (0.0, [80, 16, 4]),
        (0.5, [60, 27, 13]),  # square roots 8.94 : 4 : 2 of 14.94
    ],
)
def test_classes_get_their_quotas(power, expected):
    assert torch.bincount(LABELS[order(power)]).tolist() == expected


def test_power_zero_shows_every_image_once():
    assert sorted(order(0.0).tolist()) == list(range(100))


def test_no_image_comes_twice_before_all_of_its_class_came():
    times = torch.bincount(order(1.0), minlength=100)
    assert set(times[:80].tolist()) == {0, 1}
    assert set(times[80:96].tolist()) == {2, 3} and set(times[96:].tolist()) == {8, 9}


def test_classes_are_spread_over_the_epoch():
    labels = torch.tensor([0] * 9000 + [1] * 1000)
    halves = labels[order(1.0, labels=labels)].view(2, 5000).double().mean(dim=1)
    assert halves.tolist() == pytest.approx([0.5, 0.5], abs=0.03)


def test_orders_follow_the_seed():
    assert torch.equal(order(1.0, 3), order(1.0, 3))
    assert not torch.equal(order(1.0, 3), order(1.0, 4))
    assert set(order(1.0, 3)[LABELS[order(1.0, 3)] == 0].tolist()) != set(
        order(1.0, 4)[LABELS[order(1.0, 4)] == 0].tolist()
    )


@pytest.mark.parametrize("labels", [[2, 2, 5], [7], [0, 3]])
def test_classes_without_images_and_tiny_sets(labels):
    labels = torch.tensor(labels)
    for power in (0.0, 0.5, 1.0):
        found = order(power, labels=labels)
        assert len(found) == len(labels) and found.min() >= 0 and found.max() < len(labels)


def test_a_million_images_take_less_than_two_seconds():
    labels = torch.randint(1000, (1_000_000,), generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    found = order(1.0, labels=labels)
    assert time.perf_counter() - start < 2
    assert len(found) == 1_000_000
