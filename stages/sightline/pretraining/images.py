"""Which images are learnt from without labels: those of train, and of the pool what is no relative of val or test."""

import numpy as np
import pandas as pd
import torch

from sightline.images.duplicates import find_near
from sightline.images.pool import as_numbers
from sightline.images.samples import Samples
from sightline.training.batches import Batches


class UnlabelledImages:
    """Images of several arrays of one size, numbered through, as batches of pixels.

    Parameters
    ----------
    parts : list of (ndarray uint8 [N, H, W, C], ndarray int [n])
        Pixels, usually memory maps, and which rows of them count.
    """

    def __init__(self, parts: list[tuple[np.ndarray, np.ndarray]], device: torch.device):
        rows = [rows.astype(np.int64) for _, rows in parts]
        self.parts = [
            Batches(pixels, chosen, np.zeros(len(chosen), dtype=np.int32), 1, device)
            for (pixels, _), chosen in zip(parts, rows, strict=True)
        ]
        self.ends = np.cumsum([len(chosen) for chosen in rows])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def take(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return pixels uint8 [B, H, W, C], on the device, of positions int64 [B]."""
        owners = torch.from_numpy(np.searchsorted(self.ends, chosen.numpy(), side="right"))
        pixels = torch.empty((len(chosen), *self.parts[0].pixels.shape[1:]), dtype=torch.uint8)
        pixels = pixels.to(self.parts[0].device)
        for number, part in enumerate(self.parts):
            places = torch.nonzero(owners == number).flatten()
            if len(places):
                start = self.ends[number] - len(part)
                pixels[places.to(pixels.device)] = part.take(chosen[places] - int(start))[0]
        return pixels


def rows_to_learn(pool: pd.DataFrame, index: pd.DataFrame, samples: Samples, near_bits: int) -> np.ndarray:
    """Return the rows of the pool, int64, that look like no image of val or test and share a group with none.

    The pool's near_labelled does not tell: it names the first labelled image alone, maybe of train.

    Parameters
    ----------
    pool : pandas.DataFrame
        Columns phash and group of data/pool/index.csv.
    index : pandas.DataFrame
        The same of data/prepared/index.csv.
    samples : Samples
        Which of these rows are in val and test.
    near_bits : int
        In how many bits of the perceptual hash near duplicates may differ.
    """
    held_out = index.iloc[np.concatenate([samples.of(subset).row for subset in ("val", "test")])]
    groups = set(held_out["group"].astype(str)) - {""}
    near = find_near(as_numbers(pool["phash"]), as_numbers(held_out["phash"]), near_bits) >= 0
    return np.flatnonzero(~(near | pool["group"].astype(str).isin(groups).to_numpy(dtype=bool)))
