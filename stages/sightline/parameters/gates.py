"""The schema of what a model must reach; params.yaml explains each key."""

from sightline.common.params import NotNegative, Probability, Share, StageParams, StrictModel


class GatesSection(StrictModel):
    """The section `gates`."""

    min_accuracy: Probability
    min_f1_macro: Probability
    max_ece: Probability
    min_worst_slice: Probability
    max_file_mb: NotNegative
    not_worse_than: str
    not_worse_level: Share


class GateParams(StageParams):
    """The keys that evaluate and export read to refuse a model."""

    gates: GatesSection
