import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import load_file

from export import list_labels, main
from open_gates import set_gates
from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.deployment.formats import run_onnx
from sightline.networks.saved import write_weights
from sightline.parameters.export import ExportParams, ExportSection
from small_run import CLASSES, make_run

OPTIONS = {
    "opset": 20,
    "formats": [],
    "quantize": [],
    "triton": False,
    "calibration_images": 2,
    "max_accuracy_drop": 0.0,
    "prune": 0.0,
    "intended_use": "Tests.",
}
SHARED = {"arithmetic": "native", "memory_mb": 1, "gates": set_gates()}
PARAMS = ExportParams(export=ExportSection(**OPTIONS), **SHARED)
# torch numbers TorchScript's classes through a process, so that only another process repeats its bytes
PROCESS_BOUND = {"model.torchscript", "export.json", "MODEL_CARD.md"}
ALL = {"formats": ["pt2", "torchscript"], "quantize": ["fp16", "int8_dynamic", "int8_static"]}
PIXELS, PROBABILITIES = "data/prepared/images.npy", "data/predictions/probabilities.npy"
MIXED = ("train", "val", *["test"] * 6)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json("metrics/evaluate.json", {"val": {"images": 1}, "test": {"images": 6, "accuracy": 0.25}})
    return tmp_path


def outputs() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*Path("models/exported").iterdir(), Path("metrics/export.json")]}


def test_a_stack_is_exported_as_one_model(here):
    make_run(here, MIXED, members=2, stacked=True)
    main(PARAMS)
    metrics = json.loads(Path("metrics/export.json").read_text())
    assert metrics["artifacts"]["onnx"]["decision_flips"] == 0
    found = run_onnx(Path("models/exported/model.onnx").read_bytes())(np.load(PIXELS))[1:]
    assert found == pytest.approx(np.load(PROBABILITIES), abs=1e-5)
    assert "2 x simple_cnn whose probabilities a logistic regression combines" in Path(
        "models/exported/MODEL_CARD.md"
    ).read_text(encoding="utf-8")
    stack = load_file("models/trained/stack.safetensors")
    write_weights("models/trained/stack.safetensors", stack | {"bias": stack["bias"] + torch.tensor([9.0, 0.0, 0.0])})
    with pytest.raises(SightlineError, match="belongs to another model"):
        main(PARAMS)


def test_a_repository_for_triton(here):
    make_run(here, MIXED)
    main(ExportParams(export=ExportSection(**OPTIONS | {"triton": True}), **SHARED))
    folder = Path("models/exported/triton/classifier")
    graph = Path("models/exported/model.onnx").read_bytes()
    assert (folder / "1/model.onnx").read_bytes() == graph
    assert (folder / "labels.txt").read_text(encoding="utf-8").splitlines() == CLASSES
    session = onnxruntime.InferenceSession(graph)
    (pixels,), (found,) = session.get_inputs(), session.get_outputs()
    config = (folder / "config.pbtxt").read_text()
    assert (
        f'name: "{pixels.name}" data_type: TYPE_UINT8 dims: {str(pixels.shape[1:]).replace("[", "[ ")[:-1]} ]' in config
    )
    assert f'name: "{found.name}" data_type: TYPE_FP32 dims: [ {len(CLASSES)} ]' in config
    told = session.get_modelmeta().custom_metadata_map["decision"]
    assert json.loads(told) == {"min_confidence": 0.0, "conformal": None}


def test_everything_is_written_and_repeats_byte_for_byte(here):
    make_run(here, MIXED, members=2)
    main(PARAMS)
    first = outputs()
    assert set(first) == {"model.onnx", "labels.txt", "MODEL_CARD.md", "flipped.csv", "export.json"}
    assert first["labels.txt"].decode().splitlines() == CLASSES
    assert b"| accuracy | - | 0.2500 |" in first["MODEL_CARD.md"]
    metrics = json.loads(first["export.json"])
    assert metrics["artifacts"]["onnx"]["bytes"] == len(first["model.onnx"])
    assert metrics["parameters"] == 2 * (27 * 32 + 9 * 32 * 64 + 9 * 64 * 128 + 2 * (32 + 64 + 128) + 3 * 128 + 3)
    parity, onnx = metrics["parity"], metrics["artifacts"]["onnx"]
    assert (parity["images"], parity["subset"], parity["decoded_again"]) == (6, "test", False)
    assert onnx["decision_flips"] == 0
    assert onnx["max_probability_difference"] == 1e-5  # a bound
    assert onnx["accuracy"] == parity["accuracy_torch"]
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


def test_predictions_of_images_that_have_gone_leave_no_export(here):
    make_run(here, MIXED)
    for path in ("data/prepared/index.csv", "data/split/split.csv"):
        pd.read_csv(path, keep_default_na=False).iloc[:-1].to_csv(path, index=False)
    np.save(PIXELS, np.load(PIXELS)[:-1])
    with pytest.raises(SightlineError, match=r"^data/predictions/predictions.csv: is of other images.*evaluate`$"):
        main(PARAMS)
    assert not Path("models/exported").exists()


