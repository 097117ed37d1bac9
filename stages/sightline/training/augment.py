"""Random crop and flips: drawn for each image, computed for the whole batch on its device."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """What is drawn for each training image.

    Parameters
    ----------
    crop_padding : int
        Pixels of reflection around the image before a crop of its own size; 0 for none.
    horizontal_flip, vertical_flip : float
        Probabilities in [0, 1].
    """

    crop_padding: int
    horizontal_flip: float
    vertical_flip: float

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return augmented images [N, C, H, W] from images [N, C, H, W]; `generator` lives on the CPU."""
        if self.crop_padding:
            images = random_crop(images, self.crop_padding, generator)
        if self.horizontal_flip:
            images = random_flip(images, self.horizontal_flip, 3, generator)
        if self.vertical_flip:
            images = random_flip(images, self.vertical_flip, 2, generator)
        return images


def random_crop(images: torch.Tensor, padding: int, generator: torch.Generator) -> torch.Tensor:
    """Shift each image of [N, C, H, W] by up to `padding` pixels in both directions, over its own reflection."""
    count, _, height, width = images.shape
    offsets = torch.randint(0, 2 * padding + 1, (2, count), generator=generator).to(images.device)
    padded = functional.pad(images, (padding,) * 4, mode="reflect")
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: [N, C, 2 padding + 1, 2 padding + 1, H, W]
    return windows[torch.arange(count, device=images.device), :, offsets[0], offsets[1]]


def random_flip(images: torch.Tensor, probability: float, axis: int, generator: torch.Generator) -> torch.Tensor:
    """Mirror each image of [N, C, H, W] along `axis` with the given probability."""
    chosen = torch.rand(len(images), generator=generator) < probability
    return torch.where(chosen.to(images.device).view(-1, 1, 1, 1), images.flip(axis), images)
