"""The training loop: one member, all its epochs, nothing hidden."""

import math

import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.networks.classifier import Classifier
from sightline.parameters.train import TrainParams
from sightline.training.batches import Batches, steps_per_epoch
from sightline.training.history import Fitted, Record, Scores
from sightline.training.recipe.averaging import recompute_statistics
from sightline.training.recipe.freeze import keep_frozen_still
from sightline.training.recipe.losses import l1_norm
from sightline.training.recipe.optim import clip_gradients
from sightline.training.recipe.schedules import lower
from sightline.training.run import Position, Run, Streams
from sightline.training.state import Trainee, build_trainee
from sightline.training.validate import validate

VALIDATION_BATCH = 512  # images


def fit(classifier: Classifier, train: Batches, val: Batches, run: Run) -> Fitted:
    """Train for `epochs` passes and validate after each; go on where an earlier process was stopped."""
    params = run.params
    trainee = build_trainee(classifier, len(train), run)
    record = Record(params.monitor, params.min_delta)
    position = go_on(trainee, record, run)
    steps = steps_per_epoch(len(train), params.batch_size)
    done = len(record.history) * steps + (position.step if position else 0)
    with progress_bar(done, params.epochs * steps, run) as progress:
        for epoch in range(len(record.history), params.epochs):
            if params.patience and record.stale >= params.patience:
                run.say(f"no better {params.monitor} for {record.stale} epochs: stopped after epoch {epoch}")
                break
            trainee.wake(epoch)
            scores = train_epoch(trainee, train, record, epoch, position, progress)
            position = None
            if trainee.average:
                average_epoch(trainee, train, epoch)
            if len(val):
                scores |= validate(trainee.judged, val, VALIDATION_BATCH, run.accelerator)
            record.add(scores, trainee.weights)
            if params.schedule == "plateau" and record.stale and record.stale % params.schedule_shape.patience == 0:
                lower(trainee.schedule, params.schedule_shape.gamma)
            run.log(epoch, scores)
            run.say(describe_epoch(epoch, params.epochs, scores))
            save(trainee, record, None, run)
    return Fitted(record.best_epoch, record.best_scores, record.best_weights, last_weights=trainee.weights())


def train_epoch(
    trainee: Trainee, train: Batches, record: Record, epoch: int, position: Position | None, progress: tqdm
) -> Scores:
    """Make one pass over the training images, or the rest of one; return the first learning rate and the mean loss."""
    run, network, params = trainee.run, trainee.classifier.network, trainee.run.params
    streams = Streams(run, epoch)
    lr, losses = streams.go_to(position) if position else (trainee.optimizer.param_groups[0]["lr"], [])
    network.train()
    keep_frozen_still(network)
    for step, batch in enumerate(train.shuffled(params.batch_size, streams.order, balance_of(params))):
        if position and step < position.step:
            continue
        losses += update(trainee, train, batch, streams.images, epoch)
        progress.update(params.batch_size)
        if run.stop_now:
            interrupt(trainee, record, streams.position(step + 1, lr, losses))
    return {"lr": lr, "train/loss": finite_mean(run.accelerator.reduce(torch.stack(losses), "mean"), epoch)}


def update(
    trainee: Trainee, train: Batches, batch: torch.Tensor, generator: torch.Generator, epoch: int
) -> list[torch.Tensor]:
    """Change the weights once, by the gradient of a batch; return the loss of each of its accumulated parts."""
    run, network, optimizer, losses = trainee.run, trainee.classifier.network, trainee.optimizer, []
    params, accelerator = run.params, run.accelerator
    for part in batch.tensor_split(params.accumulate):
        with accelerator.accumulate(network):
            pixels, targets = train.take(part)
            images = run.augmentation(pixels, generator, epoch, part)
            if run.mixing.on:
                images, targets = run.mixing(images, targets, train.classes, generator)
            images, targets = images[run.share], targets[run.share]  # after the draws, which every process makes alike
            logits = network(normalized(images, trainee.classifier, run.memory_format))
            loss = run.loss(logits, targets)
            if run.distillation:
                loss = run.distillation(loss, logits, images)
            if params.l1:
                loss = loss + params.l1 * l1_norm(trainee.network)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                clip_gradients(accelerator, trainee.network, params.clip)
            optimizer.step()
            if accelerator.sync_gradients:
                trainee.schedule.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
    if trainee.average:
        trainee.average.after_update(trainee.network)
    return losses


