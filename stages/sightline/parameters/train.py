"""The schema of train: every key of params.yaml that training reads, with its range; params.yaml explains each."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from sightline.common.params import (
    Arithmetic,
    Count,
    Name,
    NotNegative,
    Positive,
    Probability,
    Seed,
    StageParams,
)
from sightline.parameters.augment import AugmentSection
from sightline.parameters.network import ClassicalSection, HeadSection, NetworkSection
from sightline.parameters.sections import (
    AdversarialSection,
    AverageSection,
    ClipSection,
    DistillSection,
    ScheduleShape,
    Warmup,
)

Normalization = Literal["dataset", "network", "weights"]
HeadInit = Literal["zero", "timm", "probe", "prototypes", "known"]
FITTED = ("probe", "prototypes", "known")  # of head_init: what is fitted on features, a model by itself
Schedule = Literal[
    "constant", "cosine", "one_cycle", "step", "multistep", "exponential", "cyclic", "polynomial", "linear", "plateau"
]
LossName = Literal["cross_entropy", "focal", "bce"]
Noise = Literal["none", "prune", "reweight", "gce", "symmetric", "elr"]
ClassWeights = Literal["none", "balanced", "effective_number"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Monitor = Literal["val/loss", "val/accuracy", "val/balanced_accuracy", "val/f1_macro"]


class TrainParams(StageParams):
    """The keys that train reads."""

    arithmetic: Arithmetic
    memory_mb: Count
    seed: Seed
    model: Name | Annotated[list[Name], Field(min_length=1)]
    pretrained: bool
    weights: str
    network: NetworkSection
    head: HeadSection
    head_init: HeadInit
    freeze: Literal["none", "backbone"] | Annotated[int, Field(ge=1)]
    unfreeze_epoch: int = Field(ge=0)
    unfreeze_every: int = Field(ge=0)
    freeze_batch_norm: bool
    drop_rate: float = Field(ge=0, lt=1)
    drop_path_rate: float = Field(ge=0, lt=1)
    normalization: Normalization
    input_size: int = Field(ge=0)
    ensemble: Literal["mean", "stack"]
    stack_c: Positive

    epochs: int = Field(ge=0)
    batch_size: Count
    accumulate: Literal["auto"] | Count
    checkpointing: bool
    optimizer: Name
    lookahead: bool
    lr: Positive
    momentum: float = Field(ge=0, lt=1)
    weight_decay: NotNegative
    layer_decay: float = Field(gt=0, le=1)
    schedule: Schedule
    schedule_shape: ScheduleShape
    warmup_epochs: Warmup
    clip: ClipSection
    average: AverageSection
    patience: int = Field(ge=0)
    min_delta: NotNegative

    loss: LossName
    label_smoothing: float = Field(ge=0, lt=1)
    focal_gamma: NotNegative
    noise: Noise
    class_weights: ClassWeights
    effective_beta: float = Field(ge=0, lt=1)
    logit_adjustment: NotNegative
    sampler: Literal["shuffle", "balanced"]
    sampler_power: Probability
    l1: NotNegative
    distill: DistillSection
    rehearsal: int = Field(ge=0)
    adversarial: AdversarialSection
    classical: ClassicalSection

    mixup: NotNegative
    cutmix: NotNegative
    augment: AugmentSection

    precision: Precision
    channels_last: bool
    compile: bool
    monitor: Monitor
    keep: Literal["best", "last"]

    @property
    def architectures(self) -> list[str]:
        """The names with their size where `network` asks for another than theirs."""
        return [self.network.sized(name) for name in self.named]

    @property
    def named(self) -> list[str]:
        """The names that `model` lists, or its only one."""
        return [self.model] if isinstance(self.model, str) else self.model

    @field_validator("model")
    @classmethod
    def architectures_differ(cls, model: str | list[str]) -> str | list[str]:
        if len(set(model)) < len(model) and isinstance(model, list):
            raise ValueError("an architecture must not stand twice")
        return model

    @model_validator(mode="after")
    def weights_fit_their_use(self) -> "TrainParams":
        if self.weights and self.pretrained:
            raise ValueError("pretrained: must be false where weights names a file")
        if self.weights and len(self.named) > 1:
            raise ValueError("weights: one file cannot start several architectures")
        if self.freeze_batch_norm and not (self.weights or self.pretrained):
            raise ValueError("freeze_batch_norm: true needs weights or pretrained: a new network's norms know nothing")
        if not self.weights and (self.rehearsal or self.head_init == "known"):
            raise ValueError("weights: must name a copy of a models/trained for rehearsal and head_init: known")
        if self.normalization == "weights" and not self.weights:
            raise ValueError("normalization: weights needs weights to name a file or an earlier models/trained")
        return self

    @model_validator(mode="after")
    def networks_suit_the_sections(self) -> "TrainParams":
        self.network.refuse_unsized(self.named)
        self.adversarial.refuse_untrained(self.named, self.epochs)
        return self

    @model_validator(mode="after")
    def something_is_fitted(self) -> "TrainParams":
        if not self.epochs and self.head_init not in FITTED:
            choices = f"{', '.join(FITTED[:-1])} or {FITTED[-1]}"
            raise ValueError(f"epochs: 0 trains nothing: it needs head_init: {choices} (got {self.head_init!r})")
        if self.head.hidden and self.head_init in FITTED:
            raise ValueError(
                f"head_init: {self.head_init} is one linear layer: it needs head.hidden: 0, or use zero or timm"
            )
        return self

    @model_validator(mode="after")
    def adjusted_logits_go_through_a_softmax(self) -> "TrainParams":
        if self.logit_adjustment and self.loss == "bce":
            raise ValueError("logit_adjustment: needs loss: cross_entropy or focal, whose classes compete")
        return self

    @model_validator(mode="after")
    def labels_are_judged_by_given_weights(self) -> "TrainParams":
        if self.noise == "prune" and not (self.weights or self.pretrained):
            raise ValueError("noise: prune needs weights or pretrained: a new network sees too little")
        if self.noise == "prune" and self.head.hidden:
            raise ValueError("noise: prune needs head.hidden: 0, as that layer is new")
        return self

    @model_validator(mode="after")
    def noise_is_learnt_with_epoch_by_epoch(self) -> "TrainParams":
        if self.noise in ("none", "prune"):
            return self
        if not self.epochs:
            raise ValueError(f"noise: {self.noise} needs epochs above 0")
        handcrafted = next((name for name in self.named if "+" in name), None)
        if handcrafted:
            raise ValueError(f"noise: {self.noise} is for networks: use none with {handcrafted}, or leave that out")
        if self.noise in ("gce", "symmetric") and self.loss != "cross_entropy":
            raise ValueError(f"noise: {self.noise} is a loss itself: it needs loss: cross_entropy (got {self.loss!r})")
        mixed = self.mixup or self.cutmix or self.adversarial.method != "none"
        if self.noise in ("elr", "reweight") and mixed:
            raise ValueError(
                f"noise: {self.noise} remembers single images as they are: it needs mixup: 0, cutmix: 0 and "
                "adversarial.method: none"
            )
        return self

    @model_validator(mode="after")
    def batches_divide(self) -> "TrainParams":
        if self.accumulate != "auto" and self.batch_size % self.accumulate:
            raise ValueError(f"accumulate: {self.accumulate} must divide batch_size ({self.batch_size})")
        return self

    @model_validator(mode="after")
    def portable_is_exact(self) -> "TrainParams":
        if self.arithmetic == "portable" and self.precision != "fp32":
            raise ValueError(f"precision: {self.precision} needs arithmetic: native (portable computes in fp32)")
        if self.arithmetic == "portable" and self.compile:
            raise ValueError("compile: true needs arithmetic: native (it writes code for this processor)")
        return self
