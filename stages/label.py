"""Choose which unlabelled images to label next, hand them to people, and take their labels back.

Run    make label IMAGES=100                    a batch of what teaches the model most: labels/<n>
       make label READ=project-1-export.json    the finished export of Label Studio into the source's table
       python stages/label.py --help            strategies and further options
Reads  data/pool, data/prepared, data/split, models/trained, models/calibration.json
       params.yaml   seed, memory_mb, near_bits
Writes labels/<n>/batch.csv      in the order of asking: file, id (path below data/raw), strategy, score, prediction
       labels/<n>/images/        the files to look at, under names of their own
       labels/<n>/sheet.png      all of them, with prediction and confidence
       labels/<n>/tasks.json     for Label Studio, with predictions; labels/<n>/config.xml, its labelling configuration
       with --read: the table of prepare.source, or data/raw/<source>_labelled.csv beside a folder or an archive, and
       labels/history.csv: who labelled what, when, and what it was before
It is no stage: it writes no output of one, and the pipeline never runs it.
"""

import argparse
from pathlib import Path

import numpy as np

from sightline.arguments.numbers import at_least_1
from sightline.common.device import pick_device, use_deterministic_algorithms
from sightline.common.files import write_json, write_table, write_text
from sightline.common.params import Count, NearBits, Seed, StageParams
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.images.pool import as_numbers, read_pool
from sightline.images.samples import read_samples
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.labelling.asking import describe_batch, find_askable, refuse_other_pixels
from sightline.labelling.batch import NAME, alone_in, next_number, read_batches, tabulate
from sightline.labelling.destination import find_root
from sightline.labelling.distinct import one_of_each
from sightline.labelling.label_studio import to_config, to_tasks
from sightline.labelling.originals import copy_images
from sightline.labelling.reading import read_back
from sightline.labelling.seen import Model, Seen
from sightline.labelling.sheet import draw_sheet
from sightline.labelling.strategies import STRATEGIES, Question, choose
from sightline.labelling.uncertainty import margin
from sightline.networks.calibration import read_calibration
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.saved import ModelSpec, load_members, read_spec
from sightline.networks.stack import load_stack

TRAINED = "models/trained"


class Params(StageParams):
    memory_mb: Count
    near_bits: NearBits
    seed: Seed


def main(params: Params) -> None:
    options = read_options()
    with alone_in(options.out):
        if options.read:
            for line in read_back(options.read, options.out):
                print(line)
        else:
            ask(params, options)


def ask(params: Params, options: argparse.Namespace) -> None:
    """Choose a batch and write it; batch.csv comes last, so that a batch without it is none."""
    use_deterministic_algorithms(params.seed)
    spec = read_spec(TRAINED)
    dataset = read_dataset()
    refuse_other_pixels(dataset, spec)
    find_root(dataset, read_index(columns=("id",))["id"].iloc[0])  # refuses a source that labels cannot go back to
    pixels, index = read_pool()
    askable, notes = find_askable(index, read_batches(options.out), options.again)
    model = open_model(spec, params.memory_mb)
    seen = model.look_at(pixels, askable)
    different = one_of_each(as_numbers(index["phash"].iloc[askable]), margin(seen.probabilities), params.near_bits)
    rows, pool = askable[different], seen.of(different)
    number = next_number(options.out)
    draws = np.random.default_rng(stream_seed(params.seed, "label", number))
    question = Question(pool, lambda: look_at_known(model), min(options.images, len(rows)), draws)
    choice = choose(options.strategy, question)
    batch = tabulate(index.iloc[rows], pool, choice, options.strategy, spec.classes)
    folder = options.out / str(number)
    copy_images(batch, folder / "images", spec.preprocessing)
    save_png(folder / "sheet.png", draw_sheet(batch, pixels[rows[choice.rows]]))
    write_json(folder / "tasks.json", to_tasks(batch, f"/data/local-files/?d={folder.as_posix()}/images/"))
    write_text(folder / "config.xml", to_config(spec.classes))
    write_table(folder / NAME, batch)
    for line in [*notes, *describe_batch(folder, len(batch), options.images, len(askable) - len(rows))]:
        print(f"label: {line}")


def open_model(spec: ModelSpec, memory_mb: int) -> Model:
    decider = Decider(
        load_members(TRAINED, spec), read_calibration(classes=len(spec.classes)), load_stack(TRAINED, spec)
    )
    return Model(decider, images_at_once(decider, spec.preprocessing.image_size, memory_mb), pick_device())


def look_at_known(model: Model) -> Seen:
    """Return what the model makes of the images that it learnt from."""
    return model.look_at(open_pixels(), read_samples().of("train").row)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Choose images to label, and read the labels back.")
    parser.add_argument("--images", type=at_least_1, default=100, help="how many to ask for; default: %(default)s")
    parser.add_argument("--strategy", choices=STRATEGIES, default="mix", help="default: %(default)s")
    parser.add_argument("--again", action="store_true", help="images of earlier batches may be asked for again")
    parser.add_argument("--read", type=Path, metavar="EXPORT", help="a finished export of a label tool, to read back")
    parser.add_argument("--out", type=Path, default=Path("labels"), help="folder of all batches; default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    run_stage(main, Params)
