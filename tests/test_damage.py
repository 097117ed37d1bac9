"""Files that are damaged: each stage that reads one ends in a line that names it and what to run."""

import json
from pathlib import Path

import numpy as np
import pytest

import evaluate
import export
import gradcam
import split
import train
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.samples import read_samples
from sightline.images.store import open_pixels, read_index, read_predictions
from sightline.networks.calibration import read_calibration
from sightline.networks.saved import load_members, read_spec
from sightline.networks.stack import load_stack
from sightline.parameters.evaluate import EvaluateParams
from sightline.parameters.export import ExportParams
from sightline.parameters.gradcam import GradcamParams
from sightline.parameters.split import SplitParams
from sightline.parameters.train import TrainParams
from sightline.scoring.reference import read_reference
from sightline.training.recipe.distillation import load_teacher
from small_run import CLASSES, make_run

MAINS = {
    "split": (split.main, SplitParams),
    "train": (train.main, TrainParams),
    "evaluate": (evaluate.main, EvaluateParams),
    "gradcam": (gradcam.main, GradcamParams),
    "export": (export.main, ExportParams),
}
READERS = {  # file -> who makes it anew, who reads it
    "data/prepared/images.npy": ("prepare", ["train", "evaluate", "gradcam", "export"]),
    "data/prepared/index.csv": ("prepare", ["split", "train", "evaluate", "gradcam", "export"]),
    "data/prepared/dataset.json": ("prepare", ["train", "evaluate", "export"]),
    "data/split/split.csv": ("split", ["train", "evaluate", "export"]),
    "data/predictions/predictions.csv": ("evaluate", ["gradcam", "export"]),
    "data/predictions/probabilities.npy": ("evaluate", ["gradcam", "export"]),
    "models/trained/model.json": ("train", ["evaluate", "gradcam", "export"]),
    "models/trained/member_0.safetensors": ("train", ["evaluate", "gradcam", "export"]),
    "models/trained/stack.safetensors": ("train", ["evaluate", "export"]),
    "models/calibration.json": ("evaluate", ["export"]),
    "metrics/evaluate.json": ("evaluate", ["export"]),
}
DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "two bytes short": lambda content: content[:-2],
    "garbage": lambda content: np.random.default_rng(0).bytes(len(content)),
    "zeros": lambda content: bytes(len(content)),
}


@pytest.fixture
def folder(workspace):
    make_run(workspace, ("train", "val", "test") * 4, members=2, stacked=True)
    Path("metrics").mkdir()
    Path("metrics/evaluate.json").write_text('{"test": {"accuracy": 0.5}}\n')
    return workspace


def run(stage):
    main, schema = MAINS[stage]
    main(load_params(schema))


def damage(path, kind):
    content = Path(path).read_bytes()
    Path(path).write_bytes(DAMAGES[kind](content))


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize(("path", "stage"), [(path, stage) for path in READERS for stage in READERS[path][1]])
def test_a_damaged_file_is_one_line_with_its_name_and_what_to_run(folder, path, stage, kind):
    damage(path, kind)
    with pytest.raises(SightlineError) as caught:
        run(stage)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(path)
    assert f"`dvc repro {READERS[path][0]}`" in message


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", ["model.json", "member_1.safetensors", "stack.safetensors"])
def test_a_damaged_teacher_is_one_line(folder, name, kind):
    Path("models/trained").rename("models/pretrained")
    damage(f"models/pretrained/{name}", kind)
    with pytest.raises(
        SightlineError, match=rf"^models/pretrained/{name}: damaged .*`dvc checkout` or `dvc pull`"
    ) as caught:
        load_teacher("models/pretrained", CLASSES)
    assert "\n" not in str(caught.value)


def drop_last_line(path):
    lines = Path(path).read_bytes().splitlines(keepends=True)
    Path(path).write_bytes(b"".join(lines[:-1]))


LENGTHS = {  # a table, the array beside it that then has one row more, who reads them
    "index.csv, split": ("data/prepared/index.csv", r"images\.npy: has 12 rows, index\.csv 11", read_index),
    "predictions.csv": (
        "data/predictions/predictions.csv",
        r"probabilities\.npy: has 8 rows, predictions\.csv 7",
        read_predictions,
    ),
}


@pytest.mark.parametrize("case", LENGTHS)
def test_a_table_that_lost_its_last_line_does_not_fit_its_array(folder, case):
    path, message, read = LENGTHS[case]
    drop_last_line(path)
    with pytest.raises(SightlineError, match=message):
        read()


def test_images_that_the_split_does_not_name_are_counted_too(folder):
    drop_last_line("data/split/split.csv")  # as `split.on_leak: drop` does
    assert len(read_samples()) == 11
    np.save("data/prepared/images.npy", np.array(open_pixels()[:11]))
    with pytest.raises(SightlineError, match=r"images\.npy: has 11 rows, index\.csv 12"):
        read_samples()


@pytest.mark.parametrize(
    ("array", "message"),
    [(np.zeros((12, 16, 16), np.uint8), r"holds uint8 \[12, 16, 16\]"), (np.zeros((12, 4, 4, 3)), "holds float64")],
)
def test_images_of_another_shape_or_type_are_one_line(folder, array, message):
    np.save("data/prepared/images.npy", array)
    with pytest.raises(SightlineError, match=message):
        open_pixels()


@pytest.mark.parametrize("read", [read_spec, read_calibration, read_reference])
@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}", "[" * 100_000])
def test_json_of_another_content_is_one_line(folder, read, content):
    path = Path("models/model.json") if read is read_spec else Path("models/any.json")
    path.write_text(content)
    with pytest.raises(SightlineError, match=f"^{path}") as caught:
        read(path.parent if read is read_spec else path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["row", "confidence"])
def test_predictions_whose_numbers_are_text_are_one_line(folder, column):
    path = Path("data/predictions/predictions.csv")
    header, first, *rest = path.read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index(column)] = "1x"
    path.write_text("\n".join([header, ",".join(cells), *rest, ""]))
    with pytest.raises(SightlineError, match=rf"damaged \({column} must be a column of numbers\)"):
        read_predictions()


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "vector", "scale": [1.0, 1.0], "bias": [0.0, 0.0]},
        {"method": "vector", "scale": [1.0] * 3, "bias": [0.0]},
        {"method": "isotonic"},
        {"method": "isotonic", "curves": [{"x": [0.1, 0.2], "y": [0.1]}] * 3},
    ],
)
def test_a_calibration_of_other_classes_is_one_line(folder, fields):
    Path("models/calibration.json").write_text(json.dumps({"temperature": 1.0, "images": 3} | fields))
    with pytest.raises(SightlineError, match=r"^models/calibration\.json.*`dvc repro evaluate`"):
        read_calibration(classes=3)


def test_weights_and_stacks_of_other_networks_name_what_to_run(folder):
    spec = read_spec("models/trained")
    Path("models/trained/member_0.safetensors").write_bytes(Path("models/trained/stack.safetensors").read_bytes())
    with pytest.raises(SightlineError, match=r"not the weights of simple_cnn .*`dvc repro train`"):
        load_members("models/trained", spec)
    Path("models/trained/stack.safetensors").write_bytes(Path("models/trained/member_1.safetensors").read_bytes())
    with pytest.raises(SightlineError, match=r"stack\.safetensors: not fitted to the members"):
        load_stack("models/trained", spec)
