"""Train one network, or one for each architecture and fold, and keep the weights of its best and its last epoch.

Reads   data/prepared, data/split      pixels, labels, who trains and who validates
        models/pretrained              weights to start from and teachers, where parameters name them
Writes  models/trained/*.safetensors   weights of each member after its best and its last epoch
        models/trained/model.json      architecture, classes, preprocessing, which weights to use
        models/trained/stack.safetensors   the regression that combines the members, with `ensemble: stack`
        metrics/train.json             scores of the last epoch, and of the best; what was forgotten, what was left out
        plots/train/metrics/           DVCLive's stream: each score of each epoch, for who watches a training
        plots/train/epochs.csv         the same as one table: loss, accuracy, F1 and learning rate
        plots/train/samples.png        training images as the network sees them

The parameters are those of `sightline.parameters.train`; the loop is in `sightline.training.loop`. Killed at any
instant and started again, training goes on after its last finished epoch (`sightline.training.resuming`).
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from sightline.common.device import compute_alike, leave_out_triton, use_deterministic_algorithms
from sightline.common.process import end_with_dvc, keep_freed_memory
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.contact_sheet import contact_sheet, say_part
from sightline.images.samples import Samples, read_samples
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.classifier import Classifier
from sightline.networks.saved import Member, write_spec, write_weights
from sightline.parameters.train import TrainParams
from sightline.training.batches import Batches
from sightline.training.continual.forgetting import describe_forgetting, measure_forgetting
from sightline.training.continual.rehearsal import rehearse
from sightline.training.continual.seen import count_seen_judges, seen_notes
from sightline.training.devices import make_accelerator
from sightline.training.doubted import leave_out_doubted
from sightline.training.first_head import keep_start
from sightline.training.handcrafted.fit import fit_classical
from sightline.training.interrupt import StopRequest
from sightline.training.logs import Journal, summarize_best
from sightline.training.lonely import refuse_lonely
from sightline.training.loop import Fitted, fit
from sightline.training.members import Plan, divide, plan_members, untrained_notes
from sightline.training.recipe.accumulation import settle_accumulation
from sightline.training.recipe.published import weights_notes
from sightline.training.resuming.fingerprint import fingerprint
from sightline.training.resuming.folder import ResumeFolder, open_resume
from sightline.training.run import Run
from sightline.training.stacking import add_stack, refuse_unstackable
from sightline.training.start import (
    Session,
    describe_model,
    input_files,
    make_batches,
    make_classifier,
    make_run,
    why_not_longer,
)

TRAINED = Path("models/trained")
STREAM = Path("plots/train/metrics")
SAMPLE_CLASSES = 20  # at most, in the picture of training images
SAMPLES = 8  # images a class
SAMPLE_SIDE = 96  # px


def main(params: TrainParams) -> None:
    end_with_dvc()
    keep_freed_memory()
    if not params.compile:
        leave_out_triton()
    use_deterministic_algorithms(params.seed)
    compute_alike(params.arithmetic)
    accelerator = make_accelerator(params)
    dataset = read_dataset()
    pixels = open_pixels()
    samples = remember(read_samples(), pixels, dataset.classes, params, accelerator)
    refuse_unstackable(samples, dataset.classes, params)
    spec = describe_model(dataset, samples, pixels, params)
    samples, left_out = leave_out_doubted(samples, spec, pixels, params, accelerator)
    trained = [len(division.train) for division in divide(samples)]
    params = settle_accumulation(params, spec, trained, accelerator)
    refuse_lonely(trained, params, spec, accelerator.num_processes)
    seen = count_seen_judges(samples, params.weights)
    notes = [*untrained_notes(samples, dataset.classes), *weights_notes(params, spec)]
    for note in [*notes, *seen_notes(seen.get("learnt_before", {}), params.weights)]:
        accelerator.print(note)
    journal = Journal()
    fits, members = [], []
    with open_states(params, accelerator) as resume, StopRequest() as stop:
        session = Session(params, accelerator, spec, journal, resume, stop)
        for plan in plan_members(samples, params, accelerator.num_processes):
            fits.append(train_member(session, plan, pixels))
            members.append(describe_member(plan, params))
        if accelerator.is_main_process:
            journal.live.summary |= {"best": summarize_best(fits), **left_out, **seen}
            finish(session, members, samples, pixels)
    accelerator.end_training()


def remember(
    samples: Samples, pixels: np.ndarray, classes: list[str], params: TrainParams, accelerator: Accelerator
) -> Samples:
    """Return the samples without what `rehearsal` leaves out, and say so."""
    if not params.rehearsal:
        return samples
    ids = read_index(columns=("id",))["id"].to_numpy()
    samples, note = rehearse(samples, ids, pixels, classes, params, accelerator.device)
    accelerator.print(note)
    return samples


def train_member(session: Session, plan: Plan, pixels: np.ndarray) -> Fitted:
    """Train one member and write its weights; the first one's images are drawn as it sees them."""
    train = make_batches(session, plan.train, pixels)
    val = make_batches(session, plan.val, pixels)
    run = make_run(session, train, plan)
    classifier = make_classifier(session.spec, train, val, plan.architecture, run)
    fitted = choose_fit(plan.architecture, session.params)(classifier, train, val, run)
    if run.is_main:
        write_member(fitted, plan)
    if run.is_main and plan.number == 0:
        write_sample_sheet(train, session.spec.classes, run)
    session.accelerator.free_memory()
    return fitted


