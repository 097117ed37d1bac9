"""Look at labels that may be wrong, and write down what people decided about them.

Run    make review                                proposals for the 100 surest doubts that nobody has decided on
       make review APPLY=review/review.csv        decisions of an edited table, or of one that the page saved
       python stages/review.py --help             options
Reads  data/predictions/label_issues.csv, data/prepared, data/split, models/trained; data/raw, for the files' SHA-256
       params.yaml   memory_mb, prepare.corrections
Writes review/review.csv       a row a doubted label: keep, relabel or remove, to be edited; probabilities, neighbours
       review/proposed.csv     the same as proposed, which tells whether review.csv was edited: then it is not replaced
       review/review.png       the images with those that look most alike to the network
       review/index.html       the same to click through, without a network; it saves review.csv
       with --apply: the table that prepare.corrections names, or data/raw/corrections.csv
It is no stage: it writes no output of one, and the pipeline never runs it.
"""

import argparse
import subprocess
from datetime import date
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd

from sightline.arguments.numbers import at_least_1
from sightline.common.device import pick_device
from sightline.common.errors import SightlineError
from sightline.common.files import read_table, write_table, write_text
from sightline.common.params import Count, StageParams
from sightline.common.rows import evenly
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.contact_sheet import contact_sheet
from sightline.images.predicted import refuse_other_images
from sightline.images.samples import read_samples
from sightline.images.samples import tabulate as tabulate_samples
from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source
from sightline.images.store import DatasetSpec, open_pixels, read_dataset, read_index
from sightline.networks.saved import load_members, read_spec
from sightline.parameters.prepare import PrepareSection
from sightline.preparing.corrections import Correction, corrections_path, locate, read_corrections
from sightline.preparing.moved import file_digest
from sightline.reviewing.neighbours import embed, nearest
from sightline.reviewing.page import write_page
from sightline.reviewing.proposals import propose
from sightline.reviewing.table import as_table, describe, find_missing, merge, refuse_unknown, tabulate

ISSUES = Path("data/predictions/label_issues.csv")
CORRECTIONS = "data/raw/corrections.csv"
PROPOSED = "proposed.csv"
NEIGHBOURS = 5
MOST_COMPARED = 50_000  # images among which neighbours are looked for
LONGEST = 1 << 30  # bytes of a file
SIDE = 72  # px, in the picture


class Params(StageParams):
    memory_mb: Count
    prepare: PrepareSection


def main(params: Params) -> None:
    options = read_options()
    target = corrections_path(params.prepare.corrections or CORRECTIONS)
    earlier = read_corrections(target) if target.exists() else {}
    if options.apply:
        apply(options, target, earlier)
    else:
        look(params, options, earlier)


def look(params: Params, options: argparse.Namespace, earlier: dict[str, Correction]) -> None:
    """Propose what to do about the labels that are doubted most."""
    dataset = read_dataset()
    spec = read_spec("models/trained")
    index = read_index()
    earlier = locate(earlier, set(index["id"]))
    samples = tabulate_samples(read_samples(index=index), index)
    issues = read_issues(dataset.classes, set(earlier), samples).head(options.most)
    if issues.empty:
        print(f"review: no label in {ISSUES} is left to look at")
        return
    out = Path(options.out)
    set_aside(out, earlier)
    pixels = open_pixels()
    rows = np.union1d(samples["row"].to_numpy()[evenly(len(samples), MOST_COMPARED)], issues["row"])
    vectors = embed(load_members("models/trained", spec)[0], pixels, rows, params.memory_mb, pick_device())
    asked = np.searchsorted(rows, issues["row"])
    near = rows[nearest(vectors, asked, NEIGHBOURS)] if len(vectors) else np.empty((len(issues), 0), dtype=int)
    labels = index["label"].to_numpy()
    proposals = propose(issues, labels[near])
    names = [[f"{dataset.classes[labels[row]]}: {index['id'][row]}" for row in of] for of in near]
    table = tabulate(proposals, dataset.classes, names, read_digests(dataset, proposals["id"]))
    pictures = [np.asarray(pixels[row]) for row in proposals["row"]]
    alike = [[(dataset.classes[labels[row]], np.asarray(pixels[row])) for row in of] for of in near]
    for name in ("review.csv", PROPOSED):
        write_table(out / name, table)
    write_text(out / "index.html", write_page(table, pictures, alike, dataset.classes))
    save_png(out / "review.png", draw(table, pictures, alike))
    counts = ", ".join(f"{count} to {action}" for action, count in table["action"].value_counts().items())
    print(f"review: {len(table)} labels, proposed: {counts}: edit {out}/review.csv, or click through {out}/index.html,")
    print(f"review: then `make review APPLY={out}/review.csv`, or the file that the page saved")


