"""Colour jitter as one matrix an image, grayscale, and Gaussian blur."""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from sightline.training.augmentation.draws import chance, chosen_rows, uniform

LUMA = (0.299, 0.587, 0.114)  # share of R, G, B in the grey value, ITU-R BT.601
BLUR_REACH = 3  # standard deviations of the Gaussian that its kernel covers on either side


def jitter_colors(
    images: torch.Tensor, jitter: Sequence[float], grayscale: float, generator: torch.Generator
) -> torch.Tensor:
    """Change brightness, contrast, saturation and hue of each image, and turn some grey.

    Parameters
    ----------
    images : Tensor of float32 [N, 3, H, W] in [0, 1]
    jitter : (brightness, contrast, saturation, hue)
        As torchvision's ColorJitter: factors are drawn from [max(0, 1 - x), 1 + x], hue from [-x, x] of a turn.
    grayscale : float
        Probability of turning an image grey.
    """
    count = len(images)
    ranges = [(max(0.0, 1 - spread), 1 + spread) for spread in jitter[:3]] + [(-jitter[3], jitter[3])]
    brightness, contrast, saturation, hue = (uniform((count,), *bounds, generator) for bounds in ranges)
    saturation = saturation.masked_fill(chance(count, grayscale, generator), 0)
    return recolor(images, *color_matrices(brightness, contrast, saturation, hue))


def color_matrices(
    brightness: torch.Tensor, contrast: torch.Tensor, saturation: torch.Tensor, hue: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what `recolor` needs to do the four steps in this order, from factors [N] and turns [N].

    The mean grey that contrast moves towards follows from the channels' means and the brightness, and neither
    saturation nor hue changes a grey. What torchvision clips after each step is clipped once, at the end.
    """
    matrices = hue_matrices(hue) @ saturation_matrices(saturation)
    return matrices * (brightness * contrast).view(-1, 1, 1), (1 - contrast) * brightness


def recolor(images: torch.Tensor, matrices: torch.Tensor, toward_mean: torch.Tensor) -> torch.Tensor:
    """Multiply each pixel by its image's matrix [N, 3, 3], add the share [N] of the image's mean grey, and clip.

    The matrices turn grey into grey, so that each of their rows' sums is what they do to images of one channel.
    """
    if images.shape[1] == 1:
        factors, shares = (
            values.to(images.device).view(-1, 1, 1, 1) for values in (matrices[:, 0].sum(1), toward_mean)
        )
        return (factors * images + shares * images.mean(dim=(2, 3), keepdim=True)).clamp_(0, 1)
    matrices = matrices.to(images.device, non_blocking=True)
    toward_mean = toward_mean.to(images.device, non_blocking=True)
    luma = torch.tensor(LUMA).to(images.device, non_blocking=True)
    offset = (toward_mean * (images.mean(dim=(2, 3)) * luma).sum(dim=1)).view(-1, 1, 1)
    return torch.baddbmm(offset, matrices, images.flatten(2)).clamp_(0, 1).view(images.shape)


def saturation_matrices(factors: torch.Tensor) -> torch.Tensor:
    """Return [N, 3, 3]: a blend of the pixel (1) and its grey value (0)."""
    factors = factors.view(-1, 1, 1)
    luma = torch.tensor(LUMA).to(factors.device, non_blocking=True)
    return factors * torch.eye(3, device=factors.device) + (1 - factors) * luma


def hue_matrices(turns: torch.Tensor) -> torch.Tensor:
    """Return [N, 3, 3]: a rotation of the RGB cube about its grey diagonal by so many turns (Rodrigues).

    A third of a turn moves red to green, green to blue and blue to red, as a shift of the hue in HSV does; in between,
    the rotation keeps a colour's distance from grey where HSV keeps its saturation and value.
    """
    angles = (turns * 2 * math.pi).view(-1, 1, 1)
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)  # cross product with the diagonal
    cos = torch.cos(angles)
    mean = torch.full((3, 3), 1 / 3)
    return cos * torch.eye(3) + (1 - cos) * mean + torch.sin(angles) * across


def blur_at_random(
    images: torch.Tensor, probability: float, sigma: Sequence[float], generator: torch.Generator
) -> torch.Tensor:
    """Blur some images of [N, C, H, W] by Gaussians whose deviations in pixels are drawn from the range `sigma`."""
    rows = chosen_rows(len(images), probability, generator)
    if not len(rows):
        return images
    sigmas = uniform((len(rows),), *sigma, generator)
    radius = min(math.ceil(BLUR_REACH * sigma[1]), images.shape[2] - 1)  # a reflection is shorter than the image
    rows = rows.to(images.device, non_blocking=True)
    return images.index_copy(0, rows, gaussian_blur(images.index_select(0, rows), sigmas, radius))


def gaussian_blur(images: torch.Tensor, sigmas: torch.Tensor, radius: int) -> torch.Tensor:
    """Blur each image of [N, C, H, W] with its own deviation [N] and a kernel of 2 radius + 1, over its reflection."""
    count, channels, height, _ = images.shape
    distances = torch.arange(-radius, radius + 1)
    kernels = torch.softmax(-0.5 * (distances / sigmas.view(-1, 1)) ** 2, dim=1)  # normalised Gaussians
    kernels = kernels.repeat_interleave(channels, dim=0).to(images.device, non_blocking=True)
    lines = functional.pad(images, (radius,) * 4, mode="reflect").view(1, count * channels, height + 2 * radius, -1)
    lines = functional.conv2d(lines, kernels.view(-1, 1, 1, 2 * radius + 1), groups=count * channels)
    lines = functional.conv2d(lines, kernels.view(-1, 1, 2 * radius + 1, 1), groups=count * channels)
    return lines.view(images.shape).clamp_(0, 1)
