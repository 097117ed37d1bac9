"""The operations that augmentation policies are made of, each with a value of its own for every image."""

import math
from collections.abc import Callable, Sequence

import torch

from sightline.training.augmentation.color import recolor, saturation_matrices
from sightline.training.augmentation.geometry import affine_matrices, warp

MOVES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
SIGNED = (*MOVES, "Brightness", "Color", "Contrast", "Sharpness")


def apply_operations(
    images: torch.Tensor, chosen: torch.Tensor, values: torch.Tensor, fill: Sequence[float]
) -> torch.Tensor:
    """Apply to each image its own operation.

    Parameters
    ----------
    images : Tensor of float32 [N, 3, H, W] in [0, 1]
    chosen : Tensor of int64 [N], on the CPU
        Positions in `NAMES`.
    values : Tensor of float32 [N], on the CPU
        Shear: tangent. Translate: share of the side, to the right and down. Rotate: degrees, clockwise. Brightness,
        Color, Contrast, Sharpness: factor - 1. Posterize: bits taken away. Solarize: 1 - threshold. Others: unused.
    fill : sequence of 3 floats
        Colour of what a shear, shift or rotation brings in.
    """
    changed = images.clone()
    moved = torch.nonzero(chosen < len(MOVES)).flatten()
    if len(moved):
        matrices = move_matrices(chosen[moved], values[moved], images.shape[3])
        moved = moved.to(images.device, non_blocking=True)
        changed[moved] = warp(images[moved], matrices, fill)
    for place, name in enumerate(NAMES[len(MOVES) : -1], start=len(MOVES)):
        rows = torch.nonzero(chosen == place).flatten()
        if len(rows):
            own = values[rows].to(images.device, non_blocking=True).view(-1, 1, 1, 1)
            rows = rows.to(images.device, non_blocking=True)
            changed[rows] = RECOLORINGS[name](images[rows], own)
    return changed


def move_matrices(chosen: torch.Tensor, values: torch.Tensor, side: int) -> torch.Tensor:
    """Return the matrices [N, 2, 3] of `warp` for the moves [N] and their values [N].

    Shears leave the top or left edge where it is, as in AutoAugment and torchvision, hence the shift by half of them.
    """
    shear_x, shear_y, right, down, angles = (torch.where(chosen == place, values, 0.0) for place in range(len(MOVES)))
    shears = torch.atan(torch.stack([shear_x, shear_y], dim=1)) * (180 / math.pi)
    shifts = torch.stack([right - shear_x / 2, down - shear_y / 2], dim=1) * side
    return affine_matrices(angles, shifts, shears)


def brighten(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return (images * (1 + values)).clamp_(0, 1)


def saturate(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    factors = 1 + values.flatten()
    return recolor(images, saturation_matrices(factors), torch.zeros_like(factors))


def contrast(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    factors = 1 + values.view(-1, 1, 1)
    return recolor(images, factors * torch.eye(3, device=factors.device), 1 - factors.flatten())


def sharpen(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    from torchvision.transforms.v2.functional import adjust_sharpness

    return torch.lerp(adjust_sharpness(images, 0.0), images, 1 + values).clamp_(0, 1)


def posterize(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    levels = torch.exp2(8 - values.round())  # 2 ** bits
    return torch.minimum((images * levels).floor_(), levels - 1) / levels


def solarize(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.where(images >= 1 - values, 1 - images, images)


def stretch_contrast(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    from torchvision.transforms.v2.functional import autocontrast

    return autocontrast(images)


def equalize(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    from torchvision.transforms.v2 import functional

    return functional.equalize(images)


def invert(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return 1 - images


RECOLORINGS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "Brightness": brighten,
    "Color": saturate,
    "Contrast": contrast,
    "Sharpness": sharpen,
    "Posterize": posterize,
    "Solarize": solarize,
    "AutoContrast": stretch_contrast,
    "Equalize": equalize,
    "Invert": invert,
}
NAMES = (*MOVES, *RECOLORINGS, "Identity")
