"""Export the trained model, prove on all test images that every file decides as torch does, and write a model card.

Reads   data/raw                        the test images' files, where they are here: decoded again as a server would
        data/prepared, data/split       pixels, classes, subsets
        data/predictions                which images are compared, and what evaluate found for them
        models/trained                  the members and model.json
        models/calibration.json         calibration and test-time augmentation, which the files hold too
        metrics/evaluate.json           the numbers of the model card
Writes  models/exported/model.onnx      uint8 pixels [batch, H, W, 3] in, calibrated probabilities out
        models/exported/model*          the same as `export.formats` and `export.quantize` ask for
        models/exported/labels.txt      class names, one a line, in the order of the probabilities
        models/exported/flipped.csv     images on which a file decides otherwise than torch
        models/exported/MODEL_CARD.md   what it is for, how well it works, where it does not, what it was made from
        metrics/export.json             parity of each file with torch, bytes, parameters, operations, memory
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, read_table, replacing, require, write_json, write_table, write_text
from sightline.common.params import validate
from sightline.common.rows import evenly
from sightline.common.stage import run_stage
from sightline.deployment.artifacts import (
    describe_files,
    judge_artifacts,
    make_artifacts,
)
from sightline.deployment.card.card import CardFacts, write_card
from sightline.deployment.cost import count_costs
from sightline.deployment.formats import run_decider
from sightline.deployment.graph import build_graph, trace_program
from sightline.deployment.parity import FLIPPED_COLUMNS, choose_judged, predict_all, refuse_other_model
from sightline.deployment.prune import describe_pruning, prune_smallest
from sightline.deployment.reread import Images, open_files
from sightline.deployment.revision import describe_revision
from sightline.deployment.variants import TrainingImages
from sightline.images.samples import read_samples
from sightline.images.store import open_pixels, read_dataset
from sightline.networks.calibration import Calibration
from sightline.networks.decider import Decider
from sightline.networks.saved import ModelSpec, load_members, read_spec
from sightline.networks.stack import load_stack
from sightline.parameters.export import ExportParams, ExportSection

EXPORTED, TRAINED = Path("models/exported"), Path("models/trained")
INDEX, SPLIT = Path("data/prepared/index.csv"), Path("data/split/split.csv")
CALIBRATION = "models/calibration.json"
NOTHING_TO_COMPARE = "no validation or test images, hence no comparison with torch"


def main(params: ExportParams) -> None:
    options, spec, pixels = params.export, read_spec("models/trained"), open_pixels()
    dataset, samples, evaluation = read_dataset(), read_samples(), read_json("metrics/evaluate.json")
    predictions, probabilities = read_predictions(Path("data/predictions"))
    images = choose_images(predictions, probabilities, pixels, spec, dataset.source, options.batch_size)
    calibration = validate(Calibration, read_json(CALIBRATION), CALIBRATION)
    trained = Decider(load_members(TRAINED, spec), calibration, load_stack(TRAINED, spec)).eval()

    decider, reference, pruning = choose_decider(trained, images, options)
    program = trace_program(decider, spec)
    graph = build_graph(program, spec, options.opset)
    rows = samples.of("train").row
    measured = TrainingImages(pixels, rows[evenly(len(rows), options.calibration_images)])
    made = make_artifacts(graph, decider, program, options.formats, options.quantize, measured)
    compared, flips = judge_artifacts(made, reference, images, spec.classes, options.max_accuracy_drop)
    metrics = count_costs(decider, spec.preprocessing.image_size, graph) | pruning
    metrics |= {"opset": options.opset, "revision": describe_revision(spec, INDEX, SPLIT, TRAINED)}
    metrics |= {"artifacts": describe_files(made, compared)} | describe_comparison(images, reference, made.notes)
    test = predictions[predictions["subset"] == "test"]
    facts = CardFacts(spec, dataset, samples, test, evaluation, metrics, calibration, options.intended_use)

    write_files(made.files())
    write_text(EXPORTED / "labels.txt", list_labels(spec.classes))
    write_text(EXPORTED / "MODEL_CARD.md", write_card(facts))
    write_table(EXPORTED / "flipped.csv", pd.DataFrame(flips, columns=list(FLIPPED_COLUMNS)))
    write_json("metrics/export.json", metrics)
    print(describe(metrics))


def read_predictions(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read what evaluate wrote: one row an image, and its probabilities float32 [rows, classes]."""
    predictions = read_table(folder / "predictions.csv", text=("id", "subset"))
    require(folder / "probabilities.npy")
    probabilities = np.load(folder / "probabilities.npy", mmap_mode="r")
    if len(probabilities) != len(predictions):
        raise SightlineError(
            f"{folder}/probabilities.npy: has {len(probabilities)} rows, predictions.csv {len(predictions)}: "
            "run `dvc repro evaluate`"
        )
    return predictions, probabilities


