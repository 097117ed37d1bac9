"""The part of the model card about how well it works; every number comes from metrics/evaluate.json."""

from sightline.networks.calibration import Calibration

HEADLINES = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "log_loss", "brier", "ece")
VIEWS = {"flip": "each image and its mirror image", "multi_crop": "each image and its four corners"}


def describe_calibration(calibration: Calibration) -> str:
    """Return how probabilities come about, as a part of a sentence."""
    fitted = f"fitted on {calibration.images:,} validation images"
    methods = {
        "none": "none; the probabilities are as the network gives them",
        "temperature": f"scores are divided by a temperature of {calibration.temperature:.4f}, {fitted}",
        "vector": f"a factor and a shift for each class's score, {fitted}",
        "isotonic": f"a rising curve for each class's probability, {fitted}",
    }
    views = VIEWS.get(calibration.tta)
    return methods[calibration.method] + (f"; the mean of {views} counts" if views else "")


def describe_quality(evaluation: dict) -> list[str]:
    """Return the lines on validation and test: headline metrics with intervals, calibration, doubt, what is missing."""
    found = {subset: evaluation.get(subset, {}) for subset in ("val", "test")}
    intervals = evaluation.get("intervals", {})
    margin = f"{intervals['confidence']:.0%} interval on test" if intervals else "interval on test"
    images = [f"{found[subset].get('images', 0):,}" for subset in found]
    lines = [f"| | validation | test | {margin} |", "|---|---|---|---|", f"| images | {' | '.join(images)} | |"]
    for name in HEADLINES:
        values = [_number(found[subset].get(name)) for subset in found]
        ends = intervals.get("test", {}).get(name)
        between = f"{ends['low']:.4f} to {ends['high']:.4f}" if ends else "-"
        if values != ["-", "-"]:
            lines.append(f"| {name} | {' | '.join(values)} | {between} |")
    lines += ["", "Validation images chose the weights and the calibration; only the test numbers are independent.", ""]
    lines += _describe_reliability(evaluation) + _describe_doubt(evaluation) + _describe_leakage(evaluation)
    return lines + [f"- {about}: {note}" for about, note in evaluation.get("notes", {}).items()]


def describe_worst_slice(evaluation: dict) -> list[str]:
    """Return a line on the images that do worst together; none where there are no slices."""
    worst = evaluation.get("slices", {}).get("worst")
    if not worst:
        return []
    return [
        f"- The weakest slice of the test images is {_escape(worst['slice'])}: accuracy {worst['accuracy']:.4f} "
        f"({worst['low']:.4f} to {worst['high']:.4f}) on {worst['images']} images."
    ]


def _describe_reliability(evaluation: dict) -> list[str]:
    found = evaluation.get("calibration", {}).get("test", {})
    if "ece_before" not in found:
        return []
    before, after = found["ece_before"], found["ece_after"]
    return [f"- Calibration changed the calibration error on test from {before:.4f} to {after:.4f}."]


def _describe_doubt(evaluation: dict) -> list[str]:
    abstention, conformal = evaluation.get("abstention", {}), evaluation.get("conformal", {})
    lines = []
    if abstention.get("coverage", 1) < 1 and "accuracy_decided" in abstention:
        share, accuracy = abstention["coverage"], abstention["accuracy_decided"]
        lines.append(
            f"- It is asked to decide on the surest {share:.1%} of the test images, with accuracy {accuracy:.4f}."
        )
    if "coverage" in conformal:
        lines.append(
            f"- Its prediction sets hold the true class of {conformal['coverage']:.1%} of the test images, with "
            f"{conformal['mean_set_size']:.2f} classes on average."
        )
    return lines


def _describe_leakage(evaluation: dict) -> list[str]:
    found = evaluation.get("leakage", {})
    twins = found.get("exact", 0) + found.get("near", 0)
    return [f"- {twins} test images have a twin, or nearly one, among the training images."] if twins else []


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _escape(name: str) -> str:
    return name.replace("|", "\\|").replace("\n", " ")
