"""How two views of an image differ: a crop and flips, and chance whether colours change, turn grey or blur."""

from dataclasses import dataclass

import torch

from sightline.networks.saved import ModelSpec
from sightline.parameters.pretrain import PretrainParams, PretrainSection
from sightline.training.augmentation.color import blur_at_random, jitter_colors
from sightline.training.augmentation.draws import chosen_rows
from sightline.training.augmentation.pipeline import Augmentation

NO_JITTER = (0.0, 0.0, 0.0, 0.0)
CROPS = {  # of `augment`, whose flips, crop_ratio and blur_sigma stay
    "random_resized_crop": True,
    "alternating_flip": False,
    "rotation": 0.0,
    "translation": 0.0,
    "shear": 0.0,
    "auto_augment": "none",
    "color_jitter": list(NO_JITTER),
    "grayscale": 0.0,
    "gaussian_blur": 0.0,
    "erasing": 0.0,
}


@dataclass(frozen=True)
class Views:
    """Views as in Chen et al., 2020, appendix A: crop, flip, jitter of colours, grey, blur, in this order.

    Parameters
    ----------
    crops : Augmentation
        Cuts and mirrors, and nothing else.
    settings : PretrainSection
        Says how often the rest happens, and how strongly.
    blur_sigma : list of 2 floats
        Range of the blur's deviation in pixels.
    """

    crops: Augmentation
    settings: PretrainSection
    blur_sigma: list[float]

    @torch.no_grad()
    def draw(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return a view float32 [N, C, S, S] in [0, 1] of each image of uint8 [N, H, W, C]."""
        chosen = self.settings
        images = self.crops(pixels, generator, 0, torch.arange(len(pixels)))
        images = recolor_at_random(images, chosen.jitter_prob, chosen.color_jitter, 0.0, generator)
        images = recolor_at_random(images, chosen.grayscale, NO_JITTER, 1.0, generator)
        if not chosen.gaussian_blur:
            return images
        return blur_at_random(images, chosen.gaussian_blur, self.blur_sigma, generator)


def build_views(params: PretrainParams, spec: ModelSpec) -> Views:
    """Return what draws views for a network: `pretrain` says how, with flips, aspects and blur of `augment`."""
    settings = params.augment.model_copy(update=CROPS | {"crop_scale": params.pretrain.crop_scale})
    crops = Augmentation(settings, spec.input_size, spec.mean)
    return Views(crops, params.pretrain, params.augment.blur_sigma)


def recolor_at_random(
    images: torch.Tensor, probability: float, jitter: list[float], grayscale: float, generator: torch.Generator
) -> torch.Tensor:
    """Do what `jitter_colors` does to some images of [N, C, H, W], and nothing to the others."""
    rows = chosen_rows(len(images), probability, generator)
    if not len(rows):
        return images
    places = rows.to(images.device, non_blocking=True)
    return images.index_copy(0, places, jitter_colors(images.index_select(0, places), jitter, grayscale, generator))
