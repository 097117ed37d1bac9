"""Ultralytics' classification trainer as a contender, with torchvision's network of the same name and its own head."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from own import SGD, Setting
from peers import WORKERS

CHANNELS = 512  # that resnet18 ends with


def ultralytics_trainer(setting: Setting, tick: Callable[[], None]) -> None:
    """Train as `yolo classify train` does, with resized crop and flip as its only augmentation.

    It computes in bf16 on CUDA alone. On a CPU it would read images in the training process; here it gets two workers,
    as all peers.
    """
    from ultralytics.models.yolo.classify import ClassificationTrainer

    from sightline.common.device import pick_device

    os.chdir(setting.workspace)  # it writes into the current folder
    device = pick_device().type
    validation = setting.images / "val"
    if not validation.exists():  # it wants one; no window is so long that it is looked at
        validation.symlink_to("train")
    arguments = {
        "model": str(describe_network(setting)),
        "pretrained": False,
        "data": str(setting.images),
        "imgsz": setting.size,
        "batch": setting.batch_size,
        "epochs": 1_000_000,
        "device": device,
        "amp": "bf16" if setting.bf16 and device == "cuda" else False,
        "optimizer": "SGD",
        "lr0": SGD["lr"],
        "momentum": SGD["momentum"],
        "weight_decay": SGD["weight_decay"],
        "warmup_epochs": 0,
        "auto_augment": None,
        "erasing": 0.0,
        "hsv_h": 0.0,
        "hsv_s": 0.0,
        "hsv_v": 0.0,
        "val": False,
        "plots": False,
        "project": str(setting.workspace / "ultralytics"),
    }
    trainer = ClassificationTrainer(overrides=arguments)
    trainer.args.workers = WORKERS
    trainer.add_callback("on_train_batch_end", lambda _: tick())
    trainer.train()


def describe_network(setting: Setting) -> Path:
    """Write torchvision's network without its last two layers, and a head in their place, as Ultralytics' YAML."""
    path = setting.workspace / f"{setting.model}-cls.yaml"
    backbone = [[-1, 1, "TorchVision", [CHANNELS, setting.model, None, True, 2]]]
    path.write_text(json.dumps({"nc": setting.classes, "backbone": backbone, "head": [[-1, 1, "Classify", ["nc"]]]}))
    return path
