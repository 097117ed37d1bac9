"""The sections of params.yaml that say what a network looks like: its size, its head, what handcrafted ones fit."""

from typing import Literal, get_args

from pydantic import Field

from sightline.common.params import Count, Positive, StrictModel

Pool = Literal["network", "avg", "max", "avgmax", "catavgmax"]
Sized = Literal[
    "simple_cnn",
    "cnn",
    "cnn_residual",
    "attention_resnet",
    "attention_densenet",
    "attention_hybrid",
    "cifarnet",
    "cifarnet_wide",
]


class NetworkSection(StrictModel):
    """The section `network`: the size of Sightline's own convolutional networks."""

    width: float = Field(ge=0.125, le=32)
    depth: int = Field(ge=1, le=16)

    def refuse_unsized(self, architectures: list[str]) -> None:
        """Raise ValueError where another size is asked for, and a network comes in one."""
        fixed = [name for name in architectures if name not in get_args(Sized)]
        if fixed and (self.width, self.depth) != (1, 1):
            raise ValueError(
                f"network: {fixed[0]} comes in one size: set width: 1.0 and depth: 1; {', '.join(get_args(Sized))} "
                f"come in others"
            )

    def sized(self, architecture: str) -> str:
        """Return the name that `build_network` takes: ``cnn_w2_d3`` is twice as wide, three times as deep."""
        width = f"_w{self.width:g}" if self.width != 1 else ""
        depth = f"_d{self.depth}" if self.depth != 1 else ""
        return f"{architecture}{width}{depth}"


class HeadSection(StrictModel):
    """The section `head`."""

    hidden: int = Field(ge=0)
    pool: Pool


class ClassicalSection(StrictModel):
    """The section `classical`, of models on handcrafted features."""

    svm_c: Positive
    forest_trees: Count
    forest_depth: Count
