"""The images that look most alike to the network."""

import numpy as np

from sightline.common.rows import row_blocks
from sightline.networks.classifier import Classifier
from sightline.networks.decider import ViewAverage
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.scoring.embeddings import EmbeddingSample, watch


def embed(member: Classifier, pixels: np.ndarray, rows: np.ndarray, memory_mb: int, device) -> np.ndarray:
    """Return what the last layer takes of stored images, float32 [n, features]; [0, 0] where it offers nothing."""
    view = ViewAverage(member, "none")
    at_once = images_at_once(view, pixels.shape[1], memory_mb)
    sample = EmbeddingSample(rows)

    def predict(view: ViewAverage, rows: np.ndarray):
        return predict_logits(view, pixels, rows, at_once, device)

    watch(predict, view, rows, sample)(view, rows=rows)
    return sample.vectors()


def nearest(vectors: np.ndarray, asked: np.ndarray, many: int) -> np.ndarray:
    """Return the places of the nearest others by cosine, the nearest first; of equally near ones the earlier.

    Parameters
    ----------
    vectors : ndarray
        float [n, features].
    asked : ndarray
        int [m], places whose neighbours are wanted.
    many : int
        How many; fewer where there are fewer others.

    Returns
    -------
    ndarray of int [m, many]
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    directions = vectors / lengths
    many = min(many, len(vectors) - 1)
    found = np.empty((len(asked), many), dtype=np.int64)
    for block in row_blocks(len(asked), len(vectors)):
        places = asked[block]
        far = -(directions[places] @ directions.T)
        far[np.arange(len(places)), places] = np.inf
        found[block] = np.argsort(far, axis=1, kind="stable")[:, :many]
    return found
