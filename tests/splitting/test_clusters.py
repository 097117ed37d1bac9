import numpy as np

from sightline.splitting.clusters import merge_clusters


def test_merged_clusters_are_linked_through_either():
    merged = merge_clusters(np.array([0, 0, 1, 2, 3]), np.array([5, 6, 6, 7, 8]))
    assert merged[0] == merged[1] == merged[2]
    assert len(set(merged)) == 3


def test_a_single_clustering_is_numbered_by_first_images():
    assert merge_clusters(np.array([7, 2, 7, 0])).tolist() == [0, 1, 0, 2]
