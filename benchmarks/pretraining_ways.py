"""What the benchmark of pretraining compares, as changes to params.yaml."""

from typing import Any

PERCENT = (1, 10)  # of the training images, with a label
COMMON = {
    "model": "simple_cnn",
    "arithmetic": "native",
    "precision": "bf16",
    "keep": "last",
    "warmup_epochs": 0,
    "augment.random_resized_crop": True,
    "augment.crop_scale": [0.35, 1.0],
    "augment.horizontal_flip": 0.5,
    "augment.color_jitter": [0.2, 0.2, 0.2, 0.05],
}
WAYS: dict[str, dict[int, dict[str, Any]]] = {  # percent -> changes, chosen with seed 0 and --judge train
    "probe": {1: {"head_init": "probe", "epochs": 0}, 10: {"head_init": "probe", "epochs": 0}},
    "tuned": {
        1: {"head_init": "probe", "lr": 1e-3, "epochs": 50},
        10: {"head_init": "probe", "lr": 1e-3, "epochs": 30},
    },
    "scratch": {1: {"epochs": 600}, 10: {"epochs": 100}},
}


def pretraining(method: str) -> dict[str, Any]:
    """Return how a method learns without labels."""
    return {
        "pretrain.method": method,
        "pretrain.epochs": 12,
        "pretrain.batch_size": 128,
        "pretrain.lr": 4e-3,
        "pretrain.temperature": 0.1,
        "pretrain.warmup_epochs": 0.5,
    }
