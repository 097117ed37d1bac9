"""timm's train script as a contender: the script itself where its path is given, otherwise the parts it is made of.

At 32 px, too, its crop is a random resized one: of those that it offers, the cheapest.
"""

import runpy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from own import LABEL_SMOOTHING, SGD, Setting
from sightline.common.process import keep_freed_memory


@dataclass(frozen=True)
class Options:
    """Arguments of the script by its own names."""

    workers: int
    amp: bool  # in bfloat16
    channels_last: bool
    color_jitter: float
    train_interpolation: str


BEST = Options(workers=2, amp=True, channels_last=True, color_jitter=0.0, train_interpolation="bilinear")
DEFAULTS = Options(workers=4, amp=False, channels_last=False, color_jitter=0.4, train_interpolation="random")


def train_script(
    script: Path | None, options: Options, setting: Setting, tick: Callable[[], None], keep_memory: bool = False
) -> None:
    """Train as the script does and tick after each step; `keep_memory` lends it Sightline's allocator settings."""
    if keep_memory:
        keep_freed_memory()
    if script is None:
        train_with_parts(options, setting, tick)
        return
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(lambda *_: tick())
    sys.argv = [str(script), *script_arguments(options, setting)]
    runpy.run_path(str(script), run_name="__main__")


def script_arguments(options: Options, setting: Setting) -> list[str]:
    """Return the command line; validation is left out and the run goes on until it is stopped."""
    from sightline.common.device import pick_device

    arguments = f"--data-dir {setting.images} --train-split train --val-split= --epochs 1000000"
    arguments += f" --device {pick_device().type}"
    arguments += f" --output {setting.workspace / 'timm'} --model {setting.model} --num-classes {setting.classes}"
    arguments += f" --input-size 3 {setting.size} {setting.size} --batch-size {setting.batch_size}"
    arguments += f" --workers {options.workers} --color-jitter {options.color_jitter}"
    arguments += f" --train-interpolation {options.train_interpolation}"
    arguments += f" --opt sgd --lr {SGD['lr']} --momentum {SGD['momentum']} --weight-decay {SGD['weight_decay']}"
    arguments += f" --warmup-epochs 0 --smoothing {LABEL_SMOOTHING}"
    arguments += " --amp --amp-dtype bfloat16" * options.amp + " --channels-last" * options.channels_last
    return arguments.split()


def train_with_parts(options: Options, setting: Setting, tick: Callable[[], None]) -> None:
    """Train with timm's loader, prefetcher, loss, optimizer and meter, put together as the script does."""
    import torch
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.models import create_model
    from timm.optim import create_optimizer_v2
    from timm.utils import AverageMeter, random_seed

    from sightline.common.device import pick_device

    random_seed(42, 0)
    device = pick_device()
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    model = create_model(setting.model, num_classes=setting.classes).to(device, memory_format=layout).train()
    settings = {name: SGD[name] for name in ("lr", "momentum", "weight_decay")}  # timm's "sgd" is Nesterov's
    optimizer = create_optimizer_v2(model, opt="sgd", **settings)
    loss_of = LabelSmoothingCrossEntropy(smoothing=LABEL_SMOOTHING)
    losses = AverageMeter()
    autocast = torch.autocast(device.type, torch.bfloat16) if options.amp else nullcontext()
    loader = make_loader(options, setting, device)
    while True:
        for images, labels in loader:
            with autocast:
                loss = loss_of(model(images.contiguous(memory_format=layout)), labels)
            loss.backward()
            optimizer.step()
            losses.update(loss.item(), len(images))
            optimizer.zero_grad()
            tick()


def make_loader(options: Options, setting: Setting, device):
    """Return timm's loader with its random resized crop and flip, its workers, and its prefetcher."""
    from timm.data import create_dataset, create_loader

    images = create_dataset("", root=str(setting.images), split="train", is_training=True)
    return create_loader(
        images,
        input_size=(3, setting.size, setting.size),
        batch_size=setting.batch_size,
        is_training=True,
        color_jitter=options.color_jitter,
        interpolation=options.train_interpolation,
        num_workers=options.workers,
        device=device,
    )
