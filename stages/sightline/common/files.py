"""Files that are never half-written: every writer writes beside its target, then renames."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.common.errors import SightlineError

if TYPE_CHECKING:  # pandas takes 0.4 s to import, and only tables need it
    import numpy as np
    import pandas as pd


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
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV without its index; the columns' order is kept."""
    with replacing(path) as beside:
        table.to_csv(beside, index=False, lineterminator="\n")


def write_array(path: str | Path, array: "np.ndarray") -> None:
    """Write an array as .npy."""
    import numpy as np

    with replacing(path) as beside, beside.open("wb") as file:
        np.save(file, array)


def read_table(path: str | Path, text: tuple[str, ...] = (), columns: tuple[str, ...] | None = None) -> "pd.DataFrame":
    """Read a CSV, or some of its columns; those in `text` stay strings, so that a class may be ``NA`` or ``007``."""
    import pandas as pd

    require(path)
    return pd.read_csv(path, usecols=columns, dtype=dict.fromkeys(text, str), keep_default_na=False)


def read_columns(path: str | Path, types: dict[str, Any]) -> "pd.DataFrame":
    """Read the columns of a CSV that `types` names, each as its dtype; an empty cell stays an empty text."""
    import pandas as pd

    require(path)
    return pd.read_csv(path, usecols=list(types), dtype=types, keep_default_na=False)


def require(path: str | Path) -> None:
    """Raise SightlineError when an input of the stage does not exist."""
    if not Path(path).exists():
        raise SightlineError(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it")
