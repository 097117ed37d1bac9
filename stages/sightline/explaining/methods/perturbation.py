"""How the class's probability changes where squares of the image are hidden, by captum; needs no gradients.

What is hidden turns into the training images' mean colour. Squares that speak against the class count as zero.
"""

import torch

from sightline.explaining.methods.subject import Settings, Subject, drawn_from

KERNEL_WIDTH = 0.25  # of LIME's weights; the authors' choice for images


def occlusion(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return how far the probability falls under a square of two cells' side that moves one cell at a time.

    Zeiler and Fergus, 2014, "Visualizing and Understanding Convolutional Networks".

    Takes what `cam.grad_cam` does and gives float [N, S, S], >= 0, one value a pixel; so do the other functions here.
    """
    from captum.attr import Occlusion  # over a second to import, here and below

    stride = max(1, images.shape[2] // settings.cells)
    window = min(2 * stride, images.shape[2])
    with torch.no_grad():
        falls = Occlusion(subject.probabilities).attribute(
            images,
            sliding_window_shapes=(images.shape[1], window, window),
            strides=(images.shape[1], stride, stride),
            baselines=subject.hidden().expand_as(images),
            target=classes,
            perturbations_per_eval=subject.at_once,
        )
    return falls[:, 0].relu()


def lime(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return the weights of a ridge regression from which squares are shown to the probability.

    Ribeiro et al., 2016, "Why Should I Trust You?": each sample shows about half of the squares, and counts the more
    the closer it is to the whole image. Squares of a grid stand for the paper's superpixels, since small images have
    none.
    """
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    method = Lime(subject.probabilities, interpretable_model=SkLearnRidge(alpha=1.0), similarity_func=_closeness)
    return _explain_each(method, "lime", subject, images, classes, settings)


def kernel_shap(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return each square's Shapley value for the probability, estimated by weighted linear regression.

    Lundberg and Lee, 2017, "A Unified Approach to Interpreting Model Predictions".
    """
    from captum.attr import KernelShap

    return _explain_each(KernelShap(subject.probabilities), "kernel_shap", subject, images, classes, settings)


def number_cells(side: int, cells: int) -> torch.Tensor:
    """Return int64 [1, 1, side, side]: the number of the cell that each pixel belongs to, row by row."""
    cells = min(cells, side)
    position = torch.arange(side) * cells // side
    return (position[:, None] * cells + position)[None, None]


def _explain_each(
    method, purpose: str, subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings
) -> torch.Tensor:
    cells = number_cells(images.shape[2], settings.cells).to(images.device)
    maps = []
    with torch.no_grad(), drawn_from(settings.seed, purpose):
        for image, target in zip(images.split(1), classes.split(1), strict=True):  # one regression an image
            weights = method.attribute(
                image,
                baselines=subject.hidden().expand_as(image),
                target=target,
                feature_mask=cells.expand_as(image),
                n_samples=settings.samples,
                perturbations_per_eval=min(subject.at_once, settings.samples),
            )
            maps.append(weights[:, 0])
    return torch.cat(maps).float().relu()


def _closeness(_image: torch.Tensor, _perturbed: torch.Tensor, visible: torch.Tensor, **_options: object) -> float:
    """Return exp(-d^2 / width^2), d the cosine distance of the visible to all; 0 / 0 counts as distance 1."""
    share = float(visible.float().mean())
    distance = 1 - share**0.5
    return float(torch.exp(torch.tensor(-(distance**2) / KERNEL_WIDTH**2)))
