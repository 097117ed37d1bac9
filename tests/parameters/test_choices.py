"""What a parameter may say is what the code has a builder for, and nothing else."""

from typing import get_args

import pytest

from sightline.deployment.variants import VARIANTS
from sightline.explaining.methods.catalogue import METHODS
from sightline.networks.architectures.build import OWN_NETWORKS
from sightline.networks.architectures.own.pooled import POOLS
from sightline.networks.calibration import CALIBRATORS
from sightline.networks.decider import VIEWS
from sightline.parameters import augment, evaluate, export, gradcam, network, pretrain, train
from sightline.pretraining.learners import LEARNERS
from sightline.scoring.robustness.attacks import ATTACKS
from sightline.scoring.robustness.corruptions import CORRUPTIONS
from sightline.training.augmentation.policies import POLICIES
from sightline.training.devices import MIXED_PRECISION
from sightline.training.first_head import HEADS
from sightline.training.recipe.losses import LOSSES
from sightline.training.recipe.normalization import NORMALIZATIONS
from sightline.training.recipe.schedules import CURVES
from sightline.training.recipe.wrong_labels.memory import MEMORIES
from sightline.training.recipe.wrong_labels.robust_losses import ROBUST


@pytest.mark.parametrize(
    ("choices", "builders"),
    [
        (augment.Policy, {"none", *POLICIES}),
        (evaluate.Views, VIEWS),
        (evaluate.CalibrationMethod, CALIBRATORS),
        (evaluate.Corruption, CORRUPTIONS),
        (evaluate.Attack, ATTACKS),
        (export.Variant, VARIANTS),
        (gradcam.Method, METHODS),
        (pretrain.Method, {"none", *LEARNERS}),
        (train.LossName, LOSSES),
        (train.Noise, {"none", "prune", *ROBUST, *MEMORIES}),
        (train.Schedule, CURVES),
        (train.Normalization, NORMALIZATIONS),
        (train.HeadInit, HEADS),
        (network.Sized, OWN_NETWORKS),
        (network.Pool, {"network", *POOLS}),
        (train.Precision, {"auto", *MIXED_PRECISION}),
    ],
)
def test_every_choice_has_a_builder(choices, builders):
    assert set(get_args(choices)) == set(builders)
