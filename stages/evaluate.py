"""Judge the trained network on validation and test images, and calibrate its probabilities.

Reads   data/prepared, data/split             images, classes, subsets and folds
        models/trained                        one network, or one a fold
Writes  data/predictions/predictions.csv      one row an image of val and test: label, predicted, confidence
        data/predictions/probabilities.npy    float32 [rows, classes], calibrated, in the same order
        models/calibration.json               the temperature, fitted on validation
        metrics/evaluate.json                 val and test, before and after calibration, spread over the folds
        plots/evaluate/confusion.csv, png     actual and predicted class of each test image
        plots/evaluate/classes.csv            precision, recall, F1 and support of each class on test
        plots/evaluate/reliability*.csv, png  confidence against accuracy on test, uncalibrated and calibrated
        plots/evaluate/mistakes.png           the most confident mistakes on test

With cross-validation, the validation images are those of all folds, each predicted by the member that did not train
on it; test images are predicted by all members together.
"""

from functools import partial
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pydantic import Field

from sightline.common.device import pick_device, use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import replacing, write_json, write_table
from sightline.common.params import StageParams, StrictModel
from sightline.common.stage import run_stage
from sightline.images.store import open_pixels, read_dataset, read_samples
from sightline.networks.classifier import temper
from sightline.networks.predict import predict_logits
from sightline.networks.saved import load_members, read_spec
from sightline.scoring.calibration import Calibration, calibrate, reliability_table
from sightline.scoring.figures import draw_mistakes, draw_reliability, save_png, select_mistakes
from sightline.scoring.judged import score_judged, select_judged
from sightline.scoring.matrix import draw_confusion
from sightline.scoring.metrics import class_table, fold_spread, measure, measure_probabilities

Count = Annotated[int, Field(ge=1)]


class EvaluateParams(StrictModel):
    batch_size: Count
    calibration: Literal["none", "temperature"]
    top_k: list[Annotated[int, Field(ge=2)]]
    bins: Count
    mistakes: Annotated[int, Field(ge=1, le=600)]  # the picture grows with them


class Params(StageParams):
    seed: Annotated[int, Field(ge=0)]
    evaluate: EvaluateParams


def main(params: Params) -> None:
    use_deterministic_algorithms(params.seed)
    options, spec, pixels = params.evaluate, read_spec("models/trained"), open_pixels()
    refuse_other_classes(spec.classes, read_dataset().classes)
    folds = [member.fold for member in spec.members]
    judged = select_judged(read_samples(), folds)
    predict = partial(predict_logits, pixels=pixels, batch_size=options.batch_size, device=pick_device())
    scores = score_judged(load_members("models/trained", spec), folds, judged, len(spec.classes), predict)

    calibration = calibrate(options.calibration, *labelled(judged, scores.numpy(), "val"))
    temperatures = {"uncalibrated": 1.0, "calibrated": calibration.temperature}
    probabilities = {name: temper(scores, number).exp().numpy() for name, number in temperatures.items()}
    predictions = tabulate_predictions(judged, probabilities["calibrated"])
    metrics = summarize(judged, probabilities, calibration, spec.classes, options)
    tables = tabulate_plots(judged, probabilities, spec.classes, options.bins)
    figures = draw_plots(predictions, tables, pixels, spec.classes, options)

    write_table("data/predictions/predictions.csv", predictions)
    with replacing("data/predictions/probabilities.npy") as beside, beside.open("wb") as file:
        np.save(file, probabilities["calibrated"])
    write_json("models/calibration.json", calibration.model_dump())
    write_json("metrics/evaluate.json", metrics)
    for name, table in tables.items():
        write_table(f"plots/evaluate/{name}.csv", table)
    for name, figure in figures.items():
        save_png(f"plots/evaluate/{name}.png", figure)
    print(describe(metrics))


def refuse_other_classes(trained: list[str], prepared: list[str]) -> None:
    """Raise SightlineError when the network was trained on other classes than the prepared images have."""
    if trained != prepared:
        different = sorted(set(trained) ^ set(prepared)) or ["their order"]
        raise SightlineError(
            f"models/trained/model.json: trained on {len(trained)} classes, but data/prepared/dataset.json has "
            f"{len(prepared)} (different: {', '.join(different[:3])}): run `dvc repro train`"
        )


