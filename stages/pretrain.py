"""Learn a network's weights from images without labels: those of train and those of the pool, never val or test.

Run    make pretrain NAME=birds    what `pretrain` in params.yaml says, for its `model`; again after it was stopped
Reads  data/prepared, data/split   training images, without their labels; for the score of each epoch also these and val
       data/pool                   images without a label (prepare.unlabelled), but what resembles val or test
Writes models/pretrained/<name>.safetensors   the network's weights but for its last layer, for `weights` in params.yaml
       models/pretrained/<name>.json          how they came about, and the pixels that they expect
       pretrain/<name>.csv, <name>.png        loss, accuracy of nearest neighbours and spread of the embeddings by epoch

It is no stage. Killed at any instant and started again, it goes on after its last finished epoch, with the same bytes.
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
import argparse
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from sightline.common.device import compute_alike, leave_out_triton, use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import read_record, replacing, write_json, write_table
from sightline.common.process import keep_freed_memory
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.pretraining_curves import draw_curves
from sightline.images.pool import POOL, read_pool
from sightline.images.samples import Samples, read_samples
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.networks.saved import ModelSpec, read_weights, write_weights
from sightline.parameters.pretrain import PretrainParams
from sightline.pretraining.images import UnlabelledImages, rows_to_learn
from sightline.pretraining.loop import Scores, learn
from sightline.pretraining.run import Learning, PretrainRun, build_learning
from sightline.pretraining.start import make_judge, make_learner, refuse
from sightline.pretraining.views import build_views
from sightline.training.devices import make_accelerator
from sightline.training.interrupt import StopRequest
from sightline.training.recipe.pretrained import PRETRAINED
from sightline.training.recipe.published import Expected, Published, sha256_of
from sightline.training.resuming.fingerprint import digest, fingerprint
from sightline.training.resuming.folder import open_resume
from sightline.training.start import describe_model

FOLDER = Path("pretrain")
ONE_RUN = "epochs of another number make another schedule"


def main(params: PretrainParams) -> None:
    keep_freed_memory()
    leave_out_triton()
    use_deterministic_algorithms(params.seed)
    compute_alike(params.arithmetic)
    accelerator = make_accelerator(params)
    refuse(params.architectures, params.pretrain.method, accelerator.num_processes)
    file = PRETRAINED / f"{read_name(params)}.safetensors"
    samples = read_samples()
    pixels = open_pixels()
    dataset = read_dataset()
    parts = gather(pixels, samples, params.near_bits)
    spec = describe_model(dataset, samples, pixels, params)
    key = fingerprint(params, [POOL / "index.csv"], accelerator.num_processes, accelerator.device)
    story = tell_story(params, [len(rows) for _, rows in parts])
    note_replaced(file, story)
    with open_resume(Path.cwd(), key, params.pretrain.epochs, ONE_RUN) as resume, StopRequest() as stop:
        run = PretrainRun(params, accelerator, build_views(params, spec), resume, stop)
        images = UnlabelledImages(parts, accelerator.device)
        learner, classifier, layout = make_learner(spec, images, run)
        learning = build_learning(learner, classifier, layout, images, run)
        history = learn(learning, make_judge(classifier, pixels, samples, run), run)
        write_result(file, learning, history, story, spec, run)
        shutil.rmtree(resume.path)


def read_name(params: PretrainParams) -> str:
    """Return what the weights are to be called."""
    parser = argparse.ArgumentParser(description="Pretrain the network of params.yaml on images without labels.")
    parser.add_argument("--name", help="of the weights in models/pretrained; by default <model>_<method>")
    name = parser.parse_args().name or f"{params.model}_{params.pretrain.method}"
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise SightlineError(f"pretrain: --name {name!r} must be of letters, digits, _, - and . alone: it names files")
    return name


def gather(pixels: np.ndarray, samples: Samples, near_bits: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the images to learn from, pixels and rows of train and of the pool, and say how many there are."""
    pool_pixels, pool = read_pool()
    rows = rows_to_learn(pool, read_index(columns=("phash", "group")), samples, near_bits)
    train = samples.of("train").row
    left_out = len(pool) - len(rows)
    print(
        f"pretrain: {len(train):,} training images and {len(rows):,} of the pool"
        + (f"; {left_out:,} left out, which resemble images of val or test or share their group" if left_out else "")
    )
    if len(train) + len(rows) < 2:
        raise SightlineError("pretrain: needs two images at least: name a pool by prepare.unlabelled")
    if len(rows) and pool_pixels.shape[1:] != pixels.shape[1:]:
        raise SightlineError("data/pool: images of another size than data/prepared: run `dvc repro prepare`")
    return [(pixels, train), (pool_pixels, rows)] if len(rows) else [(pixels, train)]