def test_flips_leave_no_export(here, monkeypatch):
    make_run(here, MIXED)
    other = lambda pixels: np.eye(3)[np.arange(len(pixels)) % 3]  # noqa: E731
    monkeypatch.setattr("sightline.deployment.artifacts.RUNNERS", {".onnx": lambda content: other})
    with pytest.raises(SightlineError, match=r"decides otherwise than torch on \d of 6 images"):
        main(PARAMS)
    assert not Path("models/exported").exists()


def test_every_format_is_made_compared_and_repeats(here):
    make_run(here, MIXED)
    params = ExportParams(
        arithmetic="native",
        memory_mb=8,
        gates=set_gates(),
        export=ExportSection(**OPTIONS | ALL | {"max_accuracy_drop": 1.0, "prune": 0.5}),
    )
    main(params)
    first = outputs()
    metrics = json.loads(first["export.json"])
    assert set(metrics["artifacts"]) == {"onnx", "pt2", "torchscript", "fp16", "int8_dynamic", "int8_static"}
    assert all(found["kept"] for found in metrics["artifacts"].values())
    assert {f"model_{name}.onnx" for name in ALL["quantize"]} | {"model.pt2", "model.torchscript"} < set(first)
    assert len(first["model_int8_static.onnx"]) < len(first["model_fp16.onnx"]) < len(first["model.onnx"])
    assert metrics["pruning"]["kept"]
    weights = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(first["model.onnx"]).graph.initializer]
    assert 0.4 < np.mean(np.concatenate([w.ravel() for w in weights if w.size > 500]) == 0) < 0.6
    for content in first.values():
        assert str(here).encode() not in content
        assert b"site-packages" not in content
    main(params)
    second = outputs()
    assert {name for name in first if first[name] != second[name]} <= PROCESS_BOUND


def test_what_loses_accuracy_is_left_out(here, monkeypatch):
    make_run(here, MIXED)
    labels = pd.read_csv("data/predictions/predictions.csv").assign(label=np.load(PROBABILITIES).argmax(axis=1))
    labels.to_csv("data/predictions/predictions.csv", index=False)  # torch is always right
    index = pd.read_csv("data/prepared/index.csv")
    index.loc[labels["row"], "label"] = labels["label"].to_numpy()
    index.to_csv("data/prepared/index.csv", index=False)
    worse = {"fp16": lambda graph, calibration: scrambled(graph)}
    monkeypatch.setattr("sightline.deployment.artifacts.VARIANTS", worse)
    main(ExportParams(export=ExportSection(**OPTIONS | {"quantize": ["fp16"]}), **SHARED))
    metrics = json.loads(outputs()["export.json"])
    assert not metrics["artifacts"]["fp16"]["kept"]
    assert metrics["artifacts"]["fp16"]["decision_flips"] == 6
    assert metrics["notes"] == {
        "model_fp16.onnx": "left out: accuracy falls by 1.0000, more than export.max_accuracy_drop"
    }
    assert "model_fp16.onnx" not in outputs()
    flipped = pd.read_csv("models/exported/flipped.csv")
    assert len(flipped) == 6
    assert (flipped["label"] == flipped["torch"]).all()


def test_what_gives_no_numbers_is_left_out(here, monkeypatch):
    make_run(here, MIXED)
    runners = {
        ".onnx": lambda content: (
            (lambda pixels: np.full((len(pixels), 3), np.nan)) if content == b"bad" else run_onnx(content)
        )
    }
    monkeypatch.setattr("sightline.deployment.artifacts.RUNNERS", runners)
    monkeypatch.setattr("sightline.deployment.artifacts.VARIANTS", {"fp16": lambda graph, images: b"bad"})
    main(
        ExportParams(
            arithmetic="native",
            memory_mb=8,
            gates=set_gates(),
            export=ExportSection(**OPTIONS | {"quantize": ["fp16"], "max_accuracy_drop": 1.0}),
        )
    )
    assert json.loads(outputs()["export.json"])["notes"] == {
        "model_fp16.onnx": "left out: some probabilities are not finite"
    }
    assert "model_fp16.onnx" not in outputs()


def scrambled(graph: bytes) -> bytes:
    """Exchange the classes of a graph: each becomes the next."""
    model = onnx.load_from_string(graph)
    exchange = numpy_helper.from_array(np.array([2, 0, 1]), "order")
    model.graph.initializer.append(exchange)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Gather", ["before", "order"], ["probabilities"], axis=1))
    return model.SerializeToString()


def test_files_that_miss_a_gate_end_in_one_line_after_all_is_written(here):
    make_run(here, MIXED)
    with pytest.raises(SightlineError, match=r"^gates missed: max_file_mb: MB of the smallest exported file, onnx, "):
        main(PARAMS.model_copy(update={"gates": set_gates(max_file_mb=0.001)}))
    refused = outputs()
    main(PARAMS)
    assert outputs() == refused


def test_labels_keep_to_their_line():
    assert list_labels(["ant", "two\nlines", " spaced "]) == "ant\ntwo lines\n spaced \n"
