"""Tell whether new images, with or without labels, still look like those that the model was judged on.

Run    make drift IMAGES=data/raw/new_photos            a folder, a .zip or a .tar of new images
       python stages/drift.py new_photos.zip --fail     exit status 3 with drift, for a job that runs by itself
Reads  models/trained, models/calibration.json, and data/predictions/reference.json, which evaluate wrote of test images
       params.yaml   seed, for the permutations; memory_mb
Writes drift/drift.json, with every test, and drift/drift.png; it is no stage, so the pipeline never runs it

Brightness, colour, contrast and sharpness, the confidence and the places on 16 axes of the embeddings are compared by
Kolmogorov-Smirnov tests, the embeddings as a whole by their Frechet distance and the shares of the predicted classes by
their total variation and by the class that moved most, each against random parts of both. p-values are corrected (Holm)
so that a batch without drift raises an alarm at most at the rate --alpha. Exit status: 0; 3 with --fail and drift; 1
for an error, 2 for the options.
"""

import argparse
import sys
from pathlib import Path

from sightline.arguments.numbers import at_least_1, between_0_and_1
from sightline.common.device import pick_device, use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.common.params import Count, Seed, StageParams
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drifting.batch import look_at
from sightline.drifting.compare import compare_batch
from sightline.drifting.present import describe, draw, to_json
from sightline.images.unlabelled import gather_images
from sightline.networks.calibration import read_calibration
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.saved import load_members, read_spec
from sightline.networks.stack import load_stack
from sightline.scoring.reference import read_reference

TRAINED = "models/trained"
DRIFTED = 3  # exit status


class Params(StageParams):
    memory_mb: Count
    seed: Seed


def main(params: Params) -> None:
    options = read_options()
    use_deterministic_algorithms(params.seed)
    spec = read_spec(TRAINED)
    reference = read_reference()
    refuse_other_reference(spec.classes, set(reference.classes))
    images = gather_images(Path(options.images), spec.preprocessing, options.most, "drift")
    calibration = read_calibration(classes=len(spec.classes))
    decider = Decider(load_members(TRAINED, spec), calibration, load_stack(TRAINED, spec))
    at_once = images_at_once(decider, spec.preprocessing.image_size, params.memory_mb)
    batch = look_at(images, decider, reference.embedding, at_once, pick_device())
    table = compare_batch(reference, batch, spec.classes, options.alpha, stream_seed(params.seed, "drift"))
    write_json(Path(options.out) / "drift.json", to_json(table, batch, reference, spec.classes, options.alpha))
    save_png(Path(options.out) / "drift.png", draw(table, batch, reference, spec.classes))
    print(describe(table, len(batch), batch.unreadable, reference.images))
    if options.fail and table["drift"].any():
        sys.exit(DRIFTED)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tell whether new images look like the test images.")
    parser.add_argument("images", help="a folder, a .zip or a .tar of images; labels are not needed")
    parser.add_argument(
        "--alpha", type=between_0_and_1, default=0.05, help="rate of false alarms; default: %(default)s"
    )
    parser.add_argument(
        "--most", type=at_least_1, default=1000, help="files to look at, evenly chosen; default: %(default)s"
    )
    parser.add_argument("--fail", action="store_true", help=f"exit with status {DRIFTED} when there is drift")
    parser.add_argument("--out", default="drift", help="folder; default: %(default)s")
    return parser.parse_args()


def refuse_other_reference(trained: list[str], described: set[str]) -> None:
    if set(trained) != described:
        raise SightlineError("data/predictions/reference.json: is that of other classes: run `dvc repro evaluate`")


if __name__ == "__main__":
    run_stage(main, Params)
