"""The service gives the pipeline's own answers, image by image."""

import json

import numpy as np
import pandas as pd
import pytest

from running_service import serving
from sightline.images.sources.open import open_source
from sightline.serving.model import open_model

AT_ONCE = 8  # the largest batch by default


def test_the_service_answers_as_the_pipeline_predicted(first, monkeypatch):
    monkeypatch.chdir(first.repo.path)
    table = pd.read_csv("data/predictions/predictions.csv", dtype={"id": str})
    expected = np.load("data/predictions/probabilities.npy")
    classes = json.loads(first.repo.read("data/prepared/dataset.json"))["classes"]
    container = open_source("digits")[1]
    files = [container.read(name, 1 << 20) for name in table["id"]]
    model = open_model("models/exported/model.onnx", threads=1)
    found, told = [], []
    with serving(model="models/exported/model.onnx", batch=AT_ONCE) as service:
        for start in range(0, len(files), AT_ONCE):
            part = files[start : start + AT_ONCE]
            told += service.classify(*part).json()["images"]
            pixels = np.stack([model.decode(file, 1 << 20) for file in part])
            found.append(infer(service, pixels))
            assert (found[-1] == model.run(pixels)).all(), "the same session options and batch: the same bytes"
    found = np.concatenate(found)
    assert len(found) == len(expected) > 600
    assert np.abs(found - expected).max() < 1e-5  # evaluate's are torch's
    assert [answer["class"] for answer in told] == [classes[row] for row in table["predicted"]]
    assert [answer["probability"] for answer in told] == pytest.approx(table["confidence"].tolist(), abs=2e-5)
    assert [answer["decided"] for answer in told] == (table["decided"] == 1).tolist()
    conformal = json.loads(first.repo.read("models/calibration.json"))["conformal"]
    sizes = (1 - expected.astype(float) <= conformal["threshold"]).sum(axis=1).clip(min=1)  # lac, the default
    assert [len(answer["set"]) for answer in told] == sizes.tolist()
    assert {answer["set_coverage"] for answer in told} == {conformal["coverage"]}


def infer(service, pixels):
    """Return probabilities in full precision, of one batch."""
    tensor = {"name": "pixels", "shape": list(pixels.shape), "datatype": "UINT8"}
    request = {"inputs": [tensor | {"parameters": {"binary_data_size": pixels.nbytes}}]}
    request["parameters"] = {"binary_data_output": True}
    head = json.dumps(request).encode()
    body = head + pixels.tobytes()
    reply = service.ask("POST", "/v2/models/classifier/infer", body, Inference_Header_Content_Length=str(len(head)))
    end = int(reply.headers["inference-header-content-length"])
    return np.frombuffer(reply.body[end:], "<f4").reshape(len(pixels), -1)
