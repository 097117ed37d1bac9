"""What stays the same while a member trains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from tqdm import tqdm

from sightline.common.seeding import stream_seed
from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.parameters.train import TrainParams
from sightline.training.adversary import Adversary
from sightline.training.augmentation.mixing import Mixing
from sightline.training.augmentation.pipeline import Augmentation
from sightline.training.batches import Batches
from sightline.training.interrupt import StopRequest
from sightline.training.recipe.distillation import Distillation
from sightline.training.recipe.losses import Loss
from sightline.training.resuming.folder import ResumeFolder


@dataclass(frozen=True)
class Run:
    """Parameters, device, precision, class names, loss, random streams, log and saved states of one member's training.

    Only the main process has a `resume` folder.
    """

    params: TrainParams
    accelerator: Accelerator
    member: int
    names: list[str]
    loss: Loss
    augmentation: Augmentation
    mixing: Mixing
    distillation: Distillation | None
    adversary: Adversary | None
    log: Callable[[int, dict[str, float]], None]
    resume: ResumeFolder | None
    stop: StopRequest

    def seed(self, purpose: str, *position: int) -> int:
        """Return the seed of this member's stream for a purpose."""
        return stream_seed(self.params.seed, purpose, self.member, *position)

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def is_main(self) -> bool:
        return self.accelerator.is_main_process

    def images_at_once(self, classifier: Classifier, images: Batches) -> int:
        """Return how many images `memory_mb` holds where nothing is learnt from them."""
        with self.accelerator.autocast():
            return images_at_once(classifier, images.pixels.shape[1], self.params.memory_mb)

    @property
    def share(self) -> slice:
        """The part of a batch that this process takes; its parts go round the processes."""
        return slice(self.accelerator.process_index, None, self.accelerator.num_processes)

    @property
    def stop_now(self) -> bool:
        """Whether to save and end after this update; only for one process, as several would not agree on a step."""
        return self.stop.noted and self.accelerator.num_processes == 1

    def say(self, text: str) -> None:
        """Print a line above the progress bar, from one process."""
        if self.is_main:
            tqdm.write(text)

    def progress_bar(self, done: int, steps: int) -> tqdm:
        """Return a bar over the images of all epochs, shown by one process, on terminals."""
        size = self.params.batch_size
        hidden = None if self.is_main else True  # None: shown where there is a terminal
        return tqdm(initial=done * size, total=steps * size, desc="train", unit="img", disable=hidden)

    def is_begun(self) -> bool:
        """Tell, on every process, whether this member has a saved state."""
        return bool(broadcast_object_list([self.resume and self.resume.has(self.member)])[0])

    def load(self) -> dict[str, Any] | None:
        """Return this member's saved state, on every process."""
        state = [self.resume.load(self.member) if self.resume else None]
        return broadcast_object_list(state)[0]


@dataclass(frozen=True)
class Position:
    """A point between two updates: updates done in the epoch, its first rate, loss and accuracy of each, streams."""

    step: int
    lr: float
    seen: torch.Tensor
    images: torch.Tensor
    network: torch.Tensor
    devices: list[torch.Tensor]


class Streams:
    """One epoch's generators: `order` of the images and `images` for augmentation; torch's own is for the network."""

    def __init__(self, run: Run, epoch: int):
        self.device = run.accelerator.device
        self.order = torch.Generator().manual_seed(run.seed("shuffle", epoch))
        self.images = torch.Generator().manual_seed(run.seed("augment", epoch))
        process = run.accelerator.process_index
        torch.manual_seed(run.seed("network", epoch + 1, *([process] if process else [])))  # dropout and its kind

    def position(self, step: int, lr: float, seen: list[torch.Tensor]) -> Position:
        """Return the point after `step` updates."""
        return Position(
            step,
            lr,
            torch.stack(seen).cpu(),
            self.images.get_state(),
            torch.get_rng_state(),
            torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        )

    def go_to(self, position: Position) -> tuple[float, list[torch.Tensor]]:
        """Set the streams to where they were; return the epoch's first rate, and what was seen until then."""
        self.images.set_state(position.images)
        torch.set_rng_state(position.network)
        if position.devices:
            torch.cuda.set_rng_state_all(position.devices)
        return position.lr, list(position.seen.to(self.device))
