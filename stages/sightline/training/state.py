"""What changes while a member trains: its weights, their average, the optimizer, the learning rate."""

from dataclasses import dataclass
from typing import Any

import torch
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from sightline.common.errors import SightlineError
from sightline.networks.classifier import Classifier
from sightline.parameters.train import TrainParams
from sightline.training.batches import Batches, steps_per_epoch
from sightline.training.devices import share_batch_statistics
from sightline.training.recipe.averaging import WeightAverage
from sightline.training.recipe.freeze import freeze, freeze_batch_norms, unfreeze, wake_order
from sightline.training.recipe.layout import lay_out
from sightline.training.recipe.optim import build_optimizer, parameter_groups
from sightline.training.recipe.schedules import build_schedule
from sightline.training.recipe.wrong_labels.memory import MEMORIES, EarlyLearning
from sightline.training.run import Run


@dataclass
class TrainState:
    """A classifier in training.

    `network` is what learns, without what accelerate and torch.compile put around it; `validated` is what gets
    validated and kept: the classifier, or the average of its weights; `at_once` images of it fit into `memory_mb`.
    `layout` is that of weights and images in training. `memory` is what was said of each image, where `noise` asks.
    """

    classifier: Classifier
    network: nn.Module
    layout: torch.memory_format
    validated: Classifier
    average: WeightAverage | None
    optimizer: AcceleratedOptimizer
    schedule: LambdaLR
    run: Run
    asleep: list[list[nn.Parameter]]
    at_once: int
    memory: EarlyLearning | None

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor, epoch: int) -> torch.Tensor:
        """Return what is minimised for the images at `rows`, by the adversary, the memory or the loss alone."""
        if self.memory:
            return self.memory(logits, targets, rows.to(logits.device, non_blocking=True), epoch)
        return self.run.adversary.loss(logits, targets) if self.run.adversary else self.run.loss(logits, targets)

    def weights(self) -> dict[str, torch.Tensor]:
        """Copy the weights that are validated to the CPU."""
        network = self.average.network if self.average else self.network
        return copy_to_cpu(network.state_dict())

    def wake(self, epoch: int) -> None:
        """Let the frozen parts learn whose epoch has come."""
        first = self.run.params.unfreeze_epoch
        every = self.run.params.unfreeze_every
        if first and epoch >= first:
            awake = 1 + (epoch - first) // every if every else len(self.asleep)
            for parameters in self.asleep[:awake]:
                unfreeze(parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next update depends on but random streams."""
        scaler = self.run.accelerator.scaler
        return {
            "network": copy_to_cpu(self.network.state_dict()),
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "memory": self.memory.state_dict() if self.memory else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.network.load_state_dict(state["network"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.run.accelerator.scaler:
            self.run.accelerator.scaler.load_state_dict(state["scaler"])
        if self.memory:
            self.memory.load_state_dict(state["memory"])


def build_state(classifier: Classifier, images: Batches, run: Run) -> TrainState:
    """Put a classifier on the device, with what trains it on these images."""
    params = run.params
    accelerator = run.accelerator
    network = classifier.network
    layout, note = lay_out(classifier, params.channels_last, accelerator.device)
    if note:
        run.say(f"train: {note}")
    at_once = run.images_at_once(classifier, images)
    groups = parameter_groups(network, params.optimizer, params.weight_decay, params.layer_decay)
    optimizer = build_optimizer(groups, params.optimizer, params.lr, params.momentum, params.lookahead)
    average = build_average(network, params)
    if accelerator.num_processes > 1:
        network = share_batch_statistics(network)
    kept = {"layout_optimization": False} if note else None  # torch.compile would take channels_last by itself
    learner = torch.compile(network, options=kept) if params.compile else network
    validated = classifier.with_network(average.network if average else learner)  # not what synchronises processes
    classifier.network, optimizer = accelerator.prepare(learner, optimizer)
    for module in (classifier, validated, run.loss):
        module.to(accelerator.device)
    steps = steps_per_epoch(len(images), params.batch_size)
    warmup = round(params.warmup_epochs * steps)
    schedule = build_schedule(
        optimizer.optimizer, params.schedule, params.schedule_shape, warmup, params.epochs * steps
    )
    if params.freeze_batch_norm:
        freeze_batch_norms(network)
    asleep = wake_order(network, freeze(network, params.freeze), gradually=params.unfreeze_every > 0)
    memory = build_memory(images, run)
    return TrainState(
        classifier, network, layout, validated, average, optimizer, schedule, run, asleep, at_once, memory
    )


def build_average(network: nn.Module, params: TrainParams) -> WeightAverage | None:
    """Build the average that `average.method` names, or none."""
    if params.average.method == "none":
        return None
    start = min(params.epochs - 1, round(params.average.swa_start * params.epochs))
    return WeightAverage(network, params.average.method, params.average.ema_decay, start)


def build_memory(images: Batches, run: Run) -> EarlyLearning | None:
    """Build what remembers the predictions of training images where `noise` asks for it.

    Raises
    ------
    SightlineError
        Several processes train, of which each would remember its own share alone.
    """
    noise = run.params.noise
    if noise not in MEMORIES:
        return None
    if run.accelerator.num_processes > 1:
        raise SightlineError(f"params.yaml: noise: {noise} needs one process: set launch: python")
    return MEMORIES[noise](run.loss, images.labels, images.classes, run.params.epochs)


def copy_to_cpu(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
