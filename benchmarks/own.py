"""Sightline's train stage and the loop that nothing can beat, each as a contender.

Imports stand in the functions, so that a contender's memory is that of what it uses.
"""

import os
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workspace import TRAIN

SGD = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4, "nesterov": True}
LABEL_SMOOTHING = 0.1
SYNTHETIC_BATCHES = 4


@dataclass(frozen=True)
class Setting:
    """What the contenders of a case have in common."""

    workspace: Path  # a working folder of the stages: params.yaml and data/
    images: Path  # the same images as files, train/<class>/<image>
    model: str
    classes: int
    size: int  # px
    batch_size: int
    bf16: bool  # autocast


def train_stage(setting: Setting, tick: Callable[[], None]) -> None:
    """Run `python stages/train.py`, the real one, and tick after each step of its optimizer."""
    from sightline.common.arithmetic import hold_arithmetic

    os.chdir(setting.workspace)
    hold_arithmetic()  # before the hook brings torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(lambda *_: tick())
    sys.path.insert(0, str(Path(TRAIN).parent))
    sys.argv = [TRAIN]
    runpy.run_path(TRAIN, run_name="__main__")


def ideal_loop(setting: Setting, tick: Callable[[], None]) -> None:
    """Forward, backward and step on synthetic batches in memory, with the stage's allocator settings: nothing else."""
    import torch

    from sightline.common.device import pick_device
    from sightline.common.process import keep_freed_memory

    keep_freed_memory()
    step = make_step(setting)
    device = pick_device()
    shape = (setting.batch_size, 3, setting.size, setting.size)
    batches = [
        torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
        for _ in range(SYNTHETIC_BATCHES)
    ]
    labels = torch.randint(0, setting.classes, (setting.batch_size,), device=device)
    while True:
        for images in batches:
            step(images, labels)
            tick()


def make_step(setting: Setting):
    """Return a function that makes one update from normalised images [N, 3, H, W] and labels [N]."""
    import torch
    from torch.nn.functional import cross_entropy

    from sightline.common.device import pick_device
    from sightline.networks.architectures.build import build_network

    torch.manual_seed(0)
    device = pick_device()
    network = build_network(setting.model, setting.classes, setting.size, pretrained=False)
    network = network.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), **SGD)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=setting.bf16):
            logits = network(images)
        loss = cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