def labelled(judged: pd.DataFrame, values: np.ndarray, subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of `values`, and the labels, that belong to one subset."""
    chosen = (judged["subset"] == subset).to_numpy()
    return values[chosen], judged["label"].to_numpy()[chosen]


def tabulate_predictions(judged: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Return one row a judged image: id, row in images.npy, subset, label, predicted, confidence."""
    decision = {"predicted": probabilities.argmax(axis=1), "confidence": probabilities.max(axis=1)}
    return judged[["id", "row", "subset", "label"]].assign(**decision)


def summarize(
    judged: pd.DataFrame,
    probabilities: dict[str, np.ndarray],
    calibration: Calibration,
    classes: list[str],
    options: EvaluateParams,
) -> dict:
    """Return the content of metrics/evaluate.json from probabilities [images, classes], uncalibrated and calibrated."""
    metrics = {"calibration": {"temperature": calibration.temperature}}
    notes = {"calibration": calibration.note} if calibration.note else {}
    for subset in ("val", "test"):
        after, labels = labelled(judged, probabilities["calibrated"], subset)
        metrics[subset], found = measure(labels, after, classes, options.top_k, options.bins)
        if found:
            notes[subset] = "; ".join(found)
        if len(labels):
            before, _ = labelled(judged, probabilities["uncalibrated"], subset)
            metrics["calibration"][subset] = _change(
                measure_probabilities(labels, before, options.bins), metrics[subset]
            )
    crossed = judged[judged["fold"] >= 0]
    if crossed["fold"].nunique() > 1:
        predicted = probabilities["calibrated"].argmax(axis=1)[crossed.index]
        metrics["folds"] = fold_spread(crossed["label"].to_numpy(), predicted, crossed["fold"].to_numpy())
    return metrics | ({"notes": notes} if notes else {})


def tabulate_plots(
    judged: pd.DataFrame, probabilities: dict[str, np.ndarray], classes: list[str], bins: int
) -> dict[str, pd.DataFrame]:
    """Return the tables that `dvc plots show` draws, all of test images, by file name."""
    before, _ = labelled(judged, probabilities["uncalibrated"], "test")
    after, labels = labelled(judged, probabilities["calibrated"], "test")
    names, predicted = np.array(classes, dtype=object), after.argmax(axis=1)
    return {
        "confusion": pd.DataFrame({"actual": names[labels], "predicted": names[predicted]}),
        "classes": class_table(labels, predicted, classes),
        "reliability": reliability_table(after, labels, bins),
        "reliability_uncalibrated": reliability_table(before, labels, bins),
    }


def draw_plots(
    predictions: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    pixels: np.ndarray,
    classes: list[str],
    options: EvaluateParams,
) -> dict[str, Figure]:
    """Return the pictures of test images, by file name."""
    diagrams = {"uncalibrated": tables["reliability_uncalibrated"], "calibrated": tables["reliability"]}
    test = predictions[predictions["subset"] == "test"]
    shown, heading = select_mistakes(test, options.mistakes)
    return {
        "confusion": draw_confusion(test["label"].to_numpy(), test["predicted"].to_numpy(), classes),
        "reliability": draw_reliability(diagrams, options.bins),
        "mistakes": draw_mistakes(shown, pixels[shown["row"].to_numpy()], classes, heading),
    }


def describe(metrics: dict) -> str:
    """Return the lines that the stage prints: the main metrics of each subset, then the notes."""
    shown = ("accuracy", "f1_macro", "log_loss", "ece")
    lines = [
        "  ".join(
            [f"{subset:<5}{metrics[subset]['images']:>7} images"]
            + [f"{name} {metrics[subset][name]:.4f}" for name in shown if name in metrics[subset]]
        )
        for subset in ("val", "test")
    ]
    return "\n".join(lines + [f"{about}: {note}" for about, note in metrics.get("notes", {}).items()])


def _change(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    found = {}
    for name in ("log_loss", "ece"):
        found |= {f"{name}_before": before[name], f"{name}_after": after[name]}
    return found


if __name__ == "__main__":
    run_stage(main, Params)
