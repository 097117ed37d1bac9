"""Find a learning rate: train a little at a rate that grows with every update, and see where the loss falls fastest.

Reads   data/prepared, data/split    the training images of the pipeline's last run
Writes  lr_find/loss.csv             rate, loss, smoothed loss of each update
        lr_find/loss.png             the smoothed loss over the rate, the suggestion marked

The range test of Smith, 2017, "Cyclical Learning Rates for Training Neural Networks". It is no stage: `make lr-find`
runs it on the parameters of params.yaml, of which the rate and the schedule are left aside.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from sightline.common.device import use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import write_table
from sightline.common.process import keep_freed_memory
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.rate_curve import draw_rate_curve
from sightline.images.samples import read_samples
from sightline.images.store import open_pixels, read_dataset
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.parameters.train import TrainParams
from sightline.training.batches import Batches
from sightline.training.devices import make_accelerator
from sightline.training.interrupt import StopRequest
from sightline.training.logs import Journal
from sightline.training.lonely import refuse_lonely
from sightline.training.loop import update
from sightline.training.members import divide, plan_members
from sightline.training.recipe.accumulation import settle_accumulation
from sightline.training.recipe.freeze import keep_frozen_still
from sightline.training.run import Run, Streams
from sightline.training.start import Session, describe_model, make_batches, make_classifier, make_run
from sightline.training.state import TrainState, build_state

FOLDER = Path("lr_find")
LOWEST = 1e-7
HIGHEST = 10.0
UPDATES = 120
SMOOTHING = 0.9  # of the exponential mean that the eye would draw
DIVERGED = 4.0  # times the lowest smoothed loss
EDGE = 5  # updates at either end that suggest nothing


def main(params: TrainParams) -> None:
    keep_freed_memory()
    use_deterministic_algorithms(params.seed)
    accelerator = make_accelerator(params)
    dataset = read_dataset()
    samples = read_samples()
    pixels = open_pixels()
    spec = describe_model(dataset, samples, pixels, params)
    params = settle_accumulation(params, spec, [len(division.train) for division in divide(samples)], accelerator)
    plan = next(plan_members(samples, params, accelerator.num_processes))
    refuse_lonely([len(plan.train)], params, spec, accelerator.num_processes)
    if is_handcrafted(plan.architecture):
        raise SightlineError(f"params.yaml: model: {plan.architecture} has no learning rate: lr-find is for networks")
    session = Session(params, accelerator, spec, Journal(), None, StopRequest())
    train = make_batches(session, plan.train, pixels)
    run = make_run(session, train, plan)
    val = make_batches(session, plan.val, pixels)
    state = build_state(make_classifier(spec, train, val, plan.architecture, run), train, run)
    curve = smooth(*range_test(state, train, run))
    suggestion = suggest(curve)
    write_table(FOLDER / "loss.csv", curve)
    save_png(FOLDER / "loss.png", draw_rate_curve(curve, suggestion))
    print(f"suggested lr: {suggestion:.1e} (steepest fall; see {FOLDER}/loss.png)")


def range_test(state: TrainState, train: Batches, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates of the updates made, and the loss before each; it ends when the loss has left all bounds."""
    state.classifier.network.train()
    keep_frozen_still(state.network)
    rates = np.geomspace(LOWEST, HIGHEST, UPDATES)
    scales = rate_scales(state.optimizer)
    losses: list[float] = []
    for rate, batch in zip(tqdm(rates, desc="lr-find", disable=None), endless(train, run), strict=False):
        for group, scale in zip(state.optimizer.param_groups, scales, strict=True):
            group["lr"] = rate * scale
        streams = Streams(run, len(losses))
        parts = train.ahead(batch.tensor_split(run.params.accumulate))
        losses.append(torch.stack(update(state, parts, streams.images, 0))[:, 0].mean().item())
        if not np.isfinite(losses[-1]) or losses[-1] > DIVERGED * losses[0]:
            break
    return rates[: len(losses)], np.array(losses)


def rate_scales(optimizer: torch.optim.Optimizer) -> list[float]:
    """Return each parameter group's share of `lr`, by `layer_decay`: 1 for the head."""
    rates = [group["initial_lr"] for group in optimizer.param_groups]
    return [rate / max(rates) for rate in rates]


def endless(train: Batches, run: Run):
    """Yield shuffled batches, epoch after epoch."""
    epoch = 0
    while True:
        yield from train.shuffled(run.params.batch_size, Streams(run, epoch).order, 0.0)
        epoch += 1


def smooth(rates: np.ndarray, losses: np.ndarray) -> pd.DataFrame:
    """Return columns lr, loss, smoothed: the bias-corrected exponential mean, up to where it left all bounds."""
    mean = 0.0
    smoothed = []
    for number, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed.append(mean / (1 - SMOOTHING**number))
    table = pd.DataFrame({"lr": rates, "loss": losses, "smoothed": smoothed})
    return table[np.isfinite(table["smoothed"])]


def suggest(curve: pd.DataFrame) -> float:
    """Return the rate at which the smoothed loss falls fastest, before its lowest point.

    Raises
    ------
    SightlineError
        The loss never fell, or only at the edges of the range.
    """
    lowest = int(curve["smoothed"].to_numpy().argmin())
    falling = curve["smoothed"].to_numpy()[EDGE : lowest + 1]
    if len(falling) < EDGE:
        raise SightlineError(
            "lr-find: the loss did not fall at any rate: look at lr_find/loss.csv, mend the data first"
        )
    slopes = np.gradient(falling)  # rates are evenly spaced on the logarithmic axis
    return float(curve["lr"].to_numpy()[EDGE + int(slopes.argmin())])


if __name__ == "__main__":
    run_stage(main, TrainParams)
