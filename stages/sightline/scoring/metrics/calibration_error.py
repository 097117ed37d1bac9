"""Do the probabilities mean what they say? Expected calibration errors, and the table of a reliability diagram."""

import numpy as np
import pandas as pd

from sightline.common.rows import row_blocks


def reliability_table(probabilities: np.ndarray, labels: np.ndarray, bins: int, binning: str = "width") -> pd.DataFrame:
    """Compare how sure the network is with how often it is right, in bins of confidence.

    Parameters
    ----------
    probabilities : ndarray
        float [n, classes]; the confidence of an image is its largest one.
    labels : ndarray
        int [n] in [0, classes).
    bins : int
        How many.
    binning : str
        ``width``: bin m of M holds the confidences in ((m - 1) / M, m / M]. ``mass``: about equally many images a bin;
        equal confidences share one.

    Returns
    -------
    pandas.DataFrame
        One row a bin that is not empty: bin (its number, from 1), confidence and accuracy (means in [0, 1]), count.
    """
    if len(labels) == 0:
        return pd.DataFrame({"bin": [], "confidence": [], "accuracy": [], "count": []})
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    number = BINNINGS[binning](confidence, bins)
    table = pd.DataFrame({"bin": number, "confidence": confidence, "accuracy": right.astype(np.float64)})
    grouped = table.groupby("bin")
    return grouped.mean().assign(count=grouped.size()).reset_index()


def equal_width(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return the number, from 1, of the bin ((m - 1) / bins, m / bins] that each confidence in [0, 1] falls into."""
    return np.clip(np.ceil(confidence * bins), 1, bins).astype(int)


def equal_mass(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return the number, from 1, of the bin that each confidence [n] has by its rank; equal ones have the same."""
    below = np.searchsorted(np.sort(confidence), confidence)
    return below * bins // len(confidence) + 1


BINNINGS = {"width": equal_width, "mass": equal_mass}


def expected_calibration_error(table: pd.DataFrame) -> float:
    """Return the mean distance between confidence and accuracy over the bins, weighted by their images.

    Naeini et al., 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; takes the rows of
    `reliability_table`, at least one.
    """
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["count"]).sum() / table["count"].sum())


def classwise_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Return the mean over all classes of the calibration error of that class's probability.

    Kull et al., 2019, "Beyond temperature scaling": for each class, its probability is compared with the share of its
    images in bins of equal width, over all images. Arguments as in `reliability_table`, n > 0.
    """
    classes = probabilities.shape[1]
    gaps = np.zeros(classes * bins)  # sum of probability minus truth in each bin
    for rows in row_blocks(len(labels), classes):
        block = probabilities[rows].astype(np.float64)
        codes = np.arange(classes) * bins + equal_width(block, bins) - 1
        block[np.arange(len(block)), labels[rows]] -= 1
        gaps += np.bincount(codes.ravel(), weights=block.ravel(), minlength=classes * bins)
    return float(np.abs(gaps).sum() / len(labels) / classes)
