"""How well maps explain: what the model makes of an image whose most important pixels are gone, or alone there.

Petsiuk et al., 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models": the area under the
probability of the explained class while pixels are deleted (low is good) or inserted (high is good), most important
first. An order drawn at random gives the values to compare with.
"""

import numpy as np
import torch
from torch.nn import functional

from sightline.explaining.methods.subject import Subject

AT_ONCE = 32  # images a forward pass
BLUR = 1 / 8  # of the side: width of the blur that insertion starts from; what it leaves tells no class


def shares(steps: int) -> np.ndarray:
    """Return the shares of pixels after which the model is asked: steps + 1 values from 0 to 1."""
    return np.linspace(0, 1, steps + 1)


def deletion_curve(
    subjects: list[Subject], image: torch.Tensor, target: int, order: np.ndarray, steps: int
) -> np.ndarray:
    """Return the class's probability while pixels turn into the training images' mean colour.

    Parameters
    ----------
    subjects : list of Subject
        The ensemble, whose probabilities are averaged.
    image : torch.Tensor
        float [1, 3, S, S] in [0, 1].
    target : int
        The class.
    order : ndarray
        int [S * S], positions in a flattened image, most important first.

    Returns
    -------
    ndarray
        float64 [steps + 1], at `shares(steps)`.
    """
    hidden = subjects[0].hidden().expand_as(image)
    return _follow(subjects, image, hidden, target, order, steps)


def insertion_curve(
    subjects: list[Subject], image: torch.Tensor, target: int, order: np.ndarray, steps: int
) -> np.ndarray:
    """Return the class's probability while pixels of a blurred image turn sharp; otherwise as `deletion_curve`."""
    return _follow(subjects, blur(image), image, target, order, steps)


def area(curve: np.ndarray) -> float:
    """Return the area below a curve over [0, 1], by the trapezoid rule."""
    return float(np.trapezoid(curve, shares(len(curve) - 1)))


def importance_order(heat: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Return the positions of a flattened map, highest first; equal ones, as in a blank map, in random order."""
    return np.lexsort((stream.permutation(heat.size), -heat.ravel()))


def blur(image: torch.Tensor) -> torch.Tensor:
    """Return images [N, 3, S, S] without detail: a mean over a window that reaches S / 8 to all sides."""
    reach = max(1, round(image.shape[2] * BLUR))
    padded = functional.pad(image, (reach,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, kernel_size=2 * reach + 1, stride=1)


@torch.inference_mode()
def _follow(
    subjects: list[Subject], before: torch.Tensor, after: torch.Tensor, target: int, order: np.ndarray, steps: int
) -> np.ndarray:
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    limits = np.round(shares(steps) * order.size)
    changed = torch.from_numpy(rank.reshape(1, *before.shape[2:]) < limits[:, None, None]).unsqueeze(1)
    batches = (torch.where(pixels, after, before) for pixels in changed.split(AT_ONCE))
    return np.concatenate([_mean_probability(subjects, images, target) for images in batches])


def _mean_probability(subjects: list[Subject], images: torch.Tensor, target: int) -> np.ndarray:
    probabilities = torch.stack([subject.probabilities(images)[:, target] for subject in subjects])
    return probabilities.mean(dim=0).double().numpy()
