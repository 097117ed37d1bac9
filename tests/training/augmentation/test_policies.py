import math
from types import SimpleNamespace

import pytest
import torch
from torchvision.transforms import AutoAugment, AutoAugmentPolicy
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from sightline.training.augmentation import policies
from sightline.training.augmentation.operations import NAMES, SIGNED, apply_operations
from sightline.training.augmentation.policies import (
    AUGMIX,
    POLICIES,
    RANDOM,
    aug_mix,
    auto_augment,
    draw_operations,
    draw_values,
    learned_policy,
    rand_augment,
    wide_space,
)

BLACK = (0.0, 0.0, 0.0)
SIDE = 20


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(count: int = 2) -> torch.Tensor:
    coarse = torch.rand((count, 3, 5, 5), generator=generator(8))
    smooth = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round() / 255


def sheared(image: torch.Tensor, x: float, y: float) -> torch.Tensor:
    degrees = [math.degrees(math.atan(x)), math.degrees(math.atan(y))]
    return tv.affine(image, 0.0, [0, 0], 1.0, degrees, InterpolationMode.BILINEAR, center=[0, 0])


EXPECTED = {
    "ShearX": lambda image, value: sheared(image, value, 0.0),
    "ShearY": lambda image, value: sheared(image, 0.0, value),
    "TranslateX": lambda image, value: tv.affine(image, 0.0, [round(value * SIDE), 0], 1.0, [0.0, 0.0]),
    "TranslateY": lambda image, value: tv.affine(image, 0.0, [0, round(value * SIDE)], 1.0, [0.0, 0.0]),
    "Rotate": lambda image, value: tv.rotate(image, -value, InterpolationMode.BILINEAR),
    "Brightness": lambda image, value: tv.adjust_brightness(image, 1 + value),
    "Color": lambda image, value: tv.adjust_saturation(image, 1 + value),
    "Contrast": lambda image, value: tv.adjust_contrast(image, 1 + value),
    "Sharpness": lambda image, value: tv.adjust_sharpness(image, 1 + value),
    "Posterize": lambda image, value: tv.posterize(image, 8 - round(value)),
    "Solarize": lambda image, value: tv.solarize(image, 1 - value),
    "AutoContrast": lambda image, value: tv.autocontrast(image),
    "Equalize": lambda image, value: tv.equalize(image),
    "Invert": lambda image, value: tv.invert(image),
    "Identity": lambda image, value: image,
}
VALUES = {"Rotate": (25.0, -10.0), "Posterize": (4.0, 2.0), "Solarize": (0.4, 0.7)}


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_agrees_with_torchvision_at_each_images_own_value(name):
    images, values = picture(), VALUES.get(name, (0.3, -0.25))
    found = apply_operations(images, torch.full((2,), NAMES.index(name)), torch.tensor(values), BLACK)
    expected = torch.stack([EXPECTED[name](image, value) for image, value in zip(images, values, strict=True)])
    torch.testing.assert_close(found, expected, atol=3e-4, rtol=0)
    assert (name == "Identity") == torch.equal(found, images)


def test_operations_of_one_batch_do_not_meddle():
    images = picture(1).expand(len(NAMES), -1, -1, -1)
    together = apply_operations(images, torch.arange(len(NAMES)), torch.full((len(NAMES),), 0.3), BLACK)
    for place in range(len(NAMES)):
        alone = apply_operations(images[:1], torch.tensor([place]), torch.tensor([0.3]), BLACK)
        torch.testing.assert_close(together[place : place + 1], alone)


