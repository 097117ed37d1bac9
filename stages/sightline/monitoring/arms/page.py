"""Two models beside each other on one page that opens anywhere, with the interval of their difference as it went on."""

from sightline.drawing.arms_chart import draw_difference
from sightline.drawing.page import heading, image, paragraph, table, whole_page
from sightline.monitoring.arms.verdict import ARMS, Verdict, describe
from sightline.monitoring.lines import Seen

KINDS = {"better": "good", "worse": "bad", "undecided": ""}


def write_page(verdict: Verdict, models: dict[str, str], seen: dict[str, list[Seen]]) -> str:
    """Return the page; `models` are SHA-256, `seen` what each model answered, both by arm."""
    *lines, decision = describe(verdict)
    rows = [_row(verdict, place, arm, models[arm], seen[arm]) for place, arm in enumerate(ARMS)]
    heads = ("", "model", "images", "mean confidence", "labelled", "right", "95 % interval of one look")
    parts = [
        heading("Which of two models is right more often?", 1),
        paragraph(decision[0].upper() + decision[1:], KINDS[verdict.decision]),
        *map(paragraph, lines[len(verdict.rates) :]),
        table(heads, rows),
    ]
    if verdict.difference is not None:
        parts.append(image("difference of accuracies", draw_difference(verdict.looks)))
    return whole_page("Two models", parts)


def _row(verdict: Verdict, place: int, arm: str, model: str, seen: list[Seen]) -> tuple[str, ...]:
    rate = verdict.rates[place]
    confidence = sum(image.confidence for image in seen) / len(seen)
    told = (f"{rate.accuracy:.1%}", f"{rate.low:.1%} to {rate.high:.1%}") if rate.images else ("-", "-")
    return (arm, model[:16], str(len(seen)), f"{confidence:.3f}", str(rate.images), *told)
