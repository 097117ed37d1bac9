"""Random boxes in an image: where to crop, and what to erase."""

import math
from collections.abc import Sequence

import torch

from sightline.training.augmentation.draws import chosen_rows, uniform


def draw_boxes(count: int, area: Sequence[float], ratio: Sequence[float], generator: torch.Generator) -> torch.Tensor:
    """Draw boxes that lie inside a square image.

    Parameters
    ----------
    area : (float, float)
        Range of the box's share of the image's area, in (0, 1]; uniform.
    ratio : (float, float)
        Range of width / height, uniform in its logarithm, narrowed to what fits where the box is large. That gives
        every box its area, where torchvision draws again and, after ten misses, takes the middle.

    Returns
    -------
    Tensor of float32 [count, 4]
        Top, left, height and width as shares of the side.
    """
    areas = uniform((count,), *area, generator)
    ratios = torch.exp(uniform((count,), math.log(ratio[0]), math.log(ratio[1]), generator))
    ratios = torch.minimum(torch.maximum(ratios, areas), 1 / areas)
    sides = torch.stack([torch.sqrt(areas / ratios), torch.sqrt(areas * ratios)], dim=1).clamp_(max=1)
    corners = torch.rand((count, 2), generator=generator) * (1 - sides)
    return torch.cat([corners, sides], dim=1)


def to_pixels(boxes: torch.Tensor, side: int) -> torch.Tensor:
    """Return int64 [N, 4]: top, left, bottom and right of boxes given as shares; none is empty."""
    sides = (boxes[:, 2:] * side).round().clamp(1, side).long()
    corners = torch.minimum((boxes[:, :2] * side).round().long(), side - sides)
    return torch.cat([corners, corners + sides], dim=1)


def erase_at_random(
    images: torch.Tensor,
    probability: float,
    area: Sequence[float],
    ratio: Sequence[float],
    fill: Sequence[float],
    generator: torch.Generator,
) -> torch.Tensor:
    """Overwrite a box of some images (Zhong et al., 2017, "Random Erasing Data Augmentation"); see `draw_boxes`."""
    rows = chosen_rows(len(images), probability, generator)
    if not len(rows):
        return images
    edges = to_pixels(draw_boxes(len(rows), area, ratio, generator), images.shape[2])
    inside = box_mask(edges.to(images.device, non_blocking=True), *images.shape[2:])
    color = torch.tensor(fill).view(1, -1, 1, 1).to(images.device, non_blocking=True)
    rows = rows.to(images.device, non_blocking=True)
    return images.index_copy(0, rows, torch.where(inside, color, images.index_select(0, rows)))


def box_mask(edges: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return bool [N, 1, height, width], true inside the boxes int64 [N, 4]: top, left, bottom, right."""
    top, left, bottom, right = edges.view(-1, 4, 1, 1, 1).unbind(1)
    y = torch.arange(height, device=edges.device).view(-1, 1)
    x = torch.arange(width, device=edges.device)
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)
