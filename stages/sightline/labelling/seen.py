"""What the trained model makes of images: calibrated probabilities, and embeddings of its first member."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from sightline.networks.decider import Decider
from sightline.networks.embedding import watching
from sightline.networks.parts import Parts


class Seen(NamedTuple):
    """Probabilities float64 [n, classes] and embeddings float32 [n, features].

    A model that offers no embeddings has 0 features.
    """

    probabilities: np.ndarray
    embeddings: np.ndarray

    def of(self, rows: np.ndarray) -> "Seen":
        """Return what was made of some of them."""
        return Seen(self.probabilities[rows], self.embeddings[rows])


@dataclass(frozen=True)
class Model:
    """The model as it decides, how many images it takes at once (> 0), and where it runs."""

    decider: Decider
    at_once: int
    device: torch.device

    def look_at(self, pixels: np.ndarray, rows: np.ndarray) -> Seen:
        """Run the model over stored images, batch by batch, with a progress bar on terminals.

        Parameters
        ----------
        pixels : ndarray
            uint8 [N, H, W, C], usually mapped into memory.
        rows : ndarray
            int [n], which of them; n > 0.
        """
        self.decider.to(self.device).eval()
        probabilities, embeddings = [], []
        with tqdm(total=len(rows), desc="label", unit="img", disable=None) as bar:
            for decided, seen in Parts(self.at_once).over(len(rows), partial(self._decide, pixels, rows)):
                probabilities.append(decided)
                embeddings.append(seen)
                bar.update(len(decided))
        return Seen(np.concatenate(probabilities).astype(np.float64), np.concatenate(embeddings))

    @torch.inference_mode()
    def _decide(self, pixels: np.ndarray, rows: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray]:
        taken: list[np.ndarray] = []
        batch = torch.from_numpy(np.asarray(pixels[rows[part]]))
        with watching(self.decider.members[0], taken.append):
            probabilities = self.decider(batch.to(self.device)).exp().cpu().numpy()
        return probabilities, taken[0] if taken else np.empty((len(batch), 0), dtype=np.float32)
