"""The schema of train: every key of params.yaml that training reads, with its range."""

from typing import Literal

from pydantic import Field, model_validator

from sightline.common.params import StageParams


class TrainParams(StageParams):
    """Validated parameters of the train stage; params.yaml explains each of them."""

    seed: int = Field(ge=0)
    model: str = Field(min_length=1)
    pretrained: bool
    drop_rate: float = Field(ge=0, lt=1)
    normalization: Literal["dataset", "network"]
    input_size: int = Field(ge=0)

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    accumulate: int = Field(ge=1)
    optimizer: Literal["adamw", "adam", "sgd", "rmsprop", "lamb", "lion"]
    lr: float = Field(gt=0)
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    schedule: Literal["cosine", "one_cycle", "step", "constant"]
    warmup_epochs: float = Field(ge=0)
    clip_grad_norm: float = Field(ge=0)

    loss: Literal["cross_entropy"]
    label_smoothing: float = Field(ge=0, lt=1)

    crop_padding: int = Field(ge=0)
    horizontal_flip: float = Field(ge=0, le=1)
    vertical_flip: float = Field(ge=0, le=1)

    precision: Literal["fp32", "bf16", "fp16"]
    channels_last: bool
    monitor: Literal["val/loss", "val/accuracy", "val/f1_macro"]
    keep: Literal["best", "last"]

    @model_validator(mode="after")
    def batches_divide(self) -> "TrainParams":
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate: {self.accumulate} must divide batch_size ({self.batch_size})")
        return self
