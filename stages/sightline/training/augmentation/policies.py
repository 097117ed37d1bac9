"""Learned and random augmentation policies: operations drawn for each image, each computed for its images at once.

kornia's policies draw one operation for a whole batch and torchvision's take one image at a time; here every image has
its own operations, and all that rotate, shift or shear share one warp.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from sightline.parameters.augment import AugmentSection
from sightline.training.augmentation.draws import numpy_generator, uniform
from sightline.training.augmentation.operations import NAMES, SIGNED, apply_operations

# name -> value at strength 0 and at strength 1, in the unit of its operation
SEARCHED = {
    "ShearX": (0.0, 0.3),
    "ShearY": (0.0, 0.3),
    "TranslateX": (0.0, 150 / 331),
    "TranslateY": (0.0, 150 / 331),
    "Rotate": (0.0, 30.0),
    "Brightness": (0.0, 0.9),
    "Color": (0.0, 0.9),
    "Contrast": (0.0, 0.9),
    "Sharpness": (0.0, 0.9),
    "Posterize": (0.0, 4.0),
    "Solarize": (0.0, 1.0),
    "AutoContrast": (0.0, 0.0),
    "Equalize": (0.0, 0.0),
    "Invert": (0.0, 0.0),
    "Identity": (0.0, 0.0),
}
RANDOM = {name: limits for name, limits in SEARCHED.items() if name != "Invert"}
COLORS = ("Brightness", "Color", "Contrast", "Sharpness")  # overlap with what AugMix's robustness is measured on
AUGMIX = {name: limits for name, limits in RANDOM.items() if name not in (*COLORS, "Identity")} | {
    "TranslateX": (0.0, 1 / 3),
    "TranslateY": (0.0, 1 / 3),
    "Posterize": (4.0, 8.0),
}
RANDAUGMENT_MAXIMUM = 30
TRIVIAL_LEVELS = 31
SEARCHED_LEVELS = 10
AUGMIX_CHAINS = 3  # Hendrycks et al., 2020, section 3, like the next two
AUGMIX_DEPTH = 3
AUGMIX_ALPHA = 1.0

Fill = Sequence[float]  # 3 numbers in [0, 1]: what moves in from outside of the image


def wide_space(side: int) -> dict[str, tuple[float, float]]:
    """Return TrivialAugment's wide space for images of `side` pixels; it shifts by up to 32 pixels at any size."""
    wide = {"Rotate": (0.0, 135.0), "Posterize": (0.0, 6.0)}
    wide |= dict.fromkeys(("TranslateX", "TranslateY"), (0.0, 32 / side))
    return RANDOM | dict.fromkeys(("ShearX", "ShearY", *COLORS), (0.0, 0.99)) | wide


def rand_augment(
    images: torch.Tensor, settings: AugmentSection, fill: Fill, generator: torch.Generator
) -> torch.Tensor:
    """Apply `randaugment_ops` random operations of strength `randaugment_magnitude` (Cubuk et al., 2020)."""
    strength = torch.full((len(images),), settings.randaugment_magnitude / RANDAUGMENT_MAXIMUM)
    for _ in range(settings.randaugment_ops):
        chosen = draw_operations(RANDOM, len(images), generator)
        images = apply_operations(images, chosen, draw_values(RANDOM, chosen, strength, generator), fill)
    return images


def trivial_augment(
    images: torch.Tensor, settings: AugmentSection, fill: Fill, generator: torch.Generator
) -> torch.Tensor:
    """Apply one random operation of random strength (Müller & Hutter, 2021, wide space)."""
    space = wide_space(images.shape[3])
    chosen = draw_operations(space, len(images), generator)
    strength = torch.randint(TRIVIAL_LEVELS, (len(images),), generator=generator) / (TRIVIAL_LEVELS - 1)
    return apply_operations(images, chosen, draw_values(space, chosen, strength, generator), fill)


def auto_augment(
    images: torch.Tensor, settings: AugmentSection, fill: Fill, generator: torch.Generator
) -> torch.Tensor:
    """Apply one of 25 learned pairs of operations, each with its probability and strength (Cubuk et al., 2019)."""
    policy = learned_policy(settings.autoaugment_policy)
    pair = torch.randint(len(policy.operations), (len(images),), generator=generator)
    for place in range(2):
        skipped = torch.rand(len(images), generator=generator) >= policy.probabilities[pair, place]
        chosen = policy.operations[pair, place].masked_fill(skipped, NAMES.index("Identity"))
        values = draw_values(SEARCHED, chosen, policy.strengths[pair, place], generator)
        images = apply_operations(images, chosen, values, fill)
    return images


