"""fastai's learner as a contender."""

from collections.abc import Callable

from own import LABEL_SMOOTHING, SGD, Setting
from peers import WORKERS

VALIDATION = 0.01  # fastai wants some; no window is so long that it is looked at


def fastai_learner(setting: Setting, tick: Callable[[], None]) -> None:
    """Train the same network with `Learner.fit`, two workers, and what fastai offers for crop and flip.

    Zoom and flip are one affine transform of the whole batch: of what it offers, the cheapest. It computes in bf16 on
    CUDA alone.
    """
    from functools import partial

    import fastai.callback.all  # noqa: F401  (gives learners no_bar and to_bf16)
    import torch
    from fastai.callback.core import Callback
    from fastai.learner import Learner
    from fastai.losses import LabelSmoothingCrossEntropyFlat
    from fastai.optimizer import SGD as Optimizer
    from fastai.vision.augment import aug_transforms
    from fastai.vision.data import ImageDataLoaders

    from sightline.common.device import pick_device
    from sightline.networks.architectures.build import build_network

    device = pick_device()

    class Ticking(Callback):
        def after_batch(self):
            if self.training:
                tick()

    loaders = ImageDataLoaders.from_folder(
        setting.images,
        valid_pct=VALIDATION,
        seed=0,
        batch_tfms=aug_transforms(max_rotate=0.0, max_lighting=0.0, max_warp=0.0),
        bs=setting.batch_size,
        num_workers=WORKERS,
        persistent_workers=True,
        device=device,
    )
    network = build_network(setting.model, setting.classes, setting.size, pretrained=False)
    network = network.to(memory_format=torch.channels_last)
    options = {"opt_func": partial(Optimizer, mom=SGD["momentum"], wd=SGD["weight_decay"]), "cbs": Ticking()}
    learner = Learner(loaders, network, loss_func=LabelSmoothingCrossEntropyFlat(LABEL_SMOOTHING), **options)
    if setting.bf16 and device.type == "cuda":
        learner.to_bf16()
    with learner.no_bar(), learner.no_logging():
        learner.fit(1_000_000, lr=SGD["lr"])
