"""What shapes a training: sections of params.yaml, and a check of one key beside another."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from sightline.common.params import Count, NotNegative, Positive, Probability, Share, StrictModel

Adversarial = Literal["none", "pgd", "trades"]
Average = Literal["none", "ema", "swa"]


def ends_in_time(warmup: float, info: ValidationInfo) -> float:
    """Check for pydantic that a warm-up is no longer than the epochs, where there are any."""
    epochs = info.data.get("epochs", 0)  # not there where it is wrong itself
    if epochs and warmup > epochs:
        raise ValueError(f"must not be above epochs, {epochs}: lr would never be reached")
    return warmup


Warmup = Annotated[NotNegative, AfterValidator(ends_in_time)]  # behind `epochs` in its schema


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

    def refuse_untrained(self, architectures: list[str], epochs: int) -> None:
        """Raise ValueError where attacks are asked for and there is no training that they could be part of."""
        if self.method == "none":
            return
        if not epochs:
            raise ValueError(f"adversarial.method: {self.method} needs epochs above 0")
        handcrafted = next((name for name in architectures if "+" in name), None)
        if handcrafted:
            raise ValueError(
                f"adversarial.method: {self.method} is for networks: use none with {handcrafted}, or leave that out"
            )
