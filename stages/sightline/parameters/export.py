"""The schema of export; params.yaml explains each key."""

from typing import Literal

from pydantic import Field

from sightline.common.params import Arithmetic, Count, Name, StrictModel
from sightline.parameters.gates import GateParams

Format = Literal["pt2", "torchscript"]
Variant = Literal["fp16", "int8_dynamic", "int8_static"]


class ExportSection(StrictModel):
    """The section `export`."""

    opset: int = Field(ge=18, le=24)
    formats: list[Format]
    quantize: list[Variant]
    calibration_images: Count
    max_accuracy_drop: float = Field(ge=0, le=1)
    prune: float = Field(ge=0, lt=1)
    intended_use: Name


class ExportParams(GateParams):
    """The keys that export reads."""

    arithmetic: Arithmetic
    memory_mb: Count
    export: ExportSection
