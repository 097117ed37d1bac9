"""Confident learning: which labels are contradicted by predictions that were made without them."""

import numpy as np

from sightline.common.rows import row_blocks

SURE = 0.5  # of another class: it is then more probable than all others together


def find_label_issues(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Find images whose label the network confidently contradicts, the worst first.

    Northcutt et al., 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels". A class is confidently
    predicted where its probability is at least the mean that images of this class have; an image is an issue when the
    most probable of its confident classes is not its label, nor is its prediction. Sorted by the probability of the
    label minus that of the best other class.

    Parameters
    ----------
    labels : ndarray
        int [n].
    probabilities : ndarray
        float [n, classes], of networks that did not train on these images.

    Returns
    -------
    ndarray of int [issues]
        Positions.
    """
    own = probabilities[np.arange(len(labels)), labels]
    images = np.bincount(labels, minlength=probabilities.shape[1])
    sums = np.bincount(labels, weights=own, minlength=probabilities.shape[1])
    least = np.divide(sums, images, out=np.full(len(images), np.inf), where=images > 0)
    suspicious = np.zeros(len(labels), dtype=bool)
    margin = np.empty(len(labels))
    for rows in row_blocks(*probabilities.shape):
        block = probabilities[rows]
        label = labels[rows]
        confident = np.where(block >= least, block, -1.0)
        best = confident.argmax(axis=1)
        contradicted = (confident.max(axis=1) >= 0) & (best != label) & (block.argmax(axis=1) != label)
        others = block.copy()
        others[np.arange(len(block)), label] = -1
        suspicious[rows] = contradicted
        margin[rows] = own[rows] - others.max(axis=1)
    issues = np.flatnonzero(suspicious)
    return issues[np.argsort(margin[issues], kind="stable")]


def find_surely_wrong(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the positions of `find_label_issues` at which another class is more probable than all others together.

    Where features tell the classes badly, most doubts are about right labels that are hard to see; these few are not.
    """
    issues = find_label_issues(labels, probabilities)
    return issues[probabilities[issues].max(axis=1) > SURE]
