"""The schema of the section `pretrain`, which `make pretrain` reads besides train's keys; params.yaml explains it."""

from typing import Annotated, Literal

from pydantic import Field

from sightline.common.params import AreaSpan, Count, Name, NotNegative, Positive, Probability, StrictModel
from sightline.parameters.train import Schedule, TrainParams

Method = Literal["none", "simclr", "simsiam"]


class ViewsSection(StrictModel):
    """The section `pretrain.views`."""

    crop_scale: AreaSpan
    color_jitter: Annotated[list[NotNegative], Field(min_length=4, max_length=4)]
    grayscale: Probability
    gaussian_blur: Probability


class PretrainSection(StrictModel):
    """The section `pretrain`."""

    method: Method
    epochs: Count
    batch_size: int = Field(ge=2)
    optimizer: Name
    lr: Positive
    weight_decay: NotNegative
    schedule: Schedule
    warmup_epochs: NotNegative
    temperature: Positive
    hidden: Count
    dimensions: Count
    neighbours: Count
    views: ViewsSection


class PretrainParams(TrainParams):
    """The keys that `make pretrain` reads."""

    pretrain: PretrainSection
