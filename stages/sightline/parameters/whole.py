"""The schema of all of params.yaml: every stage's keys at once."""

from sightline.common.params import Name
from sightline.parameters.evaluate import EvaluateParams
from sightline.parameters.export import ExportParams
from sightline.parameters.gradcam import GradcamParams
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.pretrain import PretrainParams
from sightline.parameters.split import SplitParams


class WholeParams(PrepareParams, SplitParams, PretrainParams, EvaluateParams, GradcamParams, ExportParams):
    """Every key of params.yaml; no stage reads `launch`, which dvc.yaml does, nor `pretrain`."""

    launch: Name