def aug_mix(images: torch.Tensor, settings: AugmentSection, fill: Fill, generator: torch.Generator) -> torch.Tensor:
    """Blend each image with a random blend of three chains of one to three mild operations (Hendrycks et al., 2020).

    `augmix_severity` is 1..10, of ten levels of strength.
    """
    count = len(images)
    draws = numpy_generator(generator)
    shares = torch.from_numpy(draws.dirichlet([AUGMIX_ALPHA] * AUGMIX_CHAINS, count)).float()
    blend = torch.from_numpy(draws.beta(AUGMIX_ALPHA, AUGMIX_ALPHA, count)).float().view(-1, 1)
    weights = (shares * blend).T.unsqueeze(2).unsqueeze(3).unsqueeze(4).to(images.device, non_blocking=True)
    mixed = images * (1 - weights.sum(dim=0))
    for weight in weights:
        mixed += weight * _augmix_chain(images, settings, fill, generator)
    return mixed.clamp_(0, 1)


def _augmix_chain(
    images: torch.Tensor, settings: AugmentSection, fill: Fill, generator: torch.Generator
) -> torch.Tensor:
    depths = torch.randint(1, AUGMIX_DEPTH + 1, (len(images),), generator=generator)
    for depth in range(AUGMIX_DEPTH):
        drawn = draw_operations(AUGMIX, len(images), generator)
        level = torch.randint(settings.augmix_severity, (len(images),), generator=generator)
        values = draw_values(AUGMIX, drawn, level / (SEARCHED_LEVELS - 1), generator)
        chosen = drawn.masked_fill(depth >= depths, NAMES.index("Identity"))
        images = apply_operations(images, chosen, values, fill)
    return images


POLICIES: dict[str, Callable[[torch.Tensor, AugmentSection, Fill, torch.Generator], torch.Tensor]] = {
    "randaugment": rand_augment,
    "trivialaugment": trivial_augment,
    "autoaugment": auto_augment,
    "augmix": aug_mix,
}


def draw_operations(space: dict[str, tuple[float, float]], count: int, generator: torch.Generator) -> torch.Tensor:
    """Return int64 [count]: positions in NAMES of operations of the space, each as likely as the others."""
    known = torch.tensor([NAMES.index(name) for name in space])
    return known[torch.randint(len(known), (count,), generator=generator)]


def draw_values(
    space: dict[str, tuple[float, float]], chosen: torch.Tensor, strength: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return float32 [N]: the operations' values at strengths [N] in [0, 1], either sign where that makes sense."""
    limits = torch.tensor([space.get(name, (0.0, 0.0)) for name in NAMES])[chosen]
    values = torch.lerp(limits[:, 0], limits[:, 1], strength)
    signed = torch.tensor([name in SIGNED for name in NAMES])[chosen]
    negative = uniform((len(chosen),), 0, 1, generator) < 0.5
    return torch.where(signed & negative, -values, values)


@dataclass(frozen=True)
class LearnedPolicy:
    """25 pairs of operations, each [25, 2]: positions in NAMES, probabilities, strengths in [0, 1]."""

    operations: torch.Tensor
    probabilities: torch.Tensor
    strengths: torch.Tensor


@functools.cache
def learned_policy(name: str) -> LearnedPolicy:
    """Return torchvision's table for imagenet, cifar10 or svhn."""
    from torchvision.transforms import AutoAugment, AutoAugmentPolicy  # a second to import

    pairs = AutoAugment(AutoAugmentPolicy(name)).policies
    operations = torch.tensor([[NAMES.index(operation) for operation, _, _ in pair] for pair in pairs])
    probabilities = torch.tensor([[probability for _, probability, _ in pair] for pair in pairs])
    levels = torch.tensor([[float(level or 0) for _, _, level in pair] for pair in pairs])
    return LearnedPolicy(operations, probabilities, levels / (SEARCHED_LEVELS - 1))
