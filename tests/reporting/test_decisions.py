import numpy as np
import pandas as pd
import pytest

from sightline.drawing.markdown import folded, format_cell, table
from sightline.reporting.decisions import (
    count_confusion_change,
    describe_confusion_change,
    describe_differences,
    describe_flips,
    describe_verdict,
    list_flips,
)
from sightline.reporting.paired import Difference, Pair
from sightline.reporting.pictures import draw_confusion_change, draw_curves, draw_flips
from sightline.reporting.values import list_changed

CLASSES = ["ant", "bee|wasp"]


def pair_of(before: list[float], after: list[float], labels: list[int]) -> Pair:
    images = pd.DataFrame({"id": [f"{n}.png" for n in range(len(labels))], "label": labels, "row": range(len(labels))})
    sure = [np.array([[1 - p, p] for p in column], np.float32) for column in (before, after)]
    return Pair(images, *sure, unmatched=0)


PAIR = pair_of(before=[0.9, 0.2, 0.4, 0.7], after=[0.1, 0.3, 0.6, 0.45], labels=[0, 0, 1, 1])


def test_verdict_says_whether_it_is_noise():
    assert describe_verdict(PAIR, 0.95) == (
        "**On the same 4 test images accuracy rises from 0.5000 to 0.7500: no larger than chance explains** "
        "(McNemar's exact p = 1; 2 images became right, 1 wrong)."
    )
    many = pair_of([0.1] * 20, [0.9] * 20, [1] * 20)
    assert "rises from 0.0000 to 1.0000: larger than chance explains" in describe_verdict(many, 0.95)
    assert "accuracy stays at 0.5000: no larger" in describe_verdict(pair_of([0.1, 0.1], [0.1, 0.1], [0, 1]), 0.95)


def test_flips_come_with_the_largest_change_first():
    flips = list_flips(PAIR, CLASSES)
    assert flips["became right"]["id"].tolist() == ["0.png", "2.png"]
    assert flips["became wrong"]["id"].tolist() == ["3.png"]
    assert "| became right | 0.png | ant | bee\\|wasp | ant | 0.1000 | 0.9000 |" in describe_flips(flips)
    assert describe_flips(list_flips(pair_of([0.1], [0.2], [0]), CLASSES)) == ["No image became right or wrong."]


def test_confusion_change_by_hand():
    change = count_confusion_change(PAIR, 2)
    assert change.tolist() == [[1, -1], [0, 0]]  # one bee became right, another wrong
    assert describe_confusion_change(change, CLASSES)[2:] == ["| ant | bee\\|wasp | -1 |"]
    assert describe_confusion_change(np.zeros((2, 2), int), CLASSES) == ["No confusion changed."]


@pytest.mark.parametrize(
    ("name", "low", "high", "word"),
    [
        ("accuracy", 0.01, 0.02, "better"),
        ("accuracy", -0.02, -0.01, "**worse**"),
        ("log_loss", -0.02, -0.01, "better"),
        ("ece", 0.01, 0.02, "**worse**"),
        ("brier", -0.01, 0.02, "within noise"),
        ("brier", 0.0, 0.0, "within noise"),
    ],
)
def test_plain_words(name, low, high, word):
    row = describe_differences({name: Difference(0.5, 0.51, low, high)}, 0.95)[-1]
    assert row.endswith(f"| {low:+.4f} to {high:+.4f} | {word} |")


def test_markdown():
    before, after = {"a": 1, "b": 0.5, "c": "x", "e": 2.0}, {"a": 1, "b": 0.25, "c": "y", "d": True}
    rows = list_changed(before, after)
    assert rows == [("b", 0.5, 0.25, "-0.2500"), ("c", "x", "y", None), ("d", None, True, None), ("e", 2.0, None, None)]
    assert table(("n", "v"), [("a|b", 3e-7)]) == ["| n | v |", "|---|---|", "| a\\|b | 3.00e-07 |"]
    assert [format_cell(value) for value in (None, False, 12345, 0.0, 12345.6)] == [
        "-",
        "no",
        "12,345",
        "0.0000",
        "1.235e+04",
    ]
    assert folded("more", ["x"])[1:4:2] == ["<summary>more</summary>", "x"]


def curve_of(*members: str) -> pd.DataFrame:
    rows = [("loss", "validation", member, epoch, 2.0 - epoch) for member in members for epoch in (0, 1)]
    return pd.DataFrame(rows, columns=["measure", "subset", "member", "epoch", "value"])


def test_pictures_show_what_they_are_given():
    flips = {heading: found for heading, found in list_flips(PAIR, CLASSES).items() if len(found)}
    pixels = {heading: np.zeros((len(found), 4, 4, 3), np.uint8) for heading, found in flips.items()}
    figure = draw_flips(flips, pixels, 2)
    (axes,) = figure.axes
    assert len(axes.images) == 3
    assert [text.get_text() for text in axes.texts[:3]] == ["ant", "before → bee|wasp", "10 % → 90 % sure of it"]
    assert [text.get_text() for text in axes.texts[-3:]] == ["bee|wasp", "now → ant", "70 % → 45 % sure of it"]
    assert [text.get_text() for text in figure.texts] == list(flips)
    confusion = draw_confusion_change(np.array([[2, -2], [0, 0]]), CLASSES)
    assert {text.get_text() for text in confusion.axes[0].texts} == {"+2", "-2"}
    old = curve_of("fold_0", "fold_1")
    new = curve_of("fold_0")
    curves = draw_curves(old, new, [("loss", "validation")])
    assert len(curves.axes[0].lines) == 3
    assert [text.get_text() for text in curves.axes[0].get_legend().get_texts()] == ["before", "after"]
