import pytest
import torch

from sightline.training.augmentation.mixing import Mixing, cut_edges


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Image i shows i everywhere and has label i."""
    return torch.arange(count).float().view(-1, 1, 1, 1).expand(count, 3, 8, 8), torch.arange(count)


def test_mixup_blends_pixels_and_labels_by_the_same_share():
    images, labels = flat(50)
    mixed, targets = Mixing(mixup=0.8, cutmix=0.0, mix_prob=1.0, mix_switch_prob=0.5)(images, labels, 50, generator())
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(50))
    torch.testing.assert_close(mixed[:, 0, 0, 0], targets @ torch.arange(50.0))
    assert (mixed == mixed[:, :1, :1, :1]).all()
    kept = targets[labels, labels]
    assert len(kept.unique()) > 40 and kept.min() < 0.2 and kept.max() > 0.8
    torch.testing.assert_close(targets[3, 2] + targets[3, 3], torch.tensor(1.0))  # its neighbour is the one before


def test_cutmix_gives_each_label_the_area_that_it_shows():
    images, labels = flat(50)
    mixed, targets = Mixing(mixup=0.0, cutmix=1.0, mix_prob=1.0, mix_switch_prob=0.0)(images, labels, 50, generator())
    own = (mixed == images).float().mean(dim=(1, 2, 3))
    other = (mixed == images.roll(1, 0)).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(own + other, torch.ones(50))
    torch.testing.assert_close(targets[labels, labels], own)
    torch.testing.assert_close(targets[labels, labels.roll(1)], other)
    assert len(own.unique()) > 10


def test_probability_and_switch_decide_how_many_images_get_what():
    images, labels = flat(4000)
    mixed, _ = Mixing(mixup=1.0, cutmix=1.0, mix_prob=0.5, mix_switch_prob=0.25)(images, labels, 4000, generator())
    uniform = (mixed == mixed[:, :1, :1, :1]).flatten(1).all(dim=1)
    untouched = (mixed == images).flatten(1).all(dim=1)
    blended = uniform & ~untouched
    assert blended.double().mean() == pytest.approx(0.5 * 0.75, abs=0.05)
    assert (~uniform).double().mean() == pytest.approx(0.5 * 0.25, abs=0.03)  # a few boxes are empty or whole


def test_alpha_shapes_the_kept_share():
    _, small = Mixing(0.1, 0.0, 1.0, 0.0).draw(4000, generator())
    _, large = Mixing(10.0, 0.0, 1.0, 0.0).draw(4000, generator())
    assert small.double().var().item() == pytest.approx(0.25 / 1.2, abs=0.01)  # of Beta(a, a): 1 / (4 (2 a + 1))
    assert large.double().var().item() == pytest.approx(0.25 / 21, abs=0.002)
    assert small.double().mean().item() == pytest.approx(0.5, abs=0.03)


def test_without_mixing_targets_are_one_hot_and_images_stay():
    images, labels = flat(6)
    mixing = Mixing(mixup=0.0, cutmix=0.0, mix_prob=1.0, mix_switch_prob=0.5)
    mixed, targets = mixing(images, labels, 6, generator())
    assert not mixing.on and Mixing(0.2, 0.0, 1.0, 0.5).on and not Mixing(0.2, 0.0, 0.0, 0.5).on
    assert torch.equal(mixed, images) and torch.equal(targets, torch.eye(6))


def test_a_single_image_mixes_with_itself():
    images, labels = flat(1)
    mixed, targets = Mixing(1.0, 1.0, 1.0, 0.5)(images + 0.5, labels, 3, generator())
    torch.testing.assert_close(mixed, images + 0.5)
    torch.testing.assert_close(targets, torch.tensor([[1.0, 0.0, 0.0]]))


def test_equal_seeds_give_equal_mixes():
    images, labels = flat(20)
    mixing = Mixing(0.4, 1.0, 1.0, 0.5)
    first, again, other = (mixing(images, labels, 20, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_cut_boxes_have_the_area_asked_for_unless_the_edge_clips_them():
    edges = cut_edges(torch.full((3000,), 0.75), 100, 100, generator())
    sides = edges[:, 2:] - edges[:, :2]
    assert sides.max() <= 51 and edges.min() == 0 and edges.max() == 100
    whole = ((edges > 0) & (edges < 100)).all(dim=1)
    assert set(sides[whole].flatten().tolist()) <= {49, 50, 51}
    assert sides[~whole].min() < 40
