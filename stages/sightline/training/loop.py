"""The training loop: one member, all its epochs, nothing hidden."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.common.seeding import stream_seed
from sightline.networks.classifier import Classifier
from sightline.training.augment import Augmentation
from sightline.training.batches import Batches, steps_per_epoch
from sightline.training.clip import clip_gradients
from sightline.training.losses import Loss, l1_norm
from sightline.training.mix import Mixing
from sightline.training.optim import build_optimizer, parameter_groups
from sightline.training.schedules import Shape, build_schedule
from sightline.training.settings import TrainParams
from sightline.training.validate import validate

VALIDATION_BATCH = 512  # images


@dataclass(frozen=True)
class Run:
    """What stays the same while a member trains: parameters, device and precision, loss, random streams, log."""

    params: TrainParams
    accelerator: Accelerator
    member: int
    loss: Loss
    augmentation: Augmentation
    mixing: Mixing
    log: Callable[[int, dict[str, float]], None]

    def seed(self, purpose: str, *position: int) -> int:
        """Return the seed of this member's stream for a purpose."""
        return stream_seed(self.params.seed, purpose, self.member, *position)

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.params.channels_last else torch.contiguous_format


@dataclass(frozen=True)
class Fitted:
    """A trained member: scores of the epoch that `monitor` chose and of the last, and the weights after each."""

    best_epoch: int
    best_scores: dict[str, float]
    best_weights: dict[str, torch.Tensor]
    last_weights: dict[str, torch.Tensor]


def fit(classifier: Classifier, train: Batches, val: Batches, run: Run) -> Fitted:
    """Train for `epochs` passes and validate after each; without validation images the last epoch counts as best."""
    params, accelerator = run.params, run.accelerator
    network = classifier.network.to(accelerator.device, memory_format=run.memory_format)
    groups = parameter_groups(network, params.weight_decay, params.layer_decay)
    optimizer = build_optimizer(groups, params.optimizer, params.lr, params.momentum, params.lookahead)
    classifier.network, optimizer = accelerator.prepare(network, optimizer)
    classifier.to(accelerator.device)
    run.loss.to(accelerator.device)
    steps = steps_per_epoch(len(train), params.batch_size)
    warmup_steps = round(params.warmup_epochs * steps)
    schedule = build_schedule(
        optimizer.optimizer, params.schedule, shape_of(params), warmup_steps, params.epochs * steps
    )
    best = None
    with tqdm(total=params.epochs * steps * params.batch_size, desc="train", unit="img", disable=None) as progress:
        for epoch in range(params.epochs):
            scores = {"lr": optimizer.param_groups[0]["lr"]}
            losses = train_epoch(classifier, train, optimizer, schedule, run, epoch)
            scores["train/loss"] = finite_mean(losses, epoch)
            if len(val):
                scores |= validate(classifier, val, VALIDATION_BATCH)
            run.log(epoch, scores)
            progress.update(steps * params.batch_size)
            progress.write(describe_epoch(epoch, params.epochs, scores))
            if best is None or is_better(scores, best[1], params.monitor):
                best = epoch, scores, snapshot(classifier, accelerator)
    return Fitted(*best, last_weights=snapshot(classifier, accelerator))


def train_epoch(
    classifier: Classifier,
    train: Batches,
    optimizer: torch.optim.Optimizer,
    schedule: LambdaLR,
    run: Run,
    epoch: int,
) -> list[torch.Tensor]:
    """Make one pass over the training images; return the loss of each forward pass."""
    params, accelerator = run.params, run.accelerator
    order = torch.Generator().manual_seed(run.seed("shuffle", epoch))
    generator = torch.Generator().manual_seed(run.seed("augment", epoch))
    torch.manual_seed(run.seed("network", epoch + 1))  # dropout and its kind
    network = classifier.network.train()
    losses = []
    for batch in train.shuffled(params.batch_size, order, balance_of(params)):
        for part in batch.tensor_split(params.accumulate):
            with accelerator.accumulate(network):
                pixels, targets = train.take(part)
                images = run.augmentation(pixels, generator, epoch, part)
                if run.mixing.on:
                    images, targets = run.mixing(images, targets, train.classes, generator)
                images = classifier.normalize(images).contiguous(memory_format=run.memory_format)
                loss = run.loss(network(images), targets)
                if params.l1:
                    loss = loss + params.l1 * l1_norm(network)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    limits = params.clip_grad_norm, params.clip_grad_value, params.clip_grad_adaptive
                    clip_gradients(accelerator, network, *limits)
                optimizer.step()
                if accelerator.sync_gradients:
                    schedule.step()
                optimizer.zero_grad()
                losses.append(loss.detach())
    return losses


def shape_of(params: TrainParams) -> Shape:
    """Return what the schedule's curve is made of."""
    milestones = tuple(params.schedule_milestones)
    return Shape(
        params.schedule_cycles, milestones, params.schedule_gamma, params.schedule_power, params.schedule_floor
    )


def balance_of(params: TrainParams) -> float:
    """Return how far an epoch evens out the classes, in [0, 1]."""
    return params.sampler_power if params.sampler == "balanced" else 0.0


def finite_mean(losses: list[torch.Tensor], epoch: int) -> float:
    """Return the epoch's mean loss.

    Raises
    ------
    SightlineError
        A loss is not finite; the message names epoch and step, counted from 0.
    """
    values = torch.stack(losses)
    wrong = torch.nonzero(~torch.isfinite(values))
    if len(wrong):
        step = int(wrong[0])
        raise SightlineError(
            f"train: the loss became {values[step].item()} in epoch {epoch}, step {step}: "
            f"lower lr, lengthen warmup_epochs, or set clip_grad_norm"
        )
    return values.mean().item()


def is_better(scores: dict[str, float], best: dict[str, float], monitor: str) -> bool:
    """Tell whether `monitor` improved: a loss falls, everything else rises; a tie keeps the earlier epoch."""
    if monitor not in scores:  # no validation images
        return True
    return scores[monitor] < best[monitor] if monitor.endswith("loss") else scores[monitor] > best[monitor]


def snapshot(classifier: Classifier, accelerator: Accelerator) -> dict[str, torch.Tensor]:
    """Copy the network's weights to the CPU."""
    weights = accelerator.unwrap_model(classifier.network).state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}


def describe_epoch(epoch: int, epochs: int, scores: dict[str, float]) -> str:
    """Return the line that the terminal shows after an epoch."""
    width = int(math.log10(epochs)) + 1
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
    return f"epoch {epoch + 1:{width}}/{epochs}  {numbers}"
