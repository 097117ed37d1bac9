import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from sightline.scoring.embeddings import EmbeddingSample, choose_sample, map_embeddings
from sightline.scoring.reference import describe_reference, summarize_pixels

NAMES = ["a", "b"]


def filled(count=30, features=5):
    vectors = np.random.default_rng(0).normal(size=(count, features)).astype(np.float32) + 3
    rows = np.arange(count) * 2
    sample = EmbeddingSample(rows[::3])
    sample.add(rows[:20], vectors[:20])
    sample.add(rows[20:], vectors[20:])
    return sample, vectors


def test_statistics_are_those_of_all_and_the_sample_that_of_some():
    sample, vectors = filled()
    assert sample.count == 30
    assert sample.mean == pytest.approx(vectors.mean(axis=0), rel=1e-5)
    assert sample.deviation == pytest.approx(vectors.std(axis=0), rel=1e-5)
    assert np.array_equal(sample.vectors(), vectors[::3])


def test_a_sample_is_spread_over_all_rows():
    assert choose_sample(np.arange(100) + 5, 3).tolist() == [5, 55, 104]
    assert choose_sample(np.arange(2), 3).tolist() == [0, 1]
    assert choose_sample(np.arange(4), 0).size == choose_sample(np.empty(0, dtype=int), 3).size == 0


def test_the_map_shows_principal_components():
    sample, vectors = filled()
    images = pd.DataFrame(
        {"row": np.arange(30) * 2, "id": [str(n) for n in range(30)], "label": 0, "predicted": [0, 1] * 15}
    )
    found = map_embeddings(sample, images, NAMES)
    expected = PCA(2).fit_transform(vectors[::3].astype(float))
    assert found[["first", "second"]].to_numpy() == pytest.approx(expected, abs=1e-3)
    assert found["decision"].tolist() == ["right", "wrong"] * 5
    assert found["id"].tolist() == [str(n) for n in range(0, 30, 3)]


def test_too_few_images_have_no_map():
    assert map_embeddings(EmbeddingSample(np.array([1])), pd.DataFrame(), NAMES).empty


def test_pixel_summaries_by_hand():
    pixels = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    pixels[0, :, 0] = 255  # a white column beside a black one
    found = {name: float(values[0]) for name, values in summarize_pixels(pixels).items()}
    expected = dict.fromkeys(("red", "green", "blue", "brightness", "contrast", "sharpness"), 0.5) | {"saturation": 0}
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_reference_leaves_out_what_is_not_there():
    empty = EmbeddingSample(np.empty(0, dtype=int))
    pixels = np.empty((0, 8, 8, 3), dtype=np.uint8)
    test = pd.DataFrame({"predicted": [1, 1], "confidence": [0.5, 1.0]})
    assert set(describe_reference(empty, pixels, test.iloc[:0], NAMES)) == {"images", "sampled", "levels"}
    found = describe_reference(empty, pixels, test, NAMES)
    assert found["predictions"]["classes"] == {"a": 0.0, "b": 1.0}
    assert found["predictions"]["confidence"][3] == 0.75
