"""What stays the same while a network learns without labels, and what of it changes."""

from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch.optim.lr_scheduler import LambdaLR

from sightline.common.seeding import stream_seed
from sightline.networks.classifier import Classifier
from sightline.parameters.pretrain import PretrainParams
from sightline.pretraining.images import UnlabelledImages
from sightline.pretraining.methods.learner import Learner
from sightline.pretraining.views import Views
from sightline.training.batches import steps_per_epoch
from sightline.training.interrupt import StopRequest
from sightline.training.recipe.optim import build_optimizer, parameter_groups
from sightline.training.recipe.schedules import build_schedule
from sightline.training.resuming.folder import ResumeFolder
from sightline.training.state import copy_to_cpu

MEMBER = 0  # of the saved states: there is one


@dataclass(frozen=True)
class PretrainRun:
    """Parameters, device and precision, how views are drawn, random streams and saved states."""

    params: PretrainParams
    accelerator: Accelerator
    views: Views
    resume: ResumeFolder
    stop: StopRequest

    def seed(self, purpose: str, *position: int) -> int:
        """Return the seed of the stream for a purpose."""
        return stream_seed(self.params.seed, f"pretrain {purpose}", *position)


@dataclass
class Learning:
    """What changes, and from which images: the learner, its optimizer and learning rate.

    `classifier` gives the features of stored pixels, by the learner's own backbone; `updates` is how many there will be
    in all epochs.
    """

    images: UnlabelledImages
    learner: Learner
    classifier: Classifier
    layout: torch.memory_format
    optimizer: AcceleratedOptimizer
    schedule: LambdaLR
    updates: int
    accelerator: Accelerator

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next update depends on but random streams."""
        scaler = self.accelerator.scaler
        return {
            "learner": copy_to_cpu(self.learner.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.learner.load_state_dict(state["learner"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])


def build_learning(
    learner: Learner, classifier: Classifier, layout: torch.memory_format, images: UnlabelledImages, run: PretrainRun
) -> Learning:
    """Put optimizer and schedule beside a learner that is on its device."""
    chosen = run.params.pretrain
    groups = parameter_groups(learner, chosen.optimizer, chosen.weight_decay, layer_decay=1.0)
    optimizer = build_optimizer(
        groups, chosen.optimizer, chosen.lr, run.params.momentum, lookahead=False, key="pretrain.optimizer"
    )
    optimizer = run.accelerator.prepare(optimizer)
    steps = steps_per_epoch(len(images), chosen.batch_size)
    updates = chosen.epochs * steps
    warmup = round(chosen.warmup_epochs * steps)
    shape = run.params.schedule_shape
    schedule = build_schedule(optimizer.optimizer, chosen.schedule, shape, warmup, updates)
    return Learning(images, learner, classifier, layout, optimizer, schedule, updates, run.accelerator)
