"""Random resized crop: a box of random area and aspect, resized to the network's input size."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from sightline.training.boxes import draw_boxes, to_pixels


def random_resized_crop(
    pixels: torch.Tensor, size: int, scale: Sequence[float], ratio: Sequence[float], generator: torch.Generator
) -> torch.Tensor:
    """Cut a box of random area and aspect out of each image and resize it to `size` (Szegedy et al., 2015).

    `scale` is the range of the box's share of the area, `ratio` that of width / height, as in torchvision.
    """
    edges = to_pixels(draw_boxes(len(pixels), scale, ratio, generator), pixels.shape[1])
    return resized_crop(pixels, edges, size)


def resized_crop(pixels: torch.Tensor, edges: torch.Tensor, size: int) -> torch.Tensor:
    """Resize a box of each image, bilinear and antialiased, to uint8 [N, size, size, 3].

    `edges` is int64 [N, 4] on the CPU: top, left, bottom, right in pixels. torch resizes bytes with SIMD instructions
    on the CPU, image by image, and not at all on other devices; there all images are resized at once.
    """
    if pixels.device.type != "cpu":
        return resized_crop_by_product(pixels, edges, size)
    images = pixels.permute(0, 3, 1, 2)
    parts = [
        functional.interpolate(
            images[index : index + 1, :, top:bottom, left:right], (size, size), mode="bilinear", antialias=True
        )
        for index, (top, left, bottom, right) in enumerate(edges.tolist())
    ]
    return torch.cat(parts).permute(0, 2, 3, 1)


def resized_crop_by_product(pixels: torch.Tensor, edges: torch.Tensor, size: int) -> torch.Tensor:
    """Do what `resized_crop` does as two matrix products an image, one an axis."""
    rows = resize_weights(edges[:, 0], edges[:, 2], pixels.shape[1], size).to(pixels.device, non_blocking=True)
    columns = resize_weights(edges[:, 1], edges[:, 3], pixels.shape[2], size).to(pixels.device, non_blocking=True)
    images = pixels.permute(0, 3, 1, 2).float()
    resized = rows.unsqueeze(1) @ images @ columns.unsqueeze(1).mT
    return resized.round_().clamp_(0, 255).byte().permute(0, 2, 3, 1)


def resize_weights(first: torch.Tensor, end: torch.Tensor, length: int, size: int) -> torch.Tensor:
    """Return float32 [N, size, length]: shares of the pixels first..end - 1 in each pixel of the resized line.

    A triangle as wide as two input or two output pixels, whichever is wider: the antialiased bilinear filter.
    """
    step = ((end - first) / size).view(-1, 1, 1)
    centers = first.view(-1, 1, 1) + (torch.arange(size).view(1, -1, 1) + 0.5) * step - 0.5
    positions = torch.arange(length).view(1, 1, -1)
    weights = (1 - (positions - centers).abs() / step.clamp(min=1)).clamp_(min=0)
    weights *= (positions >= first.view(-1, 1, 1)) & (positions < end.view(-1, 1, 1))
    return weights / weights.sum(dim=2, keepdim=True)
