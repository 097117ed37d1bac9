"""Pictures of images before training: sizes, classes, looks, groups, and a map."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightline.drawing.canvas import AFTER, BARS, BEFORE, FRAME, GRID, INK, MUTED, SERIES, SHARES, legible

WIDTH = 8.0  # inches
ROW = 0.24  # inches a bar
SHOWN = 30  # classes, groups
BINS = 40
NAME = 24  # letters of a name
STEP = 0.1  # of the logarithm of the aspect ratio: 7 %


def draw_sizes(numbers: pd.DataFrame, stored: int) -> Figure:
    """Draw how large the files' images are, with the stored size, and how wide they are for their height.

    Parameters
    ----------
    numbers : pandas.DataFrame
        width, height in pixels, and aspect.
    stored : int
        Side of the stored squares in pixels.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    sides, aspects = figure.subplots(1, 2)
    pairs, count = np.unique(numbers[["width", "height"]].to_numpy(), axis=0, return_counts=True)
    sides.scatter(pairs[:, 0], pairs[:, 1], s=8 + 60 * np.sqrt(count / count.max()), color=AFTER, alpha=0.35, lw=0)
    most = max(pairs.max(), stored) * 1.08
    sides.plot([0, stored, stored], [stored, stored, 0], color=MUTED, linewidth=1, linestyle="--")
    sides.set(xlim=(0, most), ylim=(0, most), xlabel="width, px", ylabel="height, px", aspect="equal")
    _frame(sides, f"Sizes of the files; dashed: {stored} px, as stored")
    logarithms = np.log2(numbers["aspect"])
    low, high = min(-1, logarithms.min()), max(1, logarithms.max())
    aspects.hist(logarithms, bins=np.arange(low - STEP / 2, high + STEP, STEP), color=BARS)
    ticks = [tick for tick in range(-4, 5) if low <= tick <= high]
    aspects.set_xticks(ticks, [f"{2.0**tick:g}" for tick in ticks])
    aspects.set(xlabel="width / height", ylabel="images")
    _frame(aspects, "Aspect ratios")
    return figure


def draw_class_counts(counts: pd.Series) -> Figure:
    """Draw images a class, the largest on top; of many classes the largest and the smallest."""
    ordered = counts.sort_values(ascending=False, kind="stable")
    shown = ordered if len(ordered) <= SHOWN else pd.concat([ordered[: SHOWN // 2], ordered[-SHOWN // 2 :]])
    figure = Figure(figsize=(WIDTH, 0.9 + ROW * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shown))[::-1], shown, color=BARS)
    _name_rows(axes, shown.index)
    axes.set_xlabel("images")
    left = "" if len(shown) == len(ordered) else f": the largest and smallest {len(shown) // 2} of {len(ordered):,}"
    _frame(axes, f"Images a class{left}")
    return figure


def draw_looks(numbers: pd.DataFrame, pool: pd.DataFrame | None, names: list[str]) -> Figure:
    """Draw the distributions of some numbers, in [0, 1], of the labelled images and of the pool."""
    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        bins = _bins(numbers[name] if pool is None else pd.concat([numbers[name], pool[name]]))
        axes.hist(numbers[name], bins=bins, color=BARS, density=True, label="labelled")
        if pool is not None:
            axes.hist(pool[name], bins=bins, color=AFTER, density=True, histtype="step", label="pool")
        axes.set_yticks([])
        _frame(axes, name)
    if pool is not None:
        axes.legend(frameon=False, fontsize=8)
    return figure


def draw_looks_by_class(numbers: pd.DataFrame, labels: np.ndarray, classes: list[str], names: list[str]) -> Figure:
    """Draw each class's median of some numbers, from quartile to quartile; of many classes those that differ most.

    `labels`, int, has the class of each row of `numbers`; the line is the median of all.
    """
    quartiles = numbers[names].groupby(labels).quantile([0.25, 0.5, 0.75]).unstack()
    usual = numbers[names].median()
    medians = quartiles.xs(0.5, axis="columns", level=1)
    apart = ((medians - usual) / medians.std().fillna(0).replace(0, 1)).abs().max(axis=1)
    chosen = sorted(apart.sort_values(ascending=False, kind="stable").index[:SHOWN])
    heights = np.arange(len(chosen))[::-1]
    figure = Figure(figsize=(WIDTH, 0.8 + ROW * len(chosen)), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        low, middle, high = quartiles.loc[chosen, name].to_numpy().T
        axes.axvline(usual[name], color=BEFORE, linewidth=1)
        axes.hlines(heights, low, high, color=BARS, linewidth=5)
        axes.scatter(middle, heights, color=AFTER, s=14, zorder=3)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        _frame(axes, name)
    _name_rows(panels[0], [classes[label] for label in chosen])
    return figure


def draw_groups(counts: pd.DataFrame) -> Figure:
    """Draw which share of each group's images each class has; of many groups the largest, of many classes too."""
    classes = counts.sum().sort_values(ascending=False, kind="stable").index[:SHOWN]
    shown = counts.iloc[:SHOWN].loc[:, [name for name in counts.columns if name in set(classes)]]
    shares = shown.div(counts.iloc[:SHOWN].sum(axis=1), axis=0)
    figure = Figure(figsize=(WIDTH, 1.6 + ROW * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(shown)), [_short(f"{name} ({counts.loc[name].sum():,})") for name in shown.index])
    axes.set_xticks(range(len(shown.columns)), map(_short, shown.columns), rotation=90 if len(shown.columns) > 8 else 0)
    left = "" if len(shown) == len(counts) else f", the largest {len(shown)} of {len(counts):,}"
    _frame(axes, f"Share of the classes in each group (images){left}")
    axes.grid(visible=False)
    _plain(axes)
    return figure


def draw_map(places: np.ndarray, labels: np.ndarray, classes: list[str]) -> Figure:
    """Draw images, float [n, 2], as points; the most frequent classes have a colour each, the others are grey."""
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    frequent = np.argsort(-np.bincount(labels, minlength=len(classes)), kind="stable")[: len(SERIES)]
    others = ~np.isin(labels, frequent)
    if others.any():
        axes.scatter(*places[others].T, s=9, color=FRAME, lw=0, label="others")
    for color, label in zip(SERIES, sorted(frequent), strict=False):
        axes.scatter(*places[labels == label].T, s=11, color=color, alpha=0.7, lw=0, label=_short(classes[label]))
    axes.set_xticks([])
    axes.set_yticks([])
    _frame(axes, "Images by what the weights see in them: the two axes of largest variance")
    legend = axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.6)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _bins(values: pd.Series) -> np.ndarray:
    low, high = np.quantile(values, [0.001, 0.999])
    room = max((high - low) / BINS, 0.01)
    return np.linspace(low - room, high + room, BINS)


def _name_rows(axes: Axes, names: Iterable[str]) -> None:
    shown = [_short(name) for name in names]
    axes.set_yticks(range(len(shown))[::-1], shown)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    _plain(axes)


def _plain(axes: Axes) -> None:
    for text in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        text.set_parse_math(False)


def _short(name: object) -> str:
    text = legible(str(name))
    return text if len(text) <= NAME else f"{text[: NAME - 1]}…"


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9, color=INK, loc="left", parse_math=False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=8)
    axes.xaxis.label.set_size(8)
    axes.yaxis.label.set_size(8)
    axes.spines[["top", "right"]].set_visible(False)
