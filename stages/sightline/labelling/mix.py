"""The default: images that the model is unsure of, and among those different ones."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sightline.labelling.seen import Seen
from sightline.labelling.spread import Choice
from sightline.labelling.uncertainty import margin

CANDIDATES = 10  # times as many images as are asked for are clustered
ROUNDS = 20  # of k-means at most


def mix(pool: Seen, count: int, random: np.random.Generator) -> Choice:
    """Cluster the images of the narrowest margin, and choose the one nearest to each centre, the least sure one first.

    Zhdanov, 2019, "Diverse Mini-batch Active Learning": k-means in which an image weighs what it is unsure.

    Parameters
    ----------
    pool : Seen
    count : int
        1..n: clusters.
    random : numpy.random.Generator
        Draws where k-means begins.
    """
    unsure = margin(pool.probabilities)
    candidates = np.argsort(-unsure, kind="stable")[: CANDIDATES * count]
    embeddings = pool.embeddings[candidates]
    clusters = KMeans(count, n_init=1, max_iter=ROUNDS, random_state=int(random.integers(1 << 31)))
    with warnings.catch_warnings(), threadpool_limits(1, user_api="openmp"):  # threads add up in the order they end in
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different embeddings than clusters: any of them do
        clusters.fit(embeddings, sample_weight=unsure[candidates])
    rows = candidates[_nearest(clusters.transform(embeddings))]
    rows = rows[np.argsort(-unsure[rows], kind="stable")]
    return Choice(rows, unsure[rows])


def _nearest(distances: np.ndarray) -> list[int]:
    """Return for each column of [n, clusters] the row of its least value among those that no column before it has."""
    rows: list[int] = []
    for column in distances.T:
        free = column.copy()
        free[rows] = np.inf
        rows.append(int(free.argmin()))
    return rows