def choose_fit(architecture: str, params: TrainParams) -> Callable[[Classifier, Batches, Batches, Run], Fitted]:
    """Return what trains a member: scikit-learn, the loop, or, with `epochs: 0`, nothing beyond its first head."""
    if is_handcrafted(architecture):
        return fit_classical
    return fit if params.epochs else keep_start


def open_states(params: TrainParams, accelerator: Accelerator) -> AbstractContextManager[ResumeFolder | None]:
    """Open the folder of saved states, on the main process."""
    if not accelerator.is_main_process:
        return nullcontext()
    key = fingerprint(params, input_files(params), accelerator.num_processes, accelerator.device)
    return open_resume(Path.cwd(), key, params.epochs, why_not_longer(params))


def write_sample_sheet(train: Batches, classes: list[str], run: Run) -> None:
    """Draw training images of the first classes as augmentation makes them."""
    generator = torch.Generator().manual_seed(run.seed("augment", 0))
    labels = train.labels.cpu()
    rows = []
    for label, name in enumerate(classes[:SAMPLE_CLASSES]):
        chosen = torch.nonzero(labels == label).flatten()[:SAMPLES]
        if len(chosen):
            images = run.augmentation(train.take(chosen)[0].cpu(), generator, 0, chosen)
            rows.append((name, (images.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).byte().numpy()))
    title = f"training images, augmented{say_part(len(rows), len(classes))}"
    save_png("plots/train/samples.png", contact_sheet(rows, title, SAMPLE_SIDE))


def describe_member(plan: Plan, params: TrainParams) -> Member:
    """Return a member's entry in model.json; `keep` says which of its weights the later stages use."""
    return Member(
        architecture=plan.architecture, file=f"member_{plan.number}_{params.keep}.safetensors", fold=plan.fold
    )


def write_member(fitted: Fitted, plan: Plan) -> None:
    """Write a member's weights after its best and its last epoch."""
    write_weights(TRAINED / f"member_{plan.number}_best.safetensors", fitted.best_weights)
    write_weights(TRAINED / f"member_{plan.number}_last.safetensors", fitted.last_weights)


def finish(session: Session, members: list[Member], samples: Samples, pixels: np.ndarray) -> None:
    """Fit the stack where the ensemble is one, write model.json and the metrics, and note that all is written."""
    spec = session.spec.model_copy(update={"members": members})
    if session.params.ensemble == "stack":
        device = session.accelerator.device
        spec, session.journal.live.summary["stack"] = add_stack(TRAINED, spec, samples, pixels, session.params, device)
    write_spec(TRAINED, spec)
    forgotten = measure_forgetting(TRAINED, spec, samples, pixels, session.params, session.accelerator.device)
    if forgotten:
        session.journal.live.summary["forgetting"] = forgotten
        print(describe_forgetting(forgotten))
    session.journal.live.make_summary()
    session.resume.finish([TRAINED, STREAM])


if __name__ == "__main__":
    run_stage(main, TrainParams)
