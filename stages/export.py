"""Export the trained model as one ONNX graph, prove that it decides alike, and write its model card.

Reads   data/prepared, data/split       pixels, classes, subsets
        data/predictions                which images are compared, and what evaluate found for them
        models/trained                  the members and model.json
        models/calibration.json         the temperature
        metrics/evaluate.json           the numbers of the model card
Writes  models/exported/model.onnx      uint8 pixels [batch, H, W, 3] in, calibrated probabilities out
        models/exported/labels.txt      class names, one a line, in the order of the probabilities
        models/exported/MODEL_CARD.md   what it is for, how well it works, and where it does not
        metrics/export.json             parity of ONNX Runtime with torch, parameters, bytes
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, read_table, replacing, require, write_json, write_text
from sightline.common.params import StageParams, StrictModel
from sightline.common.stage import run_stage
from sightline.deployment.card import CardFacts, write_card
from sightline.deployment.graph import build_graph
from sightline.deployment.parity import check_parity, choose_judged
from sightline.images.store import open_pixels, read_dataset, read_samples
from sightline.networks.classifier import Ensemble
from sightline.networks.saved import load_members, read_spec

EXPORTED = Path("models/exported")
NOTHING_TO_COMPARE = "no validation or test images, hence no comparison with torch"


class ExportParams(StrictModel):
    opset: int = Field(ge=18, le=24)
    batch_size: int = Field(ge=1)
    intended_use: str = Field(min_length=1)


class Params(StageParams):
    export: ExportParams


def main(params: Params) -> None:
    options, spec, pixels = params.export, read_spec("models/trained"), open_pixels()
    predictions, probabilities = read_predictions(Path("data/predictions"))
    temperature = read_json("models/calibration.json")["temperature"]
    ensemble = Ensemble(load_members("models/trained", spec), temperature).eval()
    samples, dataset, evaluation = read_samples(), read_dataset(), read_json("metrics/evaluate.json")

    graph = build_graph(ensemble, spec, options.opset)
    metrics = {"bytes": len(graph), "opset": options.opset, "parameters": count_parameters(ensemble)}
    judged = choose_judged(predictions, probabilities, len(spec.members))
    if judged:
        metrics["parity"] = check_parity(ensemble, graph, pixels, judged, spec.classes, options.batch_size)
    else:
        metrics["notes"] = [NOTHING_TO_COMPARE]
    test = predictions[predictions["subset"] == "test"]
    facts = CardFacts(spec, dataset, samples, test, evaluation, metrics, temperature, options.intended_use)

    with replacing(EXPORTED / "model.onnx") as beside:
        beside.write_bytes(graph)
    write_text(EXPORTED / "labels.txt", list_labels(spec.classes))
    write_text(EXPORTED / "MODEL_CARD.md", write_card(facts))
    write_json("metrics/export.json", metrics)


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


def count_parameters(ensemble: Ensemble) -> int:
    """Count the trained numbers of all members."""
    return sum(parameter.numel() for parameter in ensemble.parameters())


def list_labels(classes: list[str]) -> str:
    """Return one class a line; a line break inside a name becomes a space."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes)


if __name__ == "__main__":
    run_stage(main, Params)
