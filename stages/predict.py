"""Name what images show, with an exported model; needs onnxruntime, Pillow and NumPy alone.

Run    python stages/predict.py photo.jpg                      one line an image: path, class, probability
       python stages/predict.py photos/ more/*.png --json      a folder with all below it; JSON lines with all classes
       python stages/predict.py --model model.onnx photo.jpg   a model of your own, as `dvc artifacts get` fetches it

A file that is not an image is named on the standard error and gives exit status 1 when all others are done.
"""

import argparse
import json
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing

LARGEST = 1 << 28  # px
UNREADABLE = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf)  # onnxruntime's for what is no whole model


@dataclass(frozen=True)
class ExportedModel:
    """An exported model with what its metadata tells: the classes in order, and how pixels are made."""

    session: onnxruntime.InferenceSession
    classes: list[str]
    preprocessing: Preprocessing

    def predict(self, path: Path) -> dict[str, float]:
        """Return the probability of each class; raises BadImageError or OSError for what is not an image."""
        pixels = decode(path.read_bytes(), self.preprocessing, LARGEST).pixels
        # one by one: batches of 32 save a small network 0.2 ms an image, a large one nothing
        probabilities = self.session.run(None, {"pixels": pixels[None]})[0][0].tolist()
        return dict(zip(self.classes, probabilities, strict=True))


def main() -> int:
    options = read_options()
    model = open_model(options.model)
    paths = [path for given in options.images for path in list_files(Path(given))]
    if not paths:
        sys.exit(f"{', '.join(options.images)}: no files there")
    bad = 0
    for done, path in enumerate(paths, start=1):
        try:
            probabilities = model.predict(path)
        except (BadImageError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            bad += 1
        else:
            print_prediction(path, probabilities, options.json)
        if sys.stderr.isatty() and not sys.stdout.isatty():
            print_progress(done, len(paths))
    return 1 if bad else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Name what images show.")
    parser.add_argument("images", nargs="+", help="image files, or folders with images below them")
    parser.add_argument("--model", default="models/exported/model.onnx", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="JSON lines with the probabilities of all classes")
    return parser.parse_args()


def open_model(path: str) -> ExportedModel:
    """Open a model that Sightline exported; end with a line that says what to do where there is none."""
    if not Path(path).is_file():
        sys.exit(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it, --model names another")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except UNREADABLE:
        sys.exit(f"{path}: damaged, or no ONNX model: `dvc repro export` makes it anew, --model names another")
    metadata = session.get_modelmeta().custom_metadata_map
    if "preprocessing" not in metadata:
        sys.exit(f"{path}: does not tell how to make its pixels: export it with Sightline")
    contract = json.loads(metadata["preprocessing"])
    known = {field.name for field in fields(Preprocessing)}
    preprocessing = Preprocessing(**{name: value for name, value in contract.items() if name in known})
    return ExportedModel(session, json.loads(metadata["classes"]), preprocessing)


def list_files(path: Path) -> list[Path]:
    """Return a path itself, or all that is below a folder but hidden files, sorted."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def print_prediction(path: Path, probabilities: dict[str, float], as_json: bool) -> None:
    best = max(probabilities, key=probabilities.get)
    if as_json:
        rounded = {name: round(value, 6) for name, value in probabilities.items()}
        print(json.dumps({"path": str(path), "class": best, "probabilities": rounded}, ensure_ascii=False))
    else:
        print(f"{path}\t{best}\t{probabilities[best]:.4f}")


def print_progress(done: int, images: int) -> None:
    """Draw the bar anew, and leave the line after the last image."""
    bar = "#" * (30 * done // images)
    end = "\n" if done == images else ""
    print(f"\r[{bar:<30}] {done}/{images} images", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
