"""What each side of a division still lacks, and which one takes the next units."""

import numpy as np
import scipy.sparse


class Sides:
    """What S sides lack of K classes and, in a last row, of all images.

    Parameters
    ----------
    counts : scipy.sparse.csr_array of int [U, K + 1]
        Images of each class in each unit, and all of them.
    shares : ndarray of float [S]
        Of the images, for each side; above 0, summing to 1.
    home : int or None
        The side on which every class is to be, come what may.
    """

    def __init__(self, counts: scipy.sparse.csr_array, shares: np.ndarray, home: int | None):
        images = counts.sum(axis=0)
        self._shares = shares
        self._lacking = images[:, np.newaxis] * shares
        self._weight = 1 / np.maximum(images, 1)
        self._weight[-1] *= np.count_nonzero(images[:-1])  # the shares count as much as all classes together
        self._total = int(images[-1])
        self._left = self._total  # images
        self._units = np.bincount(counts.indices, minlength=len(images))  # left, that hold a class
        self._bare = np.ones(self._lacking.shape, dtype=bool)  # sides without an image of a class
        self._home = home

    def take(self, columns: np.ndarray, counts: np.ndarray, number: int) -> np.ndarray:
        """Give out `number` units of the same content; return the side of each, int [number].

        Parameters
        ----------
        columns, counts : ndarray of int [C]
            The classes in each unit, in order and the row of all images behind them, and how many of each.
        """
        given = np.zeros(len(self._shares), dtype=np.int64)
        taken = 0
        while taken < number:
            sides, some = self._choose(columns, counts[-1], number - taken)
            shared = self._share(columns, counts, sides, some)
            self._lacking[columns] -= counts[:, np.newaxis] * shared
            self._bare[columns] &= shared == 0
            self._units[columns] -= some
            self._left -= some * int(counts[-1])
            given += shared
            taken += some
        return np.repeat(np.arange(len(given)), given)

    def _choose(self, columns: np.ndarray, size: int, number: int) -> tuple[np.ndarray | None, int]:
        """Return the sides that must take the next units, bool [S] or None for any, and for how many this holds.

        The last units of a class go to sides that have none of it, the very last one home. No side is filled beyond
        its share for that, unless it would be left empty.
        """
        halved = max(1, self._left // (2 * int(size)))  # since the weights of `_share` change on the way
        bare = self._bare[columns]
        if not bare.any():
            return None, min(number, halved)
        if self._home is not None and (bare[:, self._home] & (self._units[columns] == 1)).any():
            return np.arange(len(self._shares)) == self._home, 1
        spare = self._units[columns] - bare.sum(axis=1)  # units beyond one for each bare side
        wanting = bare & (spare <= 0)[:, np.newaxis]
        wanting[:-1] &= self._lacking[-1] > size / 2
        sides = wanting.any(axis=0)
        if sides.any():
            return sides, 1
        return None, min(number, halved, max(1, int(spare.min())))

    def _share(self, columns: np.ndarray, counts: np.ndarray, sides: np.ndarray | None, number: int) -> np.ndarray:
        """Divide equal units among sides so that chi-square falls most, int [S].

        Shares count the more, the less of the images that are left could still make up for what is missing.
        """
        missing = np.abs(self._lacking[-1] - self._shares * self._left).sum() / 2
        weight = self._weight[columns]
        weight[-1] *= 1 + missing * self._total / self._left**2
        weight *= counts
        square = (weight * counts).sum()
        gain = (2 * (weight[:, np.newaxis] * self._lacking[columns]).sum(axis=0) - square) / self._shares
        if sides is not None:
            gain[~sides] = -np.inf
        if number == 1:
            shared = np.zeros(len(gain), dtype=np.int64)
            shared[np.argmax(gain)] = 1
            return shared
        return share_out(number, gain, 2 * square / self._shares)


def share_out(number: int, gain: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Divide equal units, each to where it gains most, when the j-th one on a side gains ``gain - j * step``.

    Parameters
    ----------
    number : int
        At least 1.
    gain, step : ndarray of float [S]
        Steps are above 0.

    Returns
    -------
    ndarray of int [S]
        How many go to each side, `number` in all.
    """
    order = np.argsort(-gain, kind="stable")
    speed = 1 / step[order]
    levels = (np.cumsum(gain[order] * speed) - number) / np.cumsum(speed)  # of gain, if the first sides take part
    level = levels[np.flatnonzero(gain[order] > levels)[-1]]
    shared = np.maximum(0, (gain - level) / step).astype(np.int64)
    for _ in range(number - shared.sum()):
        shared[np.argmax(gain - step * shared)] += 1
    return shared
