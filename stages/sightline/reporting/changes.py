"""The report's sections that need no predictions: parameters, learning curves, explanations, files, other metrics."""

from sightline.drawing.markdown import folded, table
from sightline.reporting.pictures import draw_curves
from sightline.reporting.report import Report
from sightline.reporting.revision import Revision
from sightline.reporting.values import format_gap, list_changed

COLUMNS = ("", "before", "after", "change")
CURVES = (("loss", "training"), ("loss", "validation"), ("accuracy", "validation"))
OTHERS = ("prepare", "split", "train", "evaluate")
ROBUSTNESS = ("attacks.", "corruptions.", "ood.")  # of evaluate's metrics: measured where asked for


def add_parameters(report: Report, before: Revision, after: Revision) -> None:
    """Add what differs in params.yaml."""
    report.say("### Parameters")
    texts = [{name: f"{value}" for name, value in side.read_params().items()} for side in (before, after)]
    rows = [row[:3] for row in list_changed(*texts)]
    report.say(*(table(COLUMNS[:3], rows) if rows else ["No difference."]))


def add_curves(report: Report, before: Revision, after: Revision) -> None:
    """Add the learning curves, one revision over the other."""
    curves = before.read_curves(), after.read_curves()
    logged = {key for table in curves for key in zip(table["measure"], table["subset"], strict=True)}
    panels = [panel for panel in CURVES if panel in logged]
    if panels:
        report.say("### Learning curves")
        report.draw("curves", draw_curves(*curves, panels))


def add_stage(report: Report, title: str, stage: str, before: Revision, after: Revision) -> None:
    """Add what differs in the metrics of one stage."""
    report.say(f"### {title}")
    report.say(*_tell(before.read_metrics(stage), after.read_metrics(stage)))


def add_robustness(report: Report, before: Revision, after: Revision) -> None:
    """Add what was measured of attacked, corrupted and other images, equal or not; nothing where neither has any."""
    sides = [
        {name: value for name, value in side.read_metrics("evaluate").items() if name.startswith(ROBUSTNESS)}
        for side in (before, after)
    ]
    names = [name for name in {**sides[1], **sides[0]} if not name.endswith(".images")]
    if names:
        report.say("### Robustness")
        values = [[side.get(name) for side in sides] for name in names]
        rows = [(name, *pair, format_gap(*pair)) for name, pair in zip(names, values, strict=True)]
        report.say(*table(COLUMNS, rows))


def add_forgetting(report: Report, after: Revision) -> None:
    """Add how a model that went on from an earlier one still knows that one's classes, where train measured it."""
    found = after.read_results("train").get("forgetting")
    if found:
        report.say(
            f"The {found['classes']} classes that the earlier model knew: accuracy on {found['images']:,} validation "
            f"images {found['before']:.4f} before and {found['after']:.4f} after."
        )


def add_other_metrics(report: Report, before: Revision, after: Revision) -> None:
    """Add what differs in all other metrics, folded away."""
    metrics = [
        {f"{stage}: {name}": value for stage in OTHERS for name, value in side.read_metrics(stage).items()}
        for side in (before, after)
    ]
    report.say(*folded("All other metrics that changed", _tell(*metrics)))


def _tell(before: dict, after: dict) -> list[str]:
    rows = list_changed(before, after)
    return table(COLUMNS, rows) if rows else ["No difference."]
