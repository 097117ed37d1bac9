"""The training loop: one member, all its epochs, nothing hidden."""

from collections.abc import Iterable
from functools import partial
from itertools import islice

import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.networks.attacks import draw_start
from sightline.networks.classifier import Classifier
from sightline.parameters.train import FITTED, TrainParams
from sightline.training.batches import Batches, Part, steps_per_epoch
from sightline.training.history import Fitted, History, Scores
from sightline.training.logs import describe_epoch
from sightline.training.recipe.averaging import recompute_statistics
from sightline.training.recipe.freeze import keep_frozen_still
from sightline.training.recipe.layout import normalized
from sightline.training.recipe.losses import l1_norm
from sightline.training.recipe.optim import clip_gradients, peak_rate
from sightline.training.recipe.schedules import lower
from sightline.training.run import Position, Run, Streams
from sightline.training.state import TrainState, build_state
from sightline.training.validate import validate_classifier


def fit(classifier: Classifier, train: Batches, val: Batches, run: Run) -> Fitted:
    """Train for `epochs` passes and validate after each, and before them a fitted head; go on where one was stopped."""
    params = run.params
    state = build_state(classifier, train, run)
    history = History(params.monitor, params.min_delta, has_start=params.head_init in FITTED)
    position = go_on(state, history, run)
    if history.lacks_start:
        note(validate(state, val), state, history, run)
    steps = steps_per_epoch(len(train), params.batch_size)
    done = history.passes * steps + (position.step if position else 0)
    with run.progress_bar(done, params.epochs * steps) as progress:
        for epoch in range(history.passes, params.epochs):
            if params.patience and history.stale >= params.patience:
                run.say(f"no better {params.monitor} for {history.stale} epochs: stopped after epoch {epoch}")
                break
            state.wake(epoch)
            scores = train_epoch(state, train, history, epoch, position, progress)
            position = None
            if state.average:
                average_epoch(state, train, epoch)
            note(scores | validate(state, val), state, history, run)
            if params.schedule == "plateau" and history.stale and history.stale % params.schedule_shape.patience == 0:
                lower(state.schedule, params.schedule_shape.gamma)
            save(state, history, None, run)
    return Fitted(history.best_epoch, history.best_scores, history.best_weights, last_weights=state.weights())


def note(scores: Scores, state: TrainState, history: History, run: Run) -> None:
    """Note, log and print the scores of an epoch, or of the start."""
    history.add(scores, state.weights)
    run.log(len(history.epochs) - 1, scores)
    run.say(describe_epoch(history.passes, run.params.epochs, scores))


def validate(state: TrainState, val: Batches) -> Scores:
    """Return the scores of what is validated; none without validation images."""
    return validate_classifier(state.validated, val, state.at_once, state.run.accelerator) if len(val) else {}


def train_epoch(
    state: TrainState, train: Batches, history: History, epoch: int, position: Position | None, progress: tqdm
) -> Scores:
    """Make one pass over the training images, or the rest of one; return its first learning rate and mean scores."""
    run = state.run
    params = run.params
    network = state.classifier.network
    streams = Streams(run, epoch)
    lr, seen = streams.go_to(position) if position else (peak_rate(state.optimizer), [])
    network.train()
    keep_frozen_still(network)
    batches = train.shuffled(params.batch_size, streams.order, balance_of(params))
    first = position.step if position else 0
    parts = train.ahead(
        part for batch in islice(batches, first, None) for part in batch.tensor_split(params.accumulate)
    )
    for step in range(first, steps_per_epoch(len(train), params.batch_size)):
        seen += update(state, islice(parts, params.accumulate), streams.images, epoch)
        progress.update(params.batch_size)
        if run.stop_now:
            interrupt(state, history, streams.position(step + 1, lr, seen))
    losses, accuracies = run.accelerator.reduce(torch.stack(seen), "mean").T
    return {"lr": lr, "train/loss": finite_mean(losses, epoch), "train/accuracy": accuracies.mean().item()}


def update(state: TrainState, parts: Iterable[Part], generator: torch.Generator, epoch: int) -> list[torch.Tensor]:
    """Change the weights once, by the gradients of the parts of a batch; return loss and accuracy of each of them."""
    run = state.run
    params = run.params
    accelerator = run.accelerator
    network = state.classifier.network
    optimizer = state.optimizer
    seen = []
    for rows, pixels, labels in parts:
        with accelerator.accumulate(network):
            targets = labels
            images = run.augmentation(pixels, generator, epoch, rows)
            if run.mixing.on:
                images, targets = run.mixing(images, labels, run.classes, generator)
            start = draw_start(images.shape, generator, images.device)[run.share] if run.adversary else None
            images = images[run.share]  # after the draws, which every process makes alike
            targets = targets[run.share]
            normalize = partial(normalized, classifier=state.classifier, layout=state.layout)
            learnt = images
            if run.adversary:
                learnt = run.adversary.change(state.network, normalize, images, targets, start)
            logits = network(normalize(learnt))
            loss = state.loss(logits, targets, rows, epoch)
            logits = logits[: len(images)]  # `trades` has attacked images behind the others
            if run.distillation:
                loss = run.distillation(loss, logits, images)
            if params.l1:
                loss = loss + params.l1 * l1_norm(state.network)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                clip_gradients(accelerator, state.network, params.clip)
            optimizer.step()
            if accelerator.sync_gradients:
                state.schedule.step()
            optimizer.zero_grad()
            right = (logits.argmax(dim=1) == labels[run.share]).to(loss.dtype)  # of mixed images, the first of the two
            seen.append(torch.stack((loss.detach(), right.mean())))
    if state.average:
        state.average.after_update(state.network)
    return seen


def average_epoch(state: TrainState, train: Batches, epoch: int) -> None:
    """Take an epoch's weights into the average; one of several epochs gets batch statistics of its own."""
    run = state.run
    average = state.average
    average.after_epoch(state.network, epoch)
    if average.kind == "swa" and average.averaged > 1:
        generator = torch.Generator().manual_seed(run.seed("statistics", epoch))
        batches = (pixels for _, pixels, _ in train.ahead(train.shuffled(max(2, state.at_once), generator, 0.0)))
        recompute_statistics(state.validated, state.network, batches, run.accelerator)


def go_on(state: TrainState, history: History, run: Run) -> Position | None:
    """Load the saved state where there is one, and log its epochs again; return where in an epoch it stands."""
    saved = run.load()
    if saved is None:
        return None
    history.load_state_dict(saved["history"])
    state.load_state_dict(saved["state"])
    for epoch, scores in enumerate(history.epochs):
        run.log(epoch, scores)
    position = Position(**saved["position"]) if saved["position"] else None
    if position or history.passes < run.params.epochs:
        run.say(f"train: goes on after epoch {history.passes}" + (f", step {position.step}" if position else ""))
    return position


def save(state: TrainState, history: History, position: Position | None, run: Run) -> None:
    """Save what the rest of this training depends on."""
    if run.is_main:
        place = vars(position) if position else None
        saved = {"state": state.state_dict(), "history": history.state_dict(), "position": place}
        run.resume.save(run.member, saved)


def interrupt(state: TrainState, history: History, position: Position) -> None:
    """Save in the middle of an epoch and end the stage."""
    save(state, history, position, state.run)
    raise SightlineError(
        f"train: interrupted in epoch {history.passes + 1} after step {position.step}; "
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
