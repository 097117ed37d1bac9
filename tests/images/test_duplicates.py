import hashlib
import itertools
import tracemalloc

import numpy as np
from scipy.fft import dctn
from scipy.sparse.csgraph import connected_components

from sightline.images import duplicates
from sightline.images.duplicates import (
    count_duplicates,
    exact_clusters,
    find_conflicts,
    find_near,
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


def test_clusters_are_those_of_all_pairs():
    random = np.random.default_rng(2)
    hashes = random.integers(0, 2**64, 200, dtype=np.uint64)
    hashes = np.concatenate([hashes, hashes[:150] ^ np.uint64(0b101), hashes[50:100] ^ np.uint64(1 << 40), hashes[:9]])
    for bits in (0, 1, 2, 3):
        close = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= bits
        _, expected = connected_components(close, directed=False)
        _, first, position = np.unique(near_clusters(hashes, bits), return_index=True, return_inverse=True)
        assert (expected[first][position] == expected).all()
        assert len(first) == expected.max() + 1


def test_images_that_are_all_alike_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(duplicates, "PAIRS_AT_ONCE", 10_000)
    hashes = np.arange(2048, dtype=np.uint64)  # 237,568 pairs within 3 bits, found three times each: 11 MB
    tracemalloc.start()
    try:
        clusters = near_clusters(hashes, 3)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (clusters == 0).all()
    assert most < 2_000_000


def test_hashes_in_digits_and_in_bytes_have_the_same_clusters():
    pixels = noise(40)[np.random.default_rng(0).integers(0, 40, 100)]
    raw = pixel_hashes(pixels)
    digits = [hashlib.sha256(image.tobytes()).hexdigest() for image in pixels]
    assert [value.tobytes().hex() for value in raw] == digits
    assert (exact_clusters(raw) == exact_clusters(digits)).all()
    assert exact_clusters(digits).tolist() == [sorted(set(digits)).index(value) for value in digits]


def test_hashes_that_only_begin_alike_are_different():
    digits = ["00" * 8 + end * 24 for end in ("02", "01", "02", "03")]
    raw = np.array([bytes.fromhex(value) for value in digits], dtype=duplicates.SHA256)
    assert exact_clusters(digits).tolist() == exact_clusters(raw).tolist() == [1, 0, 1, 2]


def test_an_image_has_the_same_hashes_in_any_batch():
    pixels = noise(20, side=30)
    for hashes in (pixel_hashes, perceptual_hashes):
        alone = np.concatenate([hashes(pixels[place : place + 1]) for place in range(len(pixels))])
        assert (hashes(pixels) == alone).all()


def test_duplicates_are_counted_beyond_the_first():
    pixels = np.concatenate([noise(3), noise(3)[:2], noise(3)[:1]])
    exact, near = exact_clusters(pixel_hashes(pixels)), near_clusters(perceptual_hashes(pixels), 0)
    assert count_duplicates(exact, near) == {"exact_duplicates": 3, "near_duplicates": 3}
    nothing = np.empty(0, dtype=int)
    assert count_duplicates(nothing, nothing) == {"exact_duplicates": 0, "near_duplicates": 0}


def test_conflicts_are_equal_pixels_under_other_labels():
    clusters = np.array([1, 0, 1, 1, 2, 0, 1])
    assert find_conflicts(clusters, np.array([0, 1, 0, 2, 0, 1, 1])).tolist() == [[0, 3], [0, 6]]
    assert find_conflicts(clusters, np.array([2, 1, 0, 2, 0, 0, 1])).tolist() == [[0, 2], [1, 5], [0, 6]]
    assert find_conflicts(clusters, np.zeros(7, dtype=int)).shape == (0, 2)


def test_near_ones_are_those_that_comparing_all_finds():
    generator = np.random.default_rng(0)
    others = generator.integers(0, 1 << 63, 40, dtype=np.uint64)
    flipped = others[generator.integers(0, 40, 60)] ^ (np.uint64(1) << generator.integers(0, 64, 60).astype(np.uint64))
    hashes = np.concatenate([flipped, flipped ^ np.uint64(0b1110), others[:3], others[:2] ^ np.uint64(0b11111)])
    for bits in (0, 1, 3, 4):
        distance = np.bitwise_count(hashes[:, None] ^ others)
        near = distance <= bits
        expected = np.where(near.any(axis=1), near.argmax(axis=1), -1)
        assert find_near(hashes, others, bits).tolist() == expected.tolist()
    assert find_near(hashes[:2], others[:0], 3).tolist() == [-1, -1]
    assert find_near(hashes[:0], others, 3).tolist() == []
