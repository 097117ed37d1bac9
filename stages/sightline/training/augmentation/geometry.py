"""Where pixels come from: crops, flips and one warp for rotation, translation and shear."""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from sightline.training.augmentation.boxes import draw_boxes, to_pixels
from sightline.training.augmentation.draws import chance, uniform


def crop_and_flip(
    pixels: torch.Tensor,
    size: int,
    padding: int,
    flips: tuple[float, float],
    generator: torch.Generator,
    mirrored: torch.Tensor | None,
) -> torch.Tensor:
    """Cut a window of `size` out of each image over its own reflection, and mirror it.

    Parameters
    ----------
    pixels : Tensor of uint8 [N, H, W, 3]
    size : int
        Images that are smaller keep their size; those that are larger give a window at random.
    padding : int
        Pixels of reflection around the image that the window may take in.
    flips : (float, float)
        Probabilities of mirroring left to right and top to bottom.
    mirrored : Tensor of bool [N] or None
        Which images to mirror left to right, in place of the first probability.
    """
    count, height, width, _ = pixels.shape
    if height <= size and not padding and mirrored is None and not any(flips):
        return pixels
    lines = reflect(draw_window(count, height, size, padding, generator), height)
    lines = torch.where(chance(count, flips[1], generator).view(-1, 1), lines.flip(1), lines)
    across = min(padding, width - 1)  # what a reflection can give
    lefts = draw_window(count, width, size, across, generator)[:, :1] + across
    images = torch.arange(count).view(-1, 1)
    source = pad_sides(pixels, across)
    if mirrored is not None or flips[0]:
        mirrored = chance(count, flips[0], generator) if mirrored is None else mirrored
        source = torch.cat([source, source.flip(2)])
        images = images + count * mirrored.view(-1, 1)
    return take_lines(source, images, lines, lefts, min(size, width))


def draw_window(count: int, length: int, size: int, padding: int, generator: torch.Generator) -> torch.Tensor:
    """Return int64 [count, min(size, length)]: neighbouring positions, from -padding on to length - 1 + padding."""
    size = min(size, length)
    starts = torch.randint(-padding, length - size + padding + 1, (count, 1), generator=generator)
    return starts + torch.arange(size)


def reflect(positions: torch.Tensor, length: int) -> torch.Tensor:
    """Mirror positions outside of 0..length - 1 at the first or last pixel, which is not repeated."""
    return (length - 1 - (length - 1 - positions.abs()).abs()).clamp(min=0)  # further out than an image: the edge


def pad_sides(pixels: torch.Tensor, padding: int) -> torch.Tensor:
    """Add `padding` columns of reflection on the left and the right of [N, H, W, 3]."""
    if not padding:
        return pixels
    return torch.cat([pixels[:, :, 1 : padding + 1].flip(2), pixels, pixels[:, :, -padding - 1 : -1].flip(2)], dim=2)


def take_lines(
    source: torch.Tensor, images: torch.Tensor, lines: torch.Tensor, lefts: torch.Tensor, width: int
) -> torch.Tensor:
    """Return uint8 [N, h, width, 3]: `lines` [N, h] of `images` [N, 1] of the source, each from `lefts` [N, 1] on.

    A line is a run of bytes, so that this copies runs, twenty times as fast as picking pixels.
    """
    _, height, stride, channels = source.shape
    starts = ((images * height + lines) * stride + lefts).to(source.device, non_blocking=True)
    runs = source.reshape(-1).unfold(0, width * channels, channels)  # a view: every run that starts at a pixel
    return runs.index_select(0, starts.flatten()).view(*lines.shape, width, channels)


def random_affine(
    images: torch.Tensor, rotation: float, translation: float, shear: float, generator: torch.Generator
) -> torch.Tensor:
    """Rotate, shift and shear each image by up to so much either way, in one warp over its own reflection.

    `rotation` and `shear` (along x, as torchvision's single number) are in degrees, `translation` is a share of the
    side.
    """
    count, _, height, width = images.shape
    angles = uniform((count,), -rotation, rotation, generator)
    shifts = uniform((count, 2), -translation, translation, generator) * torch.tensor([width, height])
    shears = torch.stack([uniform((count,), -shear, shear, generator), torch.zeros(count)], dim=1)
    return warp(images, affine_matrices(angles, shifts, shears), fill=None)


def affine_matrices(angles: torch.Tensor, shifts: torch.Tensor, shears: torch.Tensor) -> torch.Tensor:
    """Return float32 [N, 2, 3]: where, from the centre, each output pixel (x, y, 1) is found in the input.

    Parameters
    ----------
    angles : Tensor [N]
        Degrees, clockwise.
    shifts : Tensor [N, 2]
        Pixels to the right and down.
    shears : Tensor [N, 2]
        Degrees along x and y. As torchvision's `affine`: first sheared, then rotated, then shifted.
    """
    angles = angles * (math.pi / 180)
    tangents = torch.tan(shears * (math.pi / 180))
    cos, sin = torch.cos(angles), torch.sin(angles)
    ones = torch.ones_like(angles)
    zeros = torch.zeros_like(angles)
    back_turn = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    back_y = torch.stack([ones, zeros, tangents[:, 1], ones], dim=1).view(-1, 2, 2)
    back_x = torch.stack([ones, tangents[:, 0], zeros, ones], dim=1).view(-1, 2, 2)
    inverse = back_x @ back_y @ back_turn
    return torch.cat([inverse, -inverse @ shifts.unsqueeze(2)], dim=2)


def warp(images: torch.Tensor, matrices: torch.Tensor, fill: Sequence[float] | None) -> torch.Tensor:
    """Sample each image of [N, C, H, W] bilinearly by its matrix of `affine_matrices`.

    What lies outside is the image's reflection, or the colour `fill`.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = torch.arange(height, device=images.device) - (height - 1) / 2
    m = matrices.to(images.device, non_blocking=True).view(-1, 2, 3, 1, 1)
    sources = m[:, :, 0] * x + (m[:, :, 1] * y.view(-1, 1) + m[:, :, 2])
    half = torch.tensor([max(width - 1, 1) / 2, max(height - 1, 1) / 2]).to(images.device, non_blocking=True)
    grid = sources.permute(0, 2, 3, 1) / half
    if fill is None:
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=True).clamp_(0, 1)
    outside = torch.tensor(fill).view(1, -1, 1, 1).to(images.device, non_blocking=True)
    return functional.grid_sample(images - outside, grid, align_corners=True).add_(outside).clamp_(0, 1)


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
