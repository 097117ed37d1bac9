"""The part of the model card about how well it works; every number comes from metrics/evaluate.json."""

from sightline.drawing.markdown import escape, table
from sightline.networks.calibration import Calibration

HEADLINES = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "log_loss", "brier", "ece", "ece_debiased")
METHOD = (
    "The interval of the accuracy is Wilson's; the others are of a bootstrap whose accuracies follow Wilson's "
    "interval, that of `ece_debiased` of a test of calibration turned round."
)
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
    intervals = evaluation.get("intervals", {})
    margin = f"{intervals['confidence']:.0%} interval on test" if intervals else "interval on test"
    lines = table(("", "validation", "test", margin), _list_headlines(evaluation))
    if intervals:
        lines += ["", METHOD]
    lines += ["", "Validation images chose the weights and the calibration; only the test numbers are independent.", ""]
    lines += _describe_reliability(evaluation) + _describe_doubt(evaluation) + _describe_leakage(evaluation)
    return lines + [f"- {about}: {note}" for about, note in evaluation.get("notes", {}).items()]


def describe_worst_slice(evaluation: dict) -> list[str]:
    """Return a line on the images that do worst together; none where there are no slices."""
    worst = evaluation.get("slices", {}).get("worst")
    if not worst:
        return []
    return [
        f"- The weakest slice of the test images is {escape(worst['slice'])}: accuracy {worst['accuracy']:.4f} "
        f"({worst['low']:.4f} to {worst['high']:.4f}) on {worst['images']} images."
    ]


def _list_headlines(evaluation: dict) -> list[tuple]:
    """Return a row for the images and for each headline metric: its name, on validation, on test, its interval."""
    val = evaluation.get("val", {})
    test = evaluation.get("test", {})
    intervals = evaluation.get("intervals", {}).get("test", {})
    rows = [("images", val.get("images", 0), test.get("images", 0), "")]
    for name in HEADLINES:
        ends = intervals.get(name)
        if name in val or name in test:
            between = f"{ends['low']:.4f} to {ends['high']:.4f}" if ends else None
            rows.append((name, val.get(name), test.get(name), between))
    return rows


def _describe_reliability(evaluation: dict) -> list[str]:
    errors = evaluation.get("calibration", {}).get("test", {})
    if "ece_before" not in errors:
        return []
    change = f"from {errors['ece_before']:.4f} to {errors['ece_after']:.4f}"
    lines = [f"- Calibration changed the calibration error on test {change}."]
    if "p_value" in errors:
        lines.append(
            "- Chance makes that error larger than it is; `ece_debiased` is without that. Were the probabilities "
            f"right, an error as large as the measured one would have a probability of {errors['p_value']:.2g}."
        )
    return lines


def _describe_doubt(evaluation: dict) -> list[str]:
    abstention = evaluation.get("abstention", {})
    conformal = evaluation.get("conformal", {})
    lines = []
    if abstention.get("coverage", 1) < 1 and "accuracy_decided" in abstention:
        lines.append(
            f"- It is asked to decide on the surest {abstention['coverage']:.1%} of the test images, with accuracy "
            f"{abstention['accuracy_decided']:.4f}."
        )
    if "coverage" in conformal:
        limits = [conformal[name] for name in ("coverage_low", "coverage_high") if name in conformal]
        ends = f" (interval {limits[0]:.1%} to {limits[1]:.1%})" if limits else ""
        lines.append(
            f"- Its prediction sets hold the true class of {conformal['coverage']:.1%}{ends} of the test images, with "
            f"{conformal['mean_set_size']:.2f} classes on average."
        )
    return lines


def _describe_leakage(evaluation: dict) -> list[str]:
    leakage = evaluation.get("leakage", {})
    twins = leakage.get("exact", 0) + leakage.get("near", 0)
    return [f"- {twins} test images have a twin, or nearly one, among the training images."] if twins else []
