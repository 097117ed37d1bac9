"""An ensemble that explains stored images: what it sees of them, and the maps of its predictions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from sightline.explaining.methods.catalogue import explain_each
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
        """Return what the network takes of an image, float [1, 3, S, S] in [0, 1], where the network is."""
        stored = torch.from_numpy(np.array(self.pixels[row])).unsqueeze(0)
        return self.subjects[0].classifier.scale(stored.to(self.subjects[0].device))

    def seen(self, row: int) -> np.ndarray:
        """Return the same as uint8 [S, S, 3]."""
        return (self.image(row)[0].permute(1, 2, 0) * 255).round().byte().cpu().numpy()

    def explain(self, rows: list[int], classes: list[int], method: str) -> Iterator[np.ndarray]:
        """Yield the map, float32 [S, S] in [0, 1], of each row for a class; what it is about shows on terminals."""
        questions = ((self.image(row), target) for row, target in zip(rows, classes, strict=True))
        maps = explain_each(method, self.subjects, questions, self.settings)
        yield from tqdm(maps, total=len(rows), desc=method, unit="img", disable=None)


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
    """Explain the predicted class of each row once by each method.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns row, predicted; rows may repeat.
    """
    once = predictions.drop_duplicates("row")
    rows, classes = once["row"].tolist(), once["predicted"].tolist()
    cases = {
        row: Case(row, explainer.image(row), target, {}, boxes.get(row))
        for row, target in zip(rows, classes, strict=True)
    }
    for method in explainer.methods:
        for row, heat in zip(rows, explainer.explain(rows, classes, method), strict=True):
            cases[row].maps[method] = heat
    return cases