def choose_images(
    predictions: pd.DataFrame, probabilities: np.ndarray, pixels: np.ndarray, spec: ModelSpec, source: str, batch: int
) -> Images | None:
    """Return the images to compare on; None without any."""
    alone = len(spec.members) == 1 and spec.stack is None
    judged = choose_judged(predictions, probabilities, alone)
    return judged and Images(pixels, judged, open_files(source, spec.preprocessing), batch)


def predict_torch(decider: Decider, images: Images | None) -> np.ndarray | None:
    """Return torch's probabilities of the stored pixels; None without images."""
    if images is None:
        return None
    return predict_all({"torch": run_decider(decider)}, images.stored(), len(images.judged.ids))["torch"]


def choose_decider(
    trained: Decider, images: Images | None, options: ExportSection
) -> tuple[Decider, np.ndarray | None, dict]:
    """Prune where asked and allowed; return what is exported, torch's probabilities of it, and metrics of pruning."""
    before = predict_torch(trained, images)
    if images and images.judged.evaluated is not None:
        refuse_other_model(images.judged.evaluated, before, images.judged.ids)
    if options.prune == 0 or images is None:
        return trained, before, {}
    pruned = prune_smallest(trained, options.prune)
    after = predict_torch(pruned, images)
    told = describe_pruning(options.prune, before, after, images.judged.labels, options.max_accuracy_drop)
    return (pruned, after, {"pruning": told}) if told["kept"] else (trained, before, {"pruning": told})


def describe_comparison(images: Images | None, reference: np.ndarray | None, notes: dict[str, str]) -> dict:
    """Return on what was compared: subset, images, whether decoded again from their files, torch's accuracy; notes."""
    if images is None:
        return {"notes": notes | {"parity": NOTHING_TO_COMPARE}}
    judged = images.judged
    told = {"subset": judged.subset, "images": len(judged.ids), "decoded_again": images.files is not None}
    told["accuracy_torch"] = float((reference.argmax(axis=1) == judged.labels).mean())
    return {"parity": told} | ({"notes": notes} if notes else {})


def write_files(files: dict[str, bytes]) -> None:
    """Write the model's files by name."""
    for name, content in files.items():
        with replacing(EXPORTED / name) as beside:
            beside.write_bytes(content)


def describe(metrics: dict) -> str:
    """Return the lines that the stage prints: what each file costs and loses, then the notes."""
    lines = [
        f"{name:<13}{found['bytes']:>12,} bytes"
        + (f"  {found['decision_flips']} flips  accuracy {found['accuracy']:.4f}" if "accuracy" in found else "")
        for name, found in metrics["artifacts"].items()
        if found["kept"]
    ]
    return "\n".join(lines + [f"{about}: {note}" for about, note in metrics.get("notes", {}).items()])


def list_labels(classes: list[str]) -> str:
    """Return one class a line; a line break inside a name becomes a space."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes)


if __name__ == "__main__":
    run_stage(main, ExportParams)
