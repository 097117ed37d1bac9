"""An ensemble that explains stored images: what it sees of them, and the maps of its predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from sightline.explaining.methods.catalogue import explain
from sightline.explaining.methods.subject import Settings, Subject


@dataclass(frozen=True)
class Explainer:
    """An ensemble, the stored images, and how to explain.

    Parameters
    ----------
    subjects : list of Subject
        The members.
    pixels : ndarray
        uint8 [N, H, W, 3].
    methods : list of str
        Keys of `METHODS` that suit every member.
    settings : Settings
        Of the methods.
    """

    subjects: list[Subject]
    pixels: np.ndarray
    methods: list[str]
    settings: Settings

    def image(self, row: int) -> torch.Tensor:
        """Return what the network takes of an image, float [1, 3, S, S] in [0, 1]."""
        stored = torch.from_numpy(np.array(self.pixels[row])).unsqueeze(0)
        return self.subjects[0].classifier.scale(stored)

    def seen(self, row: int) -> np.ndarray:
        """Return the same as uint8 [S, S, 3]."""
        return (self.image(row)[0].permute(1, 2, 0) * 255).round().byte().numpy()

    def explain(self, row: int, target: int, methods: list[str]) -> dict[str, np.ndarray]:
        """Return the map of each method, float32 [S, S] in [0, 1], for one class."""
        image = self.image(row)
        return {name: explain(name, self.subjects, image, target, self.settings) for name in methods}


@dataclass(frozen=True)
class Case:
    """One explained image.

    Parameters
    ----------
    row : int
        Its position in images.npy.
    image : torch.Tensor
        float [1, 3, S, S] in [0, 1].
    target : int
        The class that is explained: the predicted one.
    maps : dict of str to ndarray
        Method to its map, float [S, S] in [0, 1].
    box : ndarray or None
        left, top, right, bottom in pixels of the image.
    """

    row: int
    image: torch.Tensor
    target: int
    maps: dict[str, np.ndarray]
    box: np.ndarray | None


def explain_rows(explainer: Explainer, predictions: pd.DataFrame, boxes: dict[int, np.ndarray]) -> dict[int, Case]:
    """Explain the predicted class of each row once by each method; one image at a time, since gradients take memory.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns row, predicted; rows may repeat.
    """
    once = predictions.drop_duplicates("row")
    cases = {}
    for image in tqdm(once.itertuples(), total=len(once), desc="gradcam", unit="img", disable=None):
        maps = explainer.explain(image.row, image.predicted, explainer.methods)
        cases[image.row] = Case(image.row, explainer.image(image.row), image.predicted, maps, boxes.get(image.row))
    return cases