def test_moves_bring_in_the_fill():
    images = torch.ones(1, 3, SIDE, SIDE)
    moved = apply_operations(images, torch.tensor([NAMES.index("TranslateX")]), torch.tensor([0.5]), (0.1, 0.2, 0.3))
    torch.testing.assert_close(moved[0, :, 0, 0], torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(moved[0, :, 0, SIDE - 1], torch.ones(3))


def test_operations_are_drawn_evenly_and_only_from_their_space():
    counts = torch.bincount(draw_operations(AUGMIX, 9000, generator()), minlength=len(NAMES))
    drawn = {name for name, count in zip(NAMES, counts.tolist(), strict=True) if count}
    assert drawn == set(AUGMIX) and len(AUGMIX) == 9 and len(RANDOM) == 14
    assert counts[counts > 0].min() > 900


def test_values_lie_on_their_scale_with_both_signs_where_that_makes_sense():
    chosen = torch.arange(len(NAMES)).repeat(200)
    values = draw_values(RANDOM, chosen, torch.full((len(chosen),), 9 / 30), generator()).view(200, -1)
    magnitudes = dict(zip(NAMES, values.abs().T, strict=True))
    assert magnitudes["ShearX"].unique().tolist() == pytest.approx([0.09])  # 9 of 30 steps to 0.3
    assert magnitudes["Rotate"].unique().tolist() == pytest.approx([9.0])
    assert magnitudes["Solarize"].unique().tolist() == pytest.approx([0.3])
    for place, name in enumerate(NAMES):
        assert (values[:, place] < 0).any() == (name in SIGNED)
    assert (values[:, NAMES.index("Rotate")] < 0).double().mean() == pytest.approx(0.5, abs=0.15)


def test_trivial_augment_shifts_by_32_pixels_at_most():
    assert wide_space(224)["TranslateX"] == (0.0, 32 / 224)
    assert wide_space(224)["Rotate"] == (0.0, 135.0) and wide_space(224)["Brightness"] == (0.0, 0.99)


@pytest.mark.parametrize("name", ["imagenet", "cifar10", "svhn"])
def test_learned_policies_are_torchvisions(name):
    policy = learned_policy(name)
    pairs = AutoAugment(AutoAugmentPolicy(name)).policies
    assert policy.operations.shape == policy.probabilities.shape == policy.strengths.shape == (25, 2)
    rows = zip(pairs, policy.operations, policy.probabilities, policy.strengths, strict=True)
    for pair, ids, chances, levels in rows:
        assert [operation for operation, _, _ in pair] == [NAMES[index] for index in ids]
        assert [probability for _, probability, _ in pair] == pytest.approx(chances.tolist())
        assert [level or 0 for _, _, level in pair] == pytest.approx((levels * 9).tolist())


def settings(**values) -> SimpleNamespace:
    return SimpleNamespace(autoaugment_policy="cifar10", augmix_severity=3, **values)


@pytest.mark.parametrize("name", POLICIES)
def test_images_of_one_batch_get_operations_of_their_own(name):
    images = picture(1).expand(64, -1, -1, -1)
    changed = POLICIES[name](images, settings(randaugment_ops=2, randaugment_magnitude=9), BLACK, generator())
    assert len({image.numpy().tobytes() for image in changed}) > 20
    assert changed.min() >= 0 and changed.max() <= 1


def test_rand_augment_without_operations_changes_nothing():
    images = picture()
    assert torch.equal(
        rand_augment(images, settings(randaugment_ops=0, randaugment_magnitude=9), BLACK, generator()), images
    )


def test_rand_augment_gets_stronger_with_its_magnitude():
    images = picture(1).expand(256, -1, -1, -1)
    change = [
        (rand_augment(images, settings(randaugment_ops=2, randaugment_magnitude=m), BLACK, generator()) - images)
        .abs()
        .mean()
        for m in (3, 9, 20, 30)
    ]
    assert change == sorted(change)


def test_aug_mix_blends_image_and_chains_by_shares_that_sum_to_one(monkeypatch):
    """Steps that add 0.1 make a chain of one to three add 0.2 on average, of which the blend's share is half."""

    def brighten(images, chosen, *_):
        return images + 0.1 * (chosen != NAMES.index("Identity")).view(-1, 1, 1, 1)

    monkeypatch.setattr(policies, "apply_operations", brighten)
    change = aug_mix(torch.full((4000, 3, 2, 2), 0.4), settings(), BLACK, generator())[:, 0, 0, 0] - 0.4
    assert change.min() >= 0 and change.max() <= 0.3 + 1e-6
    assert change.mean().item() == pytest.approx(0.1, abs=0.005)


def test_aug_mix_gets_stronger_with_its_severity():
    images, change = picture(1).expand(256, -1, -1, -1), []
    for severity in (1, 4, 10):
        chains = settings()
        chains.augmix_severity = severity
        change.append((aug_mix(images, chains, BLACK, generator()) - images).abs().mean())
    assert change == sorted(change)


def test_auto_augment_applies_each_half_of_a_pair_with_its_probability(monkeypatch):
    invert, solarize = NAMES.index("Invert"), NAMES.index("Solarize")
    strengths = torch.tensor([[0.0, 4 / 9]])
    policy = policies.LearnedPolicy(torch.tensor([[invert, solarize]]), torch.tensor([[0.25, 0.5]]), strengths)
    monkeypatch.setattr(policies, "learned_policy", lambda name: policy)
    images = torch.full((4000, 3, 1, 1), 0.4)  # inverted 0.6, which alone is above 1 - 4 / 9: solarized 0.4 again
    inverted = auto_augment(images, settings(), BLACK, generator())[:, 0, 0, 0] > 0.5
    assert inverted.double().mean().item() == pytest.approx(0.25 * 0.5, abs=0.02)
