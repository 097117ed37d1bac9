"""Files that are never half-written: every writer writes beside its target, then renames.

What has been damaged since is told in one line by whoever reads it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, TextIO

from sightline.common.errors import SightlineError
from sightline.common.params import Schema, validate

if TYPE_CHECKING:  # pandas takes 0.4 s to import, and only tables need it
    import numpy as np
    import pandas as pd


MAKERS = {  # file or folder -> the stage that makes it
    "data/prepared": "prepare",
    "data/pool": "prepare",
    "data/split": "split",
    "models/trained": "train",
    "data/predictions": "evaluate",
    "models/calibration.json": "evaluate",
    "metrics/evaluate.json": "evaluate",
}
NPY = b"\x93NUMPY"  # how such a file begins
HEADER_ERRORS = (EOFError, OverflowError, SyntaxError, TokenError, TypeError, ValueError)  # NumPy's for a damaged one


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`, on failure it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON with sorted keys, so that equal content has equal bytes.

    Raises
    ------
    ValueError
        A number is not finite: such a value must be left out, with its reason, before it comes here.
    """
    write_text(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON that an earlier stage wrote."""
    require(path)
    with naming_damage(path, ValueError, RecursionError):
        return json.loads(Path(path).read_text(encoding="utf-8"))


def read_record(schema: type[Schema], path: str | Path) -> Schema:
    """Read JSON that an earlier stage wrote, refusing what does not fit its schema."""
    content = read_json(path)
    try:
        return validate(schema, content, str(path))
    except SightlineError as error:
        raise SightlineError(f"{error}: {remedy(path)}") from None


class CsvLines:
    """A stream for a writer that ends rows with CR LF, and so quotes a cell with either; they arrive with Unix ends."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, row: str) -> int:
        """Write a whole row."""
        return self._stream.write(row.removesuffix("\r\n") + "\n")


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV without its index; the columns' order is kept."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        table.to_csv(CsvLines(stream), index=False, lineterminator="\r\n")


def write_array(path: str | Path, array: "np.ndarray") -> None:
    """Write an array as .npy."""
    import numpy as np

    with replacing(path) as beside, beside.open("wb") as file:
        np.save(file, array)


def read_array(path: str | Path, mode: str, dtype: str, shape: tuple[int | None, ...]) -> "np.ndarray":
    """Map a .npy of an earlier stage into memory, as NumPy's `mmap_mode` says.

    It must have the dtype and the shape, in which None stands for any length.
    """
    import numpy as np

    require(path)
    with Path(path).open("rb") as file:
        if file.read(len(NPY)) != NPY:
            raise damaged(path, "not an .npy file")
    with naming_damage(path, *HEADER_ERRORS):
        array = np.load(path, mmap_mode=mode)
    alike = len(array.shape) == len(shape)
    alike = alike and all(wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True))
    if not alike or array.dtype != dtype:
        raise damaged(path, f"holds {array.dtype} {list(array.shape)}")
    return array


def read_table(path: str | Path, text: tuple[str, ...] = (), columns: tuple[str, ...] | None = None) -> "pd.DataFrame":
    """Read a CSV, or some of its columns; those in `text` stay strings, so that a class may be ``NA`` or ``007``."""
    return _read_csv(path, columns, dict.fromkeys(text, str))


def read_columns(path: str | Path, types: dict[str, Any]) -> "pd.DataFrame":
    """Read the columns of a CSV that `types` names, each as its dtype; an empty cell stays an empty text."""
    return _read_csv(path, tuple(types), types)


def read_parts(path: str | Path, types: dict[str, Any], rows: int) -> "Iterator[pd.DataFrame]":
    """Read as `read_columns` does, so many rows at a time: text of a million rows takes hundreds of megabytes."""
    import pandas as pd

    require_whole(path)
    with naming_damage(path, ValueError, OverflowError):
        yield from pd.read_csv(path, usecols=list(types), dtype=types, keep_default_na=False, chunksize=rows)


def _read_csv(path: str | Path, columns: tuple[str, ...] | None, types: dict[str, Any]) -> "pd.DataFrame":
    import pandas as pd

    require_whole(path)
    with naming_damage(path, ValueError, OverflowError):
        table = pd.read_csv(path, usecols=columns, dtype=types, keep_default_na=False)
    missing = [name for name in types if name not in table.columns]
    if missing:
        raise damaged(path, f"has no column {missing[0]}")
    return table


def require(path: str | Path) -> None:
    """Raise SightlineError when an input of the stage does not exist."""
    if not Path(path).exists():
        raise SightlineError(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it")


def require_whole(path: str | Path) -> None:
    """Raise SightlineError when a CSV does not exist, or does not end as `write_table` ends one."""
    require(path)
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read() != b"\n":
            raise damaged(path, "its last line is not complete")


def require_rows(path: str | Path, rows: int, table: str | Path, listed: int) -> None:
    """Raise SightlineError when an array has not one row for each of those that a table lists."""
    if rows != listed:
        raise SightlineError(f"{path}: has {rows} rows, {Path(table).name} {listed}: delete both, then {remedy(path)}")


@contextmanager
def naming_damage(path: str | Path, *kinds: type[Exception]) -> Iterator[None]:
    """Turn what a library raises for a damaged file into a line that names the file and what to do."""
    try:
        yield
    except kinds as error:
        raise damaged(path, str(error)) from None


def damaged(path: str | Path, reason: str) -> SightlineError:
    """Return the error of a file that cannot be what was written."""
    first = reason.strip().partition("\n")[0] or "it ends too early"
    return SightlineError(f"{path}: damaged ({first}): delete it, then {remedy(path)}")


def remedy(path: str | Path) -> str:
    """Return what brings a damaged file back."""
    stage = next((stage for place, stage in MAKERS.items() if Path(place) in (Path(path), *Path(path).parents)), None)
    if stage is None:
        return "`dvc checkout` or `dvc pull` brings it back"
    return f"`dvc repro {stage}` makes it anew"
