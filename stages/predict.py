"""Name what images show, with an exported model; needs onnxruntime, Pillow and NumPy alone.

Run    python stages/predict.py photo.jpg                      one line an image: path, class, probability
       python stages/predict.py photos/ more/*.png --json      a folder with all below it; JSON lines with all classes
       python stages/predict.py --model model.onnx photo.jpg   a model of your own, as `dvc artifacts get` fetches it

A line ends with `undecided` where the probability is below the `min_confidence` that the model was exported with. JSON
has what the service (stages/serve.py) answers, and the probabilities of all classes.
A file that is not an image is named on the standard error and gives exit status 1 when all others are done.
"""

import argparse
import json
import sys
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.serving.answers import all_probabilities, answer, judge
from sightline.serving.model import ExportedModel, count_cores, open_model

LARGEST = 1 << 28  # px
TOP = 3  # classes in the answer


def main() -> int:
    options = read_options()
    try:
        model = open_model(options.model, count_cores())
    except SightlineError as error:
        sys.exit(str(error))
    paths = [path for given in options.images for path in list_files(Path(given))]
    if not paths:
        sys.exit(f"{', '.join(options.images)}: no files there")
    bad = 0
    for done, path in enumerate(paths, start=1):
        try:
            prediction = predict(model, path)
        except (BadImageError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            bad += 1
        else:
            print_prediction(path, prediction, options.json)
        if sys.stderr.isatty() and not sys.stdout.isatty():
            print_progress(done, len(paths))
    return 1 if bad else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Name what images show.")
    parser.add_argument("images", nargs="+", help="image files, or folders with images below them")
    parser.add_argument("--model", default="models/exported/model.onnx", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="JSON lines with the probabilities of all classes")
    return parser.parse_args()


def predict(model: ExportedModel, path: Path) -> dict:
    """Return the answer for an image; raises BadImageError or OSError for what is not one."""
    pixels = model.decode(path.read_bytes(), LARGEST)
    # one by one: batches of 32 save a small network 0.2 ms an image, a large one nothing
    judged = judge(model.rule, model.run(pixels[None]))[0]
    return answer(model, judged, TOP) | {"probabilities": all_probabilities(model, judged["probabilities"])}


def list_files(path: Path) -> list[Path]:
    """Return a path itself, or all that is below a folder but hidden files, sorted."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def print_prediction(path: Path, prediction: dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"path": str(path)} | prediction, ensure_ascii=False))
    else:
        undecided = "" if prediction["decided"] else "\tundecided"
        print(f"{path}\t{prediction['class']}\t{prediction['probability']:.4f}{undecided}")


def print_progress(done: int, images: int) -> None:
    """Draw the bar anew, and leave the line after the last image."""
    bar = "#" * (30 * done // images)
    end = "\n" if done == images else ""
    print(f"\r[{bar:<30}] {done}/{images} images", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
