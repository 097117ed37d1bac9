"""Divide the prepared images into training, validation and test, and into folds, so that nothing leaks.

Reads   data/prepared/index.csv    label, group, fixed subset and content hashes of each image
Writes  data/split/split.csv       id, subset (train, val or test), fold (-1 where there is none)
        metrics/split.json         images and classes per subset, leaks found, images left out
        plots/split/classes.csv    images per class and subset
"""

from sightline.common.arithmetic import set_environment

if __name__ == "__main__":
    set_environment()  # before NumPy; always, since sorting takes no time, and orders of equal values differ

# isort: split
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError, name_some
from sightline.common.files import read_columns, write_json, write_table
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.images.samples import SUBSETS
from sightline.parameters.split import SplitParams, SplitSection
from sightline.splitting.assign import draw_by_hash, draw_folds, draw_stratified, hash_position
from sightline.splitting.clusters import find_clusters, units_of
from sightline.splitting.leaks import count_leaks, find_fold_leaks, find_leaks
from sightline.splitting.verdict import describe_missing, describe_shares, find_missing, refuse_useless

COLUMNS = {  # fixed lengths make no Python object of each value: half the time and memory for a million images
    "id": str,
    "label": "int32",
    "class": str,
    "group": str,
    "subset": pd.CategoricalDtype(["", *SUBSETS]),
    "sha256": "S64",
    "phash": "S16",
}


def main(params: SplitParams) -> None:
    index = read_columns("data/prepared/index.csv", COLUMNS)
    clusters = find_clusters(index, params.near_bits)
    units = units_of(clusters, params.split.keep_duplicates_together)
    subsets, notes = assign_subsets(index, units, params)
    folds = assign_folds(index, units, subsets, params)
    leaks = find_all_leaks(clusters, subsets, folds)
    kept = act_on_leaks(leaks, params.split)
    split = pd.DataFrame({"id": index["id"], "subset": subsets, "fold": folds})[kept]
    missing, lines = judge_split(index[["label", "class"]], split)
    split, dropped = act_on_untrained(index["class"], split, params.split)
    for line in [*notes, *lines, *dropped]:
        print(f"split: {line}")
    write_table("data/split/split.csv", split)
    summary = summarize_split(index["label"][split.index], split, leaks, len(index) - len(split))
    write_json("metrics/split.json", summary | {"classes_without_training_images": len(missing["train"])})
    write_table("plots/split/classes.csv", count_classes(index["class"][split.index], split["subset"]))


def assign_subsets(index: pd.DataFrame, units: np.ndarray, params: SplitParams) -> tuple[pd.Categorical, list[str]]:
    """Keep the source's own subsets and draw those that it lacks from its training or undivided images.

    Returns
    -------
    Categorical, list of str
        The subset of each image, and a line about shares that could not be had.
    """
    fixed = index["subset"]
    shares = {name: getattr(params.split, name) for name in ("test", "val")}
    shares = {name: share for name, share in shares.items() if share > 0 and not (fixed == name).any()}
    subsets = fixed.cat.set_categories(SUBSETS).fillna("train").array
    pool = np.flatnonzero(subsets == "train")
    if params.split.method == "hash":
        subsets[pool] = draw_by_hash(hash_keys(index.iloc[pool]), shares, params.seed)
        return subsets, []
    subsets[pool] = draw_stratified(index["label"].to_numpy()[pool], units[pool], shares, params.seed)
    return subsets, describe_shares(subsets[pool], units[pool], shares)


def assign_folds(index: pd.DataFrame, units: np.ndarray, subsets: pd.Categorical, params: SplitParams) -> np.ndarray:
    """Return the fold of each image that is not test, -1 for the others."""
    folds = np.full(len(index), -1)
    if params.folds == 0:
        return folds
    pool = np.flatnonzero(subsets != "test")
    if params.split.method == "hash":
        position = hash_position(hash_keys(index.iloc[pool]), params.seed, "folds")
        folds[pool] = (position * params.folds).astype(int)
    else:
        labels = index["label"].to_numpy()[pool]
        folds[pool] = draw_folds(labels, units[pool], params.folds, stream_seed(params.seed, "folds"))
    return folds


