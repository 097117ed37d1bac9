"""An export's way back: from answers to the table that prepare reads, and to the history."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.common.errors import SightlineError, name_some
from sightline.images.samples import read_samples, tabulate
from sightline.images.store import DatasetSpec, read_dataset, read_index
from sightline.labelling.answers import Answer, describe_classes, describe_missing, read_answers
from sightline.labelling.batch import read_batches
from sightline.labelling.destination import (
    Destination,
    complete_table,
    find_destination,
    find_root,
    list_open_rows,
    make_table,
)
from sightline.labelling.history import add_to_history, confirm, find_newest, is_older, read_history, record
from sightline.labelling.table import TRAIN, Change, Table, read_source_table, same, write_source_table
from sightline.preparing.checks import describe_alike

if TYPE_CHECKING:
    import pandas as pd


def read_back(export: Path, folder: Path) -> list[str]:
    """Put the answers of an export into the table, and what they changed into the history below `folder`.

    Returns
    -------
    list of str
        Lines for the user.
    """
    batches = read_batches(folder)
    if batches.empty:
        raise SightlineError(f"{folder}: holds no batch: `make label` makes one")
    asked = batches.drop_duplicates("file", keep="last").set_index("file", drop=False)
    dataset, index = read_dataset(), read_index()
    root = find_root(dataset, index["id"].iloc[0])
    told = read_answers(export, list(asked.index))
    history = read_history(folder)
    newest = find_newest(history)
    given = {asked["id"][answer.file]: answer for answer in told.given}
    answers = {path: answer for path, answer in given.items() if not is_older(answer, newest.get(path))}
    target = find_destination(dataset, list(given))
    table, added = open_table(target, dataset, index, root)
    changes = label_table(table, target, answers)
    alike = describe_alike([*dataset.classes, *table.labels(target.naming)])
    if alike:
        raise SightlineError(f"{export}: {alike}: mend that in the label tool, and export again")
    kept = [*changes, *confirm(answers, changes, newest)]
    add_to_history(folder, history, record(kept, answers, asked.reset_index(drop=True), export.name))
    write_source_table(target.path, table)
    lines = [describe_changes(target, changes, len(answers))]
    lines += [f"{added} images of {dataset.source} were not in it: they are now, each in its subset"] if added else []
    lines += [describe_older(len(given) - len(answers)), describe_lost(history, table, target)]
    lines += [describe_classes(list(answers.values()), dataset.classes)]
    lines += [describe_missing(told.missing)] if told.missing else []
    lines += [f"{told.strangers} images of {export} are in no batch of {folder}: left out"] if told.strangers else []
    lines += [describe_next(target, dataset)]
    return [f"label: {line}" for line in lines if line]


def open_table(target: Destination, dataset: DatasetSpec, index: "pd.DataFrame", root: str) -> tuple[Table, int]:
    """Return the table with all that prepare has read, each in its subset, and how many an earlier one lacked."""
    if target.is_source:
        table, added = read_source_table(target.path, target.naming), 0
    else:
        table, added = make_table(index, root, list_open_rows(dataset)), 0
        if target.path.exists():
            table, added = complete_table(target.path, table, dataset.source)
    subsets = {(root + path).removeprefix(target.before): subset for path, subset in divide(index).items()}
    table.fix_division(subsets, target.naming)
    return table, added


def label_table(table: Table, target: Destination, answers: dict[str, Answer]) -> list[Change]:
    """Put labels into the table, and return the changes by id; all that were labelled before keep their subset."""
    labels = {path.removeprefix(target.before): answer.label for path, answer in answers.items()}
    ids = {same(path.removeprefix(target.before)): path for path in answers}
    return [change._replace(path=ids[change.path]) for change in table.set_labels(labels, target.naming)]


def divide(index: "pd.DataFrame") -> dict[str, str]:
    """Return the subset of each labelled image by its id; those that the split left out keep the source's, or train."""
    divided = tabulate(read_samples(index=index), index)
    told = index["subset"].astype(str).replace("", TRAIN)
    return dict(zip(index["id"], told, strict=True)) | dict(zip(divided["id"], divided["subset"], strict=True))


def describe_changes(target: Destination, changes: list[Change], answers: int) -> str:
    new = sum(not change.before for change in changes)
    return (
        f"{target.path}: {new} images got a label, {len(changes) - new} another one, {answers - len(changes)} had it "
        "already; they are for training, all others keep the subset that they had"
    )


def describe_older(count: int) -> str:
    return f"{count} labels of this export are older than those read before: left as they are" if count else ""


def describe_lost(history: "pd.DataFrame", table: Table, target: Destination) -> str:
    """Return a line on images that were read before and have no label in this table, ``""`` where there is none."""
    there = table.has_label(target.naming)
    lost = history.loc[[same(path.removeprefix(target.before)) not in there for path in history["id"]]]
    if lost.empty:
        return ""
    exports = name_some(list(dict.fromkeys(lost["export"])))
    return f"{lost['id'].nunique()} images that were read before have no label in it: read their exports too: {exports}"


def describe_next(target: Destination, dataset: DatasetSpec) -> str:
    """Return what brings the labels into the next training."""
    if target.is_source:
        return "`dvc repro` trains with them"
    source = shlex.quote(f"prepare.source={target.path.as_posix()}")
    changed = [f" -S prepare.{key}={key}" for key in dataset.naming or {}]
    return f"`dvc exp run -S {source}{''.join(changed)}` trains with them"
