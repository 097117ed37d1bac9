"""What the benchmark of pretraining compares, as changes to params.yaml."""

from typing import Any

PERCENT = (1, 10)  # of the training images, with a label
COMMON = {
    "model": "simple_cnn",
    "arithmetic": "native",
    "precision": "bf16",
    "keep": "last",
    "warmup_epochs": 0,
    "augment.crop_padding": 4,  # random resized crops cost four points here
    "augment.horizontal_flip": 0.5,
    "augment.color_jitter": [0.2, 0.2, 0.2, 0.05],
}
WAYS: dict[str, dict[int, dict[str, Any]]] = {  # percent -> changes
    "probe": {1: {"head_init": "probe", "epochs": 0}, 10: {"head_init": "probe", "epochs": 0}},
    "tuned": {
        1: {"head_init": "probe", "lr": 3e-3, "epochs": 100},
        10: {"head_init": "probe", "lr": 3e-3, "epochs": 30},
    },
    "scratch": {1: {"epochs": 200}, 10: {"epochs": 100}},
}


METHODS: dict[str, dict[str, Any]] = {  # changes to params.yaml besides those of `pretraining`
    "simclr": {},
    "moco": {"pretrain.lr": 2e-3},
}


def pretraining(method: str) -> dict[str, Any]:
    """Return how a method learns without labels."""
    return {
        "input_size": 24,  # of views: cut out and enlarged less, things look as large as in whole images of 32 px
        "pretrain.method": method,
        "pretrain.epochs": 28,
        "pretrain.batch_size": 128,
        "pretrain.lr": 4e-3,
        "pretrain.temperature": 0.1,
        "pretrain.queue": 1024,
        "pretrain.warmup_epochs": 0.5,
        **METHODS[method],
    }