def note_replaced(file: Path, story: dict) -> None:
    """Say which pretraining's weights will be replaced; nothing where they came about in the same way.

    Raises
    ------
    SightlineError
        Weights are there, or are told of, that this command did not learn.
    """
    path = file.with_suffix(".json")
    told = read_record(Published, path) if path.exists() else None
    if told is None and not file.exists():
        return
    if told is None or told.pretraining is None:
        whose = f"weights from {told.source}" if told else "weights that this command did not learn"
        raise SightlineError(f"{path if told else file}: is of {whose}: take another NAME, or remove them")
    if {name: value for name, value in told.pretraining.items() if name != "scores"} != story:
        how = f"{told.version} of {told.pretraining['model']}, seed {told.pretraining['seed']}"
        print(f"pretrain: {file} is there, by {how}, and will be replaced: another NAME keeps it")


def write_result(
    file: Path, learning: Learning, history: list[Scores], story: dict, spec: ModelSpec, run: PretrainRun
) -> None:
    """Write weights, their provenance, scores and picture, and say how to use them."""
    weights = learning.classifier.network.network.state_dict()
    with replacing(file) as beside:
        write_weights(beside, weights)
        told = describe(file.stem, beside, story | {"scores": history[-1]}, spec)
        write_json(file.with_suffix(".json"), told.model_dump())  # first: a run that ends here finds its own name in it
    table = pd.DataFrame(history)
    write_table(FOLDER / f"{file.stem}.csv", table)
    save_png(FOLDER / f"{file.stem}.png", draw_curves(table, f"{run.params.model}, {run.params.pretrain.method}"))
    print(f"{file}: {len(weights)} tensors; by epoch: {FOLDER}/{file.stem}.png")
    print(
        f"versioned and used by:\n  dvc add {file} && git add {file}.dvc {file.with_suffix('.json')}\n"
        f"  dvc exp run -S weights={file} -S normalization=weights -S head_init=probe"
    )


def tell_story(params: PretrainParams, counts: list[int]) -> dict:
    """Return what is known of the weights before they are learnt; `counts` of training images, then of the pool."""
    return {
        "model": params.architectures[0],
        "seed": params.seed,
        "training_images": counts[0],
        "pool_images": sum(counts[1:]),
        "index_sha256": digest(Path("data/prepared/index.csv")),
        "split_sha256": digest(Path("data/split/split.csv")),
        "pool_sha256": digest(POOL / "index.csv"),
        "params": params.pretrain.model_dump(),
    }


def describe(name: str, file: Path, story: dict, spec: ModelSpec) -> Published:
    """Return what the JSON beside the weights says."""
    weights = read_weights(file)
    stored = spec.preprocessing.image_size
    return Published(
        name=name,
        source="make pretrain",
        version=story["params"]["method"],
        licence="that of the images",
        archive_sha256=None,
        weights_sha256=sha256_of(file),
        tensors=len(weights),
        parameters=sum(tensor.numel() for tensor in weights.values()),
        preprocessing=Expected(
            mean=spec.mean,
            std=spec.std,
            interpolation=spec.preprocessing.resample,
            crop_share=min(1.0, spec.input_size / stored),
            input_size=spec.input_size,
        ),
        pretraining=story,
    )


if __name__ == "__main__":
    run_stage(main, PretrainParams)
