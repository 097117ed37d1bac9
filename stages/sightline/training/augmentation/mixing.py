"""MixUp and CutMix: each image blended with its neighbour in the batch, and its label with it."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from sightline.training.augmentation.boxes import box_mask
from sightline.training.augmentation.draws import chance, numpy_generator


@dataclass(frozen=True)
class Mixing:
    """What MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019) draw, anew for each image.

    Parameters
    ----------
    mixup, cutmix : float
        Alpha of the Beta(alpha, alpha) that the kept share is drawn from; 0 switches the method off.
    mix_prob : float
        Probability that an image is mixed at all.
    mix_switch_prob : float
        Probability of CutMix rather than MixUp where both are on.
    """

    mixup: float
    cutmix: float
    mix_prob: float
    mix_switch_prob: float

    @property
    def on(self) -> bool:
        """Whether any image may be mixed."""
        return self.mix_prob > 0 and (self.mixup > 0 or self.cutmix > 0)

    @torch.no_grad()
    def __call__(
        self, images: torch.Tensor, labels: torch.Tensor, classes: int, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix each image of [N, C, H, W] with the one before it; batches are shuffled, so that is any other.

        Returns
        -------
        images : Tensor like `images`
        targets : Tensor of float32 [N, classes]
            Each label's share of the image's area or of its blend; rows sum to 1.
        """
        cut, kept = self.draw(len(images), generator)
        edges = cut_edges(kept, images.shape[2], images.shape[3], generator)
        areas = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1]) / (images.shape[2] * images.shape[3])
        kept = torch.where(cut, 1 - areas, kept).to(images.device, non_blocking=True)
        weights = kept.view(-1, 1, 1, 1)
        if self.cutmix:
            outside = ~box_mask(edges.to(images.device, non_blocking=True), *images.shape[2:])
            weights = torch.where(cut.to(images.device, non_blocking=True).view(-1, 1, 1, 1), outside, weights)
        targets = functional.one_hot(labels, classes).float()
        return (
            torch.lerp(images.roll(1, 0), images, weights),
            torch.lerp(targets.roll(1, 0), targets, kept.view(-1, 1)),
        )

    def draw(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which images CutMix takes, bool [count], and the share each keeps, float32 [count] in [0, 1]."""
        cut = chance(count, self.mix_switch_prob if self.mixup and self.cutmix else float(self.cutmix > 0), generator)
        beta = numpy_generator(generator).beta
        shares = [
            torch.from_numpy(beta(a, a, count)).float() if a else torch.ones(count) for a in (self.mixup, self.cutmix)
        ]
        kept = torch.where(cut, shares[1], shares[0])
        return cut, kept.masked_fill(~chance(count, self.mix_prob, generator), 1)


def cut_edges(kept: torch.Tensor, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Return int64 [N, 4]: boxes of area about 1 - kept around a random pixel, clipped at the image's edge."""
    lengths = torch.tensor([height, width])
    halves = torch.sqrt(1 - kept).view(-1, 1) * lengths / 2
    centers = torch.rand((len(kept), 2), generator=generator) * lengths
    limits = torch.stack([centers - halves, centers + halves], dim=1).round().long()
    limits = torch.minimum(limits.clamp(min=0), lengths)
    return limits.flatten(1)
