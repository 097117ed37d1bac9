"""Common corruptions of images at five severities, from weak to strong."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

# Hendrycks and Dietterich, 2019, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", as
# for ImageNet; the blur as for CIFAR-10, as a share of the side, so that it means the same at any image size
STRENGTHS = {
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),  # standard deviation, of values in [0, 1]
    "blur": (0.0125, 0.01875, 0.021875, 0.025, 0.03125),  # standard deviation, share of the side
    "jpeg": (25, 18, 15, 10, 7),  # quality
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),  # added to the largest channel, of values in [0, 1]
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),  # factor of the distance from the image's mean
}


def corrupt(image: np.ndarray, name: str, severity: int, seed: int) -> np.ndarray:
    """Corrupt one image.

    Parameters
    ----------
    image : ndarray
        uint8 [H, W, 3] RGB, or [H, W, 1] grey.
    name : str
        A key of `STRENGTHS`.
    severity : int
        1 to 5.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray of uint8, as `image`
    """
    return CORRUPTIONS[name](image, STRENGTHS[name][severity - 1], seed)


def _add_noise(image: np.ndarray, deviation: float, seed: int) -> np.ndarray:
    return _to_bytes(image / 255 + np.random.default_rng(seed).normal(scale=deviation, size=image.shape))


def _blur(image: np.ndarray, share: float, seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    sigma = share * min(image.shape[:2])
    return _to_bytes(gaussian_filter(image / 255, (sigma, sigma, 0), mode="nearest"))


def _compress(image: np.ndarray, quality: int, seed: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream)).reshape(image.shape)


def _brighten(image: np.ndarray, added: float, seed: int) -> np.ndarray:
    """Raise the value of hue, saturation, value; black, which has no hue, becomes gray."""
    scaled = image / 255
    value = scaled.max(axis=2, keepdims=True)
    brighter = np.minimum(value + added, 1)
    return _to_bytes(np.where(value > 0, scaled * brighter / np.maximum(value, 1e-9), brighter))


def _flatten(image: np.ndarray, factor: float, seed: int) -> np.ndarray:
    scaled = image / 255
    mean = scaled.mean(axis=(0, 1), keepdims=True)
    return _to_bytes((scaled - mean) * factor + mean)


def _to_bytes(scaled: np.ndarray) -> np.ndarray:
    return (np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)


CORRUPTIONS: dict[str, Callable[[np.ndarray, float, int], np.ndarray]] = {
    "noise": _add_noise,
    "blur": _blur,
    "jpeg": _compress,
    "brightness": _brighten,
    "contrast": _flatten,
}