def hash_keys(index: pd.DataFrame) -> Iterator[str]:
    """Yield what decides an image's side: its group, or its pixels where it has none."""
    for group, sha256 in zip(index["group"], index["sha256"].to_numpy(), strict=True):
        yield group if group else sha256.decode()


def find_all_leaks(
    clusters: dict[str, np.ndarray], subsets: pd.Categorical, folds: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Find leaks of each kind, between subsets and between folds."""
    return {
        kind: {**find_leaks(numbers, subsets), "folds": find_fold_leaks(numbers, folds)}
        for kind, numbers in clusters.items()
    }


def act_on_leaks(leaks: dict[str, dict[str, np.ndarray]], options: SplitSection) -> np.ndarray:
    """Return which images stay, bool [N]; near duplicates count only where they were to be kept together.

    Raises
    ------
    SightlineError
        There are leaks, and `on_leak` is ``fail``.
    """
    kinds = ["exact", "group"]
    if options.keep_duplicates_together == "near":
        kinds.append("near")
    leaking = np.logical_or.reduce([images for kind in kinds for images in leaks[kind].values()])
    if options.on_leak == "report" or not leaking.any():
        return np.ones(len(leaking), dtype=bool)
    if options.on_leak == "drop":
        return ~leaking
    counts = {f"{kind} {name}": count for kind in kinds for name, count in count_leaks(leaks[kind]).items() if count}
    detail = ", ".join(f"{name}: {count}" for name, count in counts.items())
    raise SightlineError(
        f"split.on_leak: {int(leaking.sum())} images stand on two sides ({detail}): "
        f"mend the data, or set it to drop or report"
    )


def judge_split(index: pd.DataFrame, split: pd.DataFrame) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the classes that each subset lacks, as `find_missing` does, and lines that name them.

    Raises
    ------
    SightlineError
        There is nothing to learn, or nothing to judge.
    """
    names = index.groupby("label")["class"].first()
    labels = index["label"].to_numpy()[split.index]
    missing = find_missing(split, labels, names.index.to_numpy())
    refuse_useless(split, labels, names.to_dict(), missing["train"], len(index))
    return missing, describe_missing(missing, names.to_dict())


def act_on_untrained(classes: pd.Series, split: pd.DataFrame, options: SplitSection) -> tuple[pd.DataFrame, list[str]]:
    """Return the split without the images of classes that only val and test have, if asked, and a line about them.

    Raises
    ------
    SightlineError
        There are such classes, and `on_untrained` is ``fail``.
    """
    of_image = classes[split.index]
    trained = of_image[(split["subset"] == "train") | (split["fold"] >= 0)].unique()
    lost = ~of_image.isin(trained)
    if options.on_untrained == "report" or not lost.any():
        return split, []
    names = sorted(of_image[lost].unique())
    what = f"{int(lost.sum())} images of val and test are of classes without an image to train on: {name_some(names)}"
    if options.on_untrained == "fail":
        raise SightlineError(f"split.on_untrained: {what}: mend data/raw, or set it to drop or report")
    return split[~lost], [f"left out: {what}"]


def summarize_split(
    labels: pd.Series, split: pd.DataFrame, leaks: dict[str, dict[str, np.ndarray]], dropped: int
) -> dict[str, Any]:
    """Count images and classes per subset, leaks before any image was dropped, and classes too small for the folds."""
    subsets = split["subset"]
    summary: dict[str, Any] = {
        name: {"images": int((subsets == name).sum()), "classes": int(labels[subsets == name].nunique())}
        for name in SUBSETS
    }
    summary["leaks"] = {kind: count_leaks(of_kind) for kind, of_kind in leaks.items()}
    summary["dropped"] = dropped
    if (split["fold"] >= 0).any():
        per_class = labels[subsets != "test"].value_counts()
        summary["folds"] = int(split["fold"].max()) + 1
        summary["classes_smaller_than_folds"] = int((per_class < summary["folds"]).sum())
    return summary


def count_classes(classes: pd.Series, subsets: pd.Series) -> pd.DataFrame:
    """Count images per class and subset, one row a pair, classes sorted by name."""
    table = pd.crosstab(classes.astype("category"), subsets).reindex(columns=list(SUBSETS), fill_value=0)
    return table.stack().rename("images").reset_index()


if __name__ == "__main__":
    run_stage(main, SplitParams)
