"""Judge the trained network on validation and test images, calibrate its probabilities, and say where it fails.

Reads   data/prepared, data/split             images, classes, subsets and folds
        models/trained                        one network, or one a fold
        data/ood                              what `evaluate.ood` names
        Git, DVC's cache                      predictions of `gates.not_worse_than`
Writes  data/predictions/predictions.csv      one row an image of val and test: label, predicted, confidence, decided
        data/predictions/probabilities.npy    float32 [rows, classes], calibrated, in the same order
        data/predictions/label_issues.csv     labels that may be wrong, the worst first
        data/predictions/slices.csv           accuracy of each class, group, image size, ..., the surely worst first
        data/predictions/reference.json       what test images and predictions look like, to compare later batches with
        models/calibration.json               what was fitted on validation: calibration, prediction sets
        metrics/evaluate.json                 val and test, intervals, calibration, abstention, spread over the folds
        plots/evaluate/headline.csv           metrics of test with their intervals
        plots/evaluate/confusion.csv, png     actual and predicted class of each test image
        plots/evaluate/classes.csv            precision, recall, F1, areas and support of each class on test
        plots/evaluate/reliability.csv, png   confidence against accuracy on test, before and after calibration
        plots/evaluate/coverage.csv           accuracy when only the most confident decisions are made
        plots/evaluate/confidence.csv         how sure right and wrong decisions are
        plots/evaluate/roc.csv, pr.csv        one class against the rest: the mean of the classes, and the worst
        plots/evaluate/embedding.csv          test images as the network sees them, on two principal axes
        plots/evaluate/slices.csv             the worst slices
        plots/evaluate/robustness.csv         accuracy on corrupted and attacked test images, where asked for
        plots/evaluate/mistakes.png           the most confident mistakes on test
        plots/evaluate/label_issues.png       the labels that are most likely wrong

With cross-validation, the validation images are those of all folds, each predicted by the member (and the stack) that
did not train on it; test images are predicted by all members together. A model that misses one of `gates` ends
in an error, once all is written.
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
import pandas as pd
import torch

from sightline.common.device import compute_alike, leave_out_triton, pick_device, use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import write_array, write_json, write_table
from sightline.common.process import keep_freed_memory
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.gating.judge import Verdict, judge_evaluation, refuse_missed
from sightline.gating.worse import Baseline, Decisions, judge_worse, read_baseline
from sightline.images.samples import read_samples, tabulate
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.networks.decider import Decider
from sightline.networks.saved import load_members, read_spec
from sightline.networks.stack import load_stacks
from sightline.parameters.evaluate import EvaluateParams, EvaluateSection
from sightline.parameters.gates import GatesSection
from sightline.reporting.revision import StoredPredictions
from sightline.scoring.calibration import apply_calibration, calibrate
from sightline.scoring.charts import draw_issues, draw_pictures
from sightline.scoring.diagnosis.diagnose import find_causes
from sightline.scoring.embeddings import explain_missing, map_embeddings
from sightline.scoring.forward import ForwardSettings, Judgement, run_networks
from sightline.scoring.metrics.abstention import fit_conformal
from sightline.scoring.predictions import Calibrated, part_by_subset
from sightline.scoring.reference import describe_reference
from sightline.scoring.robustness.stress import Stress, stress_test
from sightline.scoring.summary import (
    add_calibration_test,
    describe_metrics,
    summarize_calibration,
    summarize_decisions,
    summarize_intervals,
    summarize_subsets,
)
from sightline.scoring.tables import tabulate_headline, tabulate_plots, tabulate_records


def main(params: EvaluateParams) -> None:
    keep_freed_memory()
    leave_out_triton()
    use_deterministic_algorithms(params.seed)
    compute_alike(params.arithmetic)
    options = params.evaluate
    baseline = open_baseline(params.gates)
    spec = read_spec("models/trained")
    dataset = read_dataset()
    pixels = open_pixels()
    require_equal_classes(spec.classes, dataset.classes)
    index = read_index()
    samples = tabulate(read_samples(index=index), index)
    del index  # as large as the samples
    members = load_members("models/trained", spec)
    stacks = load_stacks("models/trained", spec)
    settings = ForwardSettings(options.tta, params.memory_mb, pick_device(), options.map, options.label_images)
    scores, judgement = run_networks(members, stacks, spec, samples, pixels, settings)
    judged = judgement.images
    calibrated = calibrate_subsets(judged, scores, options)
    del scores  # as large as the probabilities
    decider = Decider(members, calibrated.calibration, stacks.whole).eval()

    test = calibrated.subsets["test"]
    probabilities = calibrated.probabilities
    looked_at = [(judged, probabilities), judgement.training]
    findings = find_causes(test.right, looked_at, samples, params.near_bits, options.confidence)
    robustness = stress_test(decider, test.decided, pixels, dataset, stress_of(params))
    metrics = summarize_all(calibrated, judgement, robustness.notes, params) | findings.metrics | robustness.metrics
    tables = tabulate_plots(test, spec.classes, options.bins, options.curves) | {"robustness": robustness.table}
    tables["headline"] = tabulate_headline(metrics)
    tables["slices"] = findings.slices.head(options.slices).round(5)
    tables["embedding"] = map_embeddings(judgement.sample, test.decided, spec.classes)
    figures = draw_pictures(test, tables["reliability"], pixels, spec.classes, options.bins, options.mistakes)
    figures["label_issues"] = draw_issues(findings.issues, pixels, spec.classes, options.label_issues)
    records = tabulate_records(judged, probabilities, findings, spec.classes, options.min_confidence)
    reference = describe_reference(judgement.sample, pixels, test.decided, spec.classes)

    write_tables("data/predictions", records)
    write_tables("plots/evaluate", tables)
    write_array("data/predictions/probabilities.npy", probabilities)
    write_json("data/predictions/reference.json", reference.model_dump(exclude_none=True))
    write_json("models/calibration.json", calibrated.calibration.model_dump(exclude_none=True))
    write_json("metrics/evaluate.json", metrics)
    for name, figure in figures.items():
        save_png(f"plots/evaluate/{name}.png", figure)
    print(describe_metrics(metrics))
    decisions = Decisions(spec.classes, StoredPredictions(records["predictions"], probabilities))
    refuse_missed(judge_all(params.gates, metrics, baseline, decisions), "metrics/evaluate.json and plots/evaluate")


def open_baseline(gates: GatesSection) -> Baseline | None:
    """Read what the model must not be worse than, before it is judged; None without such a gate."""
    return read_baseline(gates.not_worse_than) if gates.not_worse_than else None


def judge_all(gates: GatesSection, metrics: dict, baseline: Baseline | None, decisions: Decisions) -> list[Verdict]:
    """Return the verdict of each gate that is set."""
    verdicts = judge_evaluation(gates, metrics)
    return [*verdicts, judge_worse(baseline, decisions, gates.not_worse_level)] if baseline else verdicts


def write_tables(folder: str, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables by their name as CSV."""
    for name, table in tables.items():
        write_table(f"{folder}/{name}.csv", table)


