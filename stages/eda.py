"""Look at a prepared source before anything is trained: what is in it, what is strange, what it suggests.

Run    make eda                                                  data/prepared, which `dvc repro prepare` makes
       make eda WEIGHTS=models/pretrained/NAME.safetensors       and a map of what these weights see in the images
Reads  data/prepared; data/pool where it has images; the weights; params.yaml: near_bits, memory_mb, and model, the
       network of weights that have no JSON beside them
Writes eda/eda.html             one page that opens anywhere, with all pictures; eda/*.png are the same pictures
       eda/eda.json             its numbers, and the advice
       eda/outliers.csv         images far from the others: class, id, in which number, its value and the usual limits
       eda/near_duplicates.csv  pairs that look alike under two labels: class, id, of both, bits that differ

The same images and weights give the same files.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_table, write_text
from sightline.common.params import Count, NearBits, StageParams
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.contact_sheet import contact_sheet
from sightline.drawing.survey_charts import (
    draw_class_counts,
    draw_groups,
    draw_looks,
    draw_looks_by_class,
    draw_map,
    draw_sizes,
)
from sightline.images.pool import POOL, read_pool
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.surveying.advice import Advice, advise
from sightline.surveying.embedding import Embedding
from sightline.surveying.numbers import LOOKS
from sightline.surveying.page import describe, write_page
from sightline.surveying.pool import compare_pool, measure_pool
from sightline.surveying.sheets import SIDE, name_outliers, name_twins, outlier_rows, twin_rows
from sightline.surveying.survey import Survey, survey_images

COLUMNS = ("id", "label", "class", "group", "width", "height", "phash")


class Params(StageParams):
    near_bits: NearBits
    memory_mb: Count
    model: str | list[str]


def main(params: Params) -> None:
    options = read_options()
    out = Path(options.out)
    dataset = read_dataset()
    index = read_index(columns=COLUMNS)
    pixels = open_pixels()
    refuse_none(index)
    survey = survey_images(dataset, index, pixels, params.near_bits)
    embedding = embed_images(options.weights, params, survey, index, pixels)
    pool = measure_pool(*read_pool()) if POOL.is_dir() else None
    compared = None if pool is None else compare_pool(survey.numbers, pool)
    advice = advise(survey, embedding)
    pictures = draw_all(survey, index, pixels, pool, embedding)
    for name, picture in pictures.items():
        save_png(out / f"{name}.png", picture)
    drawn = {name: (out / f"{name}.png").read_bytes() for name in pictures}
    write_text(out / "eda.html", write_page(survey, advice, embedding, compared, drawn))
    write_json(out / "eda.json", summarize(survey, advice, embedding, compared))
    write_table(out / "outliers.csv", name_outliers(survey.outliers, index))
    write_table(out / "near_duplicates.csv", name_twins(survey.twins, index))
    print(describe(survey))
    for one in advice:
        print(f"  {one.parameter}: {one.value}  ({one.reason})")
    print(f"{out / 'eda.html'}: the page")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Look at data/prepared before anything is trained.")
    parser.add_argument("--weights", type=Path, help="a file of weights, or a copy of models/trained, for the map")
    parser.add_argument("--out", default="eda", help="folder; default: %(default)s")
    return parser.parse_args()


def refuse_none(index: pd.DataFrame) -> None:
    if index.empty:
        raise SightlineError("data/prepared/index.csv: lists no image: run `dvc repro prepare`")


def embed_images(
    weights: Path | None, params: Params, survey: Survey, index: pd.DataFrame, pixels: np.ndarray
) -> Embedding | None:
    """Embed some images by given weights; None without weights."""
    if weights is None:
        return None
    from sightline.surveying.network import embed, open_classifier  # torch takes seconds, for maps alone

    model = params.model if isinstance(params.model, str) else params.model[0]
    classifier = open_classifier(weights, model, survey.dataset.preprocessing)
    return embed(classifier, pixels, index["label"].to_numpy(), params.memory_mb)


def draw_all(
    survey: Survey, index: pd.DataFrame, pixels: np.ndarray, pool: pd.DataFrame | None, embedding: Embedding | None
) -> dict[str, Any]:
    """Return the pictures by name; none of what is not there."""
    names = [name for name in LOOKS if name in survey.numbers and (pool is None or name in pool)]
    labels = index["label"].to_numpy()
    classes = survey.dataset.classes
    pictures = {
        "sizes": draw_sizes(survey.numbers, survey.dataset.preprocessing.image_size),
        "classes": draw_class_counts(survey.counts),
        "looks": draw_looks(survey.numbers, pool, names),
        "looks_by_class": draw_looks_by_class(survey.numbers, labels[survey.numbers.index], classes, names),
    }
    if len(survey.outliers):
        pictures["outliers"] = contact_sheet(outlier_rows(survey.outliers, index, pixels), "outliers", SIDE)
    if len(survey.twins):
        pictures["near_duplicates"] = contact_sheet(twin_rows(survey.twins, index, pixels), "near duplicates", SIDE)
    if survey.groups is not None:
        pictures["groups"] = draw_groups(survey.groups.counts)
    if embedding is not None:
        pictures["map"] = draw_map(embedding.places, labels[embedding.rows], classes)
    return pictures


def summarize(
    survey: Survey, advice: list[Advice], embedding: Embedding | None, pool: pd.DataFrame | None
) -> dict[str, Any]:
    """Return the numbers of the page."""
    quantiles = survey.numbers.quantile([0.0, 0.25, 0.5, 0.75, 1.0]).round(6)
    found = {
        "images": survey.images,
        "measured": len(survey.numbers),
        "classes": survey.counts.to_dict(),
        "numbers": {name: quantiles[name].tolist() for name in quantiles},
        "outliers": len(survey.outliers),
        "near_duplicates": len(survey.twins),
        "advice": [vars(one) for one in advice],
    }
    if embedding is not None:
        found["neighbours"] = {"agree": round(embedding.agreement, 6), "by_chance": round(embedding.chance, 6)}
    if survey.groups is not None:
        groups = survey.groups
        found["groups"] = {"count": len(groups.counts), "larger": groups.larger, "of_one_class": groups.one_class}
    if pool is not None:
        found["pool"] = pool.set_index("number").round(6).to_dict("index")
    return found


if __name__ == "__main__":
    run_stage(main, Params)
