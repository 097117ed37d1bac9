"""What decisions alone tell: metrics of right, predicted and true counts a class, of one sample or of many at once."""

import numpy as np


def count_decisions(labels: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, ...]:
    """Count, for each class, its right predictions, its predictions and its images: three arrays int [classes]."""
    right = labels[labels == predicted]
    return tuple(np.bincount(codes, minlength=classes) for codes in (right, predicted, labels))


def class_rates(hits: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall and f1 of each class; 0 where one is not defined, as without images or predictions."""
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, support + predicted),
    }


def decision_metrics(hits: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> dict[str, np.ndarray]:
    """Measure decisions by the formulas and names of scikit-learn.

    Parameters
    ----------
    hits, predicted, support : ndarray
        Number [..., classes]: right predictions, predictions and images of each class, at least one image in each
        sample; the leading axes are samples.

    Returns
    -------
    dict of str to ndarray [...]
        accuracy; balanced_accuracy, over the classes that have images; precision, recall and f1, each macro (over the
        classes that have images or are predicted) and weighted (by images); matthews_corrcoef and cohen_kappa, which
        are 0 where they are not defined.
    """
    images = support.sum(axis=-1)
    rates = class_rates(hits, predicted, support)
    occurring = ((support + predicted) > 0).sum(axis=-1)
    metrics = {
        "accuracy": hits.sum(axis=-1) / images,
        "balanced_accuracy": rates["recall"].sum(axis=-1) / (support > 0).sum(axis=-1),
    }
    for name, rate in rates.items():
        metrics[f"{name}_macro"] = rate.sum(axis=-1) / occurring
        metrics[f"{name}_weighted"] = (rate * support).sum(axis=-1) / images
    return metrics | _agreement(hits.sum(axis=-1) / images, predicted / images[..., None], support / images[..., None])


def _agreement(accuracy: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> dict[str, np.ndarray]:
    """Compare with chance; `predicted` and `support` are shares [..., classes]."""
    chance = (predicted * support).sum(axis=-1)
    spread = (1 - (predicted**2).sum(axis=-1)) * (1 - (support**2).sum(axis=-1))
    return {
        # Gorodkin, 2004, "Comparing two K-category assignments by a K-category correlation coefficient"
        "matthews_corrcoef": _ratio(accuracy - chance, np.sqrt(np.maximum(spread, 0))),
        "cohen_kappa": _ratio(accuracy - chance, 1 - chance),
    }


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    below = np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros_like(below), where=below > 1e-12)