def require_equal_classes(trained: list[str], prepared: list[str]) -> None:
    """Raise SightlineError when the network was trained on other classes than the prepared images have."""
    if trained != prepared:
        different = sorted(set(trained) ^ set(prepared))
        raise SightlineError(
            f"models/trained/model.json: trained on {len(trained)} classes, but data/prepared/dataset.json has "
            f"{len(prepared)} (different: {', '.join(different[:3]) or 'their order'}): run `dvc repro train`"
        )


def calibrate_subsets(judged: pd.DataFrame, scores: torch.Tensor, options: EvaluateSection) -> Calibrated:
    """Fit calibration and prediction sets on validation, and apply them to all judged images.

    The threshold of the sets is that of images that calibration left out in turn.
    """
    validation = (judged["subset"] == "val").to_numpy()
    labels = judged["label"].to_numpy()[validation]
    seen = scores.numpy()[validation]
    fitted, left_out = calibrate(options.calibration, seen, labels)
    probabilities = apply_calibration(fitted, scores)
    conformal = fit_conformal(options.conformal, options.conformal_coverage, left_out, labels)
    decision = {"tta": options.tta, "min_confidence": options.min_confidence, "conformal": conformal}
    subsets = part_by_subset(judged, scores.numpy(), probabilities)
    return Calibrated(fitted.model_copy(update=decision), subsets, probabilities)


def stress_of(params: EvaluateParams) -> Stress:
    """Return what of robustness is to be measured."""
    named = params.evaluate.model_dump(include={"corruptions", "attacks", "ood"}) | {"memory_mb": params.memory_mb}
    named |= {"epsilon": params.evaluate.attack_epsilon / 255, "steps": params.evaluate.attack_steps}
    return Stress(**named, images=params.evaluate.robustness_images, device=pick_device(), seed=params.seed)


def summarize_all(calibrated: Calibrated, judgement: Judgement, notes: dict[str, str], params: EvaluateParams) -> dict:
    """Return metrics of the two subsets and the members, their intervals, calibration and decisions, and all notes."""
    options = params.evaluate
    subsets = calibrated.subsets
    calibration = calibrated.calibration
    seed = stream_seed(params.seed, "bootstrap")
    metrics, left_out = summarize_subsets(subsets, judgement.decisions, options.top_k, options.bins)
    test = subsets["test"]
    intervals = summarize_intervals(test, metrics["test"], options.bootstrap, options.confidence, seed)
    decisions, undecided = summarize_decisions(test, calibration, options.confidence)
    metrics |= summarize_calibration(subsets, calibration, options.bins) | intervals | decisions
    metrics = add_calibration_test(metrics, test, options.bins, options.bootstrap, options.confidence, seed)
    notes = notes | explain_missing(judgement.sample) | left_out | undecided
    if calibration.note:
        notes["calibration"] = calibration.note
    if notes:
        metrics["notes"] = notes
    return metrics


if __name__ == "__main__":
    run_stage(main, EvaluateParams)
