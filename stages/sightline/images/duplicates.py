"""Equal and nearly equal images, found by content hashes of the stored pixels."""

import hashlib
import itertools
from collections.abc import Iterator

import numpy as np
import scipy.sparse
from scipy.fft import dct
from scipy.sparse.csgraph import connected_components

SHA256 = np.dtype("V32")  # raw: the 64 digits that index.csv shows take twice the memory
HASH_SIDE = 8  # 8 x 8 coefficients give 64 bits
PAIRS_AT_ONCE = 1 << 20  # where nearly all images are alike, all their pairs would not fit into memory
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def pixel_hashes(pixels: np.ndarray) -> np.ndarray:
    """Return the SHA-256 of each image of uint8 [N, H, W, 3]: [N] values of 32 bytes, dtype V32."""
    digests = b"".join(hashlib.sha256(image).digest() for image in np.ascontiguousarray(pixels))
    return np.frombuffer(digests, dtype=SHA256)


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """Return a 64-bit perceptual hash (pHash) of each image.

    The luma's two-dimensional cosine transform is cut to its 8 x 8 lowest frequencies; a bit tells whether a
    coefficient is above their median (Zauner, 2010, "Implementation and Benchmarking of Perceptual Image Hash
    Functions"). Images that differ by compression, scale or brightness differ in few bits.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, 3] or [N, H, W, 1]
        Images of at least 8 x 8 pixels.

    Returns
    -------
    ndarray of uint64 [N]
    """
    luma = pixels[..., 0].astype(np.float32) if pixels.shape[3] == 1 else pixels.astype(np.float32) @ LUMA
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
    return np.unique(np.concatenate([np.empty((0, 2), dtype=np.int64), *_near_pairs(hashes, bits)]), axis=0)


def _near_pairs(hashes: np.ndarray, bits: int) -> Iterator[np.ndarray]:
    """Yield the pairs in parts of at most N, int64 [P, 2], the smaller position first; a pair may come twice."""
    edges = np.linspace(0, 64, bits + 2).astype(np.uint64)
    for low, high in itertools.pairwise(edges):
        mask = (1 << int(high - low)) - 1
        band = ((hashes >> low) & np.uint64(mask)).astype(np.min_scalar_type(mask))  # small numbers sort by radix
        order = np.argsort(band, kind="stable")
        band = band[order]
        ordered = hashes[order]
        first = np.arange(len(order))
        shift = 1
        while first.size:  # compare each hash with the next, the one after, ... while the band stays equal
            first = first[first + shift < len(order)]
            first = first[band[first] == band[first + shift]]
            close = first[np.bitwise_count(ordered[first] ^ ordered[first + shift]) <= bits]
            yield np.sort(np.stack([order[close], order[close + shift]], axis=1), axis=1)
            shift += 1


def exact_clusters(sha256: np.ndarray) -> np.ndarray:
    """Return a cluster number for each image, int64 [N]; equal hashes, raw (V32) or in digits, share one.

    Numbers follow the sorted hashes. Numbers of 64 bits are sorted in a third of the time that whole hashes take; these
    decide only where two different ones begin alike.
    """
    hashes = np.asarray(sha256)
    if hashes.dtype == SHA256:
        begin = np.ascontiguousarray(hashes).view(">u8")[::4]
    else:
        hashes = hashes.astype("S64", copy=False)
        begin = np.frombuffer(bytes.fromhex(hashes.astype("S16").tobytes().decode()), dtype=">u8")
    _, first, clusters = np.unique(begin.astype(np.uint64), return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first[clusters] != np.arange(len(clusters)))
    if (hashes[repeated] == hashes[first[clusters[repeated]]]).all():
        return clusters
    return np.unique(hashes, return_inverse=True)[1]


def near_clusters(phash: np.ndarray, bits: int) -> np.ndarray:
    """Return a cluster number for each image, int [N]; images linked by a chain of near duplicates share one."""
    values, position = np.unique(phash, return_inverse=True)
    clusters = np.arange(len(values))
    none = np.empty((0, 2), dtype=np.int64)
    waiting = [none]
    count = 0
    for pairs in _near_pairs(values, bits):
        waiting.append(pairs)
        count += len(pairs)
        if count > PAIRS_AT_ONCE:
            clusters = _join(clusters, np.concatenate(waiting))
            waiting = [none]
            count = 0
    return _join(clusters, np.concatenate(waiting))[position]


def _join(clusters: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Join the clusters of each pair of members; numbers follow the first members."""
    count = int(clusters.max(initial=-1)) + 1
    ends = tuple(clusters[pairs].T)
    links = scipy.sparse.coo_array((np.ones(len(pairs), dtype=np.int8), ends), shape=(count, count))
    return connected_components(links, directed=False)[1][clusters]


def find_near(hashes: np.ndarray, others: np.ndarray, bits: int) -> np.ndarray:
    """Find for each hash the first of `others` that differs in at most `bits` bits.

    Parameters
    ----------
    hashes, others : ndarray of uint64 [N], [M]
    bits : int
        Largest Hamming distance, 0 to 63.

    Returns
    -------
    ndarray of int64 [N]
        Positions in `others`, -1 where there is none.
    """
    values, position = np.unique(np.concatenate([others, hashes]), return_inverse=True)
    none = len(others)
    own = np.full(len(values), none, dtype=np.int64)  # the first of `others` with this very value
    np.minimum.at(own, position[:none], np.arange(none))
    first = own.copy()
    for pairs in _near_pairs(values, bits):
        for one, other in (pairs.T, pairs.T[::-1]):
            np.minimum.at(first, one, own[other])
    found = first[position[none:]]
    return np.where(found == none, -1, found)


def count_duplicates(exact: np.ndarray, near: np.ndarray) -> dict[str, int]:
    """Count the images that repeat another one, the first of each cluster not counted.

    Parameters
    ----------
    exact, near : ndarray of int [N]
        Clusters of equal pixels, and of near duplicates.

    Returns
    -------
    dict
        ``exact_duplicates`` and ``near_duplicates``, which include the exact ones.
    """
    return {
        "exact_duplicates": len(exact) - int(exact.max(initial=-1)) - 1,
        "near_duplicates": len(near) - int(near.max(initial=-1)) - 1,
    }


def find_conflicts(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find equal pixels under different labels.

    Parameters
    ----------
    clusters, labels : ndarray of int [N]
        Numbers from 0, equal for equal pixels; and the images' classes.

    Returns
    -------
    ndarray of int64 [P, 2]
        Positions of two images with equal pixels: the cluster's first, and the first one of each further label.
    """
    first = np.unique(clusters, return_index=True)[1]
    versions = np.unique(clusters * (labels.max(initial=0) + 1) + labels, return_index=True)[1]  # of cluster and label
    versions = np.sort(versions)
    pairs = np.stack([first[clusters[versions]], versions], axis=1)
    return pairs[pairs[:, 0] != pairs[:, 1]]
