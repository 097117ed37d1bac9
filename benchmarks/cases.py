"""The rows in which contenders train side by side: who, on which images, with which parameters, what to reach."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastai_peer import fastai_learner
from own import LABEL_SMOOTHING, SGD, Setting, ideal_loop
from peers import torchvision_loop
from timm_peer import BEST, DEFAULTS, train_script
from ultralytics_peer import ultralytics_trainer

SIGHTLINE = "Sightline"
FULL = "Sightline, all augmentation"
IDEAL = "ideal loop"
IMAGE_FOLDER = "ImageFolder, DataLoader, v2"
TIMM = "timm"
TIMM_ALLOCATOR = "timm, allocator raised"
TIMM_DEFAULTS = "timm, its defaults"
FASTAI = "fastai"
ULTRALYTICS = "Ultralytics"
PACKAGES = {FASTAI: "fastai", ULTRALYTICS: "ultralytics"}  # left out where they are not installed

OPTIMIZATION = {
    "epochs": 1_000_000,
    "optimizer": "sgd",
    "lr": SGD["lr"],
    "momentum": SGD["momentum"],
    "weight_decay": SGD["weight_decay"],
    "schedule": "constant",
    "warmup_epochs": 0.0,
    "label_smoothing": LABEL_SMOOTHING,
    "keep": "last",
}
CROP_FLIP = {"augment.crop_padding": 4, "augment.horizontal_flip": 0.5}
RESIZED_CROP_FLIP = {
    "augment.random_resized_crop": True,
    "augment.crop_scale": [0.08, 1.0],
    "augment.horizontal_flip": 0.5,
}
EVERYTHING = CROP_FLIP | {
    "augment.rotation": 15.0,
    "augment.translation": 0.1,
    "augment.shear": 10.0,
    "augment.color_jitter": [0.4, 0.4, 0.4, 0.1],
    "augment.erasing": 0.25,
    "mixup": 0.2,
    "cutmix": 1.0,
}


@dataclass(frozen=True)
class Images:
    """A data set of the benchmark: the file below --data, and how it is stored."""

    archive: str
    copies: int  # of each image, so that an epoch has more than a handful of steps
    stored: int  # px
    classes: int


IMAGES = {"cifar10": Images("cifar10.zip", 1, 32, 10), "photos": Images("ants_bees.zip", 8, 256, 2)}


@dataclass(frozen=True)
class Case:
    """One row.

    Parameters
    ----------
    seconds : float
        Length of a window.
    stages : dict of str to dict
        Sightline's contenders and what each changes in params.yaml; the first one is compared with all the others.
    others : tuple of str
        Names of `OTHERS`.
    targets : dict of str to float
        How many times as fast as a contender the first one must be.
    """

    images: str
    model: str
    size: int
    batch_size: int
    bf16: bool
    seconds: float
    stages: dict[str, dict[str, Any]]
    others: tuple[str, ...]
    targets: dict[str, float]

    @property
    def params(self) -> dict[str, Any]:
        """Return what all of Sightline's contenders change in params.yaml."""
        return OPTIMIZATION | {
            "model": self.model,
            "batch_size": self.batch_size,
            "input_size": self.size,
            "arithmetic": "native",  # as the others compute
            "precision": "bf16" if self.bf16 else "fp32",
            "channels_last": True,  # faster in fp32 too
        }

    def setting(self, workspace: Path, images: Path) -> Setting:
        """Return what a contender needs to know."""
        classes = IMAGES[self.images].classes
        return Setting(workspace, images, self.model, classes, self.size, self.batch_size, self.bf16)


OTHERS: dict[str, Callable[[Path | None], Callable]] = {  # builders from the path of timm's script
    IDEAL: lambda script: ideal_loop,
    IMAGE_FOLDER: lambda script: torchvision_loop,
    TIMM: lambda script: partial(train_script, script, BEST),
    TIMM_ALLOCATOR: lambda script: partial(train_script, script, BEST, keep_memory=True),
    TIMM_DEFAULTS: lambda script: partial(train_script, script, DEFAULTS),
    FASTAI: lambda script: fastai_learner,
    ULTRALYTICS: lambda script: ultralytics_trainer,
}
PLAIN = {SIGHTLINE: CROP_FLIP}
ALL_OR_PLAIN = {FULL: EVERYTHING, SIGHTLINE: CROP_FLIP}
SIMPLE = {"images": "cifar10", "model": "simple_cnn", "size": 32, "batch_size": 128, "seconds": 2.0}
SIMPLE_RACE = SIMPLE | {
    "stages": PLAIN,
    "others": (IDEAL, IMAGE_FOLDER, FASTAI),
    "targets": {IDEAL: 0.95, IMAGE_FOLDER: 2.2},
}
AUGMENTED = SIMPLE | {"stages": ALL_OR_PLAIN, "others": (), "targets": {SIGHTLINE: 0.75}}
PORTABLE = "Sightline, portable"
CIFAR = {"images": "cifar10", "size": 32, "batch_size": 128, "seconds": 3.0}
COST = {  # of arithmetic: portable
    "bf16": False,
    "stages": {PORTABLE: CROP_FLIP | {"arithmetic": "portable"}, SIGHTLINE: CROP_FLIP},
    "others": (),
    "targets": {},
}
CASES = {
    "simple_cnn_fp32": Case(bf16=False, **SIMPLE_RACE),
    "simple_cnn_bf16": Case(bf16=True, **SIMPLE_RACE),
    "resnet18_32": Case(
        images="cifar10",
        model="resnet18",
        size=32,
        batch_size=128,
        bf16=True,
        seconds=3.0,
        stages=PLAIN,
        others=(IDEAL, TIMM, TIMM_ALLOCATOR, ULTRALYTICS, FASTAI),
        targets={IDEAL: 0.95, TIMM: 1.25},
    ),
    "resnet18_224": Case(
        images="photos",
        model="resnet18",
        size=224,
        batch_size=32,
        bf16=True,
        seconds=6.0,
        stages={SIGHTLINE: RESIZED_CROP_FLIP},
        others=(IDEAL, TIMM, TIMM_ALLOCATOR, TIMM_DEFAULTS),
        targets={IDEAL: 0.95, TIMM: 1.1, TIMM_DEFAULTS: 2.0},
    ),
    "augmentation_fp32": Case(bf16=False, **AUGMENTED),
    "augmentation_bf16": Case(bf16=True, **AUGMENTED),
    "portable_simple_cnn": Case(model="simple_cnn", **CIFAR, **COST),
    "portable_resnet18_32": Case(model="resnet18", **CIFAR, **COST),
    "portable_resnet18_224": Case(model="resnet18", images="photos", size=224, batch_size=32, seconds=8.0, **COST),
    "portable_vit": Case(model="vit_tiny_patch16_224", images="photos", size=224, batch_size=32, seconds=8.0, **COST),
}
