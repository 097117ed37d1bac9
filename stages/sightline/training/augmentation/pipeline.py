"""Augmentation: drawn for each image, computed for the whole batch on the device that the batch is on."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from sightline.parameters.augment import AugmentSection
from sightline.training.augmentation.boxes import erase_at_random
from sightline.training.augmentation.color import blur_at_random, jitter_colors
from sightline.training.augmentation.geometry import crop_and_flip, random_affine, random_resized_crop
from sightline.training.augmentation.policies import POLICIES


@dataclass(frozen=True)
class Augmentation:
    """What is drawn for each training image.

    Parameters
    ----------
    settings : AugmentSection
        The section `augment` of params.yaml, which explains it.
    input_size : int
        Side in pixels of what comes out.
    fill : sequence of 3 floats in [0, 1]
        Colour of erased boxes and of what the policies move in from outside: the mean of the training images, as
        in Cutout (DeVries & Taylor, 2017), since the network sees it as 0.
    """

    settings: AugmentSection
    input_size: int
    fill: Sequence[float]

    @torch.no_grad()
    def __call__(
        self, pixels: torch.Tensor, generator: torch.Generator, epoch: int, image_ids: torch.Tensor
    ) -> torch.Tensor:
        """Augment a batch of stored pixels.

        Parameters
        ----------
        pixels : Tensor of uint8 [N, H, H, 3]
            Cropping and mirroring bytes costs a quarter of doing so with floats.
        generator : Generator
            Lives on the CPU; nothing is drawn from anywhere else.
        epoch : int
            Counted from 0; decides the alternating flip.
        image_ids : Tensor of int64 [N]
            A number that an image keeps over the epochs, such as its position in the training set.

        Returns
        -------
        Tensor of float32 [N, 3, input_size, input_size] in [0, 1]
        """
        settings = self.settings
        if settings.random_resized_crop:
            pixels = random_resized_crop(pixels, self.input_size, settings.crop_scale, settings.crop_ratio, generator)
        padding = 0 if settings.random_resized_crop else settings.crop_padding
        turn = epoch if settings.alternating_flip else None
        flips = settings.horizontal_flip, settings.vertical_flip
        pixels = crop_and_flip(pixels, self.input_size, padding, flips, generator, mirrored(image_ids, turn))
        images = to_float(pixels, self.input_size)
        if settings.rotation or settings.translation or settings.shear:
            images = random_affine(images, settings.rotation, settings.translation, settings.shear, generator)
        if settings.auto_augment != "none":
            images = POLICIES[settings.auto_augment](images, settings, self.fill, generator)
        if any(settings.color_jitter) or settings.grayscale:
            images = jitter_colors(images, settings.color_jitter, settings.grayscale, generator)
        if settings.gaussian_blur:
            images = blur_at_random(images, settings.gaussian_blur, settings.blur_sigma, generator)
        if settings.erasing:
            boxes = settings.erasing_area, settings.erasing_ratio
            images = erase_at_random(images, settings.erasing, *boxes, self.fill, generator)
        return images


def mirrored(image_ids: torch.Tensor, epoch: int | None) -> torch.Tensor | None:
    """Tell which images an alternating flip mirrors in an epoch; None without one.

    Each image is mirrored in every second epoch, half of the images in the even ones (Jordan, 2024, "94% on CIFAR-10
    in 3.29 Seconds on a Single GPU"), so that two epochs show both sides of each. The half is that of a Weyl
    sequence, which divides any run of consecutive ids about evenly.
    """
    if epoch is None:
        return None
    golden_ratio = 0x9E3779B1  # of 2**32
    return (((image_ids.cpu() * golden_ratio) >> 31) + epoch) % 2 == 0


def to_float(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Return float32 [N, 3, size, size] in [0, 1], smaller images enlarged as `Classifier.scale` does."""
    images = pixels.permute(0, 3, 1, 2).float().div_(255)
    if images.shape[2] != size:
        images = functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    return images
