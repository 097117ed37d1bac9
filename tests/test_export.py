import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from export import ExportParams, Params, list_labels, main
from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from small_run import CLASSES, make_run

PARAMS = Params(export=ExportParams(opset=20, batch_size=4, intended_use="Tests."))
PIXELS, PROBABILITIES = "data/prepared/images.npy", "data/predictions/probabilities.npy"
MIXED = ("train", "val", *["test"] * 6)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json("metrics/evaluate.json", {"val": {"images": 1}, "test": {"images": 6, "accuracy": 0.25}})
    return tmp_path


def outputs() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*Path("models/exported").iterdir(), Path("metrics/export.json")]}


def test_everything_is_written_and_repeats_byte_for_byte(here):
    make_run(here, MIXED, members=2)
    main(PARAMS)
    first = outputs()
    assert set(first) == {"model.onnx", "labels.txt", "MODEL_CARD.md", "export.json"}
    assert first["labels.txt"].decode().splitlines() == CLASSES
    assert b"| accuracy | - | 0.2500 |" in first["MODEL_CARD.md"]
    metrics = json.loads(first["export.json"])
    assert metrics["bytes"] == len(first["model.onnx"])
    assert metrics["parameters"] == 2 * (27 * 32 + 9 * 32 * 64 + 9 * 64 * 128 + 2 * (32 + 64 + 128) + 3 * 128 + 3)
    parity = metrics["parity"]
    assert (parity["images"], parity["subset"], parity["decision_flips"]) == (6, "test", 0)
    assert 0 <= parity["max_probability_difference"] < 1e-5
    found = onnxruntime.InferenceSession(first["model.onnx"]).run(None, {"pixels": np.load(PIXELS)[2:]})[0]
    np.testing.assert_allclose(found, np.load(PROBABILITIES)[1:], atol=1e-5)
    main(PARAMS)
    assert outputs() == first


@pytest.mark.parametrize(("subsets", "compared"), [(("train", "val", "val"), 2), (("train",) * 3, None)])
def test_no_test_images(here, subsets, compared):
    make_run(here, subsets)
    main(PARAMS)
    metrics = json.loads(outputs()["export.json"])
    if compared:
        assert (metrics["parity"]["subset"], metrics["parity"]["images"]) == ("val", compared)
    else:
        assert "parity" not in metrics
        assert metrics["notes"]


def test_predictions_of_another_model_leave_no_export(here, monkeypatch):
    make_run(here, MIXED)
    monkeypatch.setattr("export.build_graph", lambda *given: b"")
    np.save(PROBABILITIES, np.load(PROBABILITIES)[:, [1, 2, 0]])
    with pytest.raises(SightlineError, match="belongs to another model"):
        main(PARAMS)
    np.save(PROBABILITIES, np.load(PROBABILITIES)[1:])
    with pytest.raises(SightlineError, match=r"has 6 rows, predictions\.csv 7"):
        main(PARAMS)
    assert not Path("models/exported").exists()


def test_flips_leave_no_export(here, monkeypatch):
    make_run(here, MIXED)
    monkeypatch.setattr("export.build_graph", lambda *given: b"")
    monkeypatch.setattr("sightline.deployment.parity.predict_onnx", lambda *given: np.eye(3)[[0, 1, 2, 0, 1, 2]])
    with pytest.raises(SightlineError, match=r"decides otherwise than torch on \d of 6 images"):
        main(PARAMS)
    assert not Path("models/exported").exists()


def test_labels_keep_to_their_line():
    assert list_labels(["ant", "two\nlines", " spaced "]) == "ant\ntwo lines\n spaced \n"
