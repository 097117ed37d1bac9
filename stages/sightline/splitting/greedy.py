"""Which side each unit goes to, where units hold several images: the large ones first, by images.

A unit (a group, equal pixels) stays whole. Each goes to the side that lacks most of what it holds, of its classes and
of images as such, each against what the side was to have: Pearson's chi-square falls most. As large units come first,
they land where much is wanted, and small ones even things out.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from sightline.splitting.sides import Sides
from sightline.splitting.units import index_units


def divide_units(labels: np.ndarray, units: np.ndarray, shares: np.ndarray, home: int | None, seed: int) -> np.ndarray:
    """Return the side of each image, int [N].

    Parameters
    ----------
    labels, units : ndarray of int [N]
        Class and unit of each image.
    shares : ndarray of float [S]
        Of the images, above 0, summing to 1.
    home : int or None
        The side that gets a unit of each class, whatever its share: elsewhere a class is of no use without it.
    seed : int
        Decides among units of about the same size.
    """
    first, unit_of = index_units(units)
    runs = find_runs(labels, first, unit_of, np.random.default_rng(seed))
    sides = Sides(runs.counts, shares, home)
    side_of = np.empty(len(first), dtype=np.int64)
    for start, end in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True):
        side_of[runs.order[start:end]] = sides.take(*runs.content(start), end - start)
    return side_of[unit_of]


@dataclass(frozen=True)
class Runs:
    """The U units in the order in which they are given out; neighbours that hold the same make one run.

    Parameters
    ----------
    counts : scipy.sparse.csr_array of int [U, K + 1]
        Images of each class in each unit; the last column counts all of them.
    order : ndarray of int [U]
    starts, ends : ndarray of int [R]
        Where each run begins in `order`, and where the next one does.
    """

    counts: scipy.sparse.csr_array
    order: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def content(self, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Return columns and counts of each unit of the run that begins at `start`, the column of all images last."""
        unit = self.order[start]
        row = slice(self.counts.indptr[unit], self.counts.indptr[unit + 1])
        return self.counts.indices[row], self.counts.data[row]


def find_runs(labels: np.ndarray, first: np.ndarray, unit_of: np.ndarray, random: np.random.Generator) -> Runs:
    """Order units by size and class, what there is most of last; sizes within a factor of two count as equal.

    Without that tolerance sizes alone would decide, and the same patients be tested whatever the seed.
    """
    classes = int(labels.max()) + 1
    counts = count_classes(labels, unit_of, classes)
    content = counts @ random.integers(-(2**62), 2**62, classes + 1)  # a hash: equal for units that hold the same
    size = np.bincount(unit_of)
    magnitude = np.frexp(size)[1]
    label = labels[first]
    kind = magnitude * classes + label
    amount = np.bincount(kind, size)[kind]
    ties = random.random(classes)[label], content, random.random(len(first))
    order = np.lexsort((*reversed(ties), amount, -magnitude))
    starts = np.flatnonzero(np.append(True, np.diff(content[order]) != 0))
    return Runs(counts, order, starts, np.append(starts[1:], len(order)))


def count_classes(labels: np.ndarray, unit_of: np.ndarray, classes: int) -> scipy.sparse.csr_array:
    """Count the images of each class in each unit, and all of them in a last column, int [U, classes + 1]."""
    columns = np.concatenate([labels, np.full(len(labels), classes)])
    places = (np.tile(unit_of, 2), columns)
    counts = scipy.sparse.coo_array((np.ones(len(columns), dtype=np.int64), places)).tocsr()
    counts.sort_indices()
    return counts
