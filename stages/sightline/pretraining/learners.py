"""Methods that learn from two views of each image without labels, by the name in params.yaml."""

from collections.abc import Callable

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner
from sightline.pretraining.methods.moco import MoCo
from sightline.pretraining.methods.simclr import SimCLR

LEARNERS: dict[str, Callable[[Backbone, PretrainSection], Learner]] = {
    "simclr": SimCLR,
    "moco": MoCo,
}
