"""What a further class does to images of the others: they can turn wrong by being taken for it, and in no other way."""

import pandas as pd

from sightline.drawing.markdown import escape, table

LISTED = 10  # classes that lose most


def compare(judged: pd.DataFrame, names: list[str], further: int) -> dict[str, dict]:
    """Return accuracy and images taken for the further class, by subset.

    Parameters
    ----------
    judged : pandas.DataFrame
        One row an image: subset, label, before and after (the class that is decided).
    names : list of str
        Of all classes.
    further : int
        The new one.
    """
    subsets = {}
    for subset, images in judged.groupby("subset", sort=False):
        taken = images[images["after"] == further]
        lost = taken[taken["before"] == taken["label"]]
        subsets[str(subset)] = {
            "images": len(images),
            "accuracy_before": float((images["before"] == images["label"]).mean()),
            "accuracy_after": float((images["after"] == images["label"]).mean()),
            "taken_for_it": len(taken),
            "taken_for_it_that_were_right": len(lost),
            "confused": {names[label]: int(count) for label, count in taken["label"].value_counts().items()},
        }
    return subsets


def describe(report: dict) -> list[str]:
    """Return the report as lines of Markdown."""
    name = escape(report["class"])
    columns = ("", "images", "accuracy before", "after", f"taken for {name}", "of these right before")
    keys = ("images", "accuracy_before", "accuracy_after", "taken_for_it", "taken_for_it_that_were_right")
    rows = [(subset, *(numbers[key] for key in keys)) for subset, numbers in report["subsets"].items()]
    lines = [f"# {name}, from {report['images']} images", "", *table(columns, rows)]
    if not rows:
        lines = [lines[0], "", "There are no validation or test images: nothing is known about the other classes."]
    lines += ["", _describe_recall(report, name), *_describe_confused(report, name)]
    lines += [f"- {note}" for note in report["notes"]]
    return lines


def _describe_recall(report: dict, name: str) -> str:
    if report["recognised"] is None:
        return f"- Whether {name} itself is recognised cannot be told from one image."
    return (
        f"- Of its {report['images']} images {report['recognised']} are recognised by heads that were made without "
        "them: too few to tell more than a direction."
    )


def _describe_confused(report: dict, name: str) -> list[str]:
    totals: dict[str, int] = {}
    for numbers in report["subsets"].values():
        for label, count in numbers["confused"].items():
            totals[label] = totals.get(label, 0) + count
    worst = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:LISTED]
    listed = ", ".join(f"{escape(label)} ({count})" for label, count in worst)
    return [f"- Taken for {name}: {listed}."] if worst else [f"- No image of another class is taken for {name}."]
