"""The sections of params.yaml that shape a training; params.yaml explains each key."""

from typing import Literal

from pydantic import Field

from sightline.common.params import Count, NotNegative, Positive, Probability, Share, StrictModel

Adversarial = Literal["none", "pgd", "trades"]
Average = Literal["none", "ema", "swa"]


class ScheduleShape(StrictModel):
    """The section `schedule_shape`: what a schedule's curve is made of; each curve uses what it needs."""

    cycles: Count
    milestones: list[Probability]
    gamma: float = Field(gt=0, le=1)
    power: Positive
    floor: float = Field(ge=0, lt=1)
    patience: Count


class ClipSection(StrictModel):
    """The section `clip`."""

    norm: NotNegative
    value: NotNegative
    adaptive: NotNegative


class AverageSection(StrictModel):
    """The section `average`."""

    method: Average
    ema_decay: Share
    swa_start: Probability


class DistillSection(StrictModel):
    """The section `distill`."""

    teacher: str
    temperature: Positive
    weight: Probability


class AdversarialSection(StrictModel):
    """The section `adversarial`."""

    method: Adversarial
    epsilon: float = Field(gt=0, le=255)
    steps: Count
    trades_beta: Positive
