"""What images and predictions look like today, to compare later batches with: the reference of a drift check."""

import numpy as np
import pandas as pd

from sightline.scoring.embeddings import EmbeddingSample

LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
DIGITS = 6  # significant: enough to compare with, and the same on every run


def describe_reference(sample: EmbeddingSample, pixels: np.ndarray, test: pd.DataFrame, names: list[str]) -> dict:
    """Return the statistics of test images, which no network has trained on.

    Parameters
    ----------
    sample : EmbeddingSample
        Of test images, by the first member.
    pixels : ndarray
        uint8 [N, H, W, 3], images.npy.
    test : pandas.DataFrame
        One row a test image: predicted, confidence.
    names : list of str
        Of all classes.

    Returns
    -------
    dict
        images, sampled; embedding: mean and deviation of each feature over all images, quantiles (at `levels`) of the
        sampled ones; pixels: quantiles of the sampled images' summaries; predictions: quantiles of the confidence, and
        the share of each class. Parts without images are left out.
    """
    found = {"images": len(test), "sampled": len(sample.wanted), "levels": list(LEVELS)}
    if sample.count:
        found["embedding"] = {"mean": _numbers(sample.mean), "deviation": _numbers(sample.deviation)}
    if len(sample.rows):
        quantiles = np.quantile(sample.vectors().astype(np.float64), LEVELS, axis=0).T
        found["embedding"]["quantiles"] = [_numbers(row) for row in quantiles]
    if sample.wanted:
        looks = summarize_pixels(pixels[sorted(sample.wanted)])
        found["pixels"] = {name: _quantiles(values) for name, values in looks.items()}
    if len(test):
        shares = np.bincount(test["predicted"], minlength=len(names)) / len(test)
        classes = dict(zip(names, _numbers(shares), strict=True))
        found["predictions"] = {"confidence": _quantiles(test["confidence"].to_numpy()), "classes": classes}
    return found


def summarize_pixels(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return one number an image, float [n], of each summary; pixels are uint8 [n, H, W, 3].

    red, green, blue: means in [0, 1]; brightness and contrast: mean and deviation of the luma (BT.601); saturation:
    mean of the largest minus the smallest channel; sharpness: mean absolute difference of neighbouring luma.
    """
    scaled = pixels.astype(np.float32) / 255
    luma = scaled @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    steps = [np.abs(np.diff(luma, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    found = dict(zip(("red", "green", "blue"), scaled.mean(axis=(1, 2)).T, strict=True))
    return found | {
        "brightness": luma.mean(axis=(1, 2)),
        "contrast": luma.std(axis=(1, 2)),
        "saturation": (scaled.max(axis=3) - scaled.min(axis=3)).mean(axis=(1, 2)),
        "sharpness": sum(steps) / len(steps),
    }


def _quantiles(values: np.ndarray) -> list[float]:
    return _numbers(np.quantile(values.astype(np.float64), LEVELS))


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
