"""A survey as one page: advice first, then what it rests on."""

from html import escape

import pandas as pd

from sightline.drawing.page import heading, image, paragraph, swatch, table, whole_page
from sightline.surveying.advice import Advice
from sightline.surveying.embedding import Embedding
from sightline.surveying.numbers import LOOKS, cut_share, shorter_side
from sightline.surveying.sheets import show_number
from sightline.surveying.survey import Survey

LISTED = 200  # classes in the table
COLORS = ["red", "green", "blue"]
ADVICE = ("parameter", "value", "why")


def write_page(
    survey: Survey,
    advice: list[Advice],
    embedding: Embedding | None,
    pool: pd.DataFrame | None,
    pictures: dict[str, bytes],
) -> str:
    """Return the page.

    Parameters
    ----------
    pool : pandas.DataFrame or None
        As `compare_pool` gives it.
    pictures : dict
        Name -> PNG; one without its picture is left out.
    """
    title = f"What is in {survey.dataset.source}"
    rows = [(escape(one.parameter), escape(one.value), escape(one.reason)) for one in advice]
    parts = [
        heading(title, 1),
        paragraph(describe(survey)),
        heading("What it suggests"),
        table(ADVICE, rows, long="why"),
        heading("Sizes"),
        paragraph(describe_sizes(survey)),
        *show(pictures, "sizes"),
        heading("Classes"),
        *show(pictures, "classes"),
        heading("Brightness, contrast, sharpness, colour"),
        paragraph(describe_measured(survey)),
        *show(pictures, "looks", "looks_by_class"),
        class_table(survey),
        heading("Outliers"),
        paragraph(f"{len(survey.outliers):,} images are far from the others in a number (outliers.csv)."),
        *show(pictures, "outliers"),
        heading("Near duplicates across classes"),
        paragraph(f"{len(survey.twins):,} pairs look alike but have different labels (near_duplicates.csv)."),
        *show(pictures, "near_duplicates"),
        heading("Classes by group"),
        paragraph(describe_groups(survey)),
        *show(pictures, "groups"),
        heading("Map"),
        paragraph(describe_map(embedding)),
        *show(pictures, "map"),
        *pool_parts(pool),
    ]
    return whole_page(title, parts)


def show(pictures: dict[str, bytes], *names: str) -> list[str]:
    """Return those of the pictures that there are."""
    return [image(name.replace("_", " "), pictures[name]) for name in names if name in pictures]


def describe(survey: Survey) -> str:
    """Return how many images of which kind there are, in one line."""
    how = survey.dataset.preprocessing
    kind = "grey" if how.bands == 1 else "colour"
    stored = f"stored as {how.image_size} x {how.image_size} px in {kind}, fit: {how.fit}"
    return f"{survey.images:,} images of {len(survey.counts):,} classes, {stored}."


def describe_sizes(survey: Survey) -> str:
    """Return how large the files' images are, in one line."""
    short = shorter_side(survey.numbers)
    cut = cut_share(survey.numbers).mean()
    span = (
        f"{short.min():.0f} to {short.max():.0f} px on the shorter side, half of them {pd.Series(short).median():.0f}"
    )
    return f"{span} or more. A square from the middle leaves out {cut:.1%} of an image on average."


def describe_measured(survey: Survey) -> str:
    """Return which images were measured, and how."""
    count = "All" if len(survey.numbers) == survey.images else f"{len(survey.numbers):,}, evenly chosen, of the"
    return f"{count} images as they are stored, from 0 to 1; of a class median and quartiles; the line is all."


def describe_groups(survey: Survey) -> str:
    """Return how the groups hold the classes, in one line."""
    if survey.groups is None:
        return "The source names no groups."
    groups = survey.groups
    sizes = groups.counts.sum(axis=1)
    told = f"{len(sizes):,} groups of {sizes.min():,} to {sizes.max():,} images"
    return f"{told}; of {groups.larger:,} with two or more, {groups.one_class:,} hold one class alone."


def describe_map(embedding: Embedding | None) -> str:
    """Return what the map is of, or what to do for one."""
    if embedding is None:
        return "No weights were given: `make weights NAME=tf_efficientnet_lite0`, then WEIGHTS=... has a map."
    told = f"{len(embedding.rows):,} images, evenly chosen"
    return (
        f"{told}; {embedding.agreement:.1%} of the nearest neighbours share a class, {embedding.chance:.1%} by chance."
    )


def class_table(survey: Survey) -> str:
    """Return a table of each class's images and medians."""
    names = ["width", "height", *(name for name in LOOKS if name in survey.by_class)]
    in_color = set(COLORS) <= set(survey.by_class.columns)
    rows = []
    for name, values in survey.by_class.head(LISTED).iterrows():
        cells = [escape(str(name)), f"{survey.counts[name]:,}", *(show_number(key, values[key]) for key in names)]
        rows.append([*cells, swatch(*values[COLORS])] if in_color and values.notna().all() else cells)
    columns = ("class", "images", *names, *(["mean colour"] if in_color else []))
    return table(columns, [[*row, *[""] * (len(columns) - len(row))] for row in rows])


def pool_parts(pool: pd.DataFrame | None) -> list[str]:
    """Return the part about the images without labels; none where there are none."""
    if pool is None:
        return []
    rows = [
        [row.number, *(f"{value:,.3g}" for value in (row.labelled, row.pool, row.difference))]
        for row in pool.itertuples()
    ]
    return [
        heading("Images without labels"),
        paragraph("Medians, and the largest difference between the two distributions: 0 alike, 1 apart."),
        table(("number", "labelled", "pool", "difference"), rows),
    ]
