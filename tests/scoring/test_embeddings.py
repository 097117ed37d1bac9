import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from sightline.scoring.embeddings import EmbeddingSample, map_embeddings, principal_axes

NAMES = ["a", "b"]


def filled(count=30, features=5):
    vectors = np.random.default_rng(0).normal(size=(count, features)).astype(np.float32) + 3
    rows = np.arange(count) * 2
    sample = EmbeddingSample(rows[::3])
    sample.add(rows[:20], vectors[:20])
    sample.add(rows[20:], vectors[20:])
    return sample, vectors


def test_only_the_wanted_images_are_kept():
    sample, vectors = filled()
    assert sample.rows == [*range(0, 60, 6)]
    assert np.array_equal(sample.vectors(), vectors[::3])


def test_axes_are_principal_components():
    vectors = np.random.default_rng(0).normal(size=(30, 5))
    axes = principal_axes(vectors, 3)
    assert np.abs(axes) == pytest.approx(np.abs(PCA(3).fit(vectors).components_))
    assert (axes[np.arange(3), np.abs(axes).argmax(axis=1)] > 0).all()


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


def test_equal_images_lie_on_one_place():
    sample = EmbeddingSample(np.arange(4))
    sample.add(np.arange(4), np.ones((4, 3), dtype=np.float32))
    images = pd.DataFrame({"row": range(4), "id": list("abcd"), "label": 0, "predicted": 0})
    assert (map_embeddings(sample, images, NAMES)[["first", "second"]] == 0).all(axis=None)


def test_too_few_images_have_no_map():
    assert map_embeddings(EmbeddingSample(np.array([1])), pd.DataFrame(), NAMES).empty
