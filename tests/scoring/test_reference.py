import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.scoring import pixel_summary
from sightline.scoring.embeddings import EmbeddingSample
from sightline.scoring.pixel_summary import summarize_pixels
from sightline.scoring.reference import describe_embeddings, describe_reference, place, read_reference

NAMES = ["b", "a"]


def test_pixel_summaries_by_hand():
    pixels = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    pixels[2, :, 0] = 255  # a white column beside a black one
    found = summarize_pixels(pixels, np.array([2, 0]))
    assert found.pop("saturation").tolist() == [0, 0]
    assert len(found) == 6
    for values in found.values():
        assert values == pytest.approx([0.5, 0], abs=1e-6)


def test_blocks_of_pixels_give_the_same_as_all_at_once(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 6, 6, 3), dtype=np.uint8)
    whole = summarize_pixels(pixels, np.arange(9))
    blocks = [slice(0, 4), slice(4, 8), slice(8, 12)]
    monkeypatch.setattr(pixel_summary, "row_blocks", lambda rows, width: iter(blocks))
    parts = summarize_pixels(pixels, np.arange(9))
    assert list(parts) == list(whole)
    for name, values in parts.items():
        assert values == pytest.approx(whole[name], abs=1e-6)


def test_places_by_hand():
    vectors = np.array([[3.0, 1.0, 4.0], [1.0, 1.0, 1.0]])
    found = place(vectors, np.ones(3), 2.0, np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    assert found.tolist() == [[1.0, 0.0, 1.5], [0.0, 0.0, 0.0]]


def test_axes_are_fitted_to_one_half_and_the_other_is_placed():
    vectors = np.random.default_rng(0).normal(size=(41, 30)) * np.linspace(3, 0.1, 30)
    found = describe_embeddings(vectors)
    fitted = vectors[::2]
    assert found.mean == pytest.approx(fitted.mean(axis=0), abs=1e-6)
    assert found.scale == pytest.approx(np.sqrt(fitted.var(axis=0).sum()))
    assert np.array(found.axes).shape == (16, 30)
    assert np.array(found.places).shape == (20, 17)
    centred = (vectors[1::2] - found.mean) / found.scale  # Pythagoras: along the axes and off them
    assert (np.array(found.places) ** 2).sum(axis=1) == pytest.approx((centred**2).sum(axis=1), rel=1e-3)
    assert describe_embeddings(np.ones((9, 3))) is None
    assert describe_embeddings(vectors[:1]) is None
    assert describe_embeddings(np.empty((0, 0))) is None


def test_the_reference_of_a_table(tmp_path):
    test = pd.DataFrame({"row": [5, 7, 9], "predicted": [1, 1, 0], "confidence": [0.5, 1.0, 0.25]})
    sample = EmbeddingSample(np.array([5, 9]))
    sample.add(np.array([5, 7, 9]), np.float32([[1, 2], [0, 0], [3, 5]]))
    pixels = np.full((10, 2, 2, 3), 51, dtype=np.uint8)
    found = describe_reference(sample, pixels, test, NAMES)
    assert (found.images, found.classes, found.confidence) == (3, {"b": 1, "a": 2}, [0.5, 0.25])
    assert found.pixels["red"] == [0.2, 0.2]
    assert found.embedding is None  # one image has no spread
    write_json(tmp_path / "reference.json", found.model_dump(exclude_none=True))
    assert read_reference(str(tmp_path / "reference.json")) == found


def test_without_test_images_the_reference_is_empty():
    none = EmbeddingSample(np.empty(0, dtype=int))
    test = pd.DataFrame({"row": [], "predicted": [], "confidence": []})
    found = describe_reference(none, np.empty((4, 8, 8, 3), dtype=np.uint8), test, NAMES)
    assert found.model_dump(exclude_none=True) == {
        "images": 0,
        "classes": {"b": 0, "a": 0},
        "confidence": [],
        "pixels": {},
    }


def test_a_reference_of_an_older_version_says_what_to_do(tmp_path):
    write_json(tmp_path / "reference.json", {"images": 3, "sampled": 2})
    with pytest.raises(SightlineError, match="dvc repro evaluate"):
        read_reference(str(tmp_path / "reference.json"))
