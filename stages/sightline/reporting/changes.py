"""The report's sections that need no predictions: parameters, learning curves, explanations, files, other metrics."""

from sightline.drawing.markdown import folded, table
from sightline.reporting.pictures import draw_curves
from sightline.reporting.report import Report
from sightline.reporting.revision import Revision
from sightline.reporting.values import list_changed

COLUMNS = ("", "before", "after", "change")
CURVES = (("loss", "training"), ("loss", "validation"), ("accuracy", "validation"))
OTHERS = ("prepare", "split", "train", "evaluate")


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
