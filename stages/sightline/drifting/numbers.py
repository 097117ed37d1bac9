"""The numbers of a batch that are compared with the reference."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batch:
    """Numbers of n images.

    Parameters
    ----------
    pixels : dict of str to ndarray
        Summary to float [n].
    confidence : ndarray
        float [n].
    counts : ndarray
        int [classes]: how often each was predicted.
    places : ndarray or None
        float [n, axes + 1], as `sightline.scoring.reference.place` gives them; None without reference of embeddings.
    unreadable : int
        Files beside the n that are no images.
    """

    pixels: dict[str, np.ndarray]
    confidence: np.ndarray
    counts: np.ndarray
    places: np.ndarray | None
    unreadable: int

    def __len__(self) -> int:
        return len(self.confidence)
