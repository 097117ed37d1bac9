"""What test images and predictions look like today, to compare later batches with: the reference of a drift check."""

from typing import TYPE_CHECKING

import numpy as np

from sightline.common.files import read_json
from sightline.common.params import StrictModel, validate
from sightline.scoring.pixel_summary import DECIMALS, summarize_pixels

if TYPE_CHECKING:  # monitor reads a reference without torch
    import pandas as pd

    from sightline.scoring.embeddings import EmbeddingSample

AXES = 16
PLACE_DECIMALS = 4  # coarser than what float32 rounds, differently on another device, where an axis has no variance


class EmbeddingReference(StrictModel):
    """Where one half of the sampled images lies on axes that were fitted to the other half.

    To the axes the placed images are thus as new as a later batch is. `mean` is [features] and `axes` [axes, features]
    of the fitted half, `scale` its total deviation, and `places` [images, axes + 1] of the other, as from `place`.
    """

    mean: list[float]
    scale: float
    axes: list[list[float]]
    places: list[list[float]]


class Reference(StrictModel):
    """The content of reference.json.

    `classes` counts the predictions of all test images, `images`; one number for each sampled image are its confidence,
    and in `pixels` its summaries by `summarize_pixels`. Without embeddings, `embedding` is None.
    """

    images: int
    classes: dict[str, int]
    confidence: list[float]
    pixels: dict[str, list[float]]
    embedding: EmbeddingReference | None = None


def read_reference(path: str = "data/predictions/reference.json") -> Reference:
    """Read reference.json, refusing one that an incompatible version wrote."""
    return validate(Reference, read_json(path), f"{path} (`dvc repro evaluate` makes it anew)")


def describe_reference(
    sample: "EmbeddingSample", pixels: np.ndarray, test: "pd.DataFrame", names: list[str]
) -> Reference:
    """Describe test images, which no network has trained on.

    Parameters
    ----------
    sample : EmbeddingSample
        Of test images, by the first member.
    pixels : ndarray
        uint8 [N, H, W, 3], images.npy.
    test : pandas.DataFrame
        One row a test image: row, predicted, confidence.
    names : list of str
        Of all classes.
    """
    counts = np.bincount(test["predicted"].astype(int), minlength=len(names)).tolist()
    looks = summarize_pixels(pixels, np.array(sorted(sample.wanted), dtype=int))
    return Reference(
        images=len(test),
        classes=dict(zip(names, counts, strict=True)),
        confidence=_rounded(test["confidence"][test["row"].isin(sample.wanted)].to_numpy()),
        pixels={name: _rounded(values) for name, values in looks.items()},
        embedding=describe_embeddings(sample.vectors().astype(np.float64)),
    )


def describe_embeddings(vectors: np.ndarray) -> EmbeddingReference | None:
    """Fit axes to every second of the embeddings, float64 [n, features], and place the others; None where all equal."""
    from sightline.scoring.embeddings import principal_axes

    fitted = vectors[::2]
    placed = vectors[1::2]
    if len(placed) == 0 or not fitted.std(axis=0).any():
        return None
    scale = float(np.sqrt(fitted.var(axis=0).sum()))
    mean = fitted.mean(axis=0).round(DECIMALS)
    axes = principal_axes(fitted, min(AXES, len(fitted) - 1)).round(DECIMALS)
    places = place(placed, mean, scale, axes)
    return EmbeddingReference(mean=mean.tolist(), scale=scale, axes=axes.tolist(), places=places.tolist())


def place(vectors: np.ndarray, mean: np.ndarray, scale: float, axes: np.ndarray) -> np.ndarray:
    """Return where embeddings lie on the axes, and how far off them, in units of `scale`.

    Parameters
    ----------
    vectors : ndarray
        float [n, features].
    mean, scale, axes
        As in `EmbeddingReference`.

    Returns
    -------
    ndarray of float64 [n, axes + 1]
        The last column is the distance from what the axes span.
    """
    centred = (vectors.astype(np.float64) - mean) / scale
    along = centred @ axes.T
    return np.c_[along, np.linalg.norm(centred - along @ axes, axis=1)].round(PLACE_DECIMALS)


def _rounded(values: np.ndarray) -> list[float]:
    return values.astype(np.float64).round(DECIMALS).tolist()
