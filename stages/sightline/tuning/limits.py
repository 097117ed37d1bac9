"""What a trial's network costs, before it is trained: one that costs more than `limits` allow is not tried."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from sightline.deployment.cost import count_flops, count_parameters
from sightline.deployment.graph import build_graph, trace_program
from sightline.experiments.keys import unflatten
from sightline.images.store import DatasetSpec
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.architectures.head import Head, shape_head
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec
from sightline.parameters.whole import WholeParams
from sightline.tuning.objectives import time_model
from sightline.tuning.settings import Cost
from sightline.tuning.space import Values


def find_excess(values: Values, limits: dict[Cost, float], dataset: DatasetSpec) -> str | None:
    """Return which limit a network with these values of params.yaml misses first; None where it keeps them all.

    It is measured as it would be exported, with the weights that it starts from: they change no cost.

    Parameters
    ----------
    limits : dict
        The most of each cost; latency of one image on one thread of this machine, in ms of processor time.
    dataset : DatasetSpec
        How many classes and channels there are.
    """
    params = WholeParams.model_validate(unflatten(values))
    if any(is_handcrafted(name) for name in params.architectures):
        return "limits: what handcrafted features cost is known only when they are fitted"
    measures = list_measures(params, dataset)
    for cost, most in limits.items():
        found = measures[cost]()
        if found > most:
            return f"limits: {cost} {found:.6g} is above {most:g}"
    return None


def list_measures(params: WholeParams, dataset: DatasetSpec) -> dict[Cost, Callable[[], float]]:
    """Return what measures each cost of an untrained network, latency anew each time."""
    spec = describe_blank(params, dataset)
    decider = Decider(build_members(spec, params), Calibration(method="none", temperature=1.0, images=0)).eval()
    graph = cache(lambda: build_graph(trace_program(decider, spec), spec, params.export.opset))
    return {
        "parameters": lambda: count_parameters(decider),
        "macs": lambda: count_flops(decider, spec.preprocessing.image_size) // 2,
        "bytes": lambda: len(graph()),
        "latency_ms": lambda: time_model(graph()),
    }


def describe_blank(params: WholeParams, dataset: DatasetSpec) -> ModelSpec:
    """Return what model.json would say, but for normalisation."""
    side = params.prepare.image_size
    bands = params.prepare.channels
    return ModelSpec(
        classes=dataset.classes,
        preprocessing=replace(dataset.preprocessing, image_size=side, bands=bands),
        input_size=params.input_size or side,
        mean=[0.5] * bands,
        std=[0.5] * bands,
        members=[Member(architecture=name, file="", fold=None) for name in params.architectures],
        head=Head(**params.head.model_dump()),
    )


def build_members(spec: ModelSpec, params: WholeParams) -> list[Classifier]:
    """Build every member, untrained."""
    members = []
    for member in spec.members:
        name, classes = member.architecture, len(spec.classes)
        network = build_network(name, classes, spec.input_size, pretrained=False, channels=spec.channels)
        shape_head(network, spec.head, name, classes, spec.input_size, params.drop_rate)
        members.append(Classifier(network, spec.mean, spec.std, spec.input_size))
    return members