def normalized(images: torch.Tensor, classifier: Classifier, layout: torch.memory_format) -> torch.Tensor:
    """Return what `Classifier.normalize` does, in the network's memory layout.

    With mean and deviation of an image's size: in channels_last three numbers take five times as long to apply.
    """
    parts = (part.expand(1, *images.shape[1:]) for part in (classifier.mean, classifier.std))
    mean, std = (part.contiguous(memory_format=layout) for part in parts)
    return ((images - mean) / std).contiguous(memory_format=layout)


def average_epoch(trainee: Trainee, train: Batches, epoch: int) -> None:
    """Take an epoch's weights into the average; one of several epochs gets batch statistics of its own."""
    run, average = trainee.run, trainee.average
    average.after_epoch(trainee.network, epoch)
    if average.kind == "swa" and average.averaged > 1:
        generator = torch.Generator().manual_seed(run.seed("statistics", epoch))
        recompute_statistics(trainee.judged, trainee.network, train, VALIDATION_BATCH, generator, run.accelerator)


def go_on(trainee: Trainee, record: Record, run: Run) -> Position | None:
    """Load the saved state where there is one, and log its epochs again; return where in an epoch it stands."""
    state = run.load()
    if state is None:
        return None
    record.load_state_dict(state["record"])
    trainee.load_state_dict(state["trainee"])
    for epoch, scores in enumerate(record.history):
        run.log(epoch, scores)
    position = Position(**state["position"]) if state["position"] else None
    run.say(f"train: goes on after epoch {len(record.history)}" + (f", step {position.step}" if position else ""))
    return position


def progress_bar(done: int, steps: int, run: Run) -> tqdm:
    """Return a bar over the images of all epochs, shown by one process, on terminals."""
    size, disable = run.params.batch_size, None if run.is_main else True
    return tqdm(initial=done * size, total=steps * size, desc="train", unit="img", disable=disable)


def save(trainee: Trainee, record: Record, position: Position | None, run: Run) -> None:
    """Save what the rest of this training depends on."""
    if run.is_main:
        at = vars(position) if position else None
        state = {"trainee": trainee.state_dict(), "record": record.state_dict(), "position": at}
        run.resume.save(run.member, state)


def interrupt(trainee: Trainee, record: Record, position: Position) -> None:
    """Save in the middle of an epoch and end the stage."""
    save(trainee, record, position, trainee.run)
    raise SightlineError(
        f"train: interrupted in epoch {len(record.history) + 1} after step {position.step}; "
        f"`dvc repro`, or the same `dvc exp run`, goes on from there"
    )


def balance_of(params: TrainParams) -> float:
    """Return how far an epoch evens out the classes, in [0, 1]."""
    return params.sampler_power if params.sampler == "balanced" else 0.0


def finite_mean(losses: torch.Tensor, epoch: int) -> float:
    """Return the mean of an epoch's losses [steps].

    Raises
    ------
    SightlineError
        A loss is not finite; the message names epoch and step, counted from 0.
    """
    wrong = torch.nonzero(~torch.isfinite(losses))
    if len(wrong):
        step = int(wrong[0])
        raise SightlineError(
            f"train: the loss became {losses[step].item()} in epoch {epoch}, step {step}: "
            f"lower lr, lengthen warmup_epochs, or set clip.norm"
        )
    return losses.mean().item()


def describe_epoch(epoch: int, epochs: int, scores: Scores) -> str:
    """Return the line that the terminal shows after an epoch."""
    width = int(math.log10(epochs)) + 1
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
    return f"epoch {epoch + 1:{width}}/{epochs}  {numbers}"
