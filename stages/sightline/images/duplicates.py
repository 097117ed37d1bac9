"""Equal and nearly equal images, found by content hashes of the stored pixels."""

import hashlib
import itertools

import numpy as np
import scipy.sparse
from scipy.fft import dct
from scipy.sparse.csgraph import connected_components

HASH_SIDE = 8  # 8 x 8 coefficients give 64 bits
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def pixel_hashes(pixels: np.ndarray) -> np.ndarray:
    """Return the SHA-256 of each image of uint8 [N, H, W, 3]: [N] strings of 64 hexadecimal digits, dtype S64."""
    return np.array([hashlib.sha256(image).hexdigest() for image in np.ascontiguousarray(pixels)], dtype="S64")


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """Return a 64-bit perceptual hash (pHash) of each image.

    The luma's two-dimensional cosine transform is cut to its 8 x 8 lowest frequencies; a bit tells whether a
    coefficient is above their median (Zauner, 2010, "Implementation and Benchmarking of Perceptual Image Hash
    Functions"). Images that differ by compression, scale or brightness differ in few bits.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, 3]
        Images of at least 8 x 8 pixels.

    Returns
    -------
    ndarray of uint64 [N]
    """
    luma = pixels.astype(np.float32) @ LUMA
    rows, columns = (_lowest_frequencies(side) for side in luma.shape[1:])
    coefficients = (rows @ luma @ columns.T).reshape(len(luma), HASH_SIDE**2)
    # rounded, so that a constant image, whose coefficients are noise around zero, hashes the same everywhere
    coefficients = np.round(coefficients, 2)
    bits = coefficients > np.median(coefficients, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def _lowest_frequencies(side: int) -> np.ndarray:
    return dct(np.eye(side, dtype=np.float32), axis=0, norm="ortho")[:HASH_SIDE]


def near_pairs(hashes: np.ndarray, bits: int) -> np.ndarray:
    """Return the pairs of positions whose hashes differ in at most `bits` bits.

    Two such hashes agree entirely in at least one of `bits` + 1 bands, so only equal bands are compared.

    Parameters
    ----------
    hashes : ndarray of uint64 [N]
        Different values.
    bits : int
        Largest Hamming distance, 0 to 63.

    Returns
    -------
    ndarray of int64 [P, 2]
        Each pair once, the smaller position first, sorted.
    """
    edges = np.linspace(0, 64, bits + 2).astype(np.uint64)
    found = [_pairs_in_band(hashes, bits, low, high) for low, high in itertools.pairwise(edges)]
    return np.unique(np.concatenate(found), axis=0)


def _pairs_in_band(hashes: np.ndarray, bits: int, low: np.uint64, high: np.uint64) -> np.ndarray:
    band = (hashes >> low) & np.uint64((1 << int(high - low)) - 1)
    order = np.argsort(band, kind="stable")
    band = band[order]
    pairs = [np.empty((0, 2), dtype=np.int64)]
    first, shift = np.arange(len(order)), 1
    while first.size:  # compare each hash with the next, the one after, ... while the band stays equal
        first = first[first + shift < len(order)]
        first = first[band[first] == band[first + shift]]
        one, other = order[first], order[first + shift]
        close = np.bitwise_count(hashes[one] ^ hashes[other]) <= bits
        pairs.append(np.sort(np.stack([one[close], other[close]], axis=1), axis=1))
        shift += 1
    return np.concatenate(pairs)


def exact_clusters(sha256: np.ndarray) -> np.ndarray:
    """Return a cluster number for each image, int64 [N]; equal hashes share one."""
    return np.unique(np.asarray(sha256, dtype="S64"), return_inverse=True)[1]


def near_clusters(phash: np.ndarray, bits: int) -> np.ndarray:
    """Return a cluster number for each image, int [N]; images linked by a chain of near duplicates share one."""
    values, position = np.unique(phash, return_inverse=True)
    pairs = near_pairs(values, bits)
    links = scipy.sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(values),) * 2)
    return connected_components(links, directed=False)[1][position]


def count_duplicates(sha256: np.ndarray, phash: np.ndarray, bits: int) -> dict[str, int]:
    """Count the images that repeat another one, the first of each cluster not counted.

    Returns
    -------
    dict
        ``exact_duplicates``: with the same pixels; ``near_duplicates``: with a hash within `bits` bits, the exact
        ones included.
    """
    exact, near = exact_clusters(sha256), near_clusters(phash, bits)
    return {
        "exact_duplicates": len(exact) - int(exact.max(initial=-1)) - 1,
        "near_duplicates": len(near) - int(near.max(initial=-1)) - 1,
    }


def find_conflicts(sha256: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find equal pixels under different labels.

    Returns
    -------
    ndarray of int64 [P, 2]
        Positions of two images with equal pixels: the cluster's first, and the first one of each further label.
    """
    clusters = exact_clusters(sha256)
    versions = np.unique(np.stack([clusters, labels]), axis=1, return_index=True)[1]  # first of (cluster, label)
    versions = np.sort(versions)
    first: dict[int, int] = {}
    pairs = [(first.setdefault(clusters[position], position), position) for position in versions]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
