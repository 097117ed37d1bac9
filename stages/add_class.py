"""Add a class to the trained model from a handful of images, without training, and tell what that does to the others.

Run    make add-class NAME=zebra IMAGES=data/raw/zebras     a folder or an archive; 5 to 20 images are the use of it
       python stages/predict.py --model few_shot/zebra/model.onnx photo.jpg
       SIGHTLINE_MODEL=few_shot/zebra/model.onnx make serve
Reads  models/trained, models/calibration.json              the model, and how sure it may be
       data/prepared, data/split, data/predictions          images of the other classes, and what is decided of them
       params.yaml   memory_mb; export.opset
Writes few_shot/zebra/model.onnx, labels.txt                the exported model that knows the class too
       few_shot/zebra/trained, calibration.json             the same as models/trained has it
       few_shot/zebra/report.md, report.json, judged.csv    accuracy before and after, who is taken for the new class

The head gets a row, which points at what the network sees in the images; its other rows, and the network, stay. It is
no stage, so the pipeline never runs it; docs/few_labels.md tells how the class comes into the pipeline for good.
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel, Field

from sightline.common.device import compute_alike, pick_device, use_deterministic_algorithms
from sightline.common.files import replacing, write_json, write_table, write_text
from sightline.common.params import Arithmetic, Count, Seed, StageParams
from sightline.common.rows import evenly
from sightline.common.stage import run_stage
from sightline.deployment.graph import build_graph, trace_program
from sightline.few_shot.effect import compare, describe
from sightline.few_shot.given import Given, read_given
from sightline.few_shot.widen import count_recognised, last_layer, refuse_unsuitable, widen, widen_weights
from sightline.images.predicted import PREDICTIONS, refuse_other_images
from sightline.images.samples import Samples, read_samples, tabulate
from sightline.images.sources.names import tidy
from sightline.images.store import open_pixels, read_index, read_predictions
from sightline.networks.calibration import Calibration, read_calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.networks.saved import ModelSpec, load_members, read_spec, write_spec, write_weights
from sightline.networks.stack import load_stack
from sightline.training.heads.look import look_at
from sightline.training.recipe.probe import Features

TRAINED = Path("models/trained")
OUT = Path("few_shot")
OLD = 50  # training images a class, evenly chosen, that the new row is fitted beside
MOST_OLD = 2000


class ExportPart(BaseModel):  # not strict: export has more keys
    """The key of the section `export` that is read."""

    opset: int = Field(ge=18, le=24)


class Params(StageParams):
    arithmetic: Arithmetic
    memory_mb: Count
    seed: Seed
    export: ExportPart


def main(params: Params) -> None:
    options = read_options()
    use_deterministic_algorithms(params.seed)
    compute_alike(params.arithmetic)
    spec = read_spec(TRAINED)
    calibration = read_calibration(classes=len(spec.classes))
    refuse_unsuitable(options.name, spec, calibration)
    index = read_index(columns=("id", "label", "class", "sha256"))
    given = read_given(Path(options.images), options.name, spec.preprocessing, index)
    predictions, _ = read_predictions()
    pixels = open_pixels()
    samples = read_samples(index=index)
    refuse_other_images(predictions, tabulate(samples, index), PREDICTIONS)
    old = choose_old(samples, len(spec.classes))
    out = OUT / options.name
    (out / "model.onnx").unlink(missing_ok=True)  # it comes last: a run that is ended leaves none beside other files

    wider = spec.model_copy(update={"classes": [*spec.classes, options.name]})
    recognised = []
    for member, entry in zip(load_members(TRAINED, spec), spec.members, strict=True):
        weights, right = add_row(member, entry.architecture, given.pixels, (pixels, old), params.memory_mb)
        write_weights(out / "trained" / entry.file, weights)
        recognised.append(right)
    write_spec(out / "trained", wider)
    calibration = calibration.model_copy(update={"conformal": None})  # no sets are promised for the new class
    write_json(out / "calibration.json", calibration.model_dump(exclude_none=True))

    decider = Decider(load_members(out / "trained", wider), calibration, load_stack(out / "trained", wider)).eval()
    judged = judge(decider, predictions, spec, pixels, params.memory_mb)
    report = summarize(options.name, given, recognised[0], compare(judged, wider.classes, len(spec.classes)))
    write_table(out / "judged.csv", judged)
    write_json(out / "report.json", report)
    write_text(out / "report.md", "\n".join(describe(report)) + "\n")
    export(decider.cpu(), wider, calibration, params.export.opset, out)
    print("\n".join(describe(report)) + f"\n\n{out}/model.onnx knows {len(wider.classes)} classes")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Add a class to the trained model from a handful of images.")
    parser.add_argument("name", type=tidy, help="of the class")
    parser.add_argument("images", help="a folder, a .zip or a .tar of images that show it")
    return parser.parse_args()


def choose_old(samples: Samples, classes: int) -> Samples:
    """Return some training images, evenly chosen, of all classes."""
    train = samples.of("train")
    train = train[np.argsort(train.label, kind="stable")]
    return train[evenly(len(train), min(MOST_OLD, OLD * classes))]


def add_row(
    member: Classifier, architecture: str, given: np.ndarray, known: tuple[np.ndarray, Samples], memory_mb: int
) -> tuple[dict[str, torch.Tensor], int | None]:
    """Return a member's weights with a row for the given images, and how many of them are recognised, left out in turn.

    Parameters
    ----------
    known : (ndarray of uint8 [N, H, W, C], Samples)
        All pixels, and which of them to fit the row beside.
    """
    layer = last_layer(member, architecture)
    pixels, old = known
    order = np.argsort(old.row)
    device = pick_device()
    seen = Features(look_at(member, pixels, old.row[order], memory_mb, device), old.label[order].astype(np.int64))
    new = look_at(member, given, np.arange(len(given)), memory_mb, device)
    weights = widen_weights(member.network.cpu(), layer, widen(layer, seen, new))
    return weights, count_recognised(layer, seen, new)


def judge(
    decider: Decider, predictions: pd.DataFrame, spec: ModelSpec, pixels: np.ndarray, memory_mb: int
) -> pd.DataFrame:
    """Return id, subset, label, before and after of the images that evaluate judged, as all members together do."""
    if any(member.fold is not None for member in spec.members):  # which judge their validation images alone
        predictions = predictions[predictions["subset"] == "test"]
    rows = predictions["row"].to_numpy()
    at_once = images_at_once(decider, pixels.shape[1], memory_mb)
    scores = predict_logits(decider, pixels, rows, at_once, pick_device())
    after = scores.argmax(dim=1).numpy() if len(rows) else rows
    judged = predictions[["id", "subset", "label", "predicted"]].rename(columns={"predicted": "before"})
    return judged.assign(after=after)


def summarize(name: str, given: Given, recognised: int | None, subsets: dict) -> dict:
    """Return the content of report.json."""
    return {
        "class": name,
        "images": len(given.pixels),
        "recognised": recognised,
        "subsets": subsets,
        "notes": given.notes,
    }


def export(decider: Decider, spec: ModelSpec, calibration: Calibration, opset: int, out: Path) -> None:
    """Write model.onnx and labels.txt."""
    graph = build_graph(trace_program(decider, spec), spec, opset, calibration)
    with replacing(out / "model.onnx") as beside:
        beside.write_bytes(graph)
    write_text(out / "labels.txt", "".join(f"{' '.join(name.splitlines())}\n" for name in spec.classes))


if __name__ == "__main__":
    run_stage(main, Params)
