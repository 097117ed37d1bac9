"""Folders of images with a table for prepare: those whose label is known, and those to label next."""

import shutil
from pathlib import Path

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import read_table, write_table

LABELLED, NEXT = "labelled", "label_next"
TABLE = "labels.csv"  # in either; path: an image below the folder, or its SHA-256 where it was not kept


def read_labelled(out: Path, classes: list[str]) -> pd.DataFrame:
    """Return image, label and predicted of what was labelled before, and of what somebody filled in since.

    Raises
    ------
    SightlineError
        A table is damaged, or a label is none of the classes.
    """
    tables = [_read(out / name / TABLE) for name in (LABELLED, NEXT)]
    known = pd.concat(tables).drop_duplicates("image", keep="last")
    for label in known["label"]:
        if label not in classes:
            raise SightlineError(f"{out}: label {label!r}: is none of the model's classes: mend its {NEXT}/{TABLE}")
    return known.reset_index(drop=True)


def recall(table: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return a table of `feedback.join` with the labels that were known before, where none is new."""
    before = table["image"].map(dict(zip(known["image"], known["label"], strict=True)))
    return table.assign(label=table["label"].where(table["label"].notna(), before))


def write_labelled(out: Path, known: pd.DataFrame, table: pd.DataFrame, kept: Path) -> None:
    """Write all labels that are known, also of images that are in the log no more, and keep their images."""
    now = table[table["label"].notna()][["image", "label", "predicted"]]
    rows = pd.concat([known, now]).drop_duplicates("image", keep="last").sort_values("image", kind="stable")
    folder = out / LABELLED
    paths = _copy(rows["image"], (kept, out / NEXT / "images"), folder / "images")
    columns = {"path": paths, "label": rows["label"], "predicted": rows["predicted"]}
    write_table(folder / TABLE, pd.DataFrame(columns))


def write_images(folder: Path, chosen: pd.DataFrame, kept: Path) -> None:
    """Write a table whose labels are left to fill in, and the images where the service kept them."""
    shutil.rmtree(folder, ignore_errors=True)
    paths = _copy(chosen["image"], (kept,), folder / "images")
    columns = {"path": paths, "label": "", "predicted": chosen["predicted"], "margin": chosen["margin"].round(6)}
    write_table(folder / TABLE, pd.DataFrame(columns))


def _read(path: Path) -> pd.DataFrame:
    """Return the rows with a label."""
    if not path.exists():
        return pd.DataFrame({"image": [], "label": [], "predicted": []}, dtype=str)
    table = read_table(path, text=("path", "label", "predicted"))
    table["label"] = table["label"].str.strip()
    rows = table[table["label"] != ""]
    images = [Path(name).stem for name in rows["path"]]
    return pd.DataFrame({"image": images, "label": rows["label"], "predicted": rows["predicted"]}, dtype=str)


def _copy(images: pd.Series, places: tuple[Path, ...], target: Path) -> list[str]:
    """Copy images from the first place that has each, unless they are there; return their paths for the table."""
    target.mkdir(parents=True, exist_ok=True)
    files = {file.stem: file for place in reversed((target, *places)) if place.is_dir() for file in place.iterdir()}
    paths = []
    for image in images:
        file = files.get(image)
        if file and file.parent != target:
            shutil.copyfile(file, target / file.name)
        paths.append(f"images/{file.name}" if file else image)
    return paths
