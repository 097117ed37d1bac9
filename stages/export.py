"""Export the trained model, prove on all test images that every file decides as torch does, and write a model card.

Reads   data/raw                        the test images' files, where they are here: decoded again as a server would
        data/prepared, data/split       pixels, classes, subsets
        data/predictions                which images are compared, and what evaluate found for them
        models/trained                  the members and model.json
        models/calibration.json         calibration and test-time augmentation, which the files hold too
        metrics/evaluate.json           the numbers of the model card
Writes  models/exported/model.onnx      uint8 pixels [batch, H, W, 3] in, calibrated probabilities out
        models/exported/model*          the same as `export.formats` and `export.quantize` ask for
        models/exported/triton          `export.triton`: model.onnx once more, as Triton and KServe read it
        models/exported/labels.txt      class names, one a line, in the order of the probabilities
        models/exported/flipped.csv     images on which a file decides otherwise than torch
        models/exported/MODEL_CARD.md   what it is for, how well it works, where it does not, what it was made from
        metrics/export.json             parity of each file with torch, bytes, parameters, operations, memory

A model whose files miss a gate ends in an error once all is written.
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
from pathlib import Path

import numpy as np
import pandas as pd

from sightline.common.device import compute_alike, pick_device
from sightline.common.files import read_json, replacing, write_json, write_table, write_text
from sightline.common.process import keep_freed_memory
from sightline.common.rows import evenly
from sightline.common.stage import run_stage
from sightline.deployment.artifacts import judge_artifacts, make_artifacts, summarize_files
from sightline.deployment.card.card import CardFacts, write_card
from sightline.deployment.cost import count_costs
from sightline.deployment.graph import build_graph, trace_program
from sightline.deployment.parity import FLIPPED_COLUMNS, choose_parity_set
from sightline.deployment.provenance import hash_provenance
from sightline.deployment.prune import choose_decider
from sightline.deployment.source_files import ParityImages, open_files
from sightline.deployment.triton import make_repository
from sightline.deployment.variants import TrainingImages
from sightline.gating.judge import judge_files, refuse_missed
from sightline.images.predicted import PREDICTIONS, refuse_other_images
from sightline.images.samples import read_samples, tabulate
from sightline.images.sources.naming import naming_of
from sightline.images.store import DatasetSpec, open_pixels, read_dataset, read_index, read_predictions
from sightline.networks.calibration import read_calibration
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.saved import ModelSpec, load_members, read_spec
from sightline.networks.stack import load_stack
from sightline.parameters.export import ExportParams

EXPORTED = Path("models/exported")
TRAINED = Path("models/trained")
INDEX = Path("data/prepared/index.csv")
SPLIT = Path("data/split/split.csv")
NOTHING_TO_COMPARE = "no validation or test images, hence no comparison with torch"


def main(params: ExportParams) -> None:
    keep_freed_memory()
    compute_alike(params.arithmetic)
    options = params.export
    spec = read_spec(TRAINED)
    pixels = open_pixels()
    dataset = read_dataset()
    index = read_index(columns=("id", "label"))
    samples = read_samples(index=index)
    evaluation = read_json("metrics/evaluate.json")
    calibration = read_calibration(classes=len(spec.classes))
    predictions, probabilities = read_predictions()
    refuse_other_images(predictions, tabulate(samples, index), PREDICTIONS)
    trained = Decider(load_members(TRAINED, spec), calibration, load_stack(TRAINED, spec)).eval()
    at_once = images_at_once(trained, pixels.shape[1], params.memory_mb)
    images = choose_images(predictions, probabilities, pixels, spec, dataset, at_once)

    exported = choose_decider(trained, images, options.prune, options.max_accuracy_drop, pick_device())
    print("export: tracing")
    program = trace_program(exported.decider, spec)
    print("export: writing model.onnx")
    graph = build_graph(program, spec, options.opset, calibration)
    rows = samples.of("train").row
    measured = TrainingImages(pixels, rows[evenly(len(rows), options.calibration_images)], at_once)
    made = make_artifacts(graph, exported.decider, program, options.formats, options.quantize, measured)
    compared, flips = judge_artifacts(made, exported.probabilities, images, spec.classes, options.max_accuracy_drop)
    metrics = count_costs(exported.decider, spec.preprocessing.image_size, graph) | exported.pruning
    metrics |= {"opset": options.opset, "revision": hash_provenance(spec, INDEX, SPLIT, TRAINED)}
    metrics |= {"artifacts": summarize_files(made, compared)}
    metrics |= describe_comparison(images, exported.probabilities, made.notes)
    test = predictions[predictions["subset"] == "test"]
    facts = CardFacts(spec, dataset, samples, test, evaluation, metrics, calibration, options.intended_use)

    labels = list_labels(spec.classes)
    write_files(made.files() | (make_repository(graph, labels, spec) if options.triton else {}))
    write_text(EXPORTED / "labels.txt", labels)
    write_text(EXPORTED / "MODEL_CARD.md", write_card(facts))
    write_table(EXPORTED / "flipped.csv", pd.DataFrame(flips, columns=list(FLIPPED_COLUMNS)))
    write_json("metrics/export.json", metrics)
    print(describe(metrics))
    refuse_missed(judge_files(params.gates, metrics), "models/exported and metrics/export.json")


def choose_images(
    predictions: pd.DataFrame,
    probabilities: np.ndarray,
    pixels: np.ndarray,
    spec: ModelSpec,
    dataset: DatasetSpec,
    at_once: int,
) -> ParityImages | None:
    """Return the images to compare on; None without any."""
    alone = len(spec.members) == 1 and spec.stack is None
    compared = choose_parity_set(predictions, probabilities, alone)
    if compared is None:
        return None
    files = open_files(dataset.source, spec.preprocessing, naming_of(dataset.naming or {}))
    return ParityImages(pixels, compared, files, at_once)


def describe_comparison(images: ParityImages | None, reference: np.ndarray | None, notes: dict[str, str]) -> dict:
    """Return on what was compared: subset, images, whether decoded again from their files, torch's accuracy; notes."""
    if images is None:
        return {"notes": notes | {"parity": NOTHING_TO_COMPARE}}
    compared = images.compared
    parity = {"subset": compared.subset, "images": len(compared.ids), "decoded_again": images.files is not None}
    parity["accuracy_torch"] = float((reference.argmax(axis=1) == compared.labels).mean())
    return {"parity": parity} | ({"notes": notes} if notes else {})


def write_files(files: dict[str, bytes]) -> None:
    """Write the model's files by name."""
    for name, content in files.items():
        with replacing(EXPORTED / name) as beside:
            beside.write_bytes(content)


def describe(metrics: dict) -> str:
    """Return the lines that the stage prints: what each file costs and loses, then the notes."""
    lines = [
        f"{name:<13}{file['bytes']:>12,} bytes"
        + (f"  {file['decision_flips']} flips  accuracy {file['accuracy']:.4f}" if "accuracy" in file else "")
        for name, file in metrics["artifacts"].items()
        if file["kept"]
    ]
    return "\n".join(lines + [f"{about}: {note}" for about, note in metrics.get("notes", {}).items()])


def list_labels(classes: list[str]) -> str:
    """Return one class a line; a line break inside a name becomes a space."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes)


if __name__ == "__main__":
    run_stage(main, ExportParams)
