"""Judge the trained network on validation and test images, calibrate its probabilities, and say where it fails.

Reads   data/prepared, data/split             images, classes, subsets and folds
        models/trained                        one network, or one a fold
Writes  data/predictions/predictions.csv      one row an image of val and test: label, predicted, confidence, decided
        data/predictions/probabilities.npy    float32 [rows, classes], calibrated, in the same order
        models/calibration.json               what was fitted on validation: calibration, prediction sets
        metrics/evaluate.json                 val and test, intervals, calibration, abstention, spread over the folds
        plots/evaluate/confusion.csv, png     actual and predicted class of each test image
        plots/evaluate/classes.csv            precision, recall, F1, areas and support of each class on test
        plots/evaluate/reliability.csv, png   confidence against accuracy on test, before and after calibration
        plots/evaluate/coverage.csv           accuracy when only the most confident decisions are made
        plots/evaluate/confidence.csv         how sure right and wrong decisions are
        plots/evaluate/roc.csv, pr.csv        one class against the rest: the mean of the classes, and the worst
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
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.images.store import open_pixels, read_dataset, read_samples
from sightline.networks.calibrated import Calibration
from sightline.networks.predict import predict_logits
from sightline.networks.saved import load_members, read_spec
from sightline.networks.views import ViewAverage
from sightline.scoring.abstaining import fit_conformal
from sightline.scoring.calibration import apply_calibration, calibrate
from sightline.scoring.figures import draw_mistakes, draw_reliability, save_png, select_mistakes
from sightline.scoring.judged import score_judged, select_judged
from sightline.scoring.matrix import draw_confusion
from sightline.scoring.scored import Scored, part_by_subset
from sightline.scoring.summary import (
    describe,
    summarize,
    summarize_calibration,
    summarize_decisions,
    summarize_intervals,
)
from sightline.scoring.tables import DIAGRAMS, tabulate_plots

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class EvaluateParams(StrictModel):
    batch_size: Count
    tta: Literal["none", "flip", "multi_crop"]
    calibration: Literal["none", "temperature", "vector", "isotonic"]
    min_confidence: Annotated[float, Field(ge=0, le=1)]
    conformal: Literal["none", "lac", "aps"]
    conformal_coverage: Share
    top_k: list[Annotated[int, Field(ge=2)]]
    bins: Count
    bootstrap: Annotated[int, Field(ge=0)]
    confidence: Share
    curves: Annotated[int, Field(ge=0, le=20)]  # more lines cannot be told apart
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
    members = [ViewAverage(member, options.tta) for member in load_members("models/trained", spec)]
    scores = score_judged(members, folds, judged, len(spec.classes), predict)

    calibration, parts, probabilities = calibrate_parts(judged, scores, options)
    metrics = summarize_all(parts, calibration, params)
    tables = tabulate_plots(parts["test"], spec.classes, options.bins, options.curves)
    figures = draw_plots(parts["test"], tables, pixels, spec.classes, options)

    write_table("data/predictions/predictions.csv", tabulate_predictions(judged, probabilities, options))
    with replacing("data/predictions/probabilities.npy") as beside, beside.open("wb") as file:
        np.save(file, probabilities)
    write_json("models/calibration.json", calibration.model_dump(exclude_none=True))
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


def calibrate_parts(
    judged: pd.DataFrame, scores, options: EvaluateParams
) -> tuple[Calibration, dict[str, Scored], np.ndarray]:
    """Fit calibration and prediction sets on validation; return them, the judged subsets, and all probabilities."""
    validation = (judged["subset"] == "val").to_numpy()
    labels = judged["label"].to_numpy()[validation]
    fitted = calibrate(options.calibration, scores.numpy()[validation], labels)
    after = apply_calibration(fitted, scores)
    before = apply_calibration(Calibration(method="none", temperature=1.0, images=0), scores)
    conformal = fit_conformal(options.conformal, options.conformal_coverage, after[validation], labels)
    decision = {"tta": options.tta, "min_confidence": options.min_confidence, "conformal": conformal}
    return fitted.model_copy(update=decision), part_by_subset(judged, before, after), after


def tabulate_predictions(judged: pd.DataFrame, probabilities: np.ndarray, options: EvaluateParams) -> pd.DataFrame:
    """Return one row a judged image: id, row in images.npy, subset, label, predicted, confidence, decided."""
    confidence = probabilities.max(axis=1)
    decision = {"predicted": probabilities.argmax(axis=1), "confidence": confidence}
    decided = (confidence >= options.min_confidence).astype(int)
    return judged[["id", "row", "subset", "label"]].assign(**decision, decided=decided)


def summarize_all(parts: dict[str, Scored], calibration: Calibration, params: Params) -> dict:
    """Return the content of metrics/evaluate.json."""
    options, seed = params.evaluate, stream_seed(params.seed, "bootstrap")
    metrics, notes = summarize(parts, options.top_k, options.bins)
    metrics |= summarize_calibration(parts, calibration, options.bins)
    metrics |= summarize_intervals(parts["test"], options.bins, options.bootstrap, options.confidence, seed)
    decisions, found = summarize_decisions(parts["test"], calibration)
    notes |= found | ({"calibration": calibration.note} if calibration.note else {})
    return metrics | decisions | ({"notes": notes} if notes else {})


def draw_plots(
    test: Scored, tables: dict[str, pd.DataFrame], pixels: np.ndarray, classes: list[str], options: EvaluateParams
) -> dict[str, Figure]:
    """Return the pictures of test images, by file name."""
    decided = test.images.assign(predicted=test.predicted, confidence=test.confidence)
    reliability = tables["reliability"]
    diagrams = {name: reliability[reliability["curve"] == name] for name in DIAGRAMS}
    shown, heading = select_mistakes(decided, options.mistakes)
    return {
        "confusion": draw_confusion(test.labels, test.predicted, classes),
        "reliability": draw_reliability(diagrams, options.bins),
        "mistakes": draw_mistakes(shown, pixels[shown["row"].to_numpy()], classes, heading),
    }


if __name__ == "__main__":
    run_stage(main, Params)
