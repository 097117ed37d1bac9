"""Name what images show, with an exported model; needs onnxruntime, Pillow and NumPy alone.

Run    python stages/predict.py photo.jpg                      one line an image: path, class, probability
       python stages/predict.py photos/ more/*.png --json      a folder with all below it; JSON lines with all classes
       python stages/predict.py --model model.onnx photo.jpg   a model of your own, as `dvc artifacts get` fetches it

A file that is not an image is named on the standard error and gives exit status 1 when all others are done.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime

from sightline.images.decode import BadImageError, Decoding, decode

BATCH = 32  # images; memory stays that of one batch, however many there are
LARGEST = 1 << 28  # px


def main() -> int:
    options = read_options()
    session, classes, decoding = open_model(options.model)
    paths = [path for given in options.images for path in list_files(Path(given))]
    bad = 0
    for start in range(0, len(paths), BATCH):
        found = list(open_images(paths[start : start + BATCH], decoding))
        rows = session.run(None, {"pixels": np.stack([pixels for _, pixels in found])})[0] if found else []
        for (path, _), row in zip(found, rows, strict=True):
            print((as_json if options.json else as_line)(path, row, classes))
        bad += len(paths[start : start + BATCH]) - len(found)
        show_progress(min(start + BATCH, len(paths)), len(paths))
    return 1 if bad or not paths else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Name what images show.")
    parser.add_argument("images", nargs="+", help="image files, or folders with images below them")
    parser.add_argument("--model", default="models/exported/model.onnx", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="JSON lines with the probabilities of all classes")
    return parser.parse_args()


def open_model(path: str) -> tuple[onnxruntime.InferenceSession, list[str], Decoding]:
    """Return a model with what its metadata tells: the classes in order, and how pixels are made."""
    if not Path(path).is_file():
        sys.exit(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it, --model names another")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    if "preprocessing" not in told:
        sys.exit(f"{path}: does not tell how to make its pixels: export it with Sightline")
    how = json.loads(told["preprocessing"])
    decoding = Decoding(how["image_size"], how["fit"], how["resample"], tuple(how["background"]), LARGEST)
    return session, json.loads(told["classes"]), decoding


def list_files(path: Path) -> list[Path]:
    """Return a path itself, or all that is below a folder but hidden files, sorted."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def open_images(paths: list[Path], decoding: Decoding) -> Iterator[tuple[Path, np.ndarray]]:
    for path in paths:
        try:
            yield path, decode(path.read_bytes(), decoding).pixels
        except (BadImageError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)


def as_line(path: Path, row: np.ndarray, classes: list[str]) -> str:
    return f"{path}\t{classes[row.argmax()]}\t{row.max():.4f}"


def as_json(path: Path, row: np.ndarray, classes: list[str]) -> str:
    probabilities = {name: round(float(value), 6) for name, value in zip(classes, row, strict=True)}
    told = {"path": str(path), "class": classes[row.argmax()], "probabilities": probabilities}
    return json.dumps(told, ensure_ascii=False)


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r[{'#' * (30 * done // total):<30}] {done}/{total} images", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
