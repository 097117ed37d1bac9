"""What stays the same while a member trains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from tqdm import tqdm

from sightline.common.seeding import stream_seed
from sightline.training.augment import Augmentation
from sightline.training.distill import Distillation
from sightline.training.interrupt import StopRequest
from sightline.training.losses import Loss
from sightline.training.mix import Mixing
from sightline.training.resume import ResumeFolder
from sightline.training.settings import TrainParams


@dataclass(frozen=True)
class Run:
    """Parameters, device and precision, loss, random streams, log and saved states of one member's training.

    Only the main process has a `resume` folder.
    """

    params: TrainParams
    accelerator: Accelerator
    member: int
    loss: Loss
    augmentation: Augmentation
    mixing: Mixing
    distillation: Distillation | None
    log: Callable[[int, dict[str, float]], None]
    resume: ResumeFolder | None
    stop: StopRequest

    def seed(self, purpose: str, *position: int) -> int:
        """Return the seed of this member's stream for a purpose."""
        return stream_seed(self.params.seed, purpose, self.member, *position)

    @property
    def is_main(self) -> bool:
        return self.accelerator.is_main_process

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.params.channels_last else torch.contiguous_format

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

    def load(self) -> dict[str, Any] | None:
        """Return this member's saved state, on every process."""
        state = [self.resume.load(self.member) if self.resume else None]
        return broadcast_object_list(state)[0]
