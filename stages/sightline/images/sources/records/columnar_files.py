"""Parquet and Arrow files, read in place: their other columns once, an image when it is asked for."""

import bisect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sightline.common.errors import SightlineError, in_one_line
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.archives import refuse_long

if TYPE_CHECKING:
    import pyarrow as pa

IMAGES_AT_ONCE = 16
ROWS_AT_ONCE = 1024
MAPPED_AT_ONCE = 64 << 20  # bytes
READ_AHEAD = 1 << 20  # bytes; without it a whole row group of images would be held


class ColumnarFile(Protocol):
    """A file of rows."""

    schema: "pa.Schema"

    def batches(self, columns: list[str]) -> "Iterator[pa.RecordBatch]":
        """Yield some columns of all rows, in order."""

    def cell(self, column: str, row: int) -> object:
        """Return one cell, cheapest where rows are asked for in order; BadImageError where the file is damaged."""


class ParquetFile:
    """A Parquet file; rows are read forwards within a row group, some at once."""

    def __init__(self, path: Path):
        from pyarrow import parquet  # an optional requirement

        self._file = parquet.ParquetFile(path, buffer_size=READ_AHEAD, pre_buffer=False)
        self.schema = self._file.schema_arrow
        meta = self._file.metadata
        self._starts = [0]
        for group in range(meta.num_row_groups):
            self._starts.append(self._starts[-1] + meta.row_group(group).num_rows)
        self._reading: tuple[str, int] = ("", -1)  # column, row group
        self._next = 0
        self._batch: pa.RecordBatch | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._broken: dict[int, tuple[int, str]] = {}  # row group -> from which row on, and why

    def batches(self, columns: list[str]) -> "Iterator[pa.RecordBatch]":
        return self._file.iter_batches(ROWS_AT_ONCE, columns=columns)

    def cell(self, column: str, row: int) -> object:
        group = bisect.bisect_right(self._starts, row) - 1
        broken_at, reason = self._broken.get(group, (row + 1, ""))
        if row >= broken_at:
            raise BadImageError(reason)
        if self._reading != (column, group) or row < self._next - len(self._batch or ()):
            self._reading = (column, group)
            self._batches = self._file.iter_batches(IMAGES_AT_ONCE, row_groups=[group], columns=[column])
            self._next = self._starts[group]
            self._batch = None
        while self._batch is None or row >= self._next:
            self._advance(group)
        return self._batch.column(0)[row - self._next + len(self._batch)].as_py()

    def _advance(self, group: int) -> None:
        try:
            self._batch = next(self._batches)
        except (ValueError, OSError, StopIteration) as error:  # pyarrow's own are ValueErrors
            self._reading = ("", -1)
            self._broken[group] = (self._next, f"damaged in the file: {in_one_line(error)}")
            raise BadImageError(self._broken[group][1]) from None
        self._next += len(self._batch)


class ArrowFile:
    """A file of Arrow's stream format, as `save_to_disk` of Hugging Face's datasets writes it, mapped into memory."""

    def __init__(self, path: Path):
        self._path = path
        self._map()
        self._table.validate(full=True)  # Arrow trusts the offsets of a file that it maps
        self.schema = self._table.schema

    def _map(self) -> None:
        import pyarrow as pa  # an optional requirement

        self._table = pa.ipc.open_stream(pa.memory_map(str(self._path))).read_all()
        self._rows_left = MAPPED_AT_ONCE * len(self._table) // max(1, self._table.nbytes)

    def batches(self, columns: list[str]) -> "Iterator[pa.RecordBatch]":
        return iter(self._table.select(columns).to_batches(ROWS_AT_ONCE))

    def cell(self, column: str, row: int) -> object:
        if self._rows_left < 1:  # what was read would stay in memory for as long as it is mapped
            self._map()
        self._rows_left -= 1
        return self._table[column][row].as_py()


def open_columnar(path: Path) -> ColumnarFile:
    """Open a Parquet or an Arrow file, by its suffix.

    Raises
    ------
    SightlineError
        pyarrow is not installed, or the file is damaged.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise SightlineError(
            f"prepare.source: {path} needs pyarrow: run `pip install -r requirements-formats.txt`"
        ) from None
    try:
        return ParquetFile(path) if path.suffix.lower() == ".parquet" else ArrowFile(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise SightlineError(f"{path}: not a readable {path.suffix[1:]} file: {in_one_line(error)}") from None


class RowImages:
    """Images in columnar files: ``train-00000-of-00002.parquet/000017`` is row 17 of that file."""

    def __init__(self, root: Path, paths: list[str], column: str):
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        self.notes: list[str] = []
        self.root = root
        self._names = paths
        self._column = column
        self._open: tuple[str, ColumnarFile | None] = ("", None)

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        file, _, row = name.rpartition("/")
        if self._open[0] != file:
            self._open = (file, open_columnar(self.root / file))
        value = self._open[1].cell(self._column, int(row))
        data = value.get("bytes") if isinstance(value, dict) else value
        if data is None:
            raise BadImageError(_say_missing(value))
        refuse_long(len(data), limit)
        return data


def _say_missing(value: object) -> str:
    path = value.get("path") if isinstance(value, dict) else None
    return f"holds no bytes but the path {path}: write the data set with its images" if path else "no image in the row"


def hugging_face_features(schema: "pa.Schema") -> dict[str, dict]:
    """Return what Hugging Face's datasets noted of each column, such as the names of classes."""
    noted = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(noted)["info"]["features"]
        return {column: feature for column, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):  # somebody else's note, or none
        return {}
