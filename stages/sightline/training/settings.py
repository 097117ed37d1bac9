"""The schema of train: every key of params.yaml that training reads, with its range."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from sightline.common.params import StageParams, StrictModel

Probability = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]


def ascending(span: list[float]) -> list[float]:
    """Check a lowest and a highest value for pydantic.

    Raises
    ------
    ValueError
        They stand the wrong way round.
    """
    if span[0] > span[1]:
        raise ValueError(f"the first number ({span[0]}) must not be above the second ({span[1]})")
    return span


Span = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(ascending)]
Share = Annotated[float, Field(gt=0, le=1)]
AreaSpan = Annotated[list[Share], Field(min_length=2, max_length=2), AfterValidator(ascending)]


class DistillParams(StrictModel):
    """The section `distill`."""

    teacher: str
    temperature: Positive
    weight: Probability


class ClassicalParams(StrictModel):
    """The section `classical`, of models on handcrafted features."""

    svm_c: Positive
    forest_trees: int = Field(ge=1)
    forest_depth: int = Field(ge=1)


class TrainParams(StageParams):
    """Validated parameters of the train stage; params.yaml explains each of them."""

    seed: int = Field(ge=0)
    model: Name | Annotated[list[Name], Field(min_length=1)]
    pretrained: bool
    weights: str
    freeze: Literal["none", "backbone"] | Annotated[int, Field(ge=1)]
    unfreeze_epoch: int = Field(ge=0)
    unfreeze_every: int = Field(ge=0)
    drop_rate: float = Field(ge=0, lt=1)
    drop_path_rate: float = Field(ge=0, lt=1)
    normalization: Literal["dataset", "network", "weights"]
    input_size: int = Field(ge=0)
    ensemble: Literal["mean", "stack"]
    stack_c: Positive

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    accumulate: int = Field(ge=1)
    optimizer: str = Field(min_length=1)
    lookahead: bool
    lr: Positive
    momentum: float = Field(ge=0, lt=1)
    weight_decay: NotNegative
    layer_decay: float = Field(gt=0, le=1)
    schedule: Literal[
        "constant",
        "cosine",
        "one_cycle",
        "step",
        "multistep",
        "exponential",
        "cyclic",
        "polynomial",
        "linear",
        "plateau",
    ]
    schedule_cycles: int = Field(ge=1)
    schedule_milestones: list[Probability]
    schedule_gamma: float = Field(gt=0, le=1)
    schedule_power: Positive
    schedule_floor: float = Field(ge=0, lt=1)
    plateau_patience: int = Field(ge=1)
    warmup_epochs: NotNegative
    clip_grad_norm: NotNegative
    clip_grad_value: NotNegative
    clip_grad_adaptive: NotNegative
    averaging: Literal["none", "ema", "swa"]
    ema_decay: float = Field(gt=0, lt=1)
    swa_start: Probability
    patience: int = Field(ge=0)
    min_delta: NotNegative

    loss: Literal["cross_entropy", "focal", "bce"]
    label_smoothing: float = Field(ge=0, lt=1)
    focal_gamma: NotNegative
    class_weights: Literal["none", "balanced", "effective_number"]
    effective_beta: float = Field(ge=0, lt=1)
    logit_adjustment: NotNegative
    sampler: Literal["shuffle", "balanced"]
    sampler_power: Probability
    l1: NotNegative
    distill: DistillParams
    classical: ClassicalParams

    random_resized_crop: bool
    crop_scale: AreaSpan
    crop_ratio: Span
    crop_padding: int = Field(ge=0)
    horizontal_flip: Probability
    alternating_flip: bool
    vertical_flip: Probability
    rotation: float = Field(ge=0, le=180)
    translation: Probability
    shear: float = Field(ge=0, lt=90)
    auto_augment: Literal["none", "randaugment", "trivialaugment", "autoaugment", "augmix"]
    randaugment_ops: int = Field(ge=1)
    randaugment_magnitude: int = Field(ge=0, le=30)
    autoaugment_policy: Literal["imagenet", "cifar10", "svhn"]
    augmix_severity: int = Field(ge=1, le=10)
    color_jitter: Annotated[list[NotNegative], Field(min_length=4, max_length=4)]
    grayscale: Probability
    gaussian_blur: Probability
    blur_sigma: Span
    erasing: Probability
    erasing_area: AreaSpan
    erasing_ratio: Span
    mixup: NotNegative
    cutmix: NotNegative
    mix_prob: Probability
    mix_switch_prob: Probability

    precision: Literal["auto", "fp32", "bf16", "fp16"]
    channels_last: bool
    compile: bool
    trackers: list[Literal["tensorboard", "mlflow", "wandb"]]
    monitor: Literal["val/loss", "val/accuracy", "val/balanced_accuracy", "val/f1_macro"]
    keep: Literal["best", "last"]

    @property
    def architectures(self) -> list[str]:
        """The names that `model` lists, or its only one."""
        return [self.model] if isinstance(self.model, str) else self.model

    @field_validator("model")
    @classmethod
    def architectures_differ(cls, model: str | list[str]) -> str | list[str]:
        if len(set(model)) < len(model) and isinstance(model, list):
            raise ValueError("an architecture must not stand twice")
        return model

    @field_validator("color_jitter")
    @classmethod
    def hue_turns_by_half_at_most(cls, strengths: list[float]) -> list[float]:
        if strengths[3] > 0.5:
            raise ValueError("the fourth, hue, must be at most 0.5, half a turn")
        return strengths

    @model_validator(mode="after")
    def weights_fit_their_use(self) -> "TrainParams":
        if self.weights and self.pretrained:
            raise ValueError("pretrained: must be false where weights names a file")
        if self.weights and len(self.architectures) > 1:
            raise ValueError("weights: one file cannot start several architectures")
        if self.normalization == "weights" and not self.weights:
            raise ValueError("normalization: weights needs weights to name an earlier models/trained")
        return self

    @model_validator(mode="after")
    def adjusted_logits_go_through_a_softmax(self) -> "TrainParams":
        if self.logit_adjustment and self.loss == "bce":
            raise ValueError("logit_adjustment: needs loss: cross_entropy or focal, whose classes compete")
        return self

    @model_validator(mode="after")
    def batches_divide(self) -> "TrainParams":
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate: {self.accumulate} must divide batch_size ({self.batch_size})")
        return self
