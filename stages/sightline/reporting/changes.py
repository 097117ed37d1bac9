"""The report's sections that need no predictions: parameters, learning curves, explanations, files, other metrics."""

from sightline.reporting.markdown import changed, folded, table
from sightline.reporting.pictures import draw_curves
from sightline.reporting.report import Report
from sightline.reporting.revision import Run

COLUMNS = ("", "before", "after", "change")
CURVES = (("loss", "training"), ("loss", "validation"), ("accuracy", "validation"))
OTHERS = ("prepare", "split", "train", "evaluate")


def add_parameters(report: Report, before: Run, after: Run) -> None:
    """Add what differs in params.yaml."""
    report.say("### Parameters")
    rows = [
        row[:3]
        for row in changed(
            *({name: f"{value}" for name, value in run.read_params().items()} for run in (before, after))
        )
    ]
    report.say(*(table(COLUMNS[:3], rows) if rows else ["No difference."]))


def add_curves(report: Report, before: Run, after: Run) -> None:
    """Add the learning curves, one revision over the other."""
    curves = before.read_curves(), after.read_curves()
    logged = {key for table in curves for key in zip(table["measure"], table["subset"], strict=True)}
    panels = [panel for panel in CURVES if panel in logged]
    if panels:
        report.say("### Learning curves")
        report.draw("curves", draw_curves(*curves, panels))


def add_stage(report: Report, title: str, stage: str, before: Run, after: Run) -> None:
    """Add what differs in the metrics of one stage."""
    report.say(f"### {title}")
    report.say(*_tell(before.read_metrics(stage), after.read_metrics(stage)))


def add_other_metrics(report: Report, before: Run, after: Run) -> None:
    """Add what differs in all other metrics, folded away."""
    found = [
        {f"{stage}: {name}": value for stage in OTHERS for name, value in run.read_metrics(stage).items()}
        for run in (before, after)
    ]
    report.say(*folded("All other metrics that changed", _tell(*found)))


def _tell(before: dict, after: dict) -> list[str]:
    rows = changed(before, after)
    return table(COLUMNS, rows) if rows else ["No difference."]
