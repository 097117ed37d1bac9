"""Divide the prepared images into training, validation and test, and into folds, so that nothing leaks.

Reads   data/prepared/index.csv    label, group, fixed subset and content hashes of each image
Writes  data/split/split.csv       id, subset (train, val or test), fold (-1 where there is none)
        metrics/split.json         images and classes per subset, leaks found, images dropped
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

from sightline.common.errors import SightlineError
from sightline.common.files import read_columns, write_json, write_table
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.images.samples import SUBSETS, find_untrained, say_untrained
from sightline.parameters.split import SplitParams, SplitSection
from sightline.splitting.assign import draw_by_hash, draw_stratified, hash_position, stratified_folds
from sightline.splitting.clusters import find_clusters, units_of
from sightline.splitting.leaks import count_leaks, find_fold_leaks, find_leaks

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
    subsets = assign_subsets(index, clusters, params)
    folds = assign_folds(index, clusters, subsets, params)
    leaks = find_all_leaks(clusters, subsets, folds)
    kept = act_on_leaks(leaks, params.split)
    split = pd.DataFrame({"id": index["id"], "subset": subsets, "fold": folds})[kept]
    untrained = name_untrained(index[["label", "class"]], split)
    if untrained:
        print(f"split: {say_untrained(untrained, index['label'].nunique())}")
    write_table("data/split/split.csv", split)
    summary = summarize_split(index["label"][kept], split, leaks, int((~kept).sum()))
    write_json("metrics/split.json", summary | {"classes_without_training_images": len(untrained)})
    write_table("plots/split/classes.csv", count_classes(index["class"][kept], split["subset"]))


def assign_subsets(index: pd.DataFrame, clusters: dict[str, np.ndarray], params: SplitParams) -> pd.Categorical:
    """Keep the source's own subsets and draw those that it lacks from its training or undivided images."""
    fixed = index["subset"]
    shares = {name: getattr(params.split, name) for name in ("test", "val")}
    shares = {name: share for name, share in shares.items() if share > 0 and not (fixed == name).any()}
    subsets = fixed.cat.set_categories(SUBSETS).fillna("train").array
    pool = np.flatnonzero(subsets == "train")
    if params.split.method == "hash":
        subsets[pool] = draw_by_hash(hash_keys(index.iloc[pool]), shares, params.seed)
        return subsets
    units = units_of(clusters, params.split.keep_duplicates_together)[pool]
    grouped = bool((clusters["group"][pool] >= 0).any())
    subsets[pool] = draw_stratified(index["label"].to_numpy()[pool], units, shares, grouped, params.seed)
    return subsets


def assign_folds(
    index: pd.DataFrame, clusters: dict[str, np.ndarray], subsets: pd.Categorical, params: SplitParams
) -> np.ndarray:
    """Return the fold of each image that is not test, -1 for the others."""
    folds = np.full(len(index), -1)
    if params.folds == 0:
        return folds
    pool = np.flatnonzero(subsets != "test")
    if params.split.method == "hash":
        position = hash_position(hash_keys(index.iloc[pool]), params.seed, "folds")
        folds[pool] = (position * params.folds).astype(int)
        return folds
    units = units_of(clusters, params.split.keep_duplicates_together)[pool]
    grouped = bool((clusters["group"][pool] >= 0).any())
    labels = index["label"].to_numpy()[pool]
    try:
        folds[pool] = stratified_folds(labels, units, params.folds, grouped, stream_seed(params.seed, "folds"))
    except ValueError as error:
        raise SightlineError(f"params.yaml: folds: {params.folds} cannot be made: {error}") from None
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


def name_untrained(index: pd.DataFrame, split: pd.DataFrame) -> list[str]:
    """Return the names of classes of which no image is left to train on, sorted by label.

    Raises
    ------
    SightlineError
        There is no image to train on at all, or in one of the trainings of the folds.
    """
    subsets = split["subset"].array
    folds = split["fold"].to_numpy()
    if not (subsets == "train").any() and not (folds >= 0).any():
        raise SightlineError(
            f"split: no image to train on is left ({len(split)} of {len(index)} images kept, all in val or test): "
            "give data/raw training images, or lower split.val and split.test"
        )
    if len(np.unique(folds[folds >= 0])) == 1:
        raise SightlineError("params.yaml: folds: all images fall into one fold, which leaves none to train on: set 0")
    labels = index["label"].to_numpy()
    names = index["class"].groupby(labels).first()
    kept = labels[split.index.to_numpy()]
    missing = find_untrained(kept, np.asarray(subsets.codes), folds, int(labels.max()) + 1)
    return names[names.index.isin(missing)].tolist()


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
