import itertools

import numpy as np
from scipy.fft import dctn

from sightline.images.duplicates import (
    count_duplicates,
    find_conflicts,
    near_clusters,
    near_pairs,
    perceptual_hashes,
    pixel_hashes,
)


def noise(count, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_the_perceptual_hash_is_the_sign_of_the_low_frequencies():
    pixels = noise(5)
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    for image, found in zip(luma, perceptual_hashes(pixels), strict=True):
        low = dctn(image, norm="ortho")[:8, :8].ravel()
        bits = "".join("1" if value > np.median(low) else "0" for value in low)
        assert f"{int(found):064b}" == bits


def test_brightness_moves_few_bits_and_another_image_many():
    smooth = np.repeat(np.repeat(noise(2, side=8), 4, axis=1), 4, axis=2)
    brighter = (smooth[0] * 0.9 + 10).astype(np.uint8)
    one, other, bright = perceptual_hashes(np.stack([smooth[0], smooth[1], brighter]))
    assert np.bitwise_count(one ^ bright) <= 3
    assert np.bitwise_count(one ^ other) > 12


def test_near_pairs_are_those_of_comparing_all():
    random = np.random.default_rng(1)
    hashes = random.integers(0, 2**64, 60, dtype=np.uint64)
    flips = [np.uint64(sum(1 << int(bit) for bit in random.choice(64, count, replace=False))) for count in range(1, 7)]
    hashes = np.unique(np.concatenate([hashes, *(hashes[:10] ^ flip for flip in flips)]))
    for bits in (0, 1, 3, 5, 8):
        expected = [
            pair
            for pair in itertools.combinations(range(len(hashes)), 2)
            if np.bitwise_count(hashes[pair[0]] ^ hashes[pair[1]]) <= bits
        ]
        assert near_pairs(hashes, bits).tolist() == [list(pair) for pair in expected]


def test_chains_of_near_duplicates_are_one_cluster():
    clusters = near_clusters(np.array([0b0, 0b111, 0b111111, 0xFF << 32, 0b0], dtype=np.uint64), 3)
    assert clusters[0] == clusters[1] == clusters[2] == clusters[4]
    assert clusters[3] != clusters[0]


def test_duplicates_are_counted_beyond_the_first():
    pixels = np.concatenate([noise(3), noise(3)[:2], noise(3)[:1]])
    found = count_duplicates(pixel_hashes(pixels), perceptual_hashes(pixels), 0)
    assert found == {"exact_duplicates": 3, "near_duplicates": 3}


def test_conflicts_are_equal_pixels_under_other_labels():
    pixels = noise(3)[[0, 1, 0, 0, 2, 1]]
    conflicts = find_conflicts(pixel_hashes(pixels), np.array([0, 1, 0, 2, 0, 1]))
    assert conflicts.tolist() == [[0, 3]]
    assert find_conflicts(pixel_hashes(pixels), np.zeros(6, dtype=int)).shape == (0, 2)