def apply(options: argparse.Namespace, target: Path, earlier: dict[str, Correction]) -> None:
    """Add the decisions of a table to those that prepare applies."""
    decisions = read_corrections(Path(options.apply))
    refuse_unknown(decisions, set(read_index(columns=("id",))["id"]) | set(earlier), read_dataset().classes)
    merged = merge(earlier, decisions, options.who or git_name(), date.today().isoformat())
    write_table(target, as_table(merged))
    print("\n".join(describe(decisions, target)))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Look at labels that may be wrong, and decide about them.")
    parser.add_argument("--most", type=at_least_1, default=100, help="labels to look at; default: %(default)s")
    parser.add_argument("--apply", help="an edited review.csv: its decisions go where prepare reads them")
    parser.add_argument("--who", default="", help="who decided, where the table does not say; default: Git's user.name")
    parser.add_argument("--out", default="review", help="folder; default: %(default)s")
    return parser.parse_args()


def git_name() -> str:
    """Return the name that Git signs commits with, or nothing."""
    found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def read_issues(classes: list[str], decided: set[str], samples: pd.DataFrame) -> pd.DataFrame:
    """Read the issues that nobody has decided on, with classes as numbers.

    Raises
    ------
    SightlineError
        A class is not one of the prepared images, or an issue is of another image than `samples` has in its row.
    """
    issues = read_table(ISSUES, text=("id", "subset", "label", "suggested", "reason"))
    issues = issues[~issues["id"].isin(decided)].reset_index(drop=True)
    numbers = {name: number for number, name in enumerate(classes)}
    named = {name: issues[name].map(numbers) for name in ("label", "suggested")}
    if any(column.isna().any() for column in named.values()):
        raise SightlineError(f"{ISSUES}: has classes that data/prepared has not: run `dvc repro evaluate`")
    issues = issues.assign(**{name: column.astype(int) for name, column in named.items()})
    refuse_other_images(issues, samples, ISSUES)
    return issues


def set_aside(out: Path, earlier: dict[str, Correction]) -> None:
    """Rename the last review.csv where somebody edited it, so that new proposals take nobody's words away.

    Raises
    ------
    SightlineError
        It has decisions that are not among the earlier ones, the applied.
    """
    table, proposed = out / "review.csv", out / PROPOSED
    if not table.exists() or (proposed.exists() and proposed.read_bytes() == table.read_bytes()):
        return
    missing = find_missing(read_corrections(table), earlier)
    if missing:
        raise SightlineError(
            f"{table}: was edited, and {len(missing):,} of its decisions are not applied (first {missing[0]!r}): "
            f"`make review APPLY={table}`, or rename it to have new proposals"
        )
    free = next(path for number in count(1) if not (path := out / f"applied_{number}.csv").exists())
    table.rename(free)
    print(f"review: {table} is applied: it is {free} now")


def read_digests(dataset: DatasetSpec, ids: pd.Series) -> list[str]:
    """Return the SHA-256 of the images' files as they lie in data/raw now."""
    _, container = open_source(dataset.source, naming_of(dataset.naming or {}))
    return [file_digest(container, name, LONGEST) for name in ids]


def draw(table: pd.DataFrame, pictures: list[np.ndarray], alike: list[list[tuple[str, np.ndarray]]]):
    """Draw each image before those that look most alike, below what is proposed."""
    captions = [
        f"{row.action}: {row.given} → {row.label}" if row.action == "relabel" else f"{row.action}: {row.given}"
        for row in table.itertuples()
    ]
    rows = [
        (caption, np.stack([picture, *(pixels for _, pixels in near)]))
        for caption, picture, near in zip(captions, pictures, alike, strict=True)
    ]
    return contact_sheet(rows, f"{len(rows)} labels that may be wrong, each before what looks most alike", SIDE)


if __name__ == "__main__":
    run_stage(main, Params)
