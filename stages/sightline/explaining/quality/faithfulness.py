"""How well maps explain: what the model makes of an image whose most important pixels are gone, or alone there.

Petsiuk et al., 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models": the area under the
probability of the explained class while pixels are deleted (low is good) or inserted (high is good), most important
first. An order drawn at random gives the values to compare with.
"""

from collections.abc import Iterable
from itertools import chain, islice
from math import ceil

import numpy as np
import torch
from torch.nn import functional

from sightline.explaining.methods.subject import Subject

MEASURES = ("deletion", "insertion")
BLUR = 1 / 8  # of the side: width of the blur that insertion starts from; what it leaves tells no class


def shares(steps: int) -> np.ndarray:
    """Return the shares of pixels after which the model is asked: steps + 1 values from 0 to 1."""
    return np.linspace(0, 1, steps + 1)


@torch.inference_mode()
def delete_and_insert(
    subjects: list[Subject], image: torch.Tensor, target: int, orders: list[np.ndarray], steps: int
) -> dict[str, np.ndarray]:
    """Return the class's probability while pixels go, and while they come, in each of several orders.

    Deletion turns them into the training images' mean colour, insertion turns those of a blurred image sharp.

    Parameters
    ----------
    subjects : list of Subject
        The ensemble, whose probabilities are averaged.
    image : torch.Tensor
        float [1, 3, S, S] in [0, 1].
    target : int
        The class.
    orders : list of ndarray
        K > 0 of int [S * S], positions in a flattened image, most important first.

    Returns
    -------
    dict
        Each of `MEASURES` to float64 [K, steps + 1], at `shares(steps)`.
    """
    blank = subjects[0].hidden().expand_as(image)
    way = {"deletion": (image, blank), "insertion": (blur(image), image)}
    inner = [_first_pixels(order, steps, image) for order in orders]
    ends = [image, blank, way["insertion"][0]]  # the same whatever the order
    mixed = (
        torch.where(first, after, before) for before, after in way.values() for firsts in inner for first in firsts
    )
    count = len(ends) + len(way) * len(orders) * (steps - 1)
    found = _ask(subjects, chain(ends, mixed), count, target)
    whole, nothing, blurred = found[: len(ends)]
    between = found[len(ends) :].reshape(len(way), len(orders), steps - 1)
    outer = {"deletion": (whole, nothing), "insertion": (blurred, whole)}
    return {
        name: np.stack([np.hstack([outer[name][0], curve, outer[name][1]]) for curve in curves])
        for name, curves in zip(way, between, strict=True)
    }


def area(curve: np.ndarray) -> float:
    """Return the area below a curve over [0, 1], by the trapezoid rule."""
    return float(np.trapezoid(curve, shares(len(curve) - 1)))


def importance_order(heat: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Return the positions of a flattened map, highest first; equal ones, as in a blank map, in random order."""
    return np.lexsort((stream.permutation(heat.size), -heat.ravel()))


def blur(image: torch.Tensor) -> torch.Tensor:
    """Return images [N, 3, S, S] without detail: a mean over a window that reaches S / 8 to all sides."""
    reach = max(1, round(image.shape[2] * BLUR))
    width = 2 * reach + 1
    padded = functional.pad(image, (reach,) * 4, mode="replicate")
    lines = functional.avg_pool2d(padded, kernel_size=(1, width), stride=1)  # lines, then columns: far fewer sums
    return functional.avg_pool2d(lines, kernel_size=(width, 1), stride=1)


def _first_pixels(order: np.ndarray, steps: int, image: torch.Tensor) -> torch.Tensor:
    """Return which pixels have changed at each inner share, bool [steps - 1, 1, 1, S, S]."""
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    limits = np.round(shares(steps)[1:-1] * order.size)
    first = rank.reshape(image.shape[2:]) < limits[:, None, None]
    return torch.from_numpy(first)[:, None, None].to(image.device)


def _ask(subjects: list[Subject], images: Iterable[torch.Tensor], count: int, target: int) -> np.ndarray:
    """Return the class's mean probability, float64 [count], in as few passes as memory allows, all about as large."""
    most = min(subject.at_once for subject in subjects)
    at_once = ceil(count / ceil(count / most))
    images = iter(images)
    found = []
    while part := list(islice(images, at_once)):
        batch = torch.cat(part)
        probabilities = torch.stack([subject.probabilities(batch)[:, target] for subject in subjects])
        found.append(probabilities.mean(dim=0).double().cpu().numpy())
    return np.concatenate(found)
