"""Embeddings of a sample of the judged images: to draw, and to compare later images with."""

import numpy as np
import pandas as pd
import torch

from sightline.networks.decider import ViewAverage
from sightline.networks.embedding import watching
from sightline.scoring.predict import Predict

COMPONENTS = 2


class EmbeddingSample:
    """The embeddings of a few images: what memory holds does not grow with the images.

    Parameters
    ----------
    rows : ndarray
        int: the images (positions in images.npy) to keep.
    """

    def __init__(self, rows: np.ndarray):
        self.wanted = set(rows.tolist())
        self.rows: list[int] = []
        self.kept: list[np.ndarray] = []

    def add(self, rows: np.ndarray, embeddings: np.ndarray) -> None:
        """Take the embeddings [n, features] of images `rows`, of which the wanted ones are kept."""
        places = [place for place, row in enumerate(rows.tolist()) if row in self.wanted]
        self.rows += rows[places].tolist()
        self.kept.append(embeddings[places])

    def vectors(self) -> np.ndarray:
        """Return the kept embeddings, float32 [kept, features], in the order of `rows`."""
        return np.concatenate(self.kept) if self.kept else np.empty((0, 0), dtype=np.float32)


def watch(predict: Predict, first: ViewAverage, rows: np.ndarray, sample: EmbeddingSample) -> Predict:
    """Return `predict`, which now adds the embeddings that the member `first` makes of images `rows` to the sample."""
    wanted = set(rows.tolist())

    def predict_watched(member: ViewAverage, rows: np.ndarray) -> torch.Tensor:
        if member is not first or not wanted.issuperset(rows.tolist()):
            return predict(member, rows=rows)
        waiting = rows

        def take(batch: np.ndarray) -> None:
            nonlocal waiting
            sample.add(waiting[: len(batch)], batch)
            waiting = waiting[len(batch) :]

        with watching(member, take):
            return predict(member, rows=rows)

    return predict_watched


def explain_missing(sample: EmbeddingSample) -> dict[str, str]:
    """Return a note where images were to be embedded, but the first member offers no embedding."""
    if sample.wanted and not sample.rows:
        return {"embedding": "the model has no features that its last layer takes, hence no map"}
    return {}


def principal_axes(vectors: np.ndarray, most: int) -> np.ndarray:
    """Return up to `most` axes of largest variance of float [n, features], as [axes, features] of length 1.

    An axis' largest weight is positive.
    """
    axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][:most]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return axes * np.sign(largest)[:, None]


def map_embeddings(sample: EmbeddingSample, images: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return where the kept images lie on the two axes of largest variance (principal components).

    Parameters
    ----------
    sample : EmbeddingSample
        Of images of `images`.
    images : pandas.DataFrame
        row, id, label, predicted.
    names : list of str
        Of all classes.

    Returns
    -------
    pandas.DataFrame
        first, second, class, decision (right or wrong) and id; no rows where fewer than two images were kept.
    """
    if len(sample.rows) < COMPONENTS or sample.vectors().shape[1] < COMPONENTS:
        return pd.DataFrame(columns=["first", "second", "class", "decision", "id"])
    vectors = sample.vectors().astype(np.float64)
    places = ((vectors - vectors.mean(axis=0)) @ principal_axes(vectors, COMPONENTS).T).round(3) + 0.0
    kept = images.set_index("row").loc[sample.rows]
    decision = np.where(kept["label"] == kept["predicted"], "right", "wrong")
    columns = {"first": places[:, 0], "second": places[:, 1], "class": np.array(names, dtype=object)[kept["label"]]}
    return pd.DataFrame(columns | {"decision": decision, "id": kept["id"].to_numpy()})
