"""Batches of images that people are asked to label: `labels/<n>/batch.csv`, a row an image."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.files import read_table
from sightline.labelling.seen import Seen
from sightline.labelling.spread import Choice

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("rank", "file", "id", "sha256", "strategy", "score", "prediction", "confidence")
TEXT = ("file", "id", "sha256", "strategy", "prediction")
NAME = "batch.csv"  # written last, so that a folder without it is none
DECIMALS = 6
LOCK = ".lock"
NAME_DIGITS = 16  # of the SHA-256 by which an image's file is called
SHOWN = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".avif")  # by every browser; others become PNG


def tabulate(index: "pd.DataFrame", seen: Seen, choice: Choice, strategy: str, classes: list[str]) -> "pd.DataFrame":
    """Return the batch in the order in which it is asked for.

    Parameters
    ----------
    index : pandas.DataFrame
        id and sha256 of the images that were chosen from.
    seen : Seen
        What the model makes of them.
    choice : Choice
        Which of them.
    """
    import pandas as pd

    chosen = index.iloc[choice.rows]
    probabilities = seen.probabilities[choice.rows]
    digests = [digest.decode() for digest in chosen["sha256"]]
    columns = {
        "rank": np.arange(1, len(chosen) + 1),
        "file": [file_name(path, digest) for path, digest in zip(chosen["id"], digests, strict=True)],
        "id": chosen["id"].to_numpy(),
        "sha256": digests,
        "strategy": strategy,
        "score": choice.scores.round(DECIMALS),
        "prediction": np.array(classes, dtype=object)[probabilities.argmax(axis=1)],
        "confidence": probabilities.max(axis=1).round(DECIMALS),
    }
    return pd.DataFrame(columns, columns=list(COLUMNS))


def file_name(path: str, digest: str) -> str:
    """Return how an image is called in its batch, which vouches for its id and the SHA-256 of its stored pixels."""
    suffix = Path(path).suffix.lower()
    name = hashlib.sha256(f"{digest} {path}".encode()).hexdigest()
    return name[:NAME_DIGITS] + (suffix if suffix in SHOWN else ".png")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder of all batches: two commands at once would write one batch, or lose lines of the history.

    Raises
    ------
    SightlineError
        Another command holds it, or it is no folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SightlineError(f"{folder}: is no folder: move that file away, or name a folder by --out") from None
    with (folder / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SightlineError(f"{folder}: another `make label` is at work there: wait for it, or stop it") from None
        yield


def read_kept(path: Path, text: tuple[str, ...]) -> "pd.DataFrame":
    """Read a table that no stage makes anew; SightlineError says how one that was damaged by hand comes back."""
    try:
        return read_table(path, text=text)
    except SightlineError as error:
        told = str(error).partition(": delete it, then")[0]
        raise SightlineError(f"{told}: mend it, or bring back what Git has by `git checkout`") from None


def next_number(folder: Path) -> int:
    """Return the number of the next batch below `folder`, from 1 on."""
    return max(_numbers(folder), default=0) + 1


def read_batches(folder: Path) -> "pd.DataFrame":
    """Return the rows of all batches below `folder`, with the column batch; an image may be in several.

    Raises
    ------
    SightlineError
        A table was damaged, or its ids were changed: labels would go to other images than people saw.
    """
    import pandas as pd

    tables = [_read_batch(folder / str(number) / NAME).assign(batch=number) for number in sorted(_numbers(folder))]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*COLUMNS, "batch"])


def _read_batch(path: Path) -> "pd.DataFrame":
    batch = read_kept(path, text=TEXT)
    for file, image, digest in batch[["file", "id", "sha256"]].itertuples(index=False):
        if file != file_name(image, digest):
            raise SightlineError(
                f"{path}: file {file} was not made of id {image!r} and its sha256: one of them has been changed: mend "
                "it, or bring back what Git has by `git checkout`"
            )
    return batch


def _numbers(folder: Path) -> list[int]:
    return [int(path.parent.name) for path in folder.glob(f"*/{NAME}") if path.parent.name.isdecimal()]
