"""Which images belong together: equal pixels, near duplicates, groups, and the units that they make."""

import numpy as np
import pandas as pd
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from sightline.images.duplicates import exact_clusters, near_clusters


def find_clusters(index: pd.DataFrame, near_bits: int) -> dict[str, np.ndarray]:
    """Number the clusters of equal pixels, near duplicates and groups; -1 for images without a group."""
    phash = np.frombuffer(bytes.fromhex(index["phash"].to_numpy().tobytes().decode()), dtype=">u8").astype(np.uint64)
    groups = pd.factorize(index["group"].where(index["group"] != ""), use_na_sentinel=True)[0]
    return {
        "exact": exact_clusters(index["sha256"]),
        "near": near_clusters(phash, near_bits),
        "group": groups,
    }


def units_of(clusters: dict[str, np.ndarray], keep: str) -> np.ndarray:
    """Number the units that must stay on one side: groups, joined with the duplicates that are kept together."""
    groups = clusters["group"]
    joined = [] if keep == "none" else [clusters[keep]]
    if keep == "none" or (groups >= 0).any():
        alone = np.arange(len(groups)) + groups.max(initial=-1) + 1
        joined.append(np.where(groups >= 0, groups, alone))
    return merge_clusters(*joined)


def merge_clusters(*clusterings: np.ndarray) -> np.ndarray:
    """Join clusterings: images that share a cluster in any of them share one in the result, int [N].

    The result is numbered from 0 in the order of each cluster's first image.
    """
    if len(clusterings) == 1:
        return pd.factorize(clusterings[0])[0]
    count = len(clusterings[0])
    offset = count
    nodes = []
    for clusters in clusterings:
        nodes.append(clusters + offset)
        offset += int(clusters.max(initial=-1)) + 1
    rows = np.tile(np.arange(count), len(clusterings))
    columns = np.concatenate(nodes)
    links = scipy.sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=(offset, offset))
    return connected_components(links, directed=False)[1][:count]
